"""One fixed test part: the paired bootstrap over its sequences and the seeds.

Axis letters as in scores.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tidegate.checks import choice, integer
from tidegate.statistics.difference import FEWEST_RUNS, ROUNDING, Difference, check_levels
from tidegate.statistics.scores import Floats, PairedScores, accuracy, r2

METHOD = "paired bootstrap"

_STATISTICS = {"accuracy": accuracy, "r2": r2}
# Of more, random lots are drawn: the variance of 10,000 lots is known to 1.4 %.
_MOST_DRAWN = 10_000
# Drawing a binomial number takes as long as drawing this many whole numbers.
_BINOMIAL_COST = 10
_DRAWN_AT_A_TIME = 1 << 21


def paired_bootstrap(
    scores_a: Any,
    scores_b: Any,
    *,
    statistic: str = "accuracy",
    targets: Any = None,
    groups: Any = None,
    confidence: float = 0.95,
    margin: float = 0.0,
    num_resamples: int = 10_000,
    seed: int = 0,
) -> Difference:
    """The expected difference between two procedures, over seeds and over test sequences like those at hand.

    scores_a, scores_b: of every seed on every row of one test part. For statistic="accuracy" (S, N): whether
    the answer was right, or the share of right steps, 0 to 1. For "r2" (S, N) or (S, N, K): squared errors,
    with targets (N,) or (N, K); R^2 is the mean over the outputs.
    Seeds are paired: row s of both comes of one seed, which gave both cells the same validation part and
    order of sequences, so that what these do to both cancels in the difference.
    groups (N,): rows of one group, such as a person, are drawn together.
    margin: the largest difference that does not matter. confidence: of the interval. seed: of the draws.

    Each resample draws groups with replacement, all seeds with them. Its distance from the estimate is
    stretched to the unbiased variance, and by the random scale of a t distribution whose degrees of freedom
    follow from the kurtosis of the groups' shares. To it comes an error of the seeds: normal, its variance
    drawn from the generalized pivotal distribution of what the seeds vary by beyond what chance on these
    sequences explains (Weerahandi 1993, Generalized confidence intervals), so that it is t with S - 1 degrees
    of freedom where the seeds are all that varies. The interval is that of the percentiles, and p its
    inversion. docs/statistics.md has why, and the measured level.

    With fewer than three seeds or groups, or where nothing varies, there is no interval, and `reason` says
    so; where nothing differs either, p is 1. ValueError where an argument does not fit.
    """
    check_levels(confidence, margin)
    integer("num_resamples", num_resamples, math.ceil(2.0 / (1.0 - confidence)), 1_000_000)
    integer("seed", seed, 0, 2**32 - 1)
    make = _STATISTICS[choice("statistic", statistic, _STATISTICS)]
    scores = make(scores_a, scores_b, targets, groups)
    if scores.estimate < 0.0:
        # The draws of a against b are then those of b against a.
        return _difference(
            make(scores_b, scores_a, targets, groups), confidence, margin, num_resamples, seed
        ).swapped()
    return _difference(scores, confidence, margin, num_resamples, seed)


@dataclass(frozen=True)
class Variances:
    """Of the mean difference, by source; each an unbiased estimate (two-way analysis of variance, one number
    a cell).

    seeds: of the seeds' own means, groups: of the groups' own means; both hold `both`, the variance of what
    is neither the seed's nor the group's alone, once. freedom: of groups, by its kurtosis.
    """

    seeds: float
    groups: float
    both: float
    freedom: float

    @classmethod
    def of(cls, shares: Floats) -> Variances:
        num_seeds, num_groups = shares.shape
        by_seed = shares.sum(axis=1)
        by_group = shares.mean(axis=0)
        by_group = by_group - by_group.mean()
        rest = shares - by_seed[:, None] / num_groups - by_group
        squares = by_group**2
        total = float(squares.sum())
        freedom = num_groups - 1.0
        if total > 0.0:
            kurtosis = num_groups * float((squares**2).sum()) / total**2
            freedom = min(freedom, 2.0 * num_groups / (kurtosis - (num_groups - 3) / (num_groups - 1)))
        return cls(
            seeds=float((by_seed**2).sum()) / (num_seeds * (num_seeds - 1)),
            groups=total * num_groups / (num_groups - 1),
            both=float((rest**2).sum()) * num_groups / (num_seeds * (num_seeds - 1) * (num_groups - 1)),
            freedom=freedom,
        )

    @property
    def total(self) -> float:
        return self.groups + max(0.0, self.seeds - self.both)


def _difference(
    scores: PairedScores, confidence: float, margin: float, num_resamples: int, seed: int
) -> Difference:
    num_seeds, num_groups = scores.shares.shape
    estimate = scores.estimate
    found = Difference(
        METHOD, estimate, scores.superiority, num_seeds, confidence, margin, num_test=num_groups
    )
    for number, noun in ((num_seeds, "seed"), (num_groups, "test sequence or group")):
        if number < FEWEST_RUNS:
            nouns = noun.replace(" or", "s or") + "s" if number > 1 else noun
            return replace(found, reason=f"{number} {nouns}, at least {FEWEST_RUNS} are needed")
    variances = Variances.of(scores.shares)
    if math.sqrt(variances.total) <= ROUNDING:
        return replace(
            found,
            p_value=1.0 if abs(estimate) <= ROUNDING else None,
            reason="the difference is the same everywhere, which leaves its error unknown",
        )
    drawn = np.sort(_distribution(scores, variances, num_resamples, np.random.default_rng(seed)))
    # The ends are order statistics, so that the interval lies beyond the margin where p <= 1 - confidence.
    outside = math.floor((1.0 - confidence) / 2.0 * (len(drawn) + 1) + 1e-9)
    below = int(np.searchsorted(drawn, margin, side="right"))
    above = len(drawn) - int(np.searchsorted(drawn, -margin, side="left"))
    return replace(
        found,
        interval=(float(drawn[outside - 1]), float(drawn[-outside])),
        p_value=min(1.0, 2.0 * (1 + min(below, above)) / (len(drawn) + 1)),
        standard_error=math.sqrt(variances.total),
    )


def _distribution(
    scores: PairedScores, variances: Variances, num_resamples: int, random: np.random.Generator
) -> Floats:
    """The differences (R,) that data like these may come from."""
    num_seeds, num_groups = scores.shares.shape
    drawn = scores.evaluate(_resampled_sums(scores.columns, num_resamples, random)) - scores.estimate
    drawn = drawn[np.isfinite(drawn)]
    stretch = num_groups / (num_groups - 1) * variances.freedom
    drawn *= np.sqrt(stretch / random.chisquare(variances.freedom, len(drawn)))
    pivot = variances.seeds * (num_seeds - 1) / random.chisquare(num_seeds - 1, len(drawn))
    error = np.sqrt(np.maximum(pivot - variances.both, 0.0)) * random.standard_normal(len(drawn))
    return np.asarray(scores.estimate + drawn + error)


def _resampled_sums(columns: Floats, num_resamples: int, random: np.random.Generator) -> Floats:
    """Sums (R, C) of as many rows of columns (G, C) as there are, drawn with replacement."""
    kinds, counts = np.unique(columns, axis=0, return_counts=True)
    total = len(columns)
    if _BINOMIAL_COST * len(kinds) <= total:
        return np.asarray(random.multinomial(total, counts / total, size=num_resamples) @ kinds)
    rows = np.repeat(kinds, counts, axis=0)
    if total > _MOST_DRAWN:
        bounds = np.linspace(0, total, _MOST_DRAWN, endpoint=False).astype(np.int64)
        rows = np.add.reduceat(rows[random.permutation(total)], bounds, axis=0)
        total = len(rows)
    sums = np.empty((num_resamples, columns.shape[1]))
    step = max(1, _DRAWN_AT_A_TIME // total)
    for first in range(0, num_resamples, step):
        part = sums[first : first + step]
        places = random.integers(total, size=(len(part), total))
        places += np.arange(0, places.size, total)[:, None]
        part[:] = np.bincount(places.ravel(), minlength=places.size).reshape(places.shape) @ rows
    return sums
