"""Who speaks, when values are missing: the ways with gaps on Japanese Vowels.

    python -m benchmarks.missing [--seeds 5] [--cell gru] [--only costs]

0, 20, 50 and 80 % of the values of training and test part are removed: each by itself ("values"), in blocks
of eight steps of a channel ("blocks"), or whole channels of an utterance ("channels"). Everything else by
default; a seed sets what is removed, the validation part and the initial weights. Beside it what an epoch
costs with decay, for every cell, against the same cell that reads the values and which of them were seen, and
against one that reads the time since they were too. Prints the tables
of docs/missing.md and writes benchmarks/results/missing.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate import SequenceClassifier, Sequences, load_japanese_vowels
from tidegate.cells import CELLS
from tidegate.comparison.machine import hardware, num_cores, versions
from tidegate.engine import Engine, Optimizer, Steps, Target
from tidegate.network import Input, Network, sequence_network

SHARES = (0.2, 0.5, 0.8)
BLOCK = 8
WAYS = {
    "fill mean": {"missing": "fill", "fill": "mean"},
    "fill last": {"missing": "fill", "fill": "last"},
    "mask": {"missing": "mask", "fill": "last"},
    "decay": {"missing": "decay"},
    "fill last, gaps of others": {"missing": "fill", "fill": "last", "gap_dropout": 0.5},
}


def by_values(X: Sequences, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    return rng.random(X.values.shape) < share


def by_blocks(X: Sequences, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Blocks of a channel, counted from the beginning of its utterance."""
    within = np.concatenate([np.arange(length) // BLOCK for length in X.lengths])
    _, number = np.unique(
        np.repeat(np.arange(len(X)), X.lengths) * int(X.lengths.max()) + within, return_inverse=True
    )
    return (rng.random((number.max() + 1, X.num_features)) < share)[number]


def by_channels(X: Sequences, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    return np.repeat(rng.random((len(X), X.num_features)) < share, X.lengths, axis=0)


KINDS: dict[str, Callable[..., NDArray[np.bool_]]] = {
    "values": by_values,
    "blocks": by_blocks,
    "channels": by_channels,
}


def removed(X: Sequences, kind: str, share: float, rng: np.random.Generator) -> Sequences:
    """X without a share of its values; of a share of 0, X."""
    return Sequences.from_any(X, observed=~KINDS[kind](X, share, rng)) if share else X


def accuracy(cell: str, way: str, kind: str, share: float, seed: int) -> float:
    vowels, rng = load_japanese_vowels(), np.random.default_rng(seed)
    X, X_test = (removed(part, kind, share, rng) for part in (vowels.X, vowels.X_test))
    model = SequenceClassifier(cell, num_threads=1, random_state=seed, **WAYS[way])
    return float(model.fit(X, vowels.y).score(X_test, vowels.y_test))


def measure(cell: str, seeds: int, threads: int) -> list[dict[str, Any]]:
    rows = []
    for kind, share in [("values", 0.0), *((kind, share) for kind in KINDS for share in SHARES)]:
        with ThreadPoolExecutor(threads) as pool:
            running = {
                way: [pool.submit(accuracy, cell, way, kind, share, seed) for seed in range(seeds)]
                for way in WAYS
            }
        scores = {way: [one.result() for one in own] for way, own in running.items()}
        rows.append({"removed": kind if share else "nothing", "share": share, "accuracy": scores})
        print(line(rows[-1]), flush=True)
    return rows


def line(row: dict[str, Any]) -> str:
    medians = [
        f"{statistics.median(values):.3f} ({min(values):.3f}–{max(values):.3f})"
        for values in row["accuracy"].values()
    ]
    return f"| {row['removed']} | {row['share']:.0%} | " + " | ".join(medians) + " |"


def epochs(network: Network, num_sequences: int = 128, num_steps: int = 50) -> Callable[[], float]:
    """A function that trains for two epochs on one thread and says how many seconds the second took, which
    finds in the caches what an epoch leaves there. Half of the values are missing."""
    rng = np.random.default_rng(0)
    shapes = {
        node.name: (num_sequences * num_steps, node.size) for node in network.nodes if isinstance(node, Input)
    }
    inputs = {name: rng.random(shape, np.float32) for name, shape in shapes.items()}
    if "observed" in inputs:
        inputs["observed"] = np.round(inputs["observed"])
    starts = np.arange(num_sequences, dtype=np.int64) * num_steps
    steps = Steps(tuple(inputs.values()), starts, np.full(num_sequences, num_steps))
    target, order = Target(np.ones((num_sequences, 1), np.float32)), np.arange(num_sequences)
    engine = Engine(network)
    for name, value in engine.parameters.items():
        engine.parameters[name] = 0.1 * rng.normal(size=value.shape)

    def epoch() -> float:
        for _ in range(2):
            began = time.perf_counter()
            engine.epoch(steps, target, order, 16, np.full(num_sequences // 16, 1e-3), Optimizer())
        return time.perf_counter() - began

    return epoch


def costs(num_features: int = 12, turns: int = 41) -> list[dict[str, Any]]:
    """Of an epoch with decay in times of one that reads values and mask, and of one that reads the time
    elapsed too, in turns: the median, and the tenth and ninetieth percentile."""
    rows = []
    for cell in CELLS:
        for hidden_size in (32, 64, 100):
            decayed = epochs(sequence_network(cell, num_features, hidden_size, 1, "mse", decay=True))
            others = [
                epochs(sequence_network(cell, columns * num_features, hidden_size, 1, "mse"))
                for columns in (2, 3)
            ]
            seconds = [[epoch() for epoch in (decayed, *others)] for _ in range(turns)]
            row: dict[str, Any] = {"cell": cell, "hidden_size": hidden_size}
            for number, against in enumerate(("values and mask", "mask"), 1):
                ratios = [turn[0] / turn[number] for turn in seconds]
                quantiles = np.quantile(ratios, (0.5, 0.1, 0.9))
                row[against] = dict(zip(("ratio", "low", "high"), quantiles.round(2).tolist()))
            rows.append(row)
            columns = [
                f"{row[name]['ratio']:.2f} ({row[name]['low']:.2f}–{row[name]['high']:.2f})"
                for name in ("values and mask", "mask")
            ]
            print(f"| {cell} | {hidden_size} | " + " | ".join(columns) + " |", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--cell", default="gru")
    parser.add_argument("--threads", type=int, default=num_cores())
    parser.add_argument("--only", choices=("accuracies", "costs"), help="measure these; the others stay")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "missing.json")
    arguments = parser.parse_args()
    document = json.loads(arguments.out.read_text(encoding="utf-8")) if arguments.out.exists() else {}
    where = {"date": date.today().isoformat(), "hardware": hardware(), "versions": versions()}
    if arguments.only != "costs":
        print("| removed | share | " + " | ".join(WAYS) + " |\n" + "|---" * (2 + len(WAYS)) + "|")
        rows = measure(arguments.cell, arguments.seeds, arguments.threads)
        document["accuracies"] = {**where, "cell": arguments.cell, "seeds": arguments.seeds, "rows": rows}
    if arguments.only != "accuracies":
        print("\n| cell | hidden size | decay to values and mask | to mask |\n|---|---|---|---|")
        document["costs"] = {**where, "rows": costs()}
    arguments.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
