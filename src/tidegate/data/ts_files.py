"""The text format .ts of aeon and sktime.

Lines of @tags, then @data, then one sequence a line: its channels parted by colons, the values of a channel
by commas, its label last. aeon 1.6 (load_from_ts_file) is what the tests compare with.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.data.ragged import Sequences


@dataclass(frozen=True)
class _Header:
    has_label: bool = True
    is_number: bool = False


def read_ts(path: Path) -> tuple[Sequences, NDArray[Any] | None]:
    """The sequences of a file and their targets: labels as strings, as they are written; numbers where the
    file says @targetLabel true; None where it says that there are none.

    Sequences may differ in length; the channels of one may not. A value `?` is missing, NaN. Time
    stamps are refused.
    """
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    start = next((number for number, line in enumerate(lines) if line.strip().lower() == "@data"), None)
    if start is None:
        raise ValueError(f"{path} is not a .ts file: it has no @data line: pass a file in the format of aeon")
    header = _header(path, lines[:start])
    sequences, labels = [], []
    for number, line in enumerate(lines[start + 1 :], start=start + 2):
        text = line.strip()
        if not text or text.startswith(("#", "%")):
            continue
        where = f"{path}, line {number}"
        parts = text.split(":")
        if header.has_label:
            labels.append(_label(where, header, parts.pop().strip()))
        sequences.append(_channels(where, parts))
    X = Sequences.from_any(sequences, argument=str(path))
    if not header.has_label:
        return X, None
    return X, np.array(labels)


def _header(path: Path, lines: list[str]) -> _Header:
    tags = {}
    for line in lines:
        if line.strip().startswith("@"):
            tag, *values = line.split()
            tags[tag.lower()] = values
    if _is_true(tags.get("@timestamps", [])):
        raise ValueError(
            f"{path} expects @timeStamps false; got true: time stamps in .ts files are not supported yet; "
            "write a CSV file with a column of times"
        )
    if _is_true(tags.get("@targetlabel", [])):
        return _Header(is_number=True)
    return _Header(has_label=_is_true(tags.get("@classlabel", ["true"])))


def _is_true(values: list[str]) -> bool:
    return bool(values) and values[0].lower() == "true"


def _label(where: str, header: _Header, label: str) -> str | float:
    if label.lower() in ("", "?", "nan"):
        raise ValueError(
            f"{where}: expected a label last, after a colon; got {label!r}: missing targets are not "
            "supported yet; leave the sequence out"
        )
    if header.is_number:
        try:
            return float(label)
        except ValueError:
            raise ValueError(
                f"{where}: expected a number last, as @targetLabel is true; got {label!r}: mend the line"
            ) from None
    if "," in label:
        raise ValueError(
            f"{where}: expected a label last, after a colon; got the values {label!r:.40}: add the label, or "
            "say @classLabel false"
        )
    return label


def _channels(where: str, channels: list[str]) -> NDArray[np.float64]:
    """One line's values, (T, I)."""
    if not channels:
        raise ValueError(
            f"{where}: expected channels and a label parted by colons; got one part: add the label"
        )
    cells = [["nan" if cell.strip() == "?" else cell for cell in channel.split(",")] for channel in channels]
    try:
        return np.array(cells, dtype=np.float64).T
    except ValueError as error:
        raise ValueError(
            f"{where}: expected as many numbers in every channel; {_wrong(cells, error)}"
        ) from None


def _wrong(cells: list[list[str]], error: ValueError) -> str:
    """What keeps channels of cells from being an array, and what to do."""
    for index, channel in enumerate(cells):
        if len(channel) != len(cells[0]):
            return (
                f"got {len(cells[0])} in channel 0 and {len(channel)} in channel {index}: give each step a "
                "value in every channel"
            )
    return f"{error}: mend the line"
