"""The wording of errors: argument, what was expected, what was got, what to do."""

from __future__ import annotations

import math
import numbers
import os
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any


class TooLarge(MemoryError):
    """What was asked for needs more memory than there is. Nothing was done."""


def choice(argument: str, got: Any, options: Iterable[str]) -> str:
    """Return `got` if it is one of `options`; otherwise raise ValueError with the nearest of them."""
    names = list(options)
    if isinstance(got, str) and got in names:
        return got
    near = get_close_matches(str(got), names, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ValueError(
        f"{argument} expects one of {', '.join(names)}; got {got!r}: {hint}pass one of these names"
    )


def integer(argument: str, got: Any, minimum: int = 1, maximum: int = 2**31 - 1) -> int:
    """Return `got` as an int in [minimum, maximum]; otherwise raise ValueError."""
    whole = not isinstance(got, bool) and isinstance(got, (int, numbers.Integral))
    if not whole or not minimum <= got <= maximum:
        raise ValueError(
            f"{argument} expects a whole number from {minimum} to {maximum}; got {got!r}: "
            "pass one in that range"
        )
    return int(got)


def real(
    argument: str, got: Any, minimum: float = 0.0, maximum: float = math.inf, *, above: bool = False
) -> float:
    """Return `got` as a finite float in [minimum, maximum] (above=True: minimum excluded); else raise
    ValueError."""
    low = "above" if above else "from"
    number = not isinstance(got, bool) and isinstance(got, numbers.Real) and math.isfinite(got)
    if not number or not minimum <= got <= maximum or (above and got == minimum):
        upper = "" if maximum == math.inf else f" to {maximum:g}"
        raise ValueError(
            f"{argument} expects a finite number {low} {minimum:g}{upper}; got {got!r}: "
            "pass one in that range"
        )
    return float(got)


def hold(record: Any, check: Callable[..., Any], *names: str, called: str = "", **limits: Any) -> None:
    """Check these fields of a frozen record by `integer` or `real`, and hold them as it returns them: a
    number of any type as Python's. called: in errors; "": by the field's name."""
    for name in names:
        object.__setattr__(record, name, check(called or name, getattr(record, name), **limits))


def there(argument: str, path: str | os.PathLike[str]) -> Path:
    """The path, where something is; otherwise FileNotFoundError with the nearest name in its folder."""
    if not isinstance(path, str | os.PathLike):
        raise ValueError(f"{argument} expects the path of a file; got {type(path).__name__}: pass one")
    found = Path(path)
    if found.is_dir():
        raise IsADirectoryError(f"{argument} expects a file; got the folder {found}: pass a file in it")
    if found.exists():
        return found
    folder = found.parent
    names = sorted(item.name for item in folder.iterdir()) if folder.is_dir() else []
    near = get_close_matches(found.name, names, n=1, cutoff=0.6)
    hint = f"did you mean {folder / near[0]}?" if near else "pass the path of one that does"
    raise FileNotFoundError(f"{argument} expects a file; got {found}, which does not exist: {hint}")
