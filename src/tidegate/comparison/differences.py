"""The pairs of cells and what their test scores show of the difference."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tidegate.comparison.scores import CellResult, Measured, Replica
from tidegate.statistics import Difference, Verdict, corrected_resampled_t, judge, paired_bootstrap
from tidegate.statistics.resampled import METHOD as RESAMPLED

Sizes = tuple[float, float]
Pair = tuple[Measured, Measured]


def verdicts(
    cells: Sequence[CellResult],
    score_names: Mapping[str, str],
    chosen: Iterable[tuple[str, str]],
    *,
    sizes: Sizes | None = None,
    groups: Any = None,
    margin: float = 0.0,
) -> tuple[Verdict, ...]:
    """By target, one for each of these pairs of cells that share a seed, over the seeds they share; p-values
    are adjusted over the pairs of one target.

    sizes: sequences to train on and to test on, where every seed has its own split of the data: then the
    corrected resampled t-test. Without them all seeds have one test part, whose rows `groups` (rows,) belong
    together: then the paired bootstrap. margin: the largest difference that does not matter.
    """
    by_name = {result.cell: {replica.seed: replica for replica in result.replicas} for result in cells}
    shared: dict[tuple[str, str], list[tuple[Replica, Replica]]] = {}
    for first, second in chosen:
        sides = by_name.get(first, {}), by_name.get(second, {})
        if pairs := [(one, sides[1][seed]) for seed, one in sides[0].items() if seed in sides[1]]:
            shared[first, second] = pairs
    found: list[Verdict] = []
    for target, score_name in score_names.items():
        differences = {}
        for names, pairs in shared.items():
            measured = [(one.targets[target], other.targets[target]) for one, other in pairs]
            differences[names] = (
                _on_one_part(measured, groups, margin)
                if sizes is None
                else _on_splits(measured, sizes, margin)
            )
        found += judge(differences, score_name, target)
    return tuple(found)


def _on_splits(pairs: list[Pair], sizes: Sizes, margin: float) -> Difference:
    values = [one.test_score - other.test_score for one, other in pairs]
    return _undefined(RESAMPLED, pairs, margin) or corrected_resampled_t(values, *sizes, margin=margin)


def _on_one_part(pairs: list[Pair], groups: Any, margin: float) -> Difference:
    if undefined := _undefined("paired bootstrap", pairs, margin):
        return undefined
    answers = [[measured.answers for measured in side] for side in zip(*pairs)]
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


def _undefined(method: str, pairs: list[Pair], margin: float) -> Difference | None:
    """Where a score is not a number (R^2 of one sequence) or means nothing, nothing can be said."""
    answers = pairs[0][0].answers
    if not all(math.isfinite(measured.test_score) for pair in pairs for measured in pair):
        reason = "a test score is not a number"
    elif answers is not None and not answers.labels and (np.ptp(answers.true, axis=0) == 0).any():
        reason = "test targets are all equal, and R^2 is undefined"
    else:
        return None
    return Difference(method, math.nan, 0.5, len(pairs), confidence=0.95, margin=margin, reason=reason)
