"""What users pass as sequences, turned into all steps in one array and the offsets between the sequences.

Axis letters as in shapes.py: N sequences, S steps of all of them, T_i steps of sequence i, I features.
"""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.int64]

_LAYOUTS = (
    "an (N, T, I) array, an (N, T) array (one feature), a list of (T_i, I) or (T_i,) arrays, or Sequences"
)
# Values looked at in one go: few enough that what NumPy makes of them stays in the cache.
_VALUES_AT_A_TIME = 1 << 18


def is_array(X: Any) -> bool:
    """Whether X is one array of numbers; an array of arrays (object) is a list of sequences."""
    if not hasattr(X, "__array__"):
        return False
    array = np.asanyarray(X)
    return not (array.dtype == object and array.ndim == 1)


def as_floats(argument: str, got: Any) -> Floats:
    """`got` as float32 or float64 in the machine's byte order; anything but real numbers is refused."""
    try:
        array = np.asanyarray(got)
    except ValueError:
        raise ValueError(
            f"{argument} expects a rectangular array of numbers; got rows of different lengths: "
            "give every step the same number of features"
        ) from None
    if isinstance(array, np.ma.MaskedArray) and np.ma.is_masked(array):
        raise ValueError(
            f"{argument} expects numbers; got masked values: missing values are NaN; pass .filled(np.nan)"
        )
    if array.dtype.kind not in "fiub":
        kind = type(got).__name__ if array.ndim == 0 and array.dtype == object else array.dtype.name
        raise ValueError(f"{argument} expects real numbers; got {kind}: convert it, e.g. with .astype(float)")
    array = np.asarray(array)
    if array.dtype.kind == "f" and array.dtype.itemsize in (4, 8):
        return array.astype(array.dtype.newbyteorder("="), copy=False)
    return _allocating(argument, array, np.float32 if array.dtype == np.float16 else np.float64)


def _allocating(argument: str, array: NDArray[Any], dtype: Any) -> Floats:
    """A contiguous copy."""
    copy = empty(argument, array.shape, dtype)
    np.copyto(copy, array, casting="unsafe")
    return copy


def empty(argument: str, shape: tuple[int, ...], dtype: Any) -> Floats:
    """Memory for floats; ValueError where no machine or not this one can hold them."""
    num_bytes = math.prod(shape) * np.dtype(dtype).itemsize
    try:
        if num_bytes > sys.maxsize:
            raise MemoryError
        return np.empty(shape, dtype=dtype)
    except MemoryError:
        raise ValueError(
            f"{argument} expects values that fit in memory; got {math.prod(shape)} of them, {num_bytes} "
            f"bytes as {np.dtype(dtype)}: pass fewer sequences or steps"
        ) from None


def first_infinite(values: Floats) -> tuple[int, int] | None:
    """Row and column of the first value of (S, I) that is infinite."""
    return _first(np.isinf, values)


def first_missing_value(values: Floats) -> tuple[int, int] | None:
    """Row and column of the first value of (S, I) that is NaN."""
    return _first(np.isnan, values)


def place_of(step: int, offsets: Integers) -> str:
    """In words, the sequence of a step counted over all sequences, and its place there."""
    sequence = int(np.searchsorted(offsets, step, side="right")) - 1
    return f"sequence {sequence} at step {step - offsets[sequence]}"


def borders(offsets: Integers) -> Integers:
    """The steps, counted over all sequences, before which another sequence ends."""
    inner = offsets[1:-1]
    within: Integers = inner[(inner > 0) & (inner < offsets[-1])]
    return within


def _first(test: np.ufunc, values: Floats) -> tuple[int, int] | None:
    rows = max(1, _VALUES_AT_A_TIME // values.shape[1])
    for start in range(0, len(values), rows):
        found = test(values[start : start + rows])
        if found.any():
            row, column = np.argwhere(found)[0]
            return start + int(row), int(column)
    return None


def contiguous(argument: str, array: Floats) -> Floats:
    return array if array.flags.c_contiguous else _allocating(argument, array, array.dtype)


def ragged_from_array(argument: str, X: Any) -> tuple[Floats, Integers]:
    array = as_floats(argument, X)
    if array.ndim not in (2, 3):
        raise ValueError(
            f"{argument} expects {_LAYOUTS}; got an array of shape {array.shape}: "
            "one sequence alone is a list of one array"
        )
    num_sequences, num_steps = array.shape[:2]
    num_features = array.shape[2] if array.ndim == 3 else 1
    if not num_sequences:
        raise ValueError(
            f"{argument} expects at least one sequence; got none, shape {array.shape}: pass some"
        )
    if not num_steps or not num_features:
        raise ValueError(
            f"{argument} expects at least one step and one feature a sequence; got shape {array.shape}: "
            "leave empty sequences out"
        )
    values = contiguous(argument, array).reshape(num_sequences * num_steps, num_features)
    return values, np.arange(num_sequences + 1, dtype=np.int64) * num_steps


def ragged_from_list(argument: str, X: Any) -> tuple[Floats, Integers]:
    if isinstance(X, str | bytes | dict) or not hasattr(X, "__iter__"):
        raise ValueError(f"{argument} expects {_LAYOUTS}; got {type(X).__name__}: convert it to one of these")
    items = [_sequence(f"{argument}[{index}]", item) for index, item in enumerate(X)]
    if not items:
        raise ValueError(f"{argument} expects at least one sequence; got none: pass some")
    for index, item in enumerate(items):
        if item.shape[1] != items[0].shape[1]:
            raise ValueError(
                f"{argument}[{index}] expects {items[0].shape[1]} features, as {argument}[0] has; got "
                f"{item.shape[1]}: give every sequence the same features"
            )
    offsets = np.concatenate(([0], np.cumsum([len(item) for item in items], dtype=np.int64)))
    try:
        return np.concatenate(items), offsets
    except MemoryError:
        raise ValueError(
            f"{argument} expects values that fit in memory; got {offsets[-1]} steps of {items[0].shape[1]} "
            "features: pass fewer sequences"
        ) from None


def _sequence(argument: str, item: Any) -> Floats:
    """One sequence of a list, (T, I)."""
    array = as_floats(argument, item)
    if array.ndim == 0:
        raise ValueError(
            f"{argument} expects one sequence, (T, I) or (T,); got a single number: "
            "one sequence alone is a list of one array"
        )
    if array.ndim > 2:
        raise ValueError(
            f"{argument} expects one sequence, (T, I) or (T,); got shape {array.shape}: flatten it"
        )
    if not array.size:
        raise ValueError(
            f"{argument} expects at least one step and one feature; got an empty sequence, shape "
            f"{array.shape}: leave it out"
        )
    return array[:, None] if array.ndim == 1 else array
