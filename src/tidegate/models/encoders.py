"""What fit learns of each input, and the network's nodes and arrays that follow from it.

N sequences, S steps of all of them.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.engine import SparseRows
from tidegate.estimators.gaps import Gaps
from tidegate.estimators.scaling import Scaling
from tidegate.models.inputs import Category, InputRecord, Numeric, Text, Vector
from tidegate.models.rows import Rows, is_sparse
from tidegate.network import Dense, Embedding, Input, InputDecay, Node, SparseInput

DTYPE = "float32"
Arrays = dict[str, NDArray[Any] | SparseRows]
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True)
class Sources:
    """Names of the nodes that carry an input: read, what a layer reads; elapsed, the times since values were
    seen, by which states decay. The second of each pair is for the direction from the end."""

    read: tuple[tuple[str, ...], tuple[str, ...]]
    elapsed: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())

    @classmethod
    def of(cls, *names: str) -> Sources:
        return cls((names, names))


@dataclass(frozen=True, eq=False)
class NumericEncoder:
    """scaling: of the columns. gaps: of steps. flags: of a static input, the columns that had gaps."""

    record: Numeric | Vector
    scaling: Scaling
    gaps: Gaps
    flags: tuple[int, ...] = ()

    @classmethod
    def learnt(cls, argument: str, record: Numeric | Vector, rows: Rows, training: Rows) -> NumericEncoder:
        standardize = record.standardize
        width = rows.values.shape[1]
        if not record.is_step:
            there = training.values[training.present]
            absent = np.isnan(there).all(axis=0)
            if absent.any():
                raise ValueError(
                    f"{argument} expects some value in each column; got none in column "
                    f"{int(absent.argmax())} "
                    "of the sequences that are trained on: leave it out"
                )
            scaling = Scaling.of(argument, there) if standardize else Scaling.identity(width)
            gaps_in = np.isnan(rows.values[rows.present]).any(axis=0)
            mean = tuple(np.nanmean(there, axis=0).tolist())
            return cls(record, scaling, Gaps("fill", "mean", mean), tuple(np.flatnonzero(gaps_in).tolist()))
        steps = training.sequences()
        assert steps is not None
        scaling = Scaling.of(argument, steps.values) if standardize else Scaling.identity(width)
        missing, fill = (record.missing, record.fill) if isinstance(record, Numeric) else (None, "mean")
        if missing is None:
            missing = "mask" if np.isnan(rows.values).any() else "refuse"
        try:
            return cls(record, scaling, Gaps.learnt(missing, fill, steps, None))
        except ValueError as error:
            raise ValueError(str(error).replace("X expects", f"{argument} expects", 1)) from None

    @property
    def projection(self) -> int | None:
        return self.record.size if isinstance(self.record, Vector) else self.record.projection

    def nodes(self, name: str, stream: int | None, both: bool) -> tuple[list[Node], Sources]:
        width = len(self.scaling.mean)
        if self.gaps.missing != "decay":
            columns = width + len(self.flags) if stream is None else self.gaps.num_columns(width)
            nodes: list[Node] = [Input(f"{name}.x", columns, stream=stream)]
            if self.projection is None:
                return nodes, Sources.of(f"{name}.x")
            nodes.append(Dense(f"{name}.projection", (f"{name}.x",), self.projection, "tanh"))
            return nodes, Sources.of(f"{name}.projection")
        nodes = [Input(f"{name}.observed", width, stream=stream)]
        read: list[tuple[str, ...]] = []
        for way in ("", "_reverse")[: 1 + both]:
            nodes += [Input(f"{name}.{kind}{way}", width, stream=stream) for kind in ("x", "elapsed")]
            of = (f"{name}.x{way}", f"{name}.observed", f"{name}.elapsed{way}")
            nodes.append(InputDecay(f"{name}.decay{way}", of))
            read.append((f"{name}.decay{way}",))
            if self.projection is not None:
                nodes.append(Dense(f"{name}.projection{way}", read.pop(), self.projection, "tanh"))
                read.append((f"{name}.projection{way}",))
        elapsed = ((f"{name}.elapsed",), (f"{name}.elapsed_reverse",))
        return nodes, Sources((read[0], read[-1]), elapsed)

    def arrays(self, argument: str, name: str, rows: Rows, both: bool) -> Arrays:
        width = len(self.scaling.mean)
        if rows.lengths is not None and not rows.present.any():
            names = {node.name: node.size for node in self.nodes(name, 0, both)[0] if isinstance(node, Input)}
            return {node: np.zeros((0, columns), DTYPE) for node, columns in names.items()}
        if is_sparse(rows.values) or rows.values.shape[1] != width:
            got = "a sparse matrix" if is_sparse(rows.values) else f"{rows.values.shape[1]} columns"
            raise ValueError(
                f"{argument} expects {width} columns, as fit saw; got {got}: pass the same in the same order"
            )
        if rows.lengths is None:
            scaled = self.scaling.apply(argument, rows.values, DTYPE)
            centre = ((np.array(self.gaps.mean) - self.scaling.mean) / self.scaling.scale).astype(DTYPE)
            filled = np.where(np.isnan(scaled), centre, scaled)
            flags = np.isnan(scaled[:, self.flags]).astype(DTYPE)
            return {f"{name}.x": np.ascontiguousarray(np.concatenate([filled, flags], axis=1))}
        steps = rows.sequences()
        assert steps is not None
        inputs = self.gaps.inputs(argument, steps, self.scaling, DTYPE, both)
        return {f"{name}.{kind}": np.ascontiguousarray(values) for kind, values in inputs.items()}


@dataclass(frozen=True, eq=False)
class TableEncoder:
    """Units, labels or those of a text, by the row of the table of their embeddings; row 0 is that of all
    others. has_rare: whether fit saw such."""

    record: Category | Text
    units: tuple[Any, ...]
    has_rare: bool
    place: Mapping[Any, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "place", {unit: row for row, unit in enumerate(self.units, 1)})

    @classmethod
    def learnt(cls, argument: str, record: Category | Text, rows: Rows, training: Rows) -> TableEncoder:
        counts: Counter[Any] = Counter()
        for units in _units(record, training):
            counts.update(units)
        if not counts:
            raise ValueError(f"{argument} expects some value in the sequences that are trained on; got none")
        kept = [unit for unit, count in counts.items() if count >= record.min_count]
        if isinstance(record, Text):
            kept = sorted(kept, key=lambda unit: (-counts[unit], unit))[: record.max_vocabulary]
        elif len(counts) == sum(counts.values()) > 10:
            warnings.warn(
                f"{argument} has as many categories as rows, {len(counts)}: it tells sequences "
                "apart and nothing "
                "of others; leave it out",
                stacklevel=2,
            )
        kept.sort(
            key=lambda unit: (str(type(unit)), unit) if isinstance(unit, int | float | str) else str(unit)
        )
        return cls(record, tuple(kept), len(kept) < len(counts))

    def nodes(self, name: str, stream: int | None, both: bool) -> tuple[list[Node], Sources]:
        return [
            SparseInput(f"{name}.units", len(self.units) + 1, stream),
            Embedding(f"{name}.table", (f"{name}.units",), self.record.size),
        ], Sources.of(f"{name}.table")

    @property
    def is_ragged(self) -> bool:
        """Whether each unit is a step of a stream of its own."""
        return isinstance(self.record, Text) and self.record.encoder == "recurrent"

    def lengths(self, rows: Rows) -> NDArray[np.int64]:
        """Units of each text."""
        return np.array([len(units) for units in _units(self.record, rows)], dtype=np.int64)

    def arrays(self, argument: str, name: str, rows: Rows, both: bool) -> Arrays:
        found = [[self.place.get(unit, 0) for unit in units] for units in _units(self.record, rows)]
        columns = np.array([row for units in found for row in units], dtype=np.int32)
        counts = np.array([len(units) for units in found], dtype=np.int64)
        if self.is_ragged:
            return {f"{name}.units": SparseRows(np.arange(len(columns) + 1, dtype=np.int64), columns)}
        offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
        shares = np.repeat(1.0 / np.maximum(counts, 1), counts).astype(DTYPE)
        return {f"{name}.units": SparseRows(offsets, columns, shares)}


@dataclass(frozen=True, eq=False)
class SparseEncoder:
    """Sparse vectors of num_columns."""

    record: Vector
    num_columns: int

    def nodes(self, name: str, stream: int | None, both: bool) -> tuple[list[Node], Sources]:
        return [
            SparseInput(f"{name}.entries", self.num_columns, stream),
            Embedding(f"{name}.table", (f"{name}.entries",), self.record.size),
        ], Sources.of(f"{name}.table")

    def arrays(self, argument: str, name: str, rows: Rows, both: bool) -> Arrays:
        if rows.lengths is not None and not rows.present.any():
            empty = SparseRows(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, DTYPE))
            return {f"{name}.entries": empty}
        if not is_sparse(rows.values) or rows.values.shape[1] != self.num_columns:
            raise ValueError(
                f"{argument} expects sparse matrices of {self.num_columns} columns, as fit saw; got "
                f"{rows.values.shape[1]}{'' if is_sparse(rows.values) else ' dense'} columns: pass such"
            )
        matrix = rows.values
        return {
            f"{name}.entries": SparseRows(
                np.ascontiguousarray(matrix.indptr, np.int64),
                np.ascontiguousarray(matrix.indices, np.int32),
                np.ascontiguousarray(matrix.data, DTYPE),
            )
        }


Encoder = NumericEncoder | TableEncoder | SparseEncoder


def learn(argument: str, record: InputRecord, rows: Rows, training: Rows) -> Encoder:
    """The encoder of an input; rows: of all sequences, training: of those that are trained on."""
    if not training.present.any():
        raise ValueError(
            f"{argument} expects values in some sequences; got none in any that is trained on: leave it out"
        )
    if isinstance(record, Category | Text):
        return TableEncoder.learnt(argument, record, rows, training)
    if is_sparse(rows.values):
        assert isinstance(record, Vector)
        return SparseEncoder(record, rows.values.shape[1])
    return NumericEncoder.learnt(argument, record, rows, training)


def _units(record: Category | Text, rows: Rows) -> Iterable[list[Any]]:
    """The units of each row: of a text its characters or words, of a category itself, if it is there."""
    if isinstance(record, Category):
        return ([] if label is None else [label] for label in rows.values)
    if record.level == "character":
        return (list((text or "")[: record.max_length]) for text in rows.values)
    return (_WORDS.findall((text or "").lower())[: record.max_length] for text in rows.values)
