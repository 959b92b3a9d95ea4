"""Sequences and their targets from files, chosen by the ending of the name."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.data.ragged import Sequences

Labelled = tuple[Sequences, NDArray[Any]]


def read(path: str | Path) -> Labelled:
    """Sequences and one target a sequence from a .npz or a .ts file; ValueError for another ending or for a
    file that is not what its ending says, OSError where it cannot be read."""
    path = Path(path)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise ValueError(
            f"{path} expects one of the endings {', '.join(READERS)}; got {path.suffix or 'none'}: "
            "convert the file"
        )
    return reader(path)


def read_npz(path: Path) -> Labelled:
    """Sequences from NumPy's archive of X, (N, T, I) or (N, T), and y, (N,); or of values (S, I), offsets
    (N + 1,) and y. Arrays of objects are refused: nothing is unpickled."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            parts = dict(archive)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path} is not a .npz archive of plain arrays: {error}: write it with numpy.savez"
        ) from None
    if "y" not in parts or not ("X" in parts or {"values", "offsets"} <= set(parts)):
        raise ValueError(
            f"{path} expects the arrays X and y, or values, offsets and y; got {', '.join(parts) or 'none'}: "
            "write them with numpy.savez"
        )
    if "X" in parts:
        return Sequences.from_any(parts["X"]), parts["y"]
    return Sequences(parts["values"], parts["offsets"]), parts["y"]


def read_ts(path: Path) -> Labelled:
    """Sequences and labels from the text format of aeon and sktime: after @data one sequence a line, its
    channels parted by colons, the values of a channel by commas, the label last. Labels are strings.

    Time stamps and missing values are refused, as are lines whose channels differ in length.
    """
    sequences, labels = [], []
    in_data = False
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        text = line.strip()
        if text.lower() == "@data":
            in_data = True
        elif in_data and text and not text.startswith("#"):
            *channels, label = text.split(":")
            sequences.append(_channels(f"{path}, line {number}", channels))
            labels.append(label)
    if not in_data:
        raise ValueError(f"{path} is not a .ts file: it has no @data line: pass a file in the format of aeon")
    return Sequences.from_any(sequences, argument=str(path)), np.array(labels)


def _channels(where: str, channels: list[str]) -> NDArray[np.float64]:
    """One line's values, (T, I)."""
    if not channels:
        raise ValueError(
            f"{where}: expected channels and a label parted by colons; got one part: add the label"
        )
    try:
        return np.array([channel.split(",") for channel in channels], dtype=np.float64).T
    except ValueError as error:
        raise ValueError(
            f"{where}: expected as many numbers in every channel; {error}: time stamps and missing values "
            "are not supported yet"
        ) from None


READERS: dict[str, Callable[[Path], Labelled]] = {".npz": read_npz, ".ts": read_ts}
