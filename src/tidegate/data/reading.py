"""Sequences and their targets from a table or a file: `read`."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tidegate.checks import choice
from tidegate.data.column import Column
from tidegate.data.counters import counters, rising
from tidegate.data.dataset import Answers, Dataset
from tidegate.data.extract import (
    changes,
    feature_values,
    first_missing,
    id_columns,
    ids_of,
    missing_rows,
    target_columns,
    target_values,
    time_column,
)
from tidegate.data.files import READERS, answers, load_npy
from tidegate.data.grouping import (
    Grouping,
    first_repeat,
    group,
    in_time,
    one_group,
    seconds_of,
    single_rows,
    time_keys,
)
from tidegate.data.ragged import Sequences
from tidegate.data.roles import Roles, check_types, choose, numbered_like_steps
from tidegate.data.second_table import matched_targets
from tidegate.data.sources import (
    ARRAY_ENDINGS,
    HeldFrame,
    Source,
    ending,
    load,
    open_table,
    readable,
)
from tidegate.data.stamps import kind_of
from tidegate.data.table import Table
from tidegate.data.targets import has_step_targets

Names = str | Sequence[str]


def read(
    source: Any,
    *,
    id: Names | None = None,
    time: str | None = None,
    target: Names | None = None,
    features: Names | None = None,
    types: Mapping[str, str] | None = None,
    targets: Any = None,
    target_per: Literal["sequence", "step"] | None = None,
    layout: Literal["long", "wide"] | None = None,
    encoding: str = "utf-8",
) -> Dataset:
    """Sequences with their targets from a file or a data frame; `print` what comes back to see what was
    taken for what.

    source: the path of a table, .csv, .csv.gz or .parquet, or a data frame of pandas, polars or Arrow, a row
    a step; or the path of arrays, .npz, .npy or .ts (aeon), which have no columns to name.
    id: the column that names the sequence of each row, or several that do so together; without one all rows
    are one sequence. Sequences follow each other as they first appear.
    time: the column that orders the rows of a sequence, numbers or dates; without one their order is kept.
    target: the column to be predicted, or several of numbers. features: the columns of the inputs; without,
    all others, which must be numeric or boolean.
    types: {column: "numeric", "boolean", "category", "text" or "time"} where a column is to be taken for
    something else than it looks like; "text" keeps the zeros of the id 007.
    targets: a second table with the same id columns and the target, a row a sequence; for .npy another .npy
    file.
    target_per: "sequence" or "step"; without, one a sequence where it does not change within any.
    layout: "long", a row a step; "wide", a row a sequence of one feature whose steps are the columns.
    encoding: of a CSV file.

    Values are float32 where all features are, otherwise float64; they are the frame's own memory where that
    holds the features row after row, else a copy (the notes of the result say which). ValueError or OSError
    where something is wrong, with the remedy; nothing is changed. UserWarning where a column that nobody
    named as a feature merely counts the steps of each sequence, or rises in all as a time does.
    """
    if target_per is not None:
        choice("target_per", target_per, ("sequence", "step"))
    if layout is not None:
        choice("layout", layout, ("long", "wide"))
    if isinstance(source, str | os.PathLike):
        path = readable("source", source)
        if ending(path) in ARRAY_ENDINGS:
            columns = {"id": id, "time": time, "target": target, "features": features, "types": types}
            return _from_arrays(path, {**columns, "target_per": target_per, "layout": layout}, targets)
    opened = open_table("source", source, encoding)
    second = None if targets is None else open_table("targets", targets, encoding)
    roles = choose(opened, id, time, None if second else target, features)
    wanted = check_types(types, [*opened.names, *(second.names if second else ())])
    table = load(opened, roles.columns, wanted)
    groups = _groups(opened, table, roles, wanted, layout)
    table.forget(roles.id)
    times = kind = None
    if roles.time is not None:
        groups, times, kind = _in_time(time_column(table, roles.time, wanted), groups)
    notes = _notes(opened, roles, groups)
    if second is None:
        y, answered = _targets(table, roles.target, wanted, groups, target_per, notes)
    else:
        y, answered = matched_targets(second, target, roles.id, wanted, groups)
    table.forget(roles.target)
    values, shared = feature_values(table, roles.features, wanted, groups)
    if isinstance(opened, HeldFrame):
        notes.append("values are the frame's own memory" if shared else "values are a copy")
    found = {name: wanted.get(name, table.types[name]) for name in roles.columns}
    if roles.time is not None and found[roles.time] != "numeric":
        found[roles.time] = "time"
        notes.append("times are seconds since 1970-01-01 in UTC")
    X = Sequences(values, groups.offsets, groups.ids)
    # Exact stamps rise; as float64 some may be the same.
    X = Sequences._trusted(X.values, X.offsets, X.ids, times, None, kind)
    if X.has_gaps:
        missing = np.isnan(X.values)
        notes.append(f"missing: {missing.mean():.1%} of the values, in {missing.any(axis=1).sum()} steps")
    names = roles.features
    if features is None and layout != "wide" and (counting := counters(values, X.offsets)):
        name = names[counting[0]]
        as_time = "" if roles.time else f"pass time={name!r}, or "
        warnings.warn(
            f"column {name!r} counts the steps of each sequence and is taken as a feature: {as_time}name the "
            "others by features=",
            stacklevel=2,
        )
    elif (
        features is None and layout != "wide" and roles.time is None and (later := rising(values, X.offsets))
    ):
        name = names[later[0]]
        warnings.warn(
            f"column {name!r} rises within every sequence, as a time does, and is taken as a feature: pass "
            f"time={name!r}, or name the others by features=",
            stacklevel=2,
        )
    if layout == "wide":
        X, names = _steps_from_columns(X), ("value",)
        notes.append(f"each row is a sequence; its steps are {roles.features[0]!r} to {roles.features[-1]!r}")
    if isinstance(y, np.ndarray) and has_step_targets(y, X):
        # As many targets a sequence as it has steps.
        y = y[:, np.newaxis]
    return Dataset(
        X=X,
        y=y,
        features=names,
        types=MappingProxyType({**found, **answered}),
        id=roles.id,
        time=roles.time,
        target=tuple(answered),
        source=opened.title,
        notes=tuple(notes),
    )


def _groups(
    source: Source, table: Table, roles: Roles, types: Mapping[str, str], layout: str | None
) -> Grouping:
    """The rows of each sequence; ValueError where the columns look like steps and layout does not say."""
    num_rows = table.num_rows
    ids = id_columns(table, roles.id, types)
    groups = group([column.values for column in ids]) if ids else one_group(num_rows)
    if layout == "wide":
        if roles.time is not None:
            raise ValueError(
                f"time expects None in layout 'wide', where columns are steps; got {roles.time!r}: leave it "
                "out"
            )
        if ids and len(groups) < num_rows:
            twice = ids_of(ids, groups.first)[np.diff(groups.offsets).argmax()]
            raise ValueError(
                f"id expects one row a sequence in layout 'wide'; got several of {twice.item()!r}: name "
                "another column, or none"
            )
        groups = single_rows(num_rows)
    one_row_each = roles.time is None and (not ids or len(groups) == num_rows)
    if layout is None and one_row_each and numbered_like_steps(roles.features):
        raise ValueError(
            f"layout expects 'wide' or 'long' for {source.title}, as its columns {roles.features[0]!r} to "
            f"{roles.features[-1]!r} are numbered like steps; got None: pass 'wide' if each row is a "
            "sequence, 'long' if each row is a step"
        )
    return replace(groups, ids=ids_of(ids, groups.first) if ids else None)


def _in_time(column: Column, groups: Grouping) -> tuple[Grouping, NDArray[np.float64], str]:
    """The rows of each sequence in the order of time, the stamps in that order, and their kind; ValueError
    where one is there twice."""
    keys = time_keys(column)
    ordered = in_time(groups, keys)
    again = first_repeat(ordered, keys)
    if again is not None:
        stamp = ordered.rows(column.values)[again]
        remedy = "leave one of the rows out" if groups.ids is not None else "name the sequences by id="
        raise ValueError(
            f"time expects each stamp of {column.name!r} once in a sequence; got {stamp} twice in "
            f"{ordered.where(again)}: {remedy}"
        )
    return ordered, seconds_of(column, ordered.rows(keys)), kind_of(column.values.dtype)


def _targets(
    table: Table,
    names: Sequence[str],
    types: Mapping[str, str],
    groups: Grouping,
    per: str | None,
    notes: list[str],
) -> tuple[Answers | None, dict[str, str]]:
    """One target a sequence, or one a step where that is asked for or where they change; and the types of
    their columns."""
    columns = target_columns(table, names, types)
    answered = {column.name: column.type for column in columns}
    if not columns:
        return None, answered
    for column in columns if per != "step" else ():
        positions = changes(column, groups)
        if not len(positions):
            continue
        if per == "sequence":
            rows = np.array(
                [
                    groups.row(position)
                    for position in (_there_before(column, groups, positions[0]), positions[0])
                ]
            )
            before, after = column.plain(rows).tolist()
            raise ValueError(
                f"target expects one value of {column.name!r} a sequence; got {before!r} and then {after!r} "
                f"in {groups.where(positions[0])}: mend it, or pass target_per='step'"
            )
        per = "step"
        num_changing = len(np.unique(np.searchsorted(groups.offsets, positions, side="right")))
        notes.append(
            f"{column.name!r} changes within {num_changing} of {len(groups)} sequences: one target a step"
        )
        break
    if per != "step":
        for column in columns:
            _check_whole(column, groups)
        return target_values(columns, groups.first), answered
    rows = groups.rows(target_values(columns, slice(None)))
    return [rows[start:stop] for start, stop in pairwise(groups.offsets)], answered


def _there_before(column: Column, groups: Grouping, position: int) -> int:
    """The position before it whose value is not missing."""
    missing = missing_rows(column)
    before = position - 1
    while missing is not None and missing[groups.row(before)]:
        before -= 1
    return before


def _check_whole(column: Column, groups: Grouping) -> None:
    """ValueError where a target of a sequence is missing in one of its rows."""
    row = first_missing(column)
    if row is not None:
        raise ValueError(
            f"target column {column.name!r} expects a value in every row of a sequence; got none in "
            f"{groups.where(groups.position(row))}: fill it in, leave the sequence out, or pass "
            "target_per='step', where a step without a target weighs nothing"
        )


def _steps_from_columns(X: Sequences) -> Sequences:
    """The rows of a wide table, each a sequence of one feature."""
    num_rows, num_steps = X.values.shape
    return Sequences(X.values.reshape(-1, 1), np.arange(num_rows + 1) * num_steps, X.ids)


def _notes(source: Source, roles: Roles, groups: Grouping) -> list[str]:
    notes = []
    if not roles.id and len(groups) == 1:
        notes.append("no id: all rows are one sequence")
    if source.left_out:
        notes.append(f"left out: {source.left_out}")
    if groups.order is not None:
        notes.append("rows were put in order" + (" of time" if roles.time else " of their sequences"))
    return notes


def _from_arrays(path: Path, given: Mapping[str, Any], targets: Any) -> Dataset:
    """Sequences of a file that has no columns to name."""
    for argument, got in given.items():
        if got is not None:
            raise ValueError(
                f"{argument} expects a table of columns; got {_shown(got)} for {path}, which holds arrays: "
                "leave it out"
            )
    X, y = READERS[ending(path)](path)
    if targets is not None:
        if ending(path) != ".npy" or not isinstance(targets, str | os.PathLike) or y is not None:
            raise ValueError(
                f"targets expects None for {path}, or another .npy file beside a .npy file; got "
                f"{_shown(targets)}: leave it out, or write X and y into a .npz file"
            )
        y = load_npy(readable("targets", targets))
    return Dataset(
        X=X,
        y=None if y is None else answers(path, y, X),
        features=tuple(f"feature_{index}" for index in range(X.num_features)),
        source=str(path),
    )


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str | list | dict) else type(value).__name__
