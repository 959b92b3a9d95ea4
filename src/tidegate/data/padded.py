"""Padded arrays as steps without padding.

Axis letters as in shapes.py: N sequences, T steps of the longest of them, I features, S real steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tidegate.checks import real
from tidegate.data.arrays import Floats, Integers, as_floats
from tidegate.shapes import Mask, as_lengths, as_mask, mask_from_lengths


def real_steps(
    x: Any,
    lengths: ArrayLike | None,
    mask: ArrayLike | None,
    padding_value: float | None,
    time_major: bool,
) -> tuple[Floats, Integers]:
    """The steps of x that are not padding, (S, I), and the offsets of the sequences, (N + 1,)."""
    x_NTI = _batch_major(x, time_major)
    shape = (x_NTI.shape[0], x_NTI.shape[1])
    masks = {}
    if lengths is not None:
        masks["lengths"] = mask_from_lengths(as_lengths(lengths, *shape), shape[1])
    if mask is not None:
        given = as_mask(mask, shape[::-1] if time_major else shape)
        masks["mask"] = given.T if time_major else given
    if padding_value is not None:
        masks["padding_value"] = _not_padding(x_NTI, padding_value)
    if not masks:
        raise ValueError(
            "from_padded expects lengths, mask or padding_value; got none: pass one, or use "
            "Sequences.from_any for an array without padding"
        )
    (first, real_NT), *others = masks.items()
    for name, other_NT in others:
        _check_agreement(first, real_NT, name, other_NT)
    counts = real_NT.sum(axis=1, dtype=np.int64)
    if not counts.all():
        raise ValueError(
            f"x[{np.flatnonzero(counts == 0)[0]}] is all padding; expected at least 1 real step: leave it out"
        )
    _check_finite(x_NTI, real_NT)
    values = x_NTI.reshape(-1, x_NTI.shape[2]) if real_NT.all() else x_NTI[real_NT]
    return np.ascontiguousarray(values), np.concatenate(([0], np.cumsum(counts)))


def _batch_major(x: Any, time_major: bool) -> Floats:
    """x as (N, T, I)."""
    x_NTI = as_floats("x", x)
    if x_NTI.ndim == 2:
        x_NTI = x_NTI[:, :, np.newaxis]
    if x_NTI.ndim != 3 or not x_NTI.size:
        expected = "(T, N, I) or (T, N)" if time_major else "(N, T, I) or (N, T)"
        raise ValueError(
            f"x expects shape {expected}, none of them 0; got {np.shape(x)}: pass an array of that shape"
        )
    return x_NTI.swapaxes(0, 1) if time_major else x_NTI


def _not_padding(x_NTI: Floats, padding_value: float) -> Mask:
    """False at the steps at either end of a sequence whose features are all padding_value."""
    if padding_value != padding_value:  # NaN
        equal = np.isnan(x_NTI)
    else:
        # A value that x can hold only rounded is padding rounded.
        equal = x_NTI == x_NTI.dtype.type(real("padding_value", padding_value, -np.inf))
    kept = ~np.asarray(equal.all(axis=2))
    begun: Mask = np.logical_or.accumulate(kept, axis=1)
    not_ended: Mask = np.logical_or.accumulate(kept[:, ::-1], axis=1)[:, ::-1]
    return begun & not_ended


def _check_agreement(one: str, one_NT: Mask, other: str, other_NT: Mask) -> None:
    if (one_NT == other_NT).all():
        return
    sequence, step = np.argwhere(one_NT != other_NT)[0]
    says, denies = (one, other) if one_NT[sequence, step] else (other, one)
    raise ValueError(
        f"{other} expects the padding that {one} has; got x[{sequence}] at step {step}, which is a real step "
        f"by {says} and padding by {denies}: pass one of them alone"
    )


def _check_finite(x_NTI: Floats, real_NT: Mask) -> None:
    wrong: Mask = ~np.isfinite(x_NTI).all(axis=2) & real_NT
    if wrong.any():
        sequence, step = np.argwhere(wrong)[0]
        raise ValueError(
            f"x expects finite numbers in real steps; got NaN or infinity in sequence {sequence} at step "
            f"{step}: missing values are not supported yet; fill them in or leave the sequence out"
        )
