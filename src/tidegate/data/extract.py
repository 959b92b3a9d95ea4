"""Columns of a table as ids, as the values of features and as targets.

S rows of a table, N sequences, I features.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from tidegate.data.arrays import Floats, empty, first_infinite
from tidegate.data.column import TYPES, Column
from tidegate.data.grouping import Grouping
from tidegate.data.table import Table

Types = Mapping[str, str]

_ROWS_AT_A_TIME = 1 << 16


def typed(table: Table, name: str, types: Types) -> Column:
    """A column as the type asked for, or as found; ValueError where it has none that can be used."""
    column = table.column(name)
    if column.missing is not None and column.missing.all():
        raise ValueError(f"column {name!r} expects values; got none in any row: leave it out by features=")
    if column.type in TYPES:
        return column.as_type(types.get(name), table.place)
    remedy = "explode() it to a row a step" if column.type.startswith("List") else "convert it"
    raise ValueError(
        f"column {name!r} expects numbers, booleans, text or times; got {column.type}: {remedy}, or leave it "
        "out by features="
    )


def id_columns(table: Table, names: Iterable[str], types: Types) -> list[Column]:
    columns = [typed(table, name, types) for name in names]
    for column in columns:
        missing = first_missing(column)
        if missing is not None:
            raise ValueError(
                f"id column {column.name!r} expects a value in every row; got none in "
                f"{table.place(missing)}: fill it in or leave the row out"
            )
    return columns


def ids_of(columns: Sequence[Column], rows: NDArray[np.int64]) -> NDArray[Any]:
    """The ids in these rows, (N,): values of the column; of several columns a record with their names."""
    values = [column.plain(rows) for column in columns]
    if len(values) == 1:
        return values[0]
    ids = np.empty(len(rows), dtype=[(column.name, part.dtype) for column, part in zip(columns, values)])
    for column, part in zip(columns, values):
        ids[column.name] = part
    return ids


def time_column(table: Table, name: str, types: Types) -> Column:
    """A column of numbers or times, all of them there."""
    column = typed(table, name, types)
    if column.type in ("text", "category"):
        column = column.as_type("time", table.place)
    if column.type == "boolean":
        raise ValueError(
            f"time expects numbers or dates; got booleans in column {name!r}: pass another column"
        )
    missing = first_missing(column)
    if missing is not None:
        raise ValueError(
            f"time column {name!r} expects a finite number or a date in every row; got none in "
            f"{table.place(missing)}: fill it in or leave the row out"
        )
    return column


def feature_values(
    table: Table, names: Sequence[str], types: Types, grouping: Grouping
) -> tuple[Floats, bool]:
    """The features of each row in order, (S, I), and whether they lie in the table's own memory."""
    found = {name: types.get(name, table.types[name]) for name in names}
    for name, kind in found.items():
        if kind not in ("numeric", "boolean"):
            _refuse_as_feature(typed(table, name, types), table)
    as_found = all(kind == table.types[name] for name, kind in found.items())
    held = table.block(names) if as_found else None
    if held is None and len(names) == 1:
        column = _feature(table, names[0], types, grouping)
        held = column[:, np.newaxis] if column.dtype in (np.float32, np.float64) else None
    laid_out = held if held is not None or not as_found else table.drained(names)
    values = _filled(table, names, types, grouping) if laid_out is None else grouping.rows(laid_out)
    del laid_out
    place = first_infinite(values)
    if place is not None:
        raise ValueError(
            f"column {names[place[1]]!r} expects finite numbers; got infinity in {grouping.where(place[0])}: "
            "mend it, or leave the field empty"
        )
    for index in np.flatnonzero(np.isnan(values[0])).tolist():
        if np.isnan(values[:, index]).all():
            raise ValueError(
                f"column {names[index]!r} expects values; got none in any row: leave it out by features="
            )
    # A column of Python's numbers, or one with gaps, is made floats anew each time.
    return values, values is held and np.may_share_memory(values, table.column(names[0]).values)


def _feature(table: Table, name: str, types: Types, grouping: Grouping) -> NDArray[Any]:
    """The values of a column, NaN where one is missing."""
    column = typed(table, name, types)
    if column.missing is None:
        return column.values
    kind = column.values.dtype if column.values.dtype == np.float32 else np.float64
    return np.where(column.missing, np.nan, column.values.astype(kind)).astype(kind)


def _filled(table: Table, names: Sequence[str], types: Types, grouping: Grouping) -> Floats:
    values = empty("features", (table.num_rows, len(names)), table.float_dtype(names))
    for index, name in enumerate(names):
        feature = _feature(table, name, types, grouping)
        if grouping.order is None:
            values[:, index] = feature
            continue
        for start in range(0, table.num_rows, _ROWS_AT_A_TIME):
            rows = grouping.order[start : start + _ROWS_AT_A_TIME]
            values[start : start + len(rows), index] = feature[rows]
    return values


def _refuse_as_feature(column: Column, table: Table) -> NoReturn:
    if column.categories is None:
        raise ValueError(
            f"column {column.name!r} expects numbers, as a feature; got times: name it by time=, or leave it "
            "out by features="
        )
    place = next((at for at, value in enumerate(column.categories) if not _is_number(value)), 0)
    row = int(np.argmax(column.values == place))
    raise ValueError(
        f"column {column.name!r} expects numbers, as a feature; got {column.type}, "
        f"{str(column.categories[place])!r:.40} in {table.place(row)}: name it by id= if it tells "
        "sequences apart, leave it out by features=, or mend it; categories and text go into a SequenceModel"
    )


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def target_columns(table: Table, names: Iterable[str], types: Types) -> list[Column]:
    """Columns of targets: one of any type, or several of numbers."""
    columns = [typed(table, name, types) for name in names]
    for column in columns:
        if column.type == "time" or (len(columns) > 1 and column.type not in ("numeric", "boolean")):
            expected = "numbers" if len(columns) > 1 else "numbers, booleans or text"
            raise ValueError(
                f"target expects {expected}; got {column.type} in column {column.name!r}: pass another column"
            )
        infinite = np.isinf(column.values) if column.values.dtype.kind == "f" else np.zeros(1, bool)
        if infinite.any():
            raise ValueError(
                f"target column {column.name!r} expects finite numbers; got infinity in "
                f"{table.place(int(infinite.argmax()))}: mend it, or leave the field empty if it is missing"
            )
        row = first_missing(column)
        if row is not None and column.categories is not None:
            raise ValueError(
                f"target column {column.name!r} expects a value in every row; got none in "
                f"{table.place(row)}: of text none can be missing; fill it in or leave the "
                "sequence out"
            )
    return columns


def target_values(columns: Sequence[Column], rows: NDArray[np.int64] | slice) -> NDArray[Any]:
    """The targets in these rows, (rows,), or (rows, K) of K columns; NaN where a number is missing."""
    values = [
        column.plain(rows)
        if column.missing is None or column.categories is not None
        else np.where(column.missing, np.nan, column.values.astype(np.float64))[rows]
        for column in columns
    ]
    return values[0] if len(values) == 1 else np.column_stack(values)


def changes(column: Column, grouping: Grouping) -> NDArray[np.int64]:
    """The positions whose value is not the one there before it in its sequence."""
    values = grouping.rows(column.values)
    missing = missing_rows(column)
    there = np.arange(len(values)) if missing is None else np.flatnonzero(~grouping.rows(missing))
    sequence = np.searchsorted(grouping.offsets, there, side="right")
    changed = (values[there[1:]] != values[there[:-1]]).astype(bool) & (sequence[1:] == sequence[:-1])
    return np.asarray(there[1:][changed])


def missing_rows(column: Column) -> NDArray[np.bool_] | None:
    """(S,) rows without a finite value; None where there is none."""
    missing = column.missing
    if missing is None and column.values.dtype.kind == "f":
        missing = ~np.isfinite(column.values)
    return missing if missing is not None and missing.any() else None


def first_missing(column: Column) -> int | None:
    """The first row without a finite value."""
    missing = missing_rows(column)
    return None if missing is None else int(missing.argmax())
