"""The pairs of cells and what their test scores show of the difference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from tidegate.comparison.scores import CellResult, Replica
from tidegate.statistics import Difference, Verdict, corrected_resampled_t, judge, paired_bootstrap
from tidegate.statistics.resampled import METHOD as RESAMPLED

Sizes = tuple[float, float]


def verdicts(
    cells: Sequence[CellResult],
    score_name: str,
    *,
    sizes: Sizes | None = None,
    groups: Any = None,
    margin: float = 0.0,
) -> tuple[Verdict, ...]:
    """One for each pair of cells that share a seed, over the seeds they share.

    sizes: sequences to train on and to test on, where every seed has its own split of the data: then the
    corrected resampled t-test. Without them all seeds have one test part, whose rows `groups` (rows,) belong
    together: then the paired bootstrap. margin: the largest difference that does not matter.
    """
    differences: dict[tuple[str, str], Difference] = {}
    for first, second in combinations(cells, 2):
        others = {replica.seed: replica for replica in second.replicas}
        pairs = [(one, others[one.seed]) for one in first.replicas if one.seed in others]
        if pairs:
            differences[first.cell, second.cell] = (
                _on_one_part(pairs, groups, margin) if sizes is None else _on_splits(pairs, sizes, margin)
            )
    return judge(differences, score_name)


def _on_splits(pairs: list[tuple[Replica, Replica]], sizes: Sizes, margin: float) -> Difference:
    values = [one.test_score - other.test_score for one, other in pairs]
    return _undefined(RESAMPLED, pairs, margin) or corrected_resampled_t(values, *sizes, margin=margin)


def _on_one_part(pairs: list[tuple[Replica, Replica]], groups: Any, margin: float) -> Difference:
    if undefined := _undefined("paired bootstrap", pairs, margin):
        return undefined
    answers = [[replica.answers for replica in side] for side in zip(*pairs)]
    if answers[0][0].labels:
        right = (np.array([own.right for own in side]) for side in answers)
        return paired_bootstrap(*right, groups=groups, margin=margin)
    return paired_bootstrap(
        *(np.array([own.squared_errors for own in side]) for side in answers),
        statistic="r2",
        targets=answers[0][0].true,
        groups=groups,
        margin=margin,
    )


def _undefined(method: str, pairs: list[tuple[Replica, Replica]], margin: float) -> Difference | None:
    """Where a score is not a number (R^2 of one sequence) or means nothing, nothing can be said."""
    answers = pairs[0][0].answers
    if not all(math.isfinite(replica.test_score) for pair in pairs for replica in pair):
        reason = "a test score is not a number"
    elif not answers.labels and (np.ptp(answers.true, axis=0) == 0).any():
        reason = "test targets are all equal, and R^2 is undefined"
    else:
        return None
    return Difference(method, math.nan, 0.5, len(pairs), confidence=0.95, margin=margin, reason=reason)
