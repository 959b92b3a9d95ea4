"""What many inputs cost: a model of four inputs beside the sum of four models of one, and sparse vectors.

    python benchmarks/many_inputs.py

The first prints the ratio of seconds of training, interleaved, the median over repeats (1.2 is the goal);
the second, for 1,000 sequences of 50 steps of sparse channels, seconds and the peak of memory by the number
of entries and by that of channels (under 1 GB for 10,000 of them, in proportion to the entries and whatever
the channels is the goal).
"""

from __future__ import annotations

import resource
import statistics
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
from scipy import sparse

import tidegate

REPEATS = 5
NUM_SEQUENCES = 1_000


def fusion() -> float:
    """Seconds of the whole over those of the parts."""
    rng = np.random.default_rng(0)
    num_sequences = 600
    slow, fast = rng.integers(30, 60, num_sequences), rng.integers(60, 120, num_sequences)
    words = ["low", "middle", "high", "other"]
    data: dict[str, Any] = {
        "slow": [rng.normal(size=(length, 6)) for length in slow],
        "fast": [rng.normal(size=(length, 3)) for length in fast],
        "text": [" ".join(rng.choice(words, 8)) for _ in range(num_sequences)],
        "static": rng.normal(size=(num_sequences, 4)),
        "kind": rng.choice(["a", "b", "c"], num_sequences),
        "value": rng.normal(size=num_sequences),
    }
    inputs: dict[str, Any] = {
        "slow": tidegate.Numeric(),
        "fast": tidegate.Numeric(stream="fast"),
        "text": tidegate.Text(),
        "static": tidegate.Numeric(role="static"),
    }
    targets: dict[str, Any] = {"kind": tidegate.MultiClass(), "value": tidegate.Regression()}
    options: dict[str, Any] = {"cell": "gru", "max_epochs": 3, "validation": None, "random_state": 0}

    def seconds(names: list[str]) -> float:
        chosen = {name: inputs[name] for name in names}
        return tidegate.SequenceModel(chosen, targets, **options).fit(data).seconds_

    ratios = [seconds(list(inputs)) / sum(seconds([name]) for name in inputs) for _ in range(REPEATS)]
    return statistics.median(ratios)


def sparse_channels(num_columns: int, num_entries: int) -> tuple[float, float]:
    """Seconds of an epoch of sequences of 50 steps, and the peak of the process in GB."""
    rng = np.random.default_rng(0)
    of_each = num_entries // NUM_SEQUENCES
    steps = []
    for _ in range(NUM_SEQUENCES):
        entries = (
            rng.random(of_each),
            (rng.integers(50, size=of_each), rng.integers(num_columns, size=of_each)),
        )
        steps.append(sparse.csr_matrix(entries, shape=(50, num_columns)))
    model = tidegate.SequenceModel(
        {"x": tidegate.Vector()},
        {"y": tidegate.MultiClass()},
        cell="gru",
        hidden_size=32,
        bidirectional=False,
        max_epochs=3,
        random_state=0,
    )
    model.fit({"x": steps, "y": rng.choice(["a", "b"], NUM_SEQUENCES)})
    return model.seconds_ / 3, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def apart(num_columns: int, num_entries: int) -> tuple[float, float]:
    """The same in a process of its own, whose peak no other run raises."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(sparse_channels, num_columns, num_entries).result()


def print_sparse() -> None:
    """A line for each number of entries, and for each number of columns; the median over repeats."""
    cases = [(10_000, 1_000_000 * times) for times in (1, 2, 4)]
    cases += [(columns, 1_000_000) for columns in (100_000, 1_000_000)]
    runs: dict[tuple[int, int], list[tuple[float, float]]] = {case: [] for case in cases}
    for _ in range(REPEATS):
        for case in cases:
            runs[case].append(apart(*case))
    for (num_columns, num_entries), measured in runs.items():
        seconds, peaks = zip(*measured)
        print(
            f"{num_entries:>10,} entries of {num_columns:>9,} columns: {statistics.median(seconds):.3f} s an "
            f"epoch ({min(seconds):.3f} to {max(seconds):.3f}), peak {max(peaks):.2f} GB"
        )


if __name__ == "__main__":
    print(f"one model of four inputs takes {fusion():.2f} times the four of one input each")
    print_sparse()
