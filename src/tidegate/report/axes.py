"""Axes: round ticks that cover the data, and where a value falls between them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from tidegate.report.digits import fixed, power_of_ten

# A range narrower than this share of the values in it is rounding noise.
_NARROWEST = Fraction(1, 10**9)
_WIDENED = Fraction(1, 20)
_MOST_FINE_TICKS = 7


@dataclass(frozen=True)
class Axis:
    """From low to high, between which are all values of the data and two ticks at least, ascending. labels:
    as many as ticks."""

    low: float
    high: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]
    title: str = ""
    logarithmic: bool = False

    def share(self, value: float) -> float:
        """0 at low, 1 at high."""
        if self.logarithmic:
            return (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        # Halved, as the difference of two large numbers may be infinite.
        return (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)


def linear(values: Iterable[float], title: str = "", *, about: int = 5, limit: float | None = None) -> Axis:
    """From tick to tick, which are multiples of 1, 2 or 5 times a power of ten, about so many. limit: a whole
    number above which no value can be, and no tick."""
    low, high = _range(values)
    step, power = _step((high - low) / max(1, about - 1))
    first, last = math.floor(low / step), math.ceil(high / step)
    if limit is not None and high <= limit + _WIDENED:
        last = min(last, math.floor(limit / step))
    last = max(last, first + 1)
    ticks = _multiples(step, first, last)
    return Axis(ticks[0], ticks[-1], ticks, _labels(ticks, power), title)


def counting(last: int, title: str = "", *, about: int = 5) -> Axis:
    """From 0 to `last`, which need not be a tick: epochs, steps, units."""
    last = max(1, last)
    # A step is at most two and a half times what is asked for, so that one at least fits.
    step, power = _step(max(Fraction(1), min(Fraction(last, about - 1), Fraction(2 * last, 5))))
    ticks = _multiples(step, 0, math.floor(last / step))
    return Axis(0.0, float(last), ticks, _labels(ticks, power), title)


def logarithmic(values: Iterable[float], title: str = "") -> Axis:
    """From and to 1, 2 or 5 times a power of ten; ticks at all these where they fit, at powers of ten
    otherwise. Values above 0."""
    low, high = (float(end) for end in _range(values))
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
    fine = [float(digit * Fraction(10) ** power) for power in powers for digit in (1, 2, 5)]
    start = max(tick for tick in fine if 0 < tick <= low)
    end = min(tick for tick in fine if tick >= high and tick > start)
    ticks = [tick for tick in fine if start <= tick <= end]
    if len(ticks) > _MOST_FINE_TICKS:
        decades = [float(Fraction(10) ** power) for power in powers]
        ticks = [tick for tick in decades if start <= tick <= end]
        ticks = ticks[:: math.ceil(len(ticks) / _MOST_FINE_TICKS)]
    labels = tuple(_labels((tick,), math.floor(math.log10(tick) + 1e-9))[0] for tick in ticks)
    return Axis(start, end, tuple(ticks), labels, title, logarithmic=True)


def fitting(values: Iterable[float], title: str = "") -> Axis:
    """Logarithmic where the values are above 0 and the largest is many times the smallest."""
    finite = [value for value in values if math.isfinite(value)]
    if finite and min(finite) > 0 and max(finite) / min(finite) > 30:
        return logarithmic(finite, title)
    return linear(finite, title)


def _range(values: Iterable[float]) -> tuple[Fraction, Fraction]:
    """The smallest and the largest finite value, apart enough to draw an axis between."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return Fraction(0), Fraction(1)
    low, high = Fraction(min(finite)), Fraction(max(finite))
    size = max(abs(low), abs(high))
    if not size:
        return Fraction(0), Fraction(1)
    if high - low < size * _NARROWEST:
        return low - size * _WIDENED, high + size * _WIDENED
    return low, high


def _step(least: Fraction) -> tuple[Fraction, int]:
    """The smallest step that is at least this and 1, 2 or 5 times a power of ten, and this power."""
    power = math.floor(math.log10(least)) - 1 if least > Fraction(10) ** -300 else -301
    while True:
        for digit in (1, 2, 5):
            step = digit * Fraction(10) ** power
            if step >= least:
                return step, power
        power += 1


def _multiples(step: Fraction, first: int, last: int) -> tuple[float, ...]:
    """Each rounded once: 3 / 10 and not 3 * 0.1."""
    return tuple(float(number * step) for number in range(first, last + 1))


def _labels(ticks: tuple[float, ...], power: int) -> tuple[str, ...]:
    """With the digits that tell multiples of 10 ** power apart."""
    largest = max(map(abs, ticks))
    if 1e-3 <= largest < 1e6:
        return tuple(fixed(tick, max(0, -power)) for tick in ticks)
    digits = max(1, math.floor(math.log10(largest)) - power + 1)
    return tuple(power_of_ten(tick, digits) if tick else "0" for tick in ticks)
