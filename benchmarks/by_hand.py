"""The generated LSTM and GRU beside those written by hand: the same results, and the ratio of their times.

make by-hand builds the engine with both and runs this. One thread; the two are timed in turn, a forward and a
backward pass each, and the ratio is that of the fastest of many. Writes benchmarks/results/by_hand.json.
"""

from __future__ import annotations

import json
import platform
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from tidegate.cells import CELLS
from tidegate.engine import instruction_set
from tidegate.engine.native import extension

SHAPES = [(1, 100, 16, 32), (32, 50, 10, 64), (32, 100, 64, 128), (128, 50, 32, 32)]
ROUNDS = 60
RESULTS = Path(__file__).parent / "results" / "by_hand.json"


class Layer:
    """One layer on random data, its plan built without the records, which do not know the other cells."""

    def __init__(self, cell: str, shape: tuple[int, int, int, int], dtype: str) -> None:
        num_sequences, num_steps, input_size, hidden_size = shape
        rng = np.random.default_rng(0)
        num_parameters = CELLS[cell.removesuffix("_by_hand")].num_parameters(input_size, hidden_size)
        bits = dtype.removeprefix("float")
        self.plan = getattr(extension(), f"Network{bits}")(num_parameters, 1)
        self.plan.add_input(input_size, True, 0)
        self.plan.add_recurrent([0], cell, hidden_size, False, [], [], -1, 0, [])
        self.plan.parameters[:] = rng.normal(size=num_parameters) * 0.1
        rows = num_sequences * num_steps
        x = rng.normal(size=(rows, input_size)).astype(dtype)
        self.gradient = rng.normal(size=(rows, hidden_size)).astype(dtype)
        starts, lengths = np.arange(num_sequences) * num_steps, np.full(num_sequences, num_steps)
        self.steps = getattr(extension(), f"Steps{bits}")([x], starts, lengths, [], [])

    def run(self) -> float:
        """Seconds of a forward and a backward pass."""
        began = time.perf_counter()
        self.plan.forward(self.steps, None, [], [], True, True, 0)
        self.plan.backward([(1, self.gradient)], [])
        return time.perf_counter() - began

    def results(self) -> list[Any]:
        self.run()
        return [self.plan.value(1), self.plan.gradient(0), self.plan.gradients.copy()]


def main() -> None:
    rows = []
    for cell in ("lstm", "gru"):
        for shape in SHAPES:
            exact = (
                Layer(cell, shape, "float64").results(),
                Layer(f"{cell}_by_hand", shape, "float64").results(),
            )
            for ours, theirs in zip(*exact):
                np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12 * np.abs(theirs).max())
            generated, by_hand = Layer(cell, shape, "float32"), Layer(f"{cell}_by_hand", shape, "float32")
            times = np.array([(generated.run(), by_hand.run()) for _ in range(ROUNDS)])
            ratio = float(times[:, 0].min() / times[:, 1].min())
            rows.append({"cell": cell, "shape": shape, "generated over by hand": round(ratio, 3)})
            print(f"{cell:5} (B,T,I,H) = {shape}: generated over by hand {ratio:.3f}")
    print("The results agree to 1e-12 in float64.")
    about = {
        "hardware": f"{platform.machine()}, {instruction_set()}",
        "date": datetime.now(UTC).date().isoformat(),
        "threads": 1,
        "dtype": "float32",
        "rounds": ROUNDS,
    }
    RESULTS.write_text(json.dumps(about | {"rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
