"""A model's data from tables: which columns each input and target is, and which rows are one sequence."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.data import Sequences
from tidegate.data.column import Column
from tidegate.data.extract import id_columns, ids_of, time_column, typed
from tidegate.data.grouping import (
    Grouping,
    first_repeat,
    group,
    in_time,
    seconds_of,
    single_rows,
    time_keys,
)
from tidegate.data.roles import columns_named
from tidegate.data.sources import load as load_columns
from tidegate.data.sources import open_table
from tidegate.data.stamps import kind_of
from tidegate.data.table import Table
from tidegate.models.inputs import InputRecord, Numeric, Text, Vector
from tidegate.models.targets import MultiLabel, Quantiles, Regression, TargetRecord

Record = InputRecord | TargetRecord


@dataclass(frozen=True)
class TableSource:
    """Where data are. file: a table. id: the columns that name the sequence of a row; () where each row is
    a sequence. time: the column that orders the rows of a sequence. streams: by name, the tables of streams
    that have steps of their own, with the same id columns."""

    file: str | os.PathLike[str] | None = None
    id: tuple[str, ...] = ()
    time: str | None = None
    encoding: str = "utf-8"
    streams: Mapping[str, TableSource] = field(default_factory=dict)

    def within(self, folder: Path) -> TableSource:
        """With files relative to a folder."""
        streams = {name: source.within(folder) for name, source in self.streams.items()}
        return replace(self, file=None if self.file is None else folder / self.file, streams=streams)

    def to_document(self) -> dict[str, Any]:
        """As JSON has it, without the files."""
        streams = {name: source.to_document() for name, source in self.streams.items()}
        return {**asdict(replace(self, file=None, streams={})), "id": list(self.id), "streams": streams}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> TableSource:
        streams = {name: cls.from_document(own) for name, own in document["streams"].items()}
        return cls(**{**document, "id": tuple(document["id"]), "streams": streams})


@dataclass(frozen=True)
class TableData:
    """data: as SequenceModel takes them. names: columns that name each sequence. source: what was read.
    times: where its steps have time stamps, (S,) as Sequences keep them; time_kind what they are, and time
    their column."""

    data: dict[str, Any]
    names: dict[str, NDArray[Any]]
    source: str
    time: str = ""
    times: NDArray[np.float64] | None = None
    time_kind: str | None = None


def read_tables(
    source: TableSource,
    inputs: Mapping[str, InputRecord],
    targets: Mapping[str, TargetRecord] | None = None,
    *,
    with_targets: bool = True,
) -> TableData:
    """The data of a model; with_targets=False leaves out those that the table does not have. ValueError names
    the key that does not fit, with the remedy."""
    if source.file is None:
        raise ValueError("data.file expects a table; got none: name one")
    elsewhere = {
        name for name, record in inputs.items() if record.is_step and record.stream in source.streams
    }
    wanted: dict[str, Record] = {name: record for name, record in inputs.items() if name not in elsewhere}
    opened = open_table("data.file", source.file, source.encoding, "data.encoding")
    there = set(opened.names)
    wanted |= {
        name: target
        for name, target in (targets or {}).items()
        if with_targets or set(_columns(name, target)) <= there
    }
    part = _read_table("data", source, wanted, set(inputs))
    data, groups = part.data, part.groups
    for stream, own in source.streams.items():
        records = {
            name: record for name, record in inputs.items() if record.is_step and record.stream == stream
        }
        if not records:
            raise ValueError(
                f"data.streams.{stream} expects an input with stream = {stream!r}; got none: leave it out"
            )
        if own.file is None:
            raise ValueError(f"data.streams.{stream}.file expects a table; got none: name one")
        if not source.id:
            raise ValueError(
                "data.id expects a column, as data.streams are matched by it; got none: name one"
            )
        second = _read_table(
            f"data.streams.{stream}", replace(own, id=own.id or source.id), records, set(inputs)
        )
        assert groups.ids is not None
        assert second.groups.ids is not None
        place = {_key(value): at for at, value in enumerate(second.groups.ids)}
        order = [place.pop(_key(value), None) for value in groups.ids]
        if place:
            warnings.warn(
                f"data.streams.{stream}: {len(place)} sequences are not in {source.file} and are left out, "
                f"{next(iter(place))!r} for one",
                stacklevel=2,
            )
        for name, values in second.data.items():
            data[name] = _in_order(values, order)
    names: dict[str, NDArray[Any]] = {"row": np.arange(len(groups))}
    if groups.ids is not None:
        fields = groups.ids.dtype.names
        names = {source.id[0]: groups.ids} if fields is None else {key: groups.ids[key] for key in fields}
    title = f"{opened.title}: {len(groups):,} sequences"
    return TableData(data, names, title, part.time, part.times, part.time_kind)


@dataclass(frozen=True)
class _Part:
    data: dict[str, Any]
    groups: Grouping
    time: str
    times: NDArray[np.float64] | None
    time_kind: str | None


def _read_table(key: str, source: TableSource, records: Mapping[str, Record], inputs: set[str]) -> _Part:
    assert source.file is not None
    opened = open_table(f"{key}.file", source.file, source.encoding, f"{key}.encoding")
    ids = columns_named(f"{key}.id", list(source.id), opened)
    times = columns_named(f"{key}.time", source.time, opened)
    columns: dict[str, tuple[str, ...]] = {}
    for name, record in records.items():
        owner = f"{'inputs' if name in inputs else 'targets'}.{name}.columns"
        columns[name] = columns_named(owner, list(_columns(name, record)), opened)
        shared = [column for column in columns[name] if column in ids]
        if shared:
            raise ValueError(f"{owner} expects other columns than {key}.id; got {shared[0]!r}: leave it out")
        for other in columns:
            both = (
                set(columns[other]) & set(columns[name]) if (other in inputs) != (name in inputs) else set()
            )
            if both:
                raise ValueError(
                    f"{owner} expects other columns than inputs.{other} has; got {min(both)!r} in "
                    "both: an input "
                    "that is also a target would be its own answer; leave it out of one"
                )
    kinds = {column: "text" for name in columns if _kind(records[name]) == "text" for column in columns[name]}
    used = tuple(dict.fromkeys([*ids, *times, *(column for own in columns.values() for column in own)]))
    table = load_columns(opened, used, kinds)
    groups = _groups(table, ids)
    stamps = kind = None
    if times:
        column = time_column(table, times[0], {})
        keys = time_keys(column)
        groups = in_time(groups, keys)
        again = first_repeat(groups, keys)
        if again is not None:
            raise ValueError(
                f"{key}.time expects each stamp of {times[0]!r} once in a sequence; got one twice in "
                f"{groups.where(again)}: leave one of the rows out, or name the sequences by {key}.id"
            )
        stamps, kind = seconds_of(column, groups.rows(keys)), kind_of(column.values.dtype)
    data = {
        name: _values(
            f"{'inputs' if name in inputs else 'targets'}.{name}",
            records[name],
            table,
            own,
            groups,
            stamps,
            kind,
        )
        for name, own in columns.items()
    }
    return _Part(data, groups, times[0] if times else "", stamps, kind)


def _groups(table: Table, ids: Sequence[str]) -> Grouping:
    if not ids:
        return single_rows(table.num_rows)
    found = id_columns(table, ids, {})
    groups = group([column.values for column in found])
    return replace(groups, ids=ids_of(found, groups.first))


def _columns(name: str, record: Record) -> tuple[str, ...]:
    return (name,) if record.columns is None else record.columns


def _kind(record: Record) -> str:
    """What a record's cells are: "numbers", "text" or "labels"."""
    if isinstance(record, Numeric | Vector | Regression | Quantiles):
        return "numbers"
    return "text" if isinstance(record, Text) else "labels"


def _values(
    key: str,
    record: Record,
    table: Table,
    columns: Sequence[str],
    groups: Grouping,
    stamps: NDArray[np.float64] | None,
    time_kind: str | None,
) -> Any:
    """As the record's read takes them."""
    kind = _kind(record)
    if kind == "numbers" or (isinstance(record, MultiLabel) and len(columns) > 1):
        cells = np.column_stack([groups.rows(_numbers(key, table, column)) for column in columns])
    elif len(columns) > 1:
        raise ValueError(
            f"{key}.columns expects one column; got {len(columns)}: give each an entry of its own"
        )
    else:
        cells = groups.rows(_objects(table, columns[0], text=kind == "text"))[:, np.newaxis]
    if isinstance(record, MultiLabel) and len(columns) == 1:
        for row in range(len(cells)):
            text = cells[row, 0]
            cells[row, 0] = None if text is None else _labels(str(text), record.separator)
    if record.is_step:
        if kind == "numbers":
            return (
                Sequences(cells, groups.offsets, times=stamps, time_kind=time_kind)
                if isinstance(record, Numeric | Vector)
                else [cells[a:b] for a, b in zip(groups.offsets[:-1], groups.offsets[1:])]
            )
        steps = cells if isinstance(record, MultiLabel) and len(columns) > 1 else cells[:, 0]
        return [list(steps[a:b]) if isinstance(record, MultiLabel) else steps[a:b]
                for a, b in zip(groups.offsets[:-1], groups.offsets[1:])]  # fmt: skip
    starts = groups.offsets[:-1]
    same = (cells[1:] == cells[:-1]) | ((cells[1:] != cells[1:]) & (cells[:-1] != cells[:-1]))
    changed = ~same.all(axis=1)
    changed[starts[1:] - 1] = False
    if changed.any():
        at = int(np.flatnonzero(changed)[0]) + 1
        before, after = cells[at - 1].tolist()[0], cells[at].tolist()[0]
        remedy = 'role = "step"' if hasattr(record, "role") else 'per = "step"'
        raise ValueError(
            f"{key} expects one value a sequence; got {before!r} and then {after!r} in "
            f"{groups.where(at)}: mend "
            f"it, or write {remedy}"
        )
    first = cells[starts]
    if isinstance(record, MultiLabel):
        return list(first) if len(columns) > 1 else list(first[:, 0])
    return first if kind == "numbers" else first[:, 0]


def _numbers(key: str, table: Table, name: str) -> NDArray[np.float64]:
    try:
        column = typed(table, name, {name: "numeric"})
    except ValueError as error:
        message = (
            str(error)
            .replace("by features=", "of columns")
            .replace("give it another type by types=", 'give it another kind, such as "category" or "text"')
        )
        raise ValueError(f"{key}: {message}") from None
    values = column.values.astype(np.float64)
    return values if column.missing is None else np.where(column.missing, np.nan, values)


def _objects(table: Table, name: str, *, text: bool) -> NDArray[Any]:
    """(S,) text, numbers or booleans, None where one is missing."""
    absent = table.column(name).missing
    if absent is not None and absent.all():
        return np.full(len(absent), None)
    column: Column = typed(table, name, {name: "text"} if text else {})
    if column.type == "time":
        column = column.as_type("text")
    if column.categories is not None:
        found = np.array([*column.categories, None], dtype=object)[column.values]
    else:
        plain = column.values.tolist()
        if column.values.dtype.kind == "f":  # whole numbers among missing ones
            plain = [int(value) if value == value and value == int(value) else value for value in plain]
        found = np.empty(len(plain), dtype=object)
        found[:] = [None if value != value else value for value in plain]
    if column.missing is not None:
        found[column.missing] = None
    return np.asarray(found)


def _labels(text: str, separator: str) -> tuple[str, ...]:
    return tuple(label for part in text.split(separator) if (label := part.strip()))


def _in_order(values: Any, order: Sequence[int | None]) -> Any:
    """The sequences of another table in this order, None where there is none."""
    if isinstance(values, Sequences) and values.times is not None and None not in order:
        return values.take(np.array(order, dtype=np.int64))
    if isinstance(values, Sequences) and values.times is not None:
        from tidegate.models.rows import Rows

        lengths = np.array([0 if at is None else values.lengths[at] for at in order], dtype=np.int64)
        there = values.take(np.array([at for at in order if at is not None], dtype=np.int64))
        return Rows(there.values, lengths, lengths > 0, there.times, time_kind=there.time_kind)
    return [None if at is None else values[at] for at in order]


def _key(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
