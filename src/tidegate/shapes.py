"""Axis letters, and the one owner of lengths and masks.

B sequences of a batch, T time steps of the longest of them, I input_size, H hidden_size, K outputs;
L num_layers, D directions (1 or 2), G gates of a cell, P its peepholes;
N sequences and S steps of a data set.
A mask (B, T) is True where a step counts; real steps stand first, padding after them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Lengths = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def as_lengths(lengths: npt.ArrayLike | None, batch_size: int, num_steps: int, fewest: int = 1) -> Lengths:
    """lengths as int64 (B,), each from fewest, 1 or 0, to num_steps; None means that every sequence has
    num_steps.

    ValueError where lengths are not whole numbers, not one a sequence, or outside that range.
    """
    if lengths is None:
        return np.full(batch_size, num_steps, dtype=np.int64)
    given = np.asarray(lengths)
    if given.dtype.kind not in "iu" or given.ndim != 1:
        raise ValueError(
            f"lengths expects whole numbers, shape (B,); got {given.dtype} of shape {given.shape}: "
            "pass one number of steps a sequence"
        )
    if len(given) != batch_size:
        raise ValueError(
            f"lengths expects one entry for each of the {batch_size} sequences of x; got {len(given)}: "
            "pass one a sequence"
        )
    for index, length in enumerate(given.tolist()):
        if length < 0 and not fewest:
            raise ValueError(
                f"lengths[{index}]={length} is below 0; expected at least 0 steps: pass how many there are"
            )
        if length < fewest:
            raise ValueError(
                f"lengths[{index}]={length} is an empty sequence; expected at least 1 step: leave it out"
            )
        if length > num_steps:
            raise ValueError(
                f"lengths[{index}]={length} exceeds the {num_steps} time steps of x: "
                "pass a longer x or a smaller length"
            )
    return given.astype(np.int64)


def mask_from_lengths(lengths: Lengths, num_steps: int) -> Mask:
    """(B, T): True at the first lengths[b] steps of sequence b."""
    steps: Mask = np.arange(num_steps) < lengths[:, np.newaxis]
    return steps


def lengths_from_mask(mask: npt.ArrayLike) -> Lengths:
    """(B,): the number of real steps of each sequence.

    ValueError where a sequence has no real step or one after its padding began.
    """
    mask_BT = as_mask(mask)
    lengths: Lengths = mask_BT.sum(axis=1, dtype=np.int64)
    misplaced = np.flatnonzero((mask_BT != mask_from_lengths(lengths, mask_BT.shape[1])).any(axis=1))
    if len(misplaced):
        raise ValueError(
            f"mask[{misplaced[0]}] has a real step after padding; expected the real steps first: "
            "shift them to the front, or pass lengths beside the mask"
        )
    if not lengths.all():
        raise ValueError(
            f"mask[{np.flatnonzero(lengths == 0)[0]}] is an empty sequence; "
            "expected at least 1 real step: leave it out"
        )
    return lengths


def as_mask(mask: npt.ArrayLike, shape: tuple[int, int] | None = None) -> Mask:
    """mask as bool (B, T), of that shape where one is given; ValueError otherwise."""
    given = np.asarray(mask)
    if given.dtype != np.bool_ or given.ndim != 2 or (shape is not None and given.shape != shape):
        expected = "(B, T)" if shape is None else str(shape)
        raise ValueError(
            f"mask expects booleans, shape {expected}; got {given.dtype} of shape {given.shape}: "
            "pass True for each step that counts"
        )
    return given


def as_shape(
    argument: str, values: Any, shape: tuple[int | str, ...], dtype: str = "float64"
) -> npt.NDArray[Any]:
    """values of that shape and dtype, C-contiguous; a letter stands for any size. ValueError otherwise."""
    try:
        if np.asarray(values).dtype.kind not in "biufO":
            raise TypeError
        with np.errstate(over="ignore"):  # beyond float32 is infinite, which who needs finite numbers refuses
            given = np.require(values, dtype, ["C", "ALIGNED", "ENSUREARRAY"])
    except (TypeError, ValueError):
        raise ValueError(
            f"{argument} expects numbers; got {values!r:.60}: pass an array of numbers"
        ) from None
    except MemoryError:
        raise MemoryError(
            f"{argument} of shape {np.shape(values)} needs more memory as {dtype} than there is: "
            "pass less at once"
        ) from None
    fits = given.ndim == len(shape) and all(
        isinstance(expected, str) or expected == got for expected, got in zip(shape, given.shape)
    )
    if not fits:
        letters = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
        raise ValueError(
            f"{argument} expects shape ({letters}); got {given.shape}: pass an array of that shape"
        )
    return given
