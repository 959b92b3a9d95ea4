"""What fit learns of each input, and the network's nodes and arrays that follow from it.

N sequences, S steps of all of them.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.data import Sequences
from tidegate.engine import SparseRows
from tidegate.models.gaps import Gaps
from tidegate.models.inputs import Category, InputRecord, Numeric, Text, Vector
from tidegate.models.padding import Padding
from tidegate.models.rows import Rows, is_sparse
from tidegate.models.scaling import Doubles, Scaling, average
from tidegate.network import Dense, Embedding, Input, InputDecay, Node, SparseInput

Arrays = dict[str, NDArray[Any] | SparseRows]
_WORDS = re.compile(r"\w+")


def named(name: str, part: str) -> str:
    """The node of that part of an input or a target; one of no name, as the estimators have it, has plain
    names."""
    return f"{name}.{part}" if name else part


def in_stream(stream: str, part: str) -> str:
    """Likewise of a stream."""
    return f"{stream}/{part}" if stream else part


@dataclass(frozen=True)
class Sources:
    """Names of the nodes that carry an input: read, what a layer reads; elapsed, the times since values were
    seen, by which states decay. The second of each pair is for the direction from the end. padding: where
    steps may be padding that gates act on, the node that says so."""

    read: tuple[tuple[str, ...], tuple[str, ...]]
    elapsed: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    padding: str | None = None

    @classmethod
    def of(cls, *names: str) -> Sources:
        return cls((names, names))


class _Encoder:
    """What most encoders are."""

    def read(self, rows: Rows) -> Rows:
        """As the network reads them: with the steps of padding that it does."""
        return rows


@dataclass(frozen=True, eq=False)
class NumericEncoder(_Encoder):
    """scaling: of the columns. gaps, padding: of steps. flags: of a static input, the columns that had
    gaps."""

    record: Numeric | Vector
    scaling: Scaling
    gaps: Gaps
    flags: tuple[int, ...] = ()
    padding: Padding = field(default_factory=Padding)

    @classmethod
    def learnt(
        cls,
        argument: str,
        record: Numeric | Vector,
        rows: Rows,
        training: Rows,
        weights: Callable[[Rows], Doubles | None],
    ) -> NumericEncoder:
        width = rows.values.shape[1]
        if not record.is_step:
            there, shares = training.values[training.present], weights(training)
            absent = np.isnan(there).all(axis=0)
            if absent.any():
                raise ValueError(
                    f"{argument} expects some value in each column; got none in column "
                    f"{int(absent.argmax())} "
                    "of the sequences that are trained on: leave it out"
                )
            shares = None if shares is None else shares[training.present]
            scaling = Scaling.of(argument, there, shares) if record.standardize else Scaling.identity(width)
            gaps_in = np.isnan(rows.values[rows.present]).any(axis=0)
            mean = tuple(average(there, shares).tolist())
            return cls(record, scaling, Gaps("fill", "mean", mean), tuple(np.flatnonzero(gaps_in).tolist()))
        missing, fill, way = (
            (record.missing, record.fill, record.padding)
            if isinstance(record, Numeric)
            else (None, "mean", "skip")
        )
        if missing is None:
            missing = "mask" if np.isnan(rows.values).any() else "refuse"
        given = rows.sequences
        assert given is not None
        encoder = cls(record, Scaling.identity(width), Gaps(), (), Padding.learnt(way, given))
        training = encoder.read(training)
        steps, shares = training.sequences, weights(training)
        assert steps is not None
        if shares is not None and steps.padding is not None:
            shares = shares[~steps.padding]
        steps = steps.without_padding()
        if not steps.total_steps:
            raise ValueError(
                f"{argument} expects steps in some of the sequences that are trained on; got sequences "
                "without steps alone: pass others beside them"
            )
        gaps = Gaps.learnt(argument, missing, fill, steps, shares)
        scaling = Scaling.of(argument, steps.values, shares) if record.standardize else encoder.scaling
        return replace(encoder, scaling=scaling, gaps=gaps)

    @property
    def projection(self) -> int | None:
        return self.record.size if isinstance(self.record, Vector) else self.record.projection

    @property
    def num_values(self) -> int:
        return len(self.scaling.mean)

    def read(self, rows: Rows) -> Rows:
        if self.padding.way == "skip" or not rows.present.any():
            return rows
        given = rows.sequences
        assert given is not None
        assert rows.lengths is not None
        padded = self.padding.read(given)
        lengths = np.zeros(len(rows), dtype=np.int64)
        lengths[rows.present] = padded.lengths
        return Rows(padded.values, lengths, rows.present, padded.times, padded.padding, padded.time_kind)

    def with_noise(self, rows: Rows, deviation: float, rng: np.random.Generator) -> Rows:
        """Gaussian noise on each number that is there, of this standard deviation once it is scaled."""
        dtype = rows.values.dtype.type
        noise = rng.standard_normal(rows.values.shape, dtype)
        noise *= (deviation * self.scaling.scale).astype(dtype)
        return replace(rows, values=rows.values + noise)

    def nodes(self, name: str, stream: int | None, both: bool) -> tuple[list[Node], Sources]:
        width = self.num_values
        x, observed, projected = (named(name, part) for part in ("x", "observed", "projection"))
        nodes: list[Node] = []
        ways = ("", "_reverse")[: 1 + both]
        read = [x]
        elapsed: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
        if self.gaps.missing == "decay":
            since = named(name, "elapsed")
            elapsed = ((since,), (f"{since}_reverse",))
            nodes.append(Input(observed, width, stream=stream))
            for way in ways:
                nodes += [Input(f"{kind}{way}", width, stream=stream) for kind in (x, since)]
                nodes.append(InputDecay(f"{x}_decay{way}", (f"{x}{way}", observed, f"{since}{way}")))
            read = [f"{x}_decay{way}" for way in ways]
        else:
            columns = width + len(self.flags) if stream is None else self.gaps.num_columns(width)
            nodes.append(Input(x, columns, stream=stream))
        if self.projection is not None:
            after = [f"{projected}{way}" for _, way in zip(read, ways)]
            nodes += [Dense(own, (of,), self.projection, "tanh") for own, of in zip(after, read)]
            read = after
        padding = named(name, "padding") if self.padding.gates else None
        if padding is not None:
            nodes.append(Input(padding, 1, stream=stream))
        return nodes, Sources(((read[0],), (read[-1],)), elapsed, padding)

    def arrays(self, argument: str, name: str, rows: Rows, both: bool, dtype: str) -> Arrays:
        if rows.lengths is not None and not rows.present.any():
            names = {node.name: node.size for node in self.nodes(name, 0, both)[0] if isinstance(node, Input)}
            return {node: np.zeros((0, columns), dtype) for node, columns in names.items()}
        if is_sparse(rows.values):
            raise ValueError(f"{argument} expects numbers, as fit saw; got a sparse matrix: pass an array")
        if rows.lengths is None:
            self._check_width(argument, "columns", rows.values.shape[1])
            scaled = self.scaling.apply(argument, rows.values, dtype)
            centre = ((np.array(self.gaps.mean) - self.scaling.mean) / self.scaling.scale).astype(dtype)
            filled = np.where(np.isnan(scaled), centre, scaled)
            flags = np.isnan(scaled[:, self.flags]).astype(dtype)
            return {named(name, "x"): np.ascontiguousarray(np.concatenate([filled, flags], axis=1))}
        steps = rows.sequences
        assert steps is not None
        return {named(name, part): own for part, own in self.inputs(argument, steps, dtype, both).items()}

    def inputs(self, argument: str, steps: Sequences, dtype: str, both: bool) -> dict[str, NDArray[Any]]:
        """The arrays of sequences by the part of the input's name; rows of zeros where there is padding, and
        which these are."""
        self._check_width(argument, "features", steps.num_features)
        padding = steps.padding
        real = steps if padding is None else steps.without_padding()
        inputs = self.gaps.inputs(argument, real, self.scaling, dtype, both)
        if not self.padding.gates:
            return inputs
        if padding is None:
            padding = np.zeros(steps.total_steps, bool)
        filled = {"padding": padding[:, np.newaxis].astype(dtype)}
        for part, rows in inputs.items():
            filled[part] = np.zeros((len(padding), rows.shape[1]), dtype)
            filled[part][~padding] = rows
        return filled

    def _check_width(self, argument: str, kind: str, width: int) -> None:
        if width != self.num_values:
            raise ValueError(
                f"{argument} expects {self.num_values} {kind}, as fit saw; got {width}: pass the same {kind} "
                "in the same order"
            )


@dataclass(frozen=True, eq=False)
class TableEncoder(_Encoder):
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
            raise ValueError(
                f"{argument} expects some value in the sequences that are trained on; got none: leave it out"
                + (
                    ", or take level='character'"
                    if isinstance(record, Text) and record.level == "word"
                    else ""
                )
            )
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
            SparseInput(named(name, "units"), len(self.units) + 1, stream),
            Embedding(named(name, "table"), (named(name, "units"),), self.record.size),
        ], Sources.of(named(name, "table"))

    @property
    def is_ragged(self) -> bool:
        """Whether each unit is a step of a stream of its own."""
        return isinstance(self.record, Text) and self.record.encoder == "recurrent"

    def lengths(self, rows: Rows) -> NDArray[np.int64]:
        """Units of each text."""
        return np.array([len(units) for units in _units(self.record, rows)], dtype=np.int64)

    def arrays(self, argument: str, name: str, rows: Rows, both: bool, dtype: str) -> Arrays:
        given = list(_units(self.record, rows))
        found = [[self.place.get(unit, 0) for unit in units] for units in given]
        columns = np.array([row for units in found for row in units], dtype=np.int32)
        counts = np.array([len(units) for units in found], dtype=np.int64)
        if not columns.any():
            self._check_type(argument, {unit for units in given for unit in units})
        if self.is_ragged:
            return {named(name, "units"): SparseRows(np.arange(len(columns) + 1, dtype=np.int64), columns)}
        offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
        shares = np.repeat(1.0 / np.maximum(counts, 1), counts).astype(dtype)
        return {named(name, "units"): SparseRows(offsets, columns, shares)}

    def _check_type(self, argument: str, unknown: Set[Any]) -> None:
        """ValueError where nothing that is given can have been seen: it is of another type."""
        seen, got = ({_kind(unit): type(unit).__name__ for unit in units} for units in (self.units, unknown))
        if seen and got and seen.keys().isdisjoint(got):
            expected, found = (" or ".join(sorted(kinds.values())) for kinds in (seen, got))
            raise ValueError(
                f"{argument} expects categories of the type that fit saw, {expected}; got {found}, "
                f"{min(map(repr, unknown))} for instance, all of them unseen: convert them, or fit again"
            )


@dataclass(frozen=True, eq=False)
class SparseEncoder(_Encoder):
    """Sparse vectors of num_columns."""

    record: Vector
    num_columns: int

    def nodes(self, name: str, stream: int | None, both: bool) -> tuple[list[Node], Sources]:
        return [
            SparseInput(named(name, "entries"), self.num_columns, stream),
            Embedding(named(name, "table"), (named(name, "entries"),), self.record.size),
        ], Sources.of(named(name, "table"))

    def arrays(self, argument: str, name: str, rows: Rows, both: bool, dtype: str) -> Arrays:
        if rows.lengths is not None and not rows.present.any():
            empty = SparseRows(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, dtype))
            return {named(name, "entries"): empty}
        if not is_sparse(rows.values) or rows.values.shape[1] != self.num_columns:
            raise ValueError(
                f"{argument} expects sparse matrices of {self.num_columns} columns, as fit saw; got "
                f"{rows.values.shape[1]}{'' if is_sparse(rows.values) else ' dense'} columns: pass such"
            )
        matrix = rows.values
        return {
            named(name, "entries"): SparseRows(
                np.ascontiguousarray(matrix.indptr, np.int64),
                np.ascontiguousarray(matrix.indices, np.int32),
                np.ascontiguousarray(matrix.data, dtype),
            )
        }


Encoder = NumericEncoder | TableEncoder | SparseEncoder


def learn(
    argument: str,
    record: InputRecord,
    rows: Rows,
    training: Rows,
    weights: Callable[[Rows], Doubles | None],
) -> Encoder:
    """The encoder of an input; rows: of all sequences, training: of those that are trained on, weights: of
    rows of these."""
    if not training.present.any():
        raise ValueError(
            f"{argument} expects values in some sequences; got none in any that is trained on: leave it out"
        )
    if isinstance(record, Category | Text):
        return TableEncoder.learnt(argument, record, rows, training)
    if is_sparse(rows.values):
        assert isinstance(record, Vector)
        return SparseEncoder(record, rows.values.shape[1])
    return NumericEncoder.learnt(argument, record, rows, training, weights)


def _kind(unit: Any) -> type:
    """Numbers of every type are of one: 1 is 1.0."""
    return Real if isinstance(unit, Real) else type(unit)


def _units(record: Category | Text, rows: Rows) -> Iterable[list[Any]]:
    """The units of each row: of a text its characters or words, of a category itself, if it is there."""
    if isinstance(record, Category):
        return ([] if label is None else [label] for label in rows.values)
    if record.level == "character":
        return (list((text or "")[: record.max_length]) for text in rows.values)
    return (_WORDS.findall((text or "").lower())[: record.max_length] for text in rows.values)
