"""Reading a dictionary of JSON's types: each field optional, each of the wrong type a ValueError that names
it. What is missing, None, not finite or beyond 1e100 comes back as None, inside a list of numbers as NaN."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from typing import Any, Final

_REMEDY = "pass what Comparison.to_dict() or its result.json gives"

# Beyond these a measurement is an overflow, or nothing; between them sums, squares and ranges are numbers.
_LARGEST: Final = 1e100
_SMALLEST: Final = 1e-100


class Fields:
    """A dictionary and where it was found."""

    def __init__(self, values: Any, where: str) -> None:
        if not isinstance(values, Mapping):
            raise _wrong(where, "a dictionary", values)
        self._values = values
        self._where = where

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def over(self, name: str, entry: str) -> Fields:
        """With an entry of the dictionary of dictionaries `name`, where it has that, before what is here."""
        own = self.named(name).get(entry)
        return self if own is None else Fields({**self._values, **own._values}, own._where)

    def raw(self, name: str) -> Any:
        return self._values.get(name)

    def names(self) -> list[str]:
        return [str(name) for name in self._values]

    def plain(self, name: str) -> dict[str, Any]:
        """A dictionary of anything; empty where it is missing."""
        group = self.group(name)
        return {} if group is None else {str(key): value for key, value in group._values.items()}

    def number(self, name: str) -> float | None:
        value = _number(self._values.get(name), self._path(name))
        return value if math.isfinite(value) else None

    def text(self, name: str) -> str | None:
        value = self._values.get(name)
        return None if value is None else _text(value, self._path(name))

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(_text(item, self._path(name)) for item in self._list(name))

    def numbers(self, name: str) -> tuple[float, ...]:
        return tuple(_number(item, self._path(name)) for item in self._list(name))

    def matrix(self, name: str) -> tuple[tuple[float, ...], ...]:
        """Rows of equal length."""
        rows = self._list(name)
        path = self._path(name)
        if any(not _is_list(row) for row in rows) or len({len(row) for row in rows}) > 1:
            raise _wrong(path, "rows of equal length", rows)
        return tuple(tuple(_number(item, path) for item in row) for row in rows)

    def group(self, name: str) -> Fields | None:
        value = self._values.get(name)
        return None if value is None else Fields(value, self._path(name))

    def groups(self, name: str) -> list[Fields]:
        """A list of dictionaries."""
        return [Fields(item, f"{self._path(name)}[{i}]") for i, item in enumerate(self._list(name))]

    def named(self, name: str) -> dict[str, Fields]:
        """A dictionary of dictionaries."""
        where = self._path(name)
        there = {key: value for key, value in self.plain(name).items() if value is not None}
        return {key: Fields(value, f"{where}[{key!r}]") for key, value in there.items()}

    def require(self, holds: bool, name: str, expected: str) -> None:
        if not holds:
            raise _wrong(self._path(name), expected, self._values.get(name))

    def _list(self, name: str) -> Sequence[Any]:
        value = self._values.get(name)
        if value is None:
            return ()
        if not _is_list(value):
            raise _wrong(self._path(name), "a list", value)
        checked: Sequence[Any] = value
        return checked

    def _path(self, name: str) -> str:
        return f"{self._where}[{name!r}]"


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _number(value: Any, where: str) -> float:
    if value is None:
        return math.nan
    if not isinstance(value, numbers.Real):
        raise _wrong(where, "a number", value)
    try:
        number = float(value)
    except OverflowError:
        return math.nan
    if not math.isfinite(number) or abs(number) > _LARGEST:
        return math.nan
    return 0.0 if abs(number) < _SMALLEST else number


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str | numbers.Real):
        raise _wrong(where, "text", value)
    return str(value)


def _wrong(where: str, expected: str, got: Any) -> ValueError:
    shown = repr(got)
    if len(shown) > 60:
        shown = f"{shown[:57]}..."
    return ValueError(f"{where} expects {expected}; got {shown}: {_REMEDY}")
