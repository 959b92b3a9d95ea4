"""Rows of a model's data in two parts, one to train on and one held out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.data import split
from tidegate.models.codings import by_kind
from tidegate.models.rows import Rows
from tidegate.models.targets import MultiClass, TargetRecord

Data = dict[str, Rows]
Integers = NDArray[np.int64]


def in_two(
    rows: Mapping[str, Rows], targets: Mapping[str, TargetRecord], share: float, seed: int
) -> tuple[Data, Data]:
    """The rows in the two_parts of them."""
    training, held_out = two_parts(rows, targets, share, seed)
    return (
        {name: one.take(training) for name, one in rows.items()},
        {name: one.take(held_out) for name, one in rows.items()},
    )


def two_parts(
    rows: Mapping[str, Rows], targets: Mapping[str, TargetRecord], share: float, seed: int
) -> tuple[Integers, Integers]:
    """The sequences to train on and those held out, about `share` of all and at least one, with the first
    multi-class target's classes in proportion where both sides have room for every one."""
    total = len(next(iter(rows.values())))
    if total < 2:
        raise ValueError(
            f"validation={share:g} expects at least 2 sequences to split; got {total}: pass validation=None "
            "or more sequences"
        )
    share = min(max(share, 1 / total), 1 - 1 / total)
    return split(total, share, classes=_strata(rows, targets, share), seed=seed)


def _strata(
    rows: Mapping[str, Rows], targets: Mapping[str, TargetRecord], share: float
) -> NDArray[Any] | None:
    for name, target in targets.items():
        if not isinstance(target, MultiClass) or target.is_step or not rows[name].present.all():
            continue
        labels = rows[name].values.tolist()
        place = {label: index for index, label in enumerate(sorted(set(labels), key=by_kind))}
        places = np.array([place[label] for label in labels])
        counts = np.bincount(places)
        held_out = round(share * len(places))
        room = len(counts) <= min(held_out, len(places) - held_out)
        return places if room and counts.min() > 1 else None
    return None
