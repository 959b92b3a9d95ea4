"""One column of a table, and its conversion to another type.

S rows of a table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.data.times import parse_dates

# Types of columns that can be used; others have the name that the frame gives them.
TYPES = ("numeric", "boolean", "category", "text", "time")
_TRUTHS = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}


def row_number(row: int) -> str:
    return f"row {row}"


@dataclass(frozen=True, eq=False)
class Column:
    """A column by name, with its values, (S,).

    By type they are, numeric: numbers; boolean: booleans; time: datetime64 in UTC, or timedelta64; category
    and text: places in categories, which are objects in the order of their first row, and -1 where one is
    missing. missing: (S,) booleans, None where nothing is; in floats NaN is missing too.
    """

    name: str
    type: str
    values: NDArray[Any]
    missing: NDArray[np.bool_] | None = None
    categories: NDArray[Any] | None = None

    @classmethod
    def of_places(cls, name: str, type: str, places: NDArray[Any], categories: Sequence[Any]) -> Column:
        missing = places < 0
        objects = np.empty(len(categories), dtype=object)
        objects[:] = categories
        return cls(name, type, places, missing if missing.any() else None, objects)

    def plain(self, rows: NDArray[np.int64] | slice) -> NDArray[Any]:
        """The values in these rows, text as strings."""
        if self.categories is None:
            return self.values[rows]
        return np.asarray(np.array(self.categories.tolist())[self.values[rows]])

    def as_type(self, wanted: str | None, place: Callable[[int], str] = row_number) -> Column:
        """The column as another type; ValueError names the first value that does not fit, and where it is."""
        if wanted is None or wanted == self.type:
            return self
        if wanted not in ("category", "text"):
            return replace(self, type=wanted, values=self._converted(wanted, place), categories=None)
        if self.categories is not None:
            return replace(self, type=wanted, categories=self.categories.astype(str).astype(object))
        found, places = np.unique(self.values, return_inverse=True)
        text = found.astype(str).astype(object)
        missing = self.missing
        if self.values.dtype.kind == "f" and np.isnan(self.values).any():
            missing = np.isnan(self.values)
        return replace(self, type=wanted, values=places, categories=text, missing=missing)

    def _converted(self, wanted: str, place: Callable[[int], str]) -> NDArray[Any]:
        convert, expected = _CONVERSIONS[wanted]
        values = self.values if self.categories is None else self.categories
        try:
            converted = convert(values)
        except (TypeError, ValueError) as error:
            got = str(error)
            wrong = next((at for at in range(len(values)) if _fails(convert, values[at : at + 1])), None)
            if wrong is not None:
                row = wrong if self.categories is None else int(np.argmax(self.values == wrong))
                got = f"{values[wrong : wrong + 1].tolist()[0]!r:.60} in {place(row)}"
            raise ValueError(
                f"column {self.name!r} expects {expected}; got {got}: mend it, leave the column out or give "
                "it another type by types="
            ) from None
        return converted if self.categories is None else converted[self.values]


def _numbers(values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype.kind in "mM":
        raise TypeError
    return values.astype(np.float64)


def _truths(values: NDArray[Any]) -> NDArray[Any]:
    try:
        return np.array([_TRUTHS[str(value).strip().lower()] for value in values.tolist()], dtype=bool)
    except KeyError:
        raise ValueError from None


_CONVERSIONS: dict[str, tuple[Callable[[NDArray[Any]], NDArray[Any]], str]] = {
    "numeric": (_numbers, "a number"),
    "boolean": (_truths, "true or false, 1 or 0"),
    "time": (parse_dates, "a date in ISO 8601"),
}


def _fails(convert: Callable[[NDArray[Any]], NDArray[Any]], values: NDArray[Any]) -> bool:
    try:
        convert(values)
    except (TypeError, ValueError):
        return True
    return False
