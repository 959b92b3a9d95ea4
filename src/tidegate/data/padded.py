"""Padded arrays as steps without padding.

Axis letters as in shapes.py: N sequences, T steps of the longest of them, I features, S real steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tidegate.checks import choice, real
from tidegate.data.arrays import Floats, Integers, as_floats
from tidegate.data.stamps import as_seconds, whatever_zone
from tidegate.shapes import Mask, as_lengths, as_mask, mask_from_lengths

PADDINGS = ("skip", "keep", "input")
EMPTY = ("refuse", "keep")


def real_steps(
    x: Any,
    lengths: ArrayLike | None,
    mask: ArrayLike | None,
    padding_value: float | None,
    time_major: bool,
    padding: str,
    empty: str,
    observed: ArrayLike | None,
    times: ArrayLike | None,
) -> tuple[Floats, Integers, NDArray[np.float64] | None, str | None, NDArray[np.bool_] | None]:
    """The steps of x that are not padding, (S, I), the offsets of the sequences, (N + 1,), the time stamps of
    the steps, (S,), their kind, and which steps are padding. With "keep" and "input" every step, zeros where
    it is padding, which with "keep" alone is told."""
    choice("padding", padding, PADDINGS)
    choice("empty", empty, EMPTY)
    x_NTI = _batch_major(x, time_major)
    shape = (x_NTI.shape[0], x_NTI.shape[1])
    masks = {}
    if lengths is not None:
        masks["lengths"] = mask_from_lengths(as_lengths(lengths, *shape, fewest=0), shape[1])
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
    if empty == "refuse" and not counts.all():
        raise ValueError(
            f"x[{np.flatnonzero(counts == 0)[0]}] is all padding; expected at least 1 real step: leave it "
            "out, or keep it as a sequence without steps by empty='keep'"
        )
    if observed is not None:
        x_NTI = np.where(_observed(observed, x_NTI, time_major), x_NTI, x_NTI.dtype.type(np.nan))
    stamps_NT, kind = (None, None) if times is None else _stamps(times, shape, time_major)
    told = None
    if padding != "skip":
        x_NTI = np.where(real_NT[:, :, np.newaxis], x_NTI, x_NTI.dtype.type(0))
        if padding == "keep":
            told = ~real_NT.reshape(-1)
            stamps_NT = None if stamps_NT is None else np.where(real_NT, stamps_NT, np.nan)
        real_NT = np.ones_like(real_NT)
        counts = np.full(shape[0], shape[1], dtype=np.int64)
    values = x_NTI.reshape(-1, x_NTI.shape[2]) if real_NT.all() else x_NTI[real_NT]
    offsets = np.concatenate(([0], np.cumsum(counts)))
    stamps = None if stamps_NT is None else stamps_NT[real_NT]
    return np.ascontiguousarray(values), offsets, stamps, kind, told


def as_padding(got: Any, offsets: Integers) -> Mask:
    """Which steps are padding, (S,); ValueError where they are all the steps of a sequence."""
    padding = np.asarray(got)
    if padding.dtype != bool or padding.shape != (offsets[-1],):
        raise ValueError(
            f"padding expects one boolean a step, ({offsets[-1]},); got {padding.dtype} of shape "
            f"{padding.shape}: pass True at steps that are padding"
        )
    alone = np.flatnonzero(np.diff(offsets_without(padding, offsets)) == 0)
    if len(alone):
        raise ValueError(
            f"padding expects at least 1 real step in each sequence; got none in sequence {alone[0]}: leave "
            "the sequence out, or keep it by Sequences.from_padded and empty='keep'"
        )
    return padding


def offsets_without(padding: Mask, offsets: Integers) -> Integers:
    """Of the sequences without their padding."""
    return np.asarray(np.concatenate(([0], np.cumsum(~padding)))[offsets], dtype=np.int64)


def _observed(got: ArrayLike, x_NTI: Floats, time_major: bool) -> NDArray[np.bool_]:
    flags = np.asarray(got)
    shape = x_NTI.shape if not time_major else (x_NTI.shape[1], x_NTI.shape[0], x_NTI.shape[2])
    if flags.ndim == 2 and shape[2] == 1:
        flags = flags[:, :, np.newaxis]
    if flags.dtype != bool or flags.shape != shape:
        raise ValueError(
            f"observed expects booleans of the shape of x, {shape}; got {flags.dtype} of shape "
            f"{flags.shape}: pass True where a value is there"
        )
    return flags.swapaxes(0, 1) if time_major else flags


def _stamps(got: ArrayLike, shape: tuple[int, int], time_major: bool) -> tuple[NDArray[np.float64], str]:
    """(N, T), and their kind."""
    stamps, kind = as_seconds("times", got)
    expected = shape[::-1] if time_major else shape
    if stamps.shape != expected:
        raise ValueError(
            f"times expects one stamp a step of x, {expected}; got shape {stamps.shape}: pass as many"
        )
    return np.ascontiguousarray(stamps.T) if time_major else stamps, whatever_zone(kind)


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
