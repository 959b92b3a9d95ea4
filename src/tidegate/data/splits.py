"""Splitting sequences into two parts, by class and by group."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.checks import integer, real
from tidegate.data.arrays import Integers

_MOST_FOLDS = 20


def split(
    num_sequences: int,
    share: float,
    *,
    classes: Any = None,
    groups: Any = None,
    seed: int = 0,
    argument: str = "share",
    remedy: str = "",
) -> tuple[Integers, Integers]:
    """Positions, rising, of the sequences to train on and of those held out, which are about `share` of all.

    classes (N,): every class is held out in proportion. groups (N,): no group is on both sides. seed: which
    of the possible splits. ValueError where a class has one member, where fewer than two groups or too few
    sequences are there, or where the training part would lack a class. argument: what errors call the share;
    remedy: where it cannot be another, what to do instead.
    """
    total = integer("num_sequences", num_sequences)
    real(argument, share, 0.0, 1.0, above=True)
    labels = None if classes is None else _labels("classes", classes, total)
    names = None if groups is None else _labels("groups", groups, total)
    num_classes = 1 if labels is None else len(set(labels.tolist()))
    remedy = remedy or _another_share(argument, total, num_classes)
    if share == 1.0 or not 1 <= round(share * total) < total:
        raise ValueError(
            f"{argument} expects to leave at least one of {total} sequences on each side; got {share!r}: "
            f"{remedy}"
        )
    integer("seed", seed, 0, 2**32 - 1)
    if names is not None:
        held_out = _grouped(share, labels, names, seed)
    elif labels is not None:
        held_out = _stratified(share, labels, seed, argument, remedy)
    else:
        held_out = np.random.default_rng(seed).permutation(total)[: round(share * total)]
    mask = np.zeros(total, dtype=bool)
    mask[held_out] = True
    training = np.flatnonzero(~mask)
    if labels is not None:
        missing = set(labels.tolist()) - set(labels[training].tolist())
        if missing and names is None:
            raise ValueError(
                f"{argument} expects to leave some of each class to train on; got {share!r}, which leaves "
                f"none of class {min(missing, key=str)!r}: {remedy}"
            )
        if missing:
            raise ValueError(
                f"classes expects every class in more than one group; class {min(missing, key=str)!r} would "
                "be missing from the training part: merge groups or leave the class out"
            )
    return training, np.flatnonzero(mask)


def _labels(argument: str, got: Any, total: int) -> NDArray[Any]:
    labels = np.asarray(got)
    if labels.shape != (total,):
        raise ValueError(
            f"{argument} expects one entry for each of {total} sequences; got shape {labels.shape}: "
            "pass as many"
        )
    return labels


def _check_two_of_each(labels: NDArray[Any]) -> int:
    """The number of sequences of the rarest class, at least two."""
    counts = Counter(labels.tolist())
    rarest = min(counts, key=lambda label: counts[label])
    if counts[rarest] < 2:
        raise ValueError(
            f"classes expects at least two sequences a class to split; class {rarest!r} has one: "
            "add sequences of it or leave it out"
        )
    return counts[rarest]


def _another_share(argument: str, total: int, least: int) -> str:
    """The remedy where fewer than `least` of all sequences are on one side."""
    if total < 2 * least:
        return "pass more sequences"
    return f"pass {argument}={math.ceil(100 * least / total) / 100:g} or more sequences"


def _stratified(share: float, labels: NDArray[Any], seed: int, argument: str, remedy: str) -> Integers:
    from sklearn.model_selection import StratifiedShuffleSplit

    _check_two_of_each(labels)
    num_classes = len(set(labels.tolist()))
    num_held_out = round(share * len(labels))
    if min(num_held_out, len(labels) - num_held_out) < num_classes:
        raise ValueError(
            f"{argument} expects room for each of {num_classes} classes on both sides; got {share!r} of "
            f"{len(labels)} sequences: {remedy}"
        )
    splitter = StratifiedShuffleSplit(n_splits=1, test_size=num_held_out, random_state=seed)
    _, held_out = next(splitter.split(labels, labels))
    return np.asarray(held_out, dtype=np.int64)


def _grouped(share: float, labels: NDArray[Any] | None, names: NDArray[Any], seed: int) -> Integers:
    """A share near m/k is m of k folds of whole groups."""
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    num_groups = len(set(names.tolist()))
    if num_groups < 2:
        raise ValueError(f"groups expects at least two groups; got {num_groups}: split without groups")
    most = min(num_groups, _MOST_FOLDS)
    if labels is not None:
        most = min(most, _check_two_of_each(labels))
    part = Fraction(share).limit_denominator(most)
    part = min(max(part, Fraction(1, most)), Fraction(most - 1, most))
    kind = GroupKFold if labels is None else StratifiedGroupKFold
    folds = kind(n_splits=part.denominator, shuffle=True, random_state=seed).split(names, labels, names)
    return np.concatenate([held_out for _, held_out in islice(folds, part.numerator)])
