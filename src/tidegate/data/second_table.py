"""Targets of sequences from a table of their own, by id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.data.extract import first_missing, id_columns, ids_of, target_columns, target_values
from tidegate.data.grouping import Grouping
from tidegate.data.roles import columns_named
from tidegate.data.sources import Source, load


def matched_targets(
    source: Source, target: Any, ids: Sequence[str], types: Mapping[str, str], groups: Grouping
) -> tuple[NDArray[Any], dict[str, str]]:
    """The targets in the order of the groups, and the types of their columns. ValueError where ids and
    targets do not match one to one."""
    if groups.ids is None:
        raise ValueError(
            "targets expects the id columns that it shares with source; got none: name them by id="
        )
    columns_named("id", ids, source)
    names = columns_named("target", target, source) or [name for name in source.names if name not in ids]
    if target is None and len(names) != 1:
        raise ValueError(
            f"target expects a column of {source.title}, which has {len(names)} beside the id; got None: "
            "name one"
        )
    table = load(source, [*ids, *names], types)
    columns = target_columns(table, names, types)
    for column in columns:
        row = first_missing(column)
        if row is not None:
            raise ValueError(
                f"target column {column.name!r} expects a value in every row; got none in "
                f"{table.place(row)}: fill it in or leave the sequence out"
            )
    theirs = _keys(ids_of(id_columns(table, ids, types), np.arange(table.num_rows)))
    row_of = {key: row for row, key in enumerate(theirs)}
    if len(row_of) < len(theirs):
        twice = next(key for row, key in enumerate(theirs) if row_of[key] != row)
        raise ValueError(
            f"targets expects one row for each id; got {_text(twice)} more than once: leave the others out"
        )
    ours = _keys(groups.ids)
    without = [key for key in ours if key not in row_of]
    if without:
        raise ValueError(
            f"targets expects a row for each id of source; got none for {_listed(without)}"
            f"{_type_hint(ours, theirs)}: add the targets or leave the sequences out"
        )
    unused = row_of.keys() - set(ours)
    if unused:
        raise ValueError(
            f"targets expects ids of source; got {_listed([key for key in theirs if key in unused])}, of "
            "which it has no sequence: leave the rows out or add the sequences"
        )
    rows = np.array([row_of[key] for key in ours])
    return target_values(columns, rows), {column.name: column.type for column in columns}


def _keys(ids: NDArray[Any]) -> list[tuple[Any, ...]]:
    """A tuple of each id's parts; dates of any unit compare."""
    fields = [ids] if ids.dtype.names is None else [ids[name] for name in ids.dtype.names]
    parts = [part.astype("datetime64[us]") if part.dtype.kind == "M" else part for part in fields]
    return list(zip(*(part.tolist() for part in parts)))


def _text(key: tuple[Any, ...]) -> str:
    return repr(key[0]) if len(key) == 1 else repr(key)


def _listed(keys: list[tuple[Any, ...]]) -> str:
    shown = ", ".join(map(_text, keys[:3]))
    return shown if len(keys) <= 3 else f"{shown}, ... ({len(keys)} ids)"


def _type_hint(ours: list[tuple[Any, ...]], theirs: list[tuple[Any, ...]]) -> str:
    """Where the one table has text and the other numbers."""
    for mine, other in zip(ours[0], theirs[0]):
        if isinstance(mine, str) != isinstance(other, str):
            return f" (it has {other!r}, source {mine!r}: give the column one type by types=)"
    return ""
