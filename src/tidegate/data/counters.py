"""Columns that count the steps of each sequence, or rise as a time does: they say when, not what."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Of shorter sequences 0, 1 may well be a measurement.
_FEWEST_STEPS = 3
# Of measurements that go either way at random, one in a million would.
_FEWEST_RISES = 20


def counters(values: NDArray[Any], offsets: NDArray[np.int64]) -> list[int]:
    """The columns of values (S, I) that are 0, 1, 2, ... or 1, 2, 3, ... in every sequence, in whatever order
    its rows are; sequence i has rows [offsets[i], offsets[i + 1])."""
    lengths = np.diff(offsets)
    longest = int(lengths.argmax())
    if lengths[longest] < _FEWEST_STEPS:
        return []
    sample = np.sort(values[offsets[longest] : offsets[longest + 1]], axis=0)
    steps = np.arange(lengths[longest])
    return [
        column
        for column in range(values.shape[1])
        # The longest sequence rules out nearly every column before all rows are looked at.
        if sample[0, column] in (0, 1)
        and (sample[:, column] == steps + sample[0, column]).all()
        and _counts(values[:, column], offsets, sample[0, column])
    ]


def rising(values: NDArray[Any], offsets: NDArray[np.int64]) -> list[int]:
    """The columns of values (S, I) that rise from step to step in every sequence, as a time does."""
    later = np.ones(len(values), dtype=bool)
    later[offsets[:-1]] = False
    steps = np.flatnonzero(later)
    if len(steps) < _FEWEST_RISES:
        return []
    few = steps[:_FEWEST_RISES]
    likely = np.flatnonzero((values[few] > values[few - 1]).all(axis=0))
    return [int(column) for column in likely if (values[steps, column] > values[steps - 1, column]).all()]


def _counts(column: NDArray[Any], offsets: NDArray[np.int64], start: Any) -> bool:
    lengths = np.diff(offsets)
    steps = np.arange(len(column)) - np.repeat(offsets[:-1], lengths) + start
    if (column == steps).all():
        return True
    order = np.lexsort((column, np.repeat(np.arange(len(lengths)), lengths)))
    return bool((column[order] == steps).all())
