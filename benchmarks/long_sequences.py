"""The whole gradient of long sequences: time and memory, kept and recomputed.

    python -m benchmarks.long_sequences [--steps 1000000] [--rounds 5]

An LSTM of 64 units over one sequence of 8 features, float32, one thread: forward and backward with the
gradients of every weight and of the input. "plain" keeps every step (Engine.forward, backward), "recompute"
the states at the borders of windows (Engine.differentiate). Times are medians of rounds in which they take
turns, plain at a length whose activations fit; memory is what a process of its own takes at its peak beyond
the data, the weights and the input's gradient. Prints the table of docs/long.md and writes
benchmarks/results/long_sequences.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from tidegate.comparison.machine import hardware, versions
from tidegate.engine import Engine, Steps, Target
from tidegate.engine.native import extension
from tidegate.network import Dense, Input, Loss, Network, Pool, Recurrent
from tidegate.network.initializers import Initializers, initialize

INPUT_SIZE, HIDDEN_SIZE = 8, 64
COMPARED_STEPS = 10_000
MOST_BYTES, MOST_TIMES = 50e6, 1.5
WAYS = ("plain", "recompute")

NETWORK = Network(
    (
        Input("x", INPUT_SIZE, needs_gradient=True),
        Recurrent("l0", ("x",), "lstm", HIDDEN_SIZE),
        Pool("pool", ("l0",), "last"),
        Dense("output", ("pool",), 1),
        Loss("loss", ("output",), "mse"),
    )
)


def work(way: str, num_steps: int) -> Callable[[], Engine]:
    """What computes the gradients of one sequence."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(num_steps, INPUT_SIZE)).astype(np.float32)
    steps = Steps((x,), np.zeros(1, np.int64), np.array([num_steps]))
    target = Target(np.ones((1, 1), np.float32))
    engine = Engine(NETWORK, num_threads=1)
    for name, value in initialize(NETWORK, Initializers(), rng, longest=num_steps).items():
        engine.parameters[name] = value

    def run() -> Engine:
        if way == "plain":
            engine.forward(steps, target=target, training=True)
            engine.backward()
        else:
            engine.differentiate(steps, target=target)
        return engine

    return run


def seconds(run: Callable[[], Engine]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


Case = tuple[str, int]  # a way and a number of steps


def beside_each_other(cases: list[Case], rounds: int) -> dict[Case, list[float]]:
    """Microseconds a step of each case in each round; the shorter ones are run several times a round."""
    runs = {case: work(*case) for case in cases}
    for case, run in runs.items():
        if case[1] <= COMPARED_STEPS:
            run()
    paces: dict[Case, list[float]] = {case: [] for case in cases}
    for _ in range(rounds):
        for case, run in runs.items():
            times = [seconds(run) for _ in range(10 if case[1] <= COMPARED_STEPS else 1)]
            paces[case].append(1e6 * statistics.median(times) / case[1])
    return paces


def status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def alone(way: str, num_steps: int) -> dict[str, float]:
    """Of this process: the bytes at its peak beyond data, weights and the input's gradient, as the system
    counts them (freed memory may have been there for it) or the engine its buffers, whichever is more."""
    small = work(way, 100)  # kept, so that what follows cannot take its memory
    small()
    run = work(way, num_steps)
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    before, held = status("VmRSS"), extension().num_bytes_held()
    run()
    held = extension().num_bytes_held() - held
    input_gradient = 4 * num_steps * INPUT_SIZE if way == "recompute" else 0  # plain has none of its own yet
    return {"bytes": max(status("VmHWM") - before - input_gradient, held)}


def in_a_process(way: str, num_steps: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.long_sequences", "--alone", way, "--steps", str(num_steps)]
    out = subprocess.run(command, capture_output=True, text=True, check=True)
    return {"way": way, "steps": num_steps, **json.loads(out.stdout)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--alone", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        print(json.dumps(alone(options.alone, options.steps)))
        return

    plain, short, long = (WAYS[0], COMPARED_STEPS), (WAYS[1], COMPARED_STEPS), (WAYS[1], options.steps)
    paces = beside_each_other([plain, short, long], options.rounds)
    rows = []
    for way, steps in (plain, (WAYS[0], 10 * COMPARED_STEPS), short, (WAYS[1], 10 * COMPARED_STEPS), long):
        row: dict[str, Any] = in_a_process(way, steps)
        pace = paces.get((way, steps))
        row["microseconds_a_step"] = None if pace is None else statistics.median(pace)
        ratios = None if pace is None else [one / base for one, base in zip(pace, paces[plain])]
        row["times_of_plain"] = None if ratios is None else statistics.median(ratios)
        rows.append(row)
        shown = "| |" if pace is None else f"{row['microseconds_a_step']:.2f} | {row['times_of_plain']:.2f} |"
        print(f"| {way} | {steps:,} | {row['bytes'] / 1e6:.1f} MB | {shown}", flush=True)
    result = {
        "date": date.today().isoformat(),
        "hardware": hardware(),
        "versions": versions(),
        "cell": "lstm",
        "input_size": INPUT_SIZE,
        "hidden_size": HIDDEN_SIZE,
        "results": rows,
        "goals": {"bytes": MOST_BYTES, "times_of_plain": MOST_TIMES},
    }
    path = Path(__file__).parent / "results" / "long_sequences.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
