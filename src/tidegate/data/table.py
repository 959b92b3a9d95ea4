"""Columns of a table, whatever holds it: a data frame through narwhals, or NumPy arrays.

S rows of a table.
"""

from __future__ import annotations

import datetime
import decimal
import numbers
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tidegate.data.arrays import Floats, empty
from tidegate.data.column import TYPES, Column, row_number

# Rows laid out at a time, few enough for the cache; and rows looked through for what is different in them.
_FEW_ROWS, _MANY_ROWS = 1 << 16, 1 << 20


class Table(Protocol):
    """A table in memory."""

    # Where a row is, in words.
    place: Callable[[int], str]

    @property
    def num_rows(self) -> int: ...
    @property
    def types(self) -> Mapping[str, str]:
        """The type of each column, as found."""
        ...

    def column(self, name: str) -> Column: ...
    def forget(self, names: Iterable[str]) -> None:
        """These columns are not asked for again."""
        ...

    def float_dtype(self, names: Sequence[str]) -> np.dtype[Any]:
        """float32 where all these columns are at most that; otherwise float64."""
        ...

    def block(self, names: Sequence[str]) -> Floats | None:
        """These columns as (S, I) where the table holds them so: floats, row after row, in its own memory."""
        ...

    def drained(self, names: Sequence[str]) -> Floats | None:
        """These columns as (S, I), the table giving up its rows as they are copied, so that they are not in
        memory twice; None where others hold the table."""
        ...


class Arrays:
    """A table of NumPy arrays; in those of objects None is a missing value."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self.place: Callable[[int], str] = row_number
        self._arrays = dict(arrays)
        self.num_rows = len(next(iter(arrays.values())))
        kinds = {"b": "boolean", "O": "text", "M": "time"}
        self.types = {name: kinds.get(array.dtype.kind, "numeric") for name, array in arrays.items()}

    def column(self, name: str) -> Column:
        values = self._arrays[name]
        if values.dtype.kind == "O":
            place: defaultdict[Any, int] = defaultdict(count().__next__)
            places = [-1 if value is None else place[value] for value in values]
            return Column.of_places(name, "text", np.array(places), list(place))
        missing = np.isnat(values) if values.dtype.kind == "M" else None
        return Column(
            name, self.types[name], values, missing if missing is not None and missing.any() else None
        )

    def forget(self, names: Iterable[str]) -> None:
        for name in names:
            del self._arrays[name]

    def float_dtype(self, names: Sequence[str]) -> np.dtype[Any]:
        return np.dtype(np.float64)

    def block(self, names: Sequence[str]) -> Floats | None:
        return None

    def drained(self, names: Sequence[str]) -> Floats | None:
        return None


class Frame:
    """A data frame: pandas, polars, an Arrow table, or another that narwhals knows."""

    def __init__(self, frame: Any, names: Sequence[str], *, held: bool) -> None:
        """frame: narwhals.DataFrame; names: of the columns to be used; held: whether others hold the "
        "frame."""
        self.place: Callable[[int], str] = row_number
        self._frame = frame
        self._held = held
        self.num_rows = len(frame)
        self._schema = dict(frame.schema)
        self.types = {name: self._type(name) for name in names}
        if not held:
            _give_back_memory()

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
        if dtype == nw.Unknown:
            native = self._frame.get_column(name).to_native()
            return str(getattr(native, "dtype", dtype))
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
        import narwhals as nw

        series = self._frame.get_column(name)
        kind = self.types[name]
        if kind in ("category", "text"):
            return Column.of_places(name, kind, *_places(series))
        missing = np.asarray(series.is_null().to_numpy(), dtype=bool) if series.null_count() else None
        if kind not in TYPES:
            return Column(name, kind, np.empty(0), missing)
        if self._schema[name] == nw.Decimal:
            series = series.cast(nw.Float64)
        elif self._schema[name] == nw.Boolean and missing is not None:
            series = series.fill_null(False)
        values = np.asarray(series.to_numpy())
        if values.dtype.kind == "O":
            # Python's own numbers, booleans and dates.
            column = Column.of_places(name, "objects", *_places(series)).as_type(kind)
            return replace(column, missing=missing)
        return Column(name, kind, values, None if values.dtype.kind == "f" else missing)

    def forget(self, names: Iterable[str]) -> None:
        if not self._held:
            self._frame = self._frame.drop(*names)
            _give_back_memory()

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

    def drained(self, names: Sequence[str]) -> Floats | None:
        if self._held or any(self._frame.get_column(name).null_count() for name in names):
            return None
        values = empty("features", (self.num_rows, len(names)), self.float_dtype(names))
        for start in range(0, self.num_rows, _FEW_ROWS):
            part = self._frame[:_FEW_ROWS]
            self._frame = self._frame[_FEW_ROWS:]
            for index, name in enumerate(names):
                values[start : start + len(part), index] = part.get_column(name).to_numpy()
            if start % (16 * _FEW_ROWS) == 0:
                _give_back_memory()
        self._frame = None
        _give_back_memory()
        return values


def _give_back_memory() -> None:
    """What Arrow holds and does not use goes back to the system."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()


def _places(series: Any) -> tuple[NDArray[np.int32], list[Any]]:
    """The place of each value among the different ones, -1 where it is missing; and those, as they first "
    "appear."""
    number: defaultdict[Any, int] = defaultdict(count().__next__)
    places = np.empty(len(series), dtype=np.int32)
    for start in range(0, len(series), _MANY_ROWS):
        part = series[start : start + _MANY_ROWS]
        places_in_part, found = _places_in_part(part)
        # The last is for the place -1.
        numbers = np.array([*(number[value] for value in found), -1], dtype=np.int32)
        places[start : start + len(part)] = numbers[places_in_part]
    return places, list(number)


def _places_in_part(part: Any) -> tuple[NDArray[Any], list[Any]]:
    import narwhals as nw

    native = part.to_native()
    if hasattr(native, "factorize"):
        places, found = native.factorize()
        return places, found.tolist()
    found = part.drop_nulls().unique(maintain_order=True).to_list()
    if not found:
        return np.full(len(part), -1, dtype=np.int32), found
    places = part.replace_strict(found, list(range(len(found))), return_dtype=nw.Int32).to_numpy()
    if places.dtype.kind == "f":
        places = np.where(np.isnan(places), -1, places).astype(np.int32)
    return places, found
