"""Sequences and their targets from files of arrays, chosen by the ending of the name."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.data.dataset import Answers
from tidegate.data.ragged import Sequences
from tidegate.data.targets import has_step_targets
from tidegate.data.ts_files import read_ts

# Sequences, and their targets where the file has some.
Labelled = tuple[Sequences, NDArray[Any] | None]


def read_npz(path: Path) -> Labelled:
    """Sequences from NumPy's archive of X, (N, T, I) or (N, T), or of values (S, I) and offsets (N + 1,);
    with targets y, ids and times where it has them. Beside X, lengths (N,) or mask (N, T) tell padding,
    beside values padding (S,), True at steps that are padding; it is kept, marked as such. empty beside
    them, the text "keep", keeps sequences of padding alone. Arrays
    of objects are refused: nothing is unpickled."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            parts = dict(archive)
    except (ValueError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path} is not a .npz archive of plain arrays: {error}: write it with numpy.savez"
        ) from None
    if "X" not in parts and not {"values", "offsets"} <= set(parts):
        raise ValueError(
            f"{path} expects the array X, or values and offsets, and y; got {', '.join(parts) or 'none'}: "
            "write them with numpy.savez"
        )
    if "X" in parts and {"lengths", "mask"} & set(parts):
        beside = {name: parts[name] for name in ("lengths", "mask", "ids", "times") if name in parts}
        if "empty" in parts:
            beside["empty"] = str(parts["empty"])
        X = Sequences.from_padded(parts["X"], padding="keep", **beside)
    elif "X" in parts:
        X = Sequences.from_any(parts["X"], ids=parts.get("ids"), times=parts.get("times"))
    else:
        beside = {name: parts[name] for name in ("ids", "times", "padding") if name in parts}
        X = Sequences(parts["values"], parts["offsets"], **beside)
    return X, parts.get("y")


def read_npy(path: Path) -> Labelled:
    """Sequences from one array, (N, T, I) or (N, T), as numpy.save writes it."""
    return Sequences.from_any(load_npy(path), argument=str(path)), None


def load_npy(path: Path) -> NDArray[Any]:
    """The array of a .npy file; one of objects is refused: nothing is unpickled."""
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path} is not a .npy file of numbers: {error}: write it with numpy.save") from None
    if not isinstance(array, np.ndarray):
        array.close()
        raise ValueError(f"{path} is not a .npy file but an archive: rename it to .npz")
    return array


def answers(path: Path, y: NDArray[Any], X: Sequences) -> Answers:
    """y of a file as one target a sequence, or a list with one a step."""
    missing = y.dtype.kind == "f" and not np.isfinite(y).all()
    if missing or y.dtype.kind in "OVmMc" or not y.ndim:
        raise ValueError(
            f"y of {path} expects finite numbers, booleans or text; got "
            f"{'NaN or infinity' if missing else y.dtype}: leave such sequences out, or convert it"
        )
    if len(y) == len(X):
        return list(y) if has_step_targets(y, X) else y
    if len(y) == X.total_steps:
        return [y[start:stop] for start, stop in pairwise(X.offsets)]
    raise ValueError(
        f"y of {path} expects an entry for each of {len(X)} sequences, or for each of their {X.total_steps} "
        f"steps; got {len(y)}: write as many"
    )


READERS: dict[str, Callable[[Path], Labelled]] = {".npz": read_npz, ".npy": read_npy, ".ts": read_ts}
