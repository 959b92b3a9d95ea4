"""What many inputs cost: a model of four inputs beside the sum of four models of one, and sparse vectors.

    python benchmarks/many_inputs.py

The first prints the ratio of seconds of training, interleaved, the median over repeats (1.2 is the goal);
the second, for 1,000 sequences of 50 steps of 10,000 sparse channels, seconds and the peak of memory by the
number of entries (under 1 GB and in proportion is the goal).
"""

from __future__ import annotations

import resource
import statistics
from typing import Any

import numpy as np
from scipy import sparse

import tidegate

REPEATS = 5


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


def sparse_channels() -> None:
    """A line for each number of entries."""
    rng = np.random.default_rng(0)
    for density in (0.002, 0.004, 0.008):
        steps = [
            sparse.random(50, 10_000, density, format="csr", random_state=int(rng.integers(2**31)))
            for _ in range(1_000)
        ]
        model = tidegate.SequenceModel(
            {"x": tidegate.Vector()},
            {"y": tidegate.MultiClass()},
            cell="gru",
            hidden_size=32,
            bidirectional=False,
            max_epochs=3,
            random_state=0,
        )
        model.fit({"x": steps, "y": rng.choice(["a", "b"], 1_000)})
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        entries = sum(one.nnz for one in steps)
        print(f"{entries:>10,} entries: {model.seconds_:.2f} s for 3 epochs, peak {peak:.2f} GB")


if __name__ == "__main__":
    print(f"one model of four inputs takes {fusion():.2f} times the four of one input each")
    sparse_channels()
