"""Rows of targets as the engine takes them, and its outputs back.

A row is one sequence, or one step where there is a target a step. K outputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.checks import choice
from tidegate.estimators.examples import Rows
from tidegate.estimators.scaling import Doubles, Scaling


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
        rows = _labels("y", rows)
        if rows.dtype.kind == "f" and (rows != np.floor(rows)).any():
            raise ValueError(
                f"y expects labels, strings or whole numbers; got {rows[rows != np.floor(rows)][0]} "
                "(unknown label type: continuous): use SequenceRegressor for numbers"
            )
        classes = np.unique(rows)
        if len(classes) < 2:
            raise ValueError(
                f"y expects at least two classes; got one class, {classes.tolist()[0]!r}: pass sequences of "
                "another"
            )
        return cls(classes, sigmoid)

    @property
    def num_outputs(self) -> int:
        return 1 if self.sigmoid and len(self.classes) == 2 else len(self.classes)

    def positions(self, argument: str, rows: Rows) -> NDArray[np.int64]:
        """Each label's place in classes; ValueError names one that is not there."""
        place = {label: index for index, label in enumerate(self.classes.tolist())}
        labels = _labels(argument, rows).tolist()
        unseen = set(labels) - set(place)
        if unseen:
            known = ", ".join(map(str, self.classes[:9])) + ", ..." * (len(self.classes) > 9)
            raise ValueError(
                f"{argument} expects labels that fit saw, {known}; got label {min(unseen, key=str)!r}: "
                "leave such sequences out or fit again"
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


def _labels(argument: str, rows: Rows) -> Rows:
    """(rows,) labels; a single column is taken as that."""
    if rows.ndim == 2 and rows.shape[1] == 1:
        return rows[:, 0]
    if rows.ndim != 1:
        raise ValueError(
            f"{argument} expects one label a sequence, (N,), or one a step, a list of (T_i,) or (N, T) for "
            f"sequences of T steps; got shape {rows.shape}: pass one of these"
        )
    return rows


def _columns(argument: str, rows: Rows) -> Rows:
    if rows.dtype.kind not in "fiub":
        raise ValueError(f"{argument} expects numbers; got {rows.dtype}: use SequenceClassifier for labels")
    return rows.astype(np.float64).reshape(len(rows), -1)


Coding = ClassCoding | NumberCoding
