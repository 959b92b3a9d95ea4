"""Per-sequence scores of two cells as sums over the test part, and as each group's share in the difference.

Axis letters: S seeds, N rows of the test part, G groups of rows (the rows themselves where there are no
groups), K outputs, R resamples, C sums.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.statistics.difference import ROUNDING

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PairedScores:
    """a, b (S,): the score of every seed on the whole test part.

    shares (S, G): what each group adds to a seed's distance from the estimate, to first order: rows of it sum
    to a - b - estimate. columns (G, C): sums over the rows of a group; evaluate(sums (R, C)) -> (R,): the
    mean difference over the seeds of a test part with these sums, NaN where it has none.
    """

    a: Floats
    b: Floats
    shares: Floats
    columns: Floats
    evaluate: Callable[[Floats], Floats]

    @property
    def estimate(self) -> float:
        return float((self.a - self.b).mean())

    @property
    def superiority(self) -> float:
        """How often a seed of a scores above one of b, of all S * S pairs, ties halved."""
        gaps = self.a[:, None] - self.b
        return float(((gaps > ROUNDING) + 0.5 * (np.abs(gaps) <= ROUNDING)).mean())


def accuracy(scores_a: Any, scores_b: Any, targets: Any, groups: Any) -> PairedScores:
    """scores (S, N): right or not, or the share that is right."""
    a, b = _pair(scores_a, scores_b, (2,))
    if targets is not None:
        raise ValueError("targets expects None where statistic='accuracy'; got an array: leave it out")
    for name, values in (("scores_a", a), ("scores_b", b)):
        if values.max() > 1.0:
            raise ValueError(
                f"{name} expects right or wrong, or shares from 0 to 1; got {values.max():g}: for squared "
                "errors pass statistic='r2' and targets"
            )
    differences = _grouped(a - b, groups)
    sizes = _grouped(np.ones((1, a.shape[1])), groups)[0]
    estimate = (a - b).mean()
    return PairedScores(
        a.mean(axis=1),
        b.mean(axis=1),
        (differences - estimate * sizes) / a.shape[1],
        np.column_stack([differences.sum(axis=0) / len(a), sizes]),
        _mean,
    )


def r2(scores_a: Any, scores_b: Any, targets: Any, groups: Any) -> PairedScores:
    """scores (S, N) or (S, N, K): squared errors. targets (N,) or (N, K)."""
    a, b = _pair(scores_a, scores_b, (2, 3))
    if targets is None:
        raise ValueError("targets expects the true values where statistic='r2'; got None: pass them")
    y = np.asarray(targets, dtype=np.float64)
    if y.shape != a.shape[1:] or not np.isfinite(y).all():
        raise ValueError(
            f"targets expects finite values in the shape {a.shape[1:]} of a seed's squared errors; got shape "
            f"{y.shape}{'' if np.isfinite(y).all() else ' with NaN or infinity'}: pass the true values"
        )
    num_rows = a.shape[1]
    a, b = (scores.reshape(len(scores), num_rows, -1) for scores in (a, b))
    y = y.reshape(num_rows, -1) - y.reshape(num_rows, -1).mean(axis=0)
    totals = (y**2).sum(axis=0)
    if not (totals > 0.0).all():
        raise ValueError(
            "targets expects values that differ, without which R^2 is undefined; got a constant: leave that "
            "output out"
        )
    gains = b - a
    estimates = gains.sum(axis=1).mean(axis=0) / totals
    shares = ((gains - estimates * y**2) / totals).mean(axis=2)
    columns = np.concatenate([gains.mean(axis=0), y, y**2, np.ones((num_rows, 1))], axis=1)
    return PairedScores(
        1.0 - (a.sum(axis=1) / totals).mean(axis=1),
        1.0 - (b.sum(axis=1) / totals).mean(axis=1),
        _grouped(shares, groups),
        _grouped(columns.T, groups).T,
        _r2_gain,
    )


def _mean(sums: Floats) -> Floats:
    return sums[:, 0] / sums[:, 1]


def _r2_gain(sums: Floats) -> Floats:
    gains, values, squares = np.split(sums[:, :-1], 3, axis=1)
    totals = squares - values**2 / sums[:, -1:]
    totals[totals <= ROUNDING * squares] = np.nan
    return np.asarray((gains / totals).mean(axis=1))


def _pair(scores_a: Any, scores_b: Any, num_axes: tuple[int, ...]) -> tuple[Floats, Floats]:
    a, b = np.asarray(scores_a, dtype=np.float64), np.asarray(scores_b, dtype=np.float64)
    for name, values in (("scores_a", a), ("scores_b", b)):
        if values.ndim not in num_axes or 0 in values.shape:
            raise ValueError(
                f"{name} expects a row a seed and a column a test sequence; got shape {values.shape}: pass "
                "scores of every seed on every sequence"
            )
        if not np.isfinite(values).all() or values.min() < 0.0:
            raise ValueError(
                f"{name} expects finite numbers from 0 up; got NaN, infinity or less than 0: leave out the "
                "seeds that failed, of both cells"
            )
    if a.shape != b.shape:
        raise ValueError(
            f"scores_b expects the seeds and test sequences of scores_a, {a.shape}; got {b.shape}: pass the "
            "seeds that both have"
        )
    return a, b


def _grouped(values: Floats, groups: Any) -> Floats:
    """(M, N) summed over the rows of each group: (M, G)."""
    if groups is None:
        return values
    labels = np.asarray(groups)
    if labels.shape != values.shape[1:]:
        raise ValueError(
            f"groups expects one entry for each of {values.shape[1]} test sequences; got shape "
            f"{labels.shape}: pass as many"
        )
    names, places = np.unique(labels, return_inverse=True)
    return np.stack([np.bincount(places, weights=row, minlength=len(names)) for row in values])
