"""Targets of sequences: one a sequence, or one a step, laid out as the steps are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.data.ragged import Sequences


def has_step_targets(y: Any, X: Sequences) -> bool:
    """Whether y has one target a step: it is ragged, or an array (N, T) or (N, T, K) where every sequence has
    T > 1 steps. Anything else, (N,) and (N, 1) among them, is one target a sequence."""
    if isinstance(y, Sequences):
        return True
    shape = _rectangle(y)
    if shape is None:
        return True
    return len(shape) > 1 and shape[1] > 1 and bool((X.lengths == shape[1]).all())


def step_targets(y: Any, X: Sequences, *, argument: str = "y") -> NDArray[Any]:
    """The targets of every step in the order of X.values: (S,), or (S, K) where each step has K of them.

    y: a list of (T_i,) or (T_i, K), an (N, T) or (N, T, K) array, or Sequences. Strings, integers and floats
    keep their type; NaN is a missing target. ValueError names the sequence whose targets do not match its
    steps, or have other shapes than the first ones.
    """
    if isinstance(y, Sequences):
        y = list(y)
    items = [np.asarray(item) for item in y]
    if len(items) != len(X):
        raise ValueError(
            f"{argument} expects targets for each of the {len(X)} sequences of X; got {len(items)}: "
            "pass as many"
        )
    first = next((index for index, length in enumerate(X.lengths) if length), 0)
    for index, (item, length) in enumerate(zip(items, X.lengths)):
        if item.ndim not in (1, 2) or item.dtype == object:
            raise ValueError(
                f"{argument}[{index}] expects one target for each of {length} steps; got {item.dtype} of "
                f"shape {item.shape}: pass a (T_i,) array of numbers or of strings"
            )
        if len(item) != length:
            raise ValueError(
                f"{argument}[{index}] expects {length} targets, one for each step of X[{index}]; got "
                f"{len(item)}: pass as many"
            )
        if not length:
            continue
        if item.shape[1:] != items[first].shape[1:]:
            raise ValueError(
                f"{argument}[{index}] expects steps of shape {items[first].shape[1:]}, as in "
                f"{argument}[{first}]; got {item.shape[1:]}: give every step the same number of targets"
            )
        if (item.dtype.kind in "US") != (items[first].dtype.kind in "US"):
            raise ValueError(
                f"{argument}[{index}] expects the type of {argument}[{first}], {items[first].dtype}; "
                f"got {item.dtype}: pass strings throughout or numbers throughout"
            )
        if item.dtype.kind == "f" and np.isinf(item).any():
            step = int(np.argwhere(np.isinf(item))[0][0])
            raise ValueError(
                f"{argument}[{index}] expects finite numbers; got {item[step]} at step {step}: mend it, or "
                "pass NaN if it is missing"
            )
    return np.concatenate([item for item in items if len(item)] or items)


def there(rows: NDArray[Any]) -> NDArray[np.bool_]:
    """Which rows of targets, (rows,) or (rows, K), are not missing, whole."""
    if rows.dtype.kind != "f":
        return np.ones(len(rows), dtype=bool)
    return np.asarray(~np.isnan(rows.reshape(len(rows), -1)).any(axis=1))


def _rectangle(y: Any) -> tuple[int, ...] | None:
    """Shape of y as one array, or None where it is ragged."""
    try:
        array: NDArray[Any] = np.asarray(y)
    except ValueError:
        return None
    if array.dtype == object and array.ndim == 1 and len(array) and np.ndim(array[0]) > 0:
        try:
            array = np.stack(list(array))
        except ValueError:
            return None
    return array.shape
