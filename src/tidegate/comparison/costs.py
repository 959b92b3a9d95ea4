"""What a cell costs beside the time to train it: memory, and time for one sequence."""

from __future__ import annotations

import time
from statistics import median

import numpy as np

from tidegate.cells import get
from tidegate.data import Sequences
from tidegate.engine import Engine, Steps
from tidegate.network import Network
from tidegate.network.nodes import Input, Recurrent

NUM_BYTES = 4  # of a float32
NUM_PREDICTIONS = 21


def memory_bytes(network: Network, batch_size: int, num_steps: int) -> int:
    """What training must hold at the least: of each parameter the weight, its gradient and two moments of the
    optimiser; of each step of a batch the inputs, and the gates and states of every layer and direction,
    which back-propagation reads again. The data themselves come on top."""
    widths = sum(node.size for node in network.nodes if isinstance(node, Input)) + sum(
        (len(get(node.cell).gates) + len(get(node.cell).states)) * node.hidden_size
        for node in network.nodes
        if isinstance(node, Recurrent)
    )
    return NUM_BYTES * (4 * network.num_parameters + batch_size * num_steps * widths)


def latency_seconds(network: Network, X: Sequences) -> float:
    """Median time the engine takes, on one thread, for one sequence of the median length of X. It depends on
    the weights' number, not on any values."""
    longest_first = np.argsort(-X.lengths, kind="stable")
    sequence = X.take(longest_first[len(X) // 2 :][:1])
    engine = Engine(network, dtype="float32", num_threads=1)
    inputs = (node.size for node in network.nodes if isinstance(node, Input))
    values = tuple(np.zeros((sequence.total_steps, size), np.float32) for size in inputs)
    steps = Steps(values, sequence.offsets[:-1].copy(), sequence.lengths)
    engine.predict(steps, 1)
    times = []
    for _ in range(NUM_PREDICTIONS):
        began = time.perf_counter()
        engine.predict(steps, 1)
        times.append(time.perf_counter() - began)
    return median(times)
