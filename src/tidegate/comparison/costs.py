"""What a cell costs beside training: the time for one sequence."""

from __future__ import annotations

import time
from statistics import median

import numpy as np

from tidegate.data import Sequences
from tidegate.engine import Engine, Steps
from tidegate.network import Input, Network

NUM_PREDICTIONS = 21


def latency_seconds(network: Network, X: Sequences, window: int | None = None) -> float:
    """Median time the engine takes, on one thread, for one sequence of the median length of X. It depends on
    the weights' number, not on any values. window: steps that are held at a time, all where None."""
    longest_first = np.argsort(-X.lengths, kind="stable")
    sequence = X.take(longest_first[len(X) // 2 :][:1])
    engine = Engine(network, dtype="float32", num_threads=1)
    inputs = (node.size for node in network.nodes if isinstance(node, Input))
    values = tuple(np.zeros((sequence.total_steps, size), np.float32) for size in inputs)
    steps = Steps(values, sequence.offsets[:-1].copy(), sequence.lengths)
    engine.predict(steps, 1, window)
    times = []
    for _ in range(NUM_PREDICTIONS):
        began = time.perf_counter()
        engine.predict(steps, 1, window)
        times.append(time.perf_counter() - began)
    return median(times)
