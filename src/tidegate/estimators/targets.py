"""Targets and weights as users pass them, to rows as the engine takes them, and its outputs back.

A row is one sequence, or one step where there is a target a step. K outputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.checks import choice
from tidegate.data import Sequences, has_step_targets, step_targets
from tidegate.data.ragged import steps_of
from tidegate.estimators.scaling import Doubles, Scaling

Rows = NDArray[Any]


def rows_of(argument: str, y: Any, X: Sequences) -> tuple[Rows, bool]:
    """y as one row a sequence or a step, (rows,) or (rows, K), and whether it has one a step.

    (N, 1, K) is K numbers a sequence, even where the sequences have K steps.
    """
    if y is None:
        raise ValueError(
            f"{argument} expects a target for each sequence; got None: pass one (y=None is not enough)"
        )
    if has_step_targets(y, X):
        return step_targets(y, X, argument=argument), True
    rows = np.asarray(y)
    if rows.ndim == 3 and rows.shape[1] == 1:
        rows = rows[:, 0]
    if rows.ndim not in (1, 2) or 0 in rows.shape[1:]:
        raise ValueError(
            f"{argument} expects one target a sequence, (N,) or (N, K), or one a step, a list of (T_i,) or "
            f"(N, T); got shape {rows.shape}: pass one of these"
        )
    if len(rows) != len(X):
        raise ValueError(
            f"{argument} expects a target for each of the {len(X)} sequences of X; got {len(rows)}: pass as "
            "many"
        )
    if rows.dtype.kind == "O":
        rows = _plain(argument, rows)
    if rows.dtype.kind == "f" and not np.isfinite(rows).all():
        raise ValueError(
            f"{argument} expects finite numbers; got {rows[~np.isfinite(rows)][0]} at row "
            f"{np.argwhere(~np.isfinite(rows))[0][0]}: missing targets are not supported yet; leave the "
            "sequence out"
        )
    return rows, False


def _plain(argument: str, rows: Rows) -> Rows:
    """An array of objects as one of strings or numbers."""
    values = rows.ravel().tolist()
    plain = np.array(values).reshape(rows.shape)
    mixed = plain.dtype.kind in "US" and not all(isinstance(value, str | bytes) for value in values)
    if mixed or plain.dtype.kind == "O":
        kinds = sorted({type(value).__name__ for value in values})
        raise ValueError(
            f"{argument} expects strings or numbers; got {', '.join(kinds)}: make all of one kind"
        )
    return plain


def row_weights(argument: str, sample_weight: Any, X: Sequences, per_step: bool) -> Doubles | None:
    """sample_weight as one number a row, float64; a sequence's weight is that of each of its steps. None
    stays None."""
    if sample_weight is None:
        return None
    rows, weighs_steps = rows_of(argument, sample_weight, X)
    if rows.ndim != 1 or rows.dtype.kind not in "fiub" or (weighs_steps and not per_step):
        form = (
            "one number a sequence or a step"
            if per_step
            else "one number a sequence, as y has one target a sequence"
        )
        raise ValueError(
            f"{argument} expects {form}; got {rows.dtype} of shape {rows.shape}: pass such numbers"
        )
    weights = rows.astype(np.float64)
    if weights.min() < 0.0 or not weights.any():
        raise ValueError(
            f"{argument} expects numbers from 0, not all of them 0; got {weights.min():g} to "
            f"{weights.max():g}: leave sequences out or weigh them by more than 0"
        )
    return np.repeat(weights, X.lengths) if per_step and not weighs_steps else weights


@dataclass(frozen=True, eq=False)
class Examples:
    """Sequences with a row of targets each, or each step, and the rows' weights (None: all 1)."""

    X: Sequences
    rows: Rows
    per_step: bool
    weights: Doubles | None

    @classmethod
    def of(
        cls, X: Any, y: Any, sample_weight: Any = None, *, names: tuple[str, str] = ("X", "y")
    ) -> Examples:
        """Checked; sequences whose weight is 0 are left out."""
        sequences = Sequences.from_any(X, argument=names[0])
        rows, per_step = rows_of(names[1], y, sequences)
        weights = row_weights("sample_weight", sample_weight, sequences, per_step)
        examples = cls(sequences, rows, per_step, weights)
        if weights is None or weights.all():
            return examples
        totals = np.add.reduceat(weights, sequences.offsets[:-1]) if per_step else weights
        return examples.take(np.flatnonzero(totals))

    def __len__(self) -> int:
        return len(self.X)

    def take(self, indices: NDArray[np.int64]) -> Examples:
        """The examples of these sequences."""
        rows = steps_of(self.X.offsets, indices) if self.per_step else indices
        weights = None if self.weights is None else self.weights[rows]
        return Examples(self.X.take(indices), self.rows[rows], self.per_step, weights)

    @property
    def step_weights(self) -> Doubles | None:
        """The weight of each step, a sequence's that of each of its steps."""
        if self.weights is None or self.per_step:
            return self.weights
        return np.repeat(self.weights, self.X.lengths)


@dataclass(frozen=True, eq=False)
class ClassCoding:
    """Labels as the engine's targets.

    classes: (C,) sorted. sigmoid: one output for two classes, else one against the rest for each; otherwise
    the number of the class, for softmax. weights: (C,) of the classes in the loss, or None.
    """

    classes: NDArray[Any]
    sigmoid: bool
    weights: Doubles | None = None

    @classmethod
    def of(cls, rows: Rows, sigmoid: bool) -> ClassCoding:
        if rows.ndim != 1:
            raise ValueError(
                "y expects one label a sequence, (N,), or one a step, a list of (T_i,) or (N, T) of the "
                f"sequences' own lengths; got shape {rows.shape}: pass one of these"
            )
        if rows.dtype.kind == "f" and (rows != np.floor(rows)).any():
            raise ValueError(
                f"y expects labels, strings or whole numbers; got {rows[rows != np.floor(rows)][0]} "
                "(unknown label type: continuous): use SequenceRegressor for numbers"
            )
        classes = np.unique(rows)
        if len(classes) < 2:
            raise ValueError(
                f"y expects at least two classes; got one class, {classes[0]!r}: pass sequences of another"
            )
        return cls(classes, sigmoid)

    @property
    def num_outputs(self) -> int:
        return 1 if self.sigmoid and len(self.classes) == 2 else len(self.classes)

    def positions(self, argument: str, rows: Rows) -> NDArray[np.int64]:
        """Each label's place in classes; ValueError names one that is not there."""
        place = {label: index for index, label in enumerate(self.classes.tolist())}
        labels = rows.ravel().tolist()
        unseen = set(labels) - set(place)
        if unseen or rows.ndim != 1:
            got = f"label {min(unseen, key=str)!r}" if unseen else f"shape {rows.shape}"
            raise ValueError(
                f"{argument} expects labels that fit saw, {', '.join(map(str, self.classes[:9]))}"
                f"{', ...' if len(self.classes) > 9 else ''}; got {got}: leave such sequences out or fit "
                "again"
            )
        return np.array([place[label] for label in labels], dtype=np.int64)

    def encode(self, argument: str, rows: Rows, dtype: str) -> NDArray[Any]:
        positions = self.positions(argument, rows)
        if not self.sigmoid:
            return positions.astype(np.int32)
        columns = np.arange(len(self.classes))[-self.num_outputs :]
        return np.asarray(positions[:, np.newaxis] == columns, dtype=dtype)

    def weighted(self, class_weight: Any, rows: Rows, weights: Doubles | None) -> ClassCoding:
        """With the weight of each class: none, all rows' weight over C times the class's ("balanced"), or a
        dict's."""
        if class_weight is None:
            return replace(self, weights=None)
        if isinstance(class_weight, str):
            choice("class_weight", class_weight, ("balanced",))
            totals = np.bincount(self.positions("y", rows), weights, minlength=len(self.classes))
            chosen = totals.sum() / (len(self.classes) * np.where(totals > 0.0, totals, np.inf))
        elif isinstance(class_weight, Mapping):
            self.positions("class_weight", np.array(list(class_weight)))
            chosen = np.array(
                [class_weight.get(label, 1.0) for label in self.classes.tolist()], dtype=np.float64
            )
            if not np.isfinite(chosen).all() or chosen.min() <= 0.0:
                raise ValueError(
                    f"class_weight expects finite numbers above 0; got {dict(class_weight)!r}: pass such "
                    "weights"
                )
        else:
            raise ValueError(
                "class_weight expects None, 'balanced' or a dict of labels and weights; got "
                f"{class_weight!r}: pass one of these"
            )
        return replace(self, weights=chosen)

    def row_weights(self, rows: Rows, weights: Doubles | None) -> Doubles | None:
        """Each row's weight in the loss."""
        if self.weights is None:
            return weights
        of_class = self.weights[self.positions("y", rows)]
        return of_class if weights is None else of_class * weights

    def variance(self, encoded: NDArray[Any], weights: Doubles | None) -> None:
        """None: the score is accuracy."""

    def decisions(self, outputs: NDArray[Any]) -> Doubles:
        """(rows, C) scores whose largest is the class; for two classes (rows,), above 0 for the second."""
        outputs = outputs.astype(np.float64)
        if len(self.classes) > 2:
            return outputs
        return outputs[:, 0] if self.num_outputs == 1 else outputs[:, 1] - outputs[:, 0]

    def labels(self, outputs: NDArray[Any]) -> NDArray[Any]:
        decisions = self.decisions(outputs)
        chosen = decisions > 0.0 if decisions.ndim == 1 else decisions.argmax(axis=1)
        labels: NDArray[Any] = self.classes[chosen.astype(np.int64)]
        return labels

    def probabilities(self, outputs: NDArray[Any]) -> Doubles:
        """(rows, C), each row's sum 1."""
        outputs = outputs.astype(np.float64)
        if not self.sigmoid:
            exponentials = np.exp(outputs - outputs.max(axis=1, keepdims=True))
            return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))
        positive = 0.5 * (np.tanh(0.5 * outputs) + 1.0)
        if self.num_outputs == 1:
            return np.concatenate((1.0 - positive, positive), axis=1)
        total = positive.sum(axis=1, keepdims=True)
        # All of them zero in float64: nothing tells the classes apart.
        return np.where(total > 0.0, positive / np.where(total > 0.0, total, 1.0), 1.0 / len(self.classes))


@dataclass(frozen=True, eq=False)
class NumberCoding:
    """Numbers as the engine's targets: standardised columns. vector: y is (rows, K), else (rows,)."""

    scaling: Scaling
    vector: bool

    @classmethod
    def of(cls, rows: Rows, weights: Doubles | None, standardize: bool) -> NumberCoding:
        columns = _columns("y", rows)
        scaling = Scaling.of("y", columns, weights) if standardize else Scaling.identity(columns.shape[1])
        return cls(scaling, rows.ndim == 2)

    @property
    def num_outputs(self) -> int:
        return len(self.scaling.mean)

    def encode(self, argument: str, rows: Rows, dtype: str) -> NDArray[Any]:
        return self.scaling.apply(argument, self.columns(argument, rows), dtype)

    def columns(self, argument: str, rows: Rows) -> Doubles:
        """The rows as (rows, K) numbers; ValueError where K is another than in fit."""
        columns = _columns(argument, rows)
        if columns.shape[1] != self.num_outputs:
            raise ValueError(
                f"{argument} expects {self.num_outputs} numbers a row, as fit saw; got {columns.shape[1]}: "
                "pass the same targets"
            )
        return columns

    def row_weights(self, rows: Rows, weights: Doubles | None) -> Doubles | None:
        """Each row's weight in the loss."""
        return weights

    def variance(self, encoded: NDArray[Any], weights: Doubles | None) -> float:
        """The targets' variance around their mean, in their coded unit, the mean over the outputs."""
        mean = np.average(encoded, axis=0, weights=weights)
        return float(np.average(np.square(encoded - mean), axis=0, weights=weights).mean())

    def decode(self, outputs: NDArray[Any]) -> Doubles:
        """Outputs in the targets' unit, (rows,) or (rows, K) as y was."""
        numbers = self.scaling.undo(outputs)
        return numbers if self.vector else numbers[:, 0]


def _columns(argument: str, rows: Rows) -> Rows:
    if rows.dtype.kind not in "fiub":
        raise ValueError(f"{argument} expects numbers; got {rows.dtype}: use SequenceClassifier for labels")
    return rows.astype(np.float64).reshape(len(rows), -1)


Coding = ClassCoding | NumberCoding
