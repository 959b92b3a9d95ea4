"""The whole gradient of long sequences: time and memory, kept and recomputed.

    python -m benchmarks.long_sequences [--steps 1000000] [--rounds 7]

An LSTM of 64 units over one sequence of 8 features, float32, one thread: forward and backward with the
gradients of every weight and of the input. "plain" keeps every step (Engine.forward, backward), "recompute"
the states at the borders of windows (Engine.differentiate). Times are medians of rounds in which the two take
turns, at a length whose activations fit; memory is what a process of its own takes at its peak beyond the
data, the weights and the input's gradient. Writes benchmarks/results/long_sequences.json, from which
docs/long.md has its table.
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


def beside_each_other(num_steps: int, rounds: int) -> dict[str, float]:
    """Microseconds a step of each way, in turns."""
    runs = {way: work(way, num_steps) for way in WAYS}
    for run in runs.values():
        run()
    times = [{way: seconds(run) for way, run in runs.items()} for _ in range(rounds)]
    return {way: 1e6 * statistics.median(one[way] for one in times) / num_steps for way in WAYS}


def status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def alone(way: str, num_steps: int) -> dict[str, float]:
    """Of this process: the bytes at its peak beyond data, weights and the input's gradient, and the time."""
    work(way, 100)()  # what the library itself takes
    run = work(way, num_steps)
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    before = status("VmRSS")
    taken = seconds(run)
    input_gradient = 4 * num_steps * INPUT_SIZE
    if way == "plain":  # it is made when it is asked for
        input_gradient = 0
    grown = status("VmHWM") - before - input_gradient
    return {"bytes": grown, "microseconds_a_step": 1e6 * taken / num_steps}


def in_a_process(way: str, num_steps: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.long_sequences", "--alone", way, "--steps", str(num_steps)]
    out = subprocess.run(command, capture_output=True, text=True, check=True)
    return {"way": way, "steps": num_steps, **json.loads(out.stdout)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--alone", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        print(json.dumps(alone(options.alone, options.steps)))
        return

    pace = beside_each_other(COMPARED_STEPS, options.rounds)
    print(f"{COMPARED_STEPS:,} steps, in turns: {pace} microseconds a step", flush=True)
    lengths = [COMPARED_STEPS]
    while lengths[-1] * 10 <= options.steps:
        lengths.append(lengths[-1] * 10)
    rows = [in_a_process("plain", length) for length in lengths[:2]]
    rows += [in_a_process("recompute", length) for length in lengths]
    for row in rows:
        print(
            f"| {row['way']} | {row['steps']:,} | {row['microseconds_a_step']:.2f} | "
            f"{row['bytes'] / 1e6:.1f} |",
            flush=True,
        )
    slowest = max(pace["recompute"], *(row["microseconds_a_step"] for row in rows if row["way"] == WAYS[1]))
    result = {
        "date": date.today().isoformat(),
        "hardware": hardware(),
        "versions": versions(),
        "cell": "lstm",
        "input_size": INPUT_SIZE,
        "hidden_size": HIDDEN_SIZE,
        "compared_steps": COMPARED_STEPS,
        "microseconds_a_step": pace,
        "times_of_plain": slowest / pace["plain"],
        "alone": rows,
        "goals": {"bytes": MOST_BYTES, "times_of_plain": MOST_TIMES},
    }
    path = Path(__file__).parent / "results" / "long_sequences.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(f"slowest recomputed step: {slowest / pace['plain']:.2f} times plain; wrote {path}")


if __name__ == "__main__":
    main()
