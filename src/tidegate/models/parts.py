"""Rows of a model's data in two parts, one to train on and one held out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.data import split
from tidegate.models.rows import Rows
from tidegate.models.targets import MultiClass, TargetRecord

Data = dict[str, Rows]


def in_two(
    rows: Mapping[str, Rows], targets: Mapping[str, TargetRecord], share: float, seed: int
) -> tuple[Data, Data]:
    """The rows to train on and those held out, about `share` of all and at least one sequence, with the first
    multi-class target's classes in proportion where both sides have room for every one."""
    total = len(next(iter(rows.values())))
    if total < 2:
        raise ValueError(
            f"validation={share:g} expects at least 2 sequences to split; got {total}: pass validation=None"
        )
    share = min(max(share, 1 / total), 1 - 1 / total)
    training, held_out = split(total, share, classes=_strata(rows, targets, share), seed=seed)
    return (
        {name: one.take(training) for name, one in rows.items()},
        {name: one.take(held_out) for name, one in rows.items()},
    )


def _strata(
    rows: Mapping[str, Rows], targets: Mapping[str, TargetRecord], share: float
) -> NDArray[Any] | None:
    for name, target in targets.items():
        if not isinstance(target, MultiClass) or target.is_step or not rows[name].present.all():
            continue
        labels = np.array([str(value) for value in rows[name].values])
        counts = np.unique(labels, return_counts=True)[1]
        held_out = round(share * len(labels))
        room = len(counts) <= min(held_out, len(labels) - held_out)
        return labels if room and counts.min() > 1 else None
    return None
