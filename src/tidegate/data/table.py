"""Columns of a table, whatever holds it: a data frame through narwhals, or NumPy arrays.

S rows of a table.
"""

from __future__ import annotations

import datetime
import decimal
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tidegate.data.arrays import Floats
from tidegate.data.times import parse_dates

# Types of columns that can be used; others have the name that the frame gives them.
TYPES = ("numeric", "boolean", "category", "text", "time")
_TRUTHS = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}


@dataclass(frozen=True, eq=False)
class Column:
    """values (S,) by type: numeric: numbers; boolean: booleans; category, text: objects; time: datetime64 in
    UTC, or timedelta64. missing: (S,) booleans, None where nothing is; in floats NaN is missing too."""

    name: str
    type: str
    values: NDArray[Any]
    missing: NDArray[np.bool_] | None = None

    def as_type(self, wanted: str | None) -> Column:
        """The column as another type; ValueError names the first value that does not fit, and its row."""
        if wanted is None or wanted == self.type:
            return self
        if wanted in ("category", "text"):
            return replace(self, type=wanted, values=self.values.astype(str).astype(object))
        if wanted == "time":
            return replace(self, type=wanted, values=self._each(parse_dates, "a date in ISO 8601"))
        if wanted == "boolean":
            return replace(self, type=wanted, values=self._each(_truths, "true or false, 1 or 0"))
        return replace(self, type=wanted, values=self._each(_numbers, "a number"))

    def _each(self, convert: Any, expected: str) -> NDArray[Any]:
        present = self.values if self.missing is None else self.values[~self.missing]
        try:
            converted = np.asarray(convert(present))
        except (TypeError, ValueError) as error:
            wrong = next((at for at in range(len(present)) if _fails(convert, present[at : at + 1])), None)
            got = str(error)
            if wrong is not None:
                row = wrong if self.missing is None else int(np.flatnonzero(~self.missing)[wrong])
                got = f"{present[wrong : wrong + 1].tolist()[0]!r:.60} in row {row}"
            raise ValueError(
                f"column {self.name!r} expects {expected}; got {got}: mend it, leave the column out or give "
                "it another type by types="
            ) from None
        if self.missing is None:
            return converted
        blank = {"M": np.datetime64("NaT"), "f": np.nan}.get(converted.dtype.kind, converted.dtype.type())
        whole = np.full(len(self.values), blank, dtype=converted.dtype)
        whole[~self.missing] = converted
        return whole


def _numbers(values: NDArray[Any]) -> Floats:
    if values.dtype.kind in "mM":
        raise TypeError
    return values.astype(np.float64)


def _truths(values: NDArray[Any]) -> NDArray[np.bool_]:
    try:
        return np.array([_TRUTHS[str(value).strip().lower()] for value in values.tolist()], dtype=bool)
    except KeyError:
        raise ValueError from None


def _fails(convert: Any, values: NDArray[Any]) -> bool:
    try:
        convert(values)
    except (TypeError, ValueError):
        return True
    return False


class Table(Protocol):
    """A table in memory."""

    @property
    def num_rows(self) -> int: ...
    @property
    def types(self) -> Mapping[str, str]:
        """The type of each column, as found."""
        ...

    def column(self, name: str) -> Column: ...
    def float_dtype(self, names: Sequence[str]) -> np.dtype[Any]:
        """float32 where all these columns are at most that; otherwise float64."""
        ...

    def block(self, names: Sequence[str]) -> Floats | None:
        """These columns as (S, I) where the table holds them so: floats, row after row, in its own memory."""
        ...


class Arrays:
    """A table of NumPy arrays; in those of objects None is a missing value."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._arrays = arrays
        self.num_rows = len(next(iter(arrays.values())))
        kinds = {"b": "boolean", "O": "text", "M": "time"}
        self.types = {name: kinds.get(array.dtype.kind, "numeric") for name, array in arrays.items()}

    def column(self, name: str) -> Column:
        values = self._arrays[name]
        if values.dtype.kind not in "MO":
            return Column(name, self.types[name], values)
        is_time = values.dtype.kind == "M"
        missing = np.isnat(values) if is_time else np.array([value is None for value in values], dtype=bool)
        return Column(name, self.types[name], values, missing if missing.any() else None)

    def float_dtype(self, names: Sequence[str]) -> np.dtype[Any]:
        return np.dtype(np.float64)

    def block(self, names: Sequence[str]) -> Floats | None:
        return None


class Frame:
    """A data frame: pandas, polars, an Arrow table, or another that narwhals knows."""

    def __init__(self, frame: Any, names: Sequence[str]) -> None:
        """frame: narwhals.DataFrame; names: of the columns to be used."""
        self._frame = frame
        self.num_rows = len(frame)
        self._schema = dict(frame.schema)
        self.types = {name: self._type(name) for name in names}

    def _type(self, name: str) -> str:
        import narwhals as nw

        dtype = self._schema[name]
        if dtype.is_numeric():
            return "numeric"
        named = {
            nw.Boolean: "boolean",
            nw.String: "text",
            nw.Categorical: "category",
            nw.Enum: "category",
            nw.Date: "time",
            nw.Datetime: "time",
            nw.Duration: "time",
        }
        for kind, found in named.items():
            if dtype == kind:
                return found
        return self._type_of_objects(name) if dtype == nw.Object else str(dtype)

    def _type_of_objects(self, name: str) -> str:
        """By the first value that is not missing."""
        series = self._frame.get_column(name)
        present = np.flatnonzero(~series.is_null().to_numpy())
        first = series[int(present[0])] if len(present) else None
        for kind, found in (
            (str, "text"),
            (bool | np.bool_, "boolean"),
            (datetime.date, "time"),
            (numbers.Number | decimal.Decimal, "numeric"),
        ):
            if isinstance(first, kind):
                return found
        return "Object"

    def column(self, name: str) -> Column:
        series = self._frame.get_column(name)
        kind = self.types[name]
        values = np.asarray(series.to_numpy())
        if values.dtype.kind == "f":
            return Column(name, kind, values)
        missing = np.asarray(series.is_null().to_numpy(), dtype=bool) if series.null_count() else None
        column = Column(name, kind, values, missing)
        if values.dtype.kind == "O" and kind in ("numeric", "boolean", "time"):
            # Decimals and Python's own objects; booleans beside missing values.
            return replace(replace(column, type="objects").as_type(kind), missing=missing)
        return column

    def float_dtype(self, names: Sequence[str]) -> np.dtype[Any]:
        import narwhals as nw

        single = all(self._schema[name] == nw.Float32 for name in names)
        return np.dtype(np.float32 if single else np.float64)

    def block(self, names: Sequence[str]) -> Floats | None:
        import narwhals as nw

        native = self._frame.to_native()
        kinds = {self._schema[name] for name in names}
        if not nw.dependencies.is_pandas_dataframe(native) or len(kinds) > 1:
            return None
        place = {name: index for index, name in enumerate(self._schema)}
        places = [place[name] for name in names]
        first, last = places[0], places[-1] + 1
        if not kinds <= {nw.Float32(), nw.Float64()} or places != list(range(first, last)):
            return None
        # Two rows say how the whole lies in memory; the whole might be copied to be looked at.
        head = native.iloc[:2, first:last].to_numpy()
        if not head.flags.c_contiguous or not np.shares_memory(head, native.iloc[:2, first].to_numpy()):
            return None
        values = native.iloc[:, first:last].to_numpy()
        return values if values.flags.c_contiguous and values.dtype.kind == "f" else None
