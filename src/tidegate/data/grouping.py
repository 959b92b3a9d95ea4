"""Which rows of a table are one sequence, and in what order they follow each other.

S rows, N sequences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.data.arrays import Integers
from tidegate.data.column import Column
from tidegate.data.ragged import steps_of

# Seconds of a unit of time, and units of a second.
_SECONDS = {"D": (86_400, 1), "h": (3_600, 1), "m": (60, 1), "s": (1, 1), "ms": (1, 10**3), "us": (1, 10**6)}
_SECONDS["ns"] = (1, 10**9)


@dataclass(frozen=True, eq=False)
class Grouping:
    """order: (S,) rows of the table as sequences follow each other, None where they already do; offsets: (N
    + 1,) into that order; first: (N,) the row in which each sequence first appears; ids: (N,), None where
    there are none. A position is a place in the order."""

    order: Integers | None
    offsets: Integers
    first: Integers
    ids: NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(self.first)

    def rows(self, values: NDArray[Any]) -> NDArray[Any]:
        """The rows of values in order; values themselves where they are."""
        return values if self.order is None else values[self.order]

    def row(self, position: int) -> int:
        return position if self.order is None else int(self.order[position])

    def position(self, row: int) -> int:
        return row if self.order is None else int(np.flatnonzero(self.order == row)[0])

    def where(self, position: int) -> str:
        """The sequence and the step at a position, in words."""
        sequence = int(np.searchsorted(self.offsets, position, side="right")) - 1
        name = (
            "the one sequence" if self.ids is None and len(self) == 1 else f"sequence {self._name(sequence)}"
        )
        return f"{name} at step {position - self.offsets[sequence]}"

    def _name(self, sequence: int) -> str:
        if self.ids is None:
            return str(sequence)
        if self.ids.dtype.names is None:
            return repr(self.ids[sequence].item()) if self.ids.dtype.kind != "M" else str(self.ids[sequence])
        fields = zip(self.ids.dtype.names, self.ids[sequence].item())
        return "(" + ", ".join(f"{name} {value!r}" for name, value in fields) + ")"


def one_group(num_rows: int) -> Grouping:
    return Grouping(None, np.array([0, num_rows], dtype=np.int64), np.zeros(1, dtype=np.int64))


def single_rows(num_rows: int) -> Grouping:
    """Every row a group of its own."""
    rows = np.arange(num_rows + 1, dtype=np.int64)
    return Grouping(None, rows, rows[:-1])


def group(columns: Sequence[NDArray[Any]]) -> Grouping:
    """Rows whose entries in all of the columns are the same belong together. Groups follow each other as they
    first appear; rows of a group keep their order."""
    num_rows = len(columns[0])
    changes = np.zeros(num_rows - 1, dtype=bool)
    for column in columns:
        changes |= (column[1:] != column[:-1]).astype(bool)
    starts = np.concatenate(([0], np.flatnonzero(changes) + 1)).astype(np.int64)
    del changes
    in_runs = 2 * len(starts) < num_rows
    codes = _codes([column[starts] if in_runs else column for column in columns])
    num_groups = int(codes.max()) + 1
    runs = np.append(starts, num_rows)
    if num_groups == len(starts):
        return Grouping(None, runs, starts)
    order = np.argsort(codes, kind="stable")
    lengths = np.bincount(codes, weights=np.diff(runs) if in_runs else None).astype(np.int64)
    if in_runs:
        order = steps_of(runs, order)
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    return Grouping(order, offsets, order[offsets[:-1]])


def _codes(columns: Sequence[NDArray[Any]]) -> Integers:
    """0, 1, ... for each combination of entries, as they first appear."""
    codes = _ranks(columns[0])
    for column in columns[1:]:
        others = _ranks(column)
        codes = _ranks(codes * (int(others.max()) + 1) + others)
    return codes


def _ranks(values: NDArray[Any]) -> Integers:
    """0, 1, ... for each value, as they first appear."""
    if values.dtype.kind in "iu" and int(values.max()) - int(values.min()) < 4 * len(values):
        # Few enough for a table; the last of several assignments holds, so the first row is the one kept.
        wide = np.int64 if values.dtype.kind == "i" else np.uint64
        places = np.subtract(values, values.min(), dtype=wide).astype(np.int64)
        first = np.full(int(places.max()) + 1, len(values))
        first[places[::-1]] = np.arange(len(values))[::-1]
        by_value = np.empty(len(first), dtype=np.int64)
        by_value[np.argsort(first, kind="stable")] = np.arange(len(first))
        return np.asarray(by_value[places])
    _, first, inverse = np.unique(values, return_index=True, return_inverse=True)
    ranks = np.empty(len(first), dtype=np.int64)
    ranks[np.argsort(first)] = np.arange(len(first))
    return ranks[inverse]


def time_keys(column: Column) -> NDArray[Any]:
    """What a column of times is ordered by, (S,): exact numbers."""
    return column.values.view(np.int64) if column.values.dtype.kind in "mM" else column.values


def seconds_of(column: Column, keys: NDArray[Any]) -> NDArray[np.float64]:
    """Keys of a column as float64: the column's own numbers, or seconds, since 1970 where it has dates."""
    if column.values.dtype.kind not in "mM":
        return keys.astype(np.float64)
    seconds, units = _SECONDS[np.datetime_data(column.values.dtype)[0]]
    return np.asarray(keys * seconds / units)


def in_time(grouping: Grouping, keys: NDArray[Any]) -> Grouping:
    """The same groups, the rows of each by rising keys; rows with the same key keep their order."""
    found = grouping.rows(keys)
    rising = found[1:] >= found[:-1]
    rising[grouping.offsets[1:-1] - 1] = True
    if rising.all():
        return grouping
    of_row = np.repeat(np.arange(len(grouping), dtype=np.int32), np.diff(grouping.offsets))
    order = np.lexsort((found, of_row))
    return replace(grouping, order=order if grouping.order is None else grouping.order[order])


def first_repeat(grouping: Grouping, keys: NDArray[Any]) -> int | None:
    """The position of the first key that is the one before it in its group; keys as rows of the table."""
    found = grouping.rows(keys)
    same = found[1:] == found[:-1]
    same[grouping.offsets[1:-1] - 1] = False
    return int(np.flatnonzero(same)[0]) + 1 if same.any() else None
