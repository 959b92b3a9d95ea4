"""Numbers as a reader wants them: sensible digits, a unit that fits, "none" for what is not a number."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

NONE = "none"
MINUS = "\N{MINUS SIGN}"
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Unit:
    """name: as printed. size: of one, in the unit the values are given in."""

    name: str
    size: float = 1.0


SECONDS = (Unit("µs", 1e-6), Unit("ms", 1e-3), Unit("s"), Unit("min", 60.0), Unit("h", 3600.0))
BYTES = (Unit("B"), Unit("kB", 1e3), Unit("MB", 1e6), Unit("GB", 1e9))


def fixed(value: float | None, decimals: int) -> str:
    """With this many digits after the point and a comma between thousands."""
    if value is None or not math.isfinite(value):
        return NONE
    text = f"{value:,.{decimals}f}"
    # What rounds to nothing has no sign.
    return text.replace("-", MINUS if any(digit in "123456789" for digit in text) else "")


def significant(value: float | None, digits: int = 3) -> str:
    """With this many significant digits; whole numbers whole, very large and small ones with a power of
    ten."""
    if value is None or not math.isfinite(value):
        return NONE
    if value == 0:
        return "0"
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    if -4 <= exponent < 6:
        whole = float(value).is_integer()
        return fixed(value, 0 if whole else max(0, digits - 1 - exponent))
    return power_of_ten(value, digits)


def power_of_ten(value: float, digits: int = 3) -> str:
    """As in 1.5×10⁻⁷."""
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    power = f"10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
    return power if mantissa == "1" else f"{mantissa.replace('-', MINUS)}×{power}"


def decimals(values: Iterable[float], most: int = 3) -> int:
    """Digits after the point with which the smallest of these values still has two; none where the largest
    is in the thousands."""
    sizes = [abs(value) for value in values if math.isfinite(value) and value]
    if not sizes or max(sizes) >= 1000 or all(size.is_integer() for size in map(float, sizes)):
        return 0
    return min(most, max(0, 1 - math.floor(math.log10(min(sizes)))))


def unit_for(values: Iterable[float], units: tuple[Unit, ...]) -> Unit:
    """The largest unit of which the largest value has at least one."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    return max((unit for unit in units if unit.size <= largest), key=lambda unit: unit.size, default=units[0])


def probability(value: float | None) -> str:
    """Three digits after the point, as p is reported."""
    if value is None or not math.isfinite(value):
        return NONE
    return "< 0.001" if value < 0.001 else fixed(value, 3)


def listed(names: Iterable[str]) -> str:
    """As in "rnn, lstm and gru"."""
    *most, last = list(names) or [NONE]
    return f"{', '.join(most)} and {last}" if most else last


def sentence(text: str) -> str:
    """With a capital at its beginning."""
    return text[:1].upper() + text[1:]


def counted(number: int, noun: str) -> str:
    """As in "1 seed" and "5 seeds"."""
    return f"{number:,} {noun}" + "s" * (number != 1)
