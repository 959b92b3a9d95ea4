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
from tidegate.data.ragged import steps_of
from tidegate.data.table import Column

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

    def position(self, row: int) -> int:
        return row if self.order is None else int(np.flatnonzero(self.order == row)[0])

    def where(self, position: int, *, with_step: bool = True) -> str:
        """The sequence and the step at a position, in words."""
        sequence = int(np.searchsorted(self.offsets, position, side="right")) - 1
        name = (
            "the one sequence" if self.ids is None and len(self) == 1 else f"sequence {self._name(sequence)}"
        )
        return f"{name} at step {position - self.offsets[sequence]}" if with_step else name

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
    runs = np.append(starts, num_rows)
    codes = _codes([column[starts] for column in columns])
    num_groups = int(codes.max()) + 1
    if num_groups == len(starts):
        return Grouping(None, runs, starts)
    runs_in_order = np.argsort(codes, kind="stable")
    first_runs = np.searchsorted(codes[runs_in_order], np.arange(num_groups))
    lengths = np.bincount(codes, weights=np.diff(runs)).astype(np.int64)
    return Grouping(
        order=steps_of(runs, runs_in_order),
        offsets=np.concatenate(([0], np.cumsum(lengths))),
        first=starts[runs_in_order[first_runs]],
    )


def _codes(columns: Sequence[NDArray[Any]]) -> Integers:
    """0, 1, ... for each combination of entries, as they first appear."""
    codes = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        of_column = _codes_of_objects(column) if column.dtype.kind == "O" else _codes_of_values(column)
        codes = _codes_of_values(codes * (int(of_column.max()) + 1) + of_column) if codes.any() else of_column
    return codes


def _codes_of_values(values: NDArray[Any]) -> Integers:
    _, first, inverse = np.unique(values, return_index=True, return_inverse=True)
    ranks = np.empty(len(first), dtype=np.int64)
    ranks[np.argsort(first)] = np.arange(len(first))
    return ranks[inverse]


def _codes_of_objects(values: NDArray[Any]) -> Integers:
    known: dict[object, int] = {}
    return np.fromiter(
        (known.setdefault(value, len(known)) for value in values), dtype=np.int64, count=len(values)
    )


def keys_and_seconds(column: Column) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """What a column of times is ordered by, (S,) exact numbers, and the stamps as float64: the column's own
    numbers, or seconds, since 1970 where it has dates."""
    values = column.values
    if values.dtype.kind not in "mM":
        return values, values.astype(np.float64)
    unit, _ = np.datetime_data(values.dtype)
    keys = values.view(np.int64)
    seconds, units = _SECONDS[unit]
    return keys, keys * seconds / units


def in_time(grouping: Grouping, keys: NDArray[Any]) -> Grouping:
    """The same groups, the rows of each by rising keys; rows with the same key keep their order."""
    found = grouping.rows(keys)
    rising = found[1:] >= found[:-1]
    rising[grouping.offsets[1:-1] - 1] = True
    if rising.all():
        return grouping
    of_row = np.repeat(np.arange(len(grouping)), np.diff(grouping.offsets))
    order = np.lexsort((found, of_row))
    return replace(grouping, order=order if grouping.order is None else grouping.order[order])


def first_repeat(grouping: Grouping, keys: NDArray[Any]) -> int | None:
    """The position of the first key that is the one before it in its group; keys as rows of the table."""
    found = grouping.rows(keys)
    same = found[1:] == found[:-1]
    same[grouping.offsets[1:-1] - 1] = False
    return int(np.flatnonzero(same)[0]) + 1 if same.any() else None
