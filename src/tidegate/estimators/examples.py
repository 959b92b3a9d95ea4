"""Sequences with their targets and weights, checked, as rows.

A row is one sequence, or one step where there is a target a step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.data import Sequences, has_step_targets, step_targets
from tidegate.data.ragged import steps_of
from tidegate.data.targets import there
from tidegate.estimators.scaling import Doubles

Rows = NDArray[Any]


def rows_of(argument: str, y: Any, X: Sequences) -> tuple[Rows, bool]:
    """y as one row a sequence or a step, (rows,) or (rows, K), and whether it has one a step.

    (N, 1, K) is K numbers a sequence, even where the sequences have K steps.
    """
    if y is None:
        raise ValueError(
            f"{argument} expects one entry a sequence or a step; got None (fit requires y to be passed, but "
            "the target y is None): pass one"
        )
    if has_step_targets(y, X):
        if not X.total_steps:
            raise ValueError(
                f"{argument} expects a target at some steps; got sequences without steps alone: pass others "
                "beside them"
            )
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
            f"{argument} expects one entry for each of the {len(X)} sequences of X; got {len(rows)}: pass as "
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


def known_rows(rows: Rows, weights: Doubles | None) -> tuple[Rows, Doubles | None]:
    """Rows and weights where a missing target weighs nothing; another one's value stands in its place."""
    known = there(rows)
    if known.all():
        return rows, weights
    if not known.any():
        raise ValueError("y expects a target at some steps; got NaN at all of them: pass some")
    filled = np.where(known[:, np.newaxis] if rows.ndim > 1 else known, rows, rows[known.argmax()])
    return filled, known.astype(np.float64) if weights is None else np.where(known, weights, 0.0)


def step_totals(weights: Doubles | None, X: Sequences) -> Doubles:
    """(N,): the weights of the steps of each sequence together; None: 1 each."""
    return np.bincount(np.repeat(np.arange(len(X)), X.lengths), weights, minlength=len(X)).astype(np.float64)


def row_weights(argument: str, sample_weight: Any, X: Sequences, per_step: bool) -> Doubles | None:
    """sample_weight as one number a row, float64, the largest 1 since only ratios count; a sequence's weight
    is that of each of its steps. None stays None."""
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
    if not np.isfinite(weights).all():
        raise ValueError(f"{argument} expects finite numbers; got NaN: pass 0 where a step is not to count")
    if weights.min() < 0.0 or not weights.any():
        got = "zero weights only" if not weights.any() else f"{weights.min():g}"
        raise ValueError(
            f"{argument} expects numbers from 0, some of them above; got {got}: leave sequences out, or "
            "weigh them by more than 0"
        )
    weights /= weights.max()
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
        """Checked; a step's missing target weighs nothing. Sequences whose weight is 0 are left out, and
        those without steps where there is one target a step."""
        sequences = Sequences.from_any(X, argument=names[0])
        rows, per_step = rows_of(names[1], y, sequences)
        weights = row_weights("sample_weight", sample_weight, sequences, per_step)
        if per_step:
            rows, weights = known_rows(rows, weights)
        examples = cls(sequences, rows, per_step, weights)
        totals = step_totals(weights, sequences) if per_step else weights
        return examples if totals is None or totals.all() else examples.take(np.flatnonzero(totals))

    def __len__(self) -> int:
        return len(self.X)

    def take(self, indices: NDArray[np.int64]) -> Examples:
        """The examples of these sequences."""
        rows = steps_of(self.X.offsets, indices) if self.per_step else indices
        weights = None if self.weights is None else self.weights[rows]
        return Examples(self.X.take(indices), self.rows[rows], self.per_step, weights)

    def without_padding(self) -> Examples:
        """The same without steps that are padding, where there is one target a sequence."""
        return replace(self, X=self.X.without_padding())

    @property
    def step_weights(self) -> Doubles | None:
        """The weight of each step, a sequence's that of each of its steps."""
        if self.weights is None or self.per_step:
            return self.weights
        return np.repeat(self.weights, self.X.lengths)
