"""What a model is fitted on: rows of its inputs and targets, with weights.

A row is one sequence, or one step where there is a target a step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.data import Sequences, has_step_targets, step_targets
from tidegate.data.targets import there
from tidegate.models.parts import two_parts
from tidegate.models.rows import Rows
from tidegate.models.scaling import Doubles
from tidegate.models.targets import TargetRecord

Values = NDArray[Any]


def rows_of(
    argument: str,
    y: Any,
    X: Sequences,
    remedy: str = "missing targets are not supported yet; leave the sequence out",
) -> tuple[Values, bool]:
    """y as one row a sequence or a step, (rows,) or (rows, K), and whether it has one a step.

    (N, 1, K) is K numbers a sequence, even where the sequences have K steps; a list of (K,) arrays is not.
    remedy: where a number of a sequence is not finite.
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
    if isinstance(y, list) and rows.ndim == 2 and rows.shape[1] > 1 and hasattr(y[0], "__array__"):
        raise ValueError(
            f"{argument}[0] expects {X.lengths[0]} targets, one for each step of X[0]; got {rows.shape[1]}: "
            "pass as many, or an (N, K) array of K numbers a sequence"
        )
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
            f"{np.argwhere(~np.isfinite(rows))[0][0]}: {remedy}"
        )
    return rows, False


def _plain(argument: str, rows: Values) -> Values:
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


def known_rows(argument: str, rows: Values, weights: Doubles | None) -> tuple[Values, Doubles | None]:
    """Rows and weights where a missing target weighs nothing; another one's value stands in its place."""
    known = there(rows)
    if known.all():
        return rows, weights
    if not known.any():
        raise ValueError(f"{argument} expects a target at some steps; got NaN at all of them: pass some")
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
    rows, weighs_steps = rows_of(argument, sample_weight, X, "pass 0 where one is not to count")
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


def weights_of(sample_weight: Any, main: Rows, per_step: bool) -> Rows:
    """sample_weight of the sequences, or the steps, of an input."""
    lengths = np.zeros(len(main), np.int64) if main.lengths is None else main.lengths
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    steps = Sequences._trusted(np.zeros((int(offsets[-1]), 1)), offsets, None, None)
    values = row_weights("sample_weight", sample_weight, steps, per_step)
    return Rows(values, lengths if per_step else None, np.ones(len(main), dtype=bool))


@dataclass(frozen=True, eq=False)
class Examples:
    """Rows of inputs and of targets, by name, of the same sequences. weights: one number a sequence, or one a
    step of the main stream; None: all 1."""

    inputs: Mapping[str, Rows]
    targets: Mapping[str, Rows]
    weights: Rows | None = None

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def take(self, indices: NDArray[np.int64]) -> Examples:
        """Those of these sequences."""
        return Examples(
            {name: rows.take(indices) for name, rows in self.inputs.items()},
            {name: rows.take(indices) for name, rows in self.targets.items()},
            None if self.weights is None else self.weights.take(indices),
        )

    def weighed(self) -> Examples:
        """Without the sequences whose weight is 0."""
        if self.weights is None or (totals := _per_sequence(self.weights)).all():
            return self
        return self.take(np.flatnonzero(totals))

    def weights_of(self, rows: Rows) -> Doubles | None:
        """The weight of each row: a sequence's that of each of its steps, and the mean of its steps' that of
        a sequence and of steps of another stream."""
        own = self.weights
        if own is None:
            return None
        both = own.lengths is not None and rows.lengths is not None
        if both and np.array_equal(own.lengths, rows.lengths):  # type: ignore[arg-type]
            return np.asarray(own.values)
        weights = _per_sequence(own)
        return weights if rows.lengths is None else np.repeat(weights, rows.lengths)

    def split(
        self, share: float, targets: Mapping[str, TargetRecord], rng: np.random.Generator
    ) -> tuple[Examples, Examples]:
        """Those to train on, and those held out."""
        training, held_out = two_parts(self.targets, targets, share, int(rng.integers(2**32)))
        return self.take(training), self.take(held_out)


def _per_sequence(weights: Rows) -> Doubles:
    if weights.lengths is None:
        return np.asarray(weights.values)
    places = np.repeat(np.arange(len(weights)), weights.lengths)
    totals = np.bincount(places, weights.values, minlength=len(weights))
    return totals / np.maximum(weights.lengths, 1)
