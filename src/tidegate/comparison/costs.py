"""What a cell costs beside training: the time for one sequence."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.data import Sequences
from tidegate.engine import Engine, Steps
from tidegate.network import Input, Network

NUM_PREDICTIONS = 21


def latency_seconds(network: Network, X: Sequences, window: int | None = None) -> float:
    """Median time the engine takes, on one thread, for one sequence of the median length of X. It depends on
    the weights' number, not on any values. window: steps that are held at a time, all where None."""
    sequence = X.take(np.array([of_median_length(X.lengths)]))
    engine = Engine(network, dtype="float32", num_threads=1)
    inputs = (node.size for node in network.nodes if isinstance(node, Input))
    values = tuple(np.zeros((sequence.total_steps, size), np.float32) for size in inputs)
    steps = Steps(values, sequence.offsets[:-1].copy(), sequence.lengths)
    return median_seconds(lambda: engine.predict(steps, 1, window))


def of_median_length(lengths: NDArray[np.int64]) -> int:
    """Which sequence is."""
    longest_first = np.argsort(-lengths, kind="stable")
    return int(longest_first[len(lengths) // 2])


def median_seconds(work: Callable[[], Any]) -> float:
    """Of so many runs, after one more."""
    work()
    times = []
    for _ in range(NUM_PREDICTIONS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return median(times)
