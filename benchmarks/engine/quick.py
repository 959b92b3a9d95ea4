"""Our own times of a few rows against those of the last full run with this machine's instruction set, and
PyTorch's where it is installed: under two minutes, for every day.

Machines and days differ; so times are compared as multiples of a 2048-cubed product of the same run.
"""

from __future__ import annotations

import argparse
import importlib.util
from typing import Any

from benchmarks.engine import output
from benchmarks.engine.goals import TRAINING_SHAPES, Case, comparisons
from benchmarks.engine.run import GOAL_THREADS, Row, Run
from tidegate.comparison.machine import hardware
from tidegate.engine import instruction_set

KEYS = ("lstm-training", "gru-training", "lstm-inference", "gru-inference", "lstm-article", "lstm-streaming")
LAYERS = ("training", "inference")
SHAPES = [TRAINING_SHAPES[index] for index in (0, 2, 3, 5)]


def chosen() -> list[Case]:
    return [
        case
        for case in comparisons()
        if case.key in KEYS and (case.work not in LAYERS or case.task.shape in SHAPES)
    ]


def place(row: Row) -> tuple[Any, ...]:
    return row["work"], row["cell"], tuple(row["shape"]), row["threads"]


def against(rows: list[Row], peak: float, committed: dict[str, Any]) -> list[tuple[Row, float]]:
    """Each piece of work of ours that both runs have, with its time over the committed one, both in products
    of their own run."""
    before = {
        place(row): row["ours"] * committed["peak"][str(row["threads"])]
        for row in committed["rows"]
        if row.get("ours")
    }
    ours = {place(row): row for row in rows}
    return [(row, row["ours"] * peak / before[at]) for at, row in ours.items() if at in before]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine.quick", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="bursts of each row (default: %(default)s)")
    options = parser.parse_args()
    peers = ["pytorch"] if importlib.util.find_spec("torch") else ["none"]
    run = Run(options.rounds, 0.05, peers, say=lambda text: print(text, flush=True))
    run.measure(GOAL_THREADS, chosen(), [], [])
    results = output.files(hardware(), instruction_set())[0]
    if not results.exists():
        print(f"No full run to compare with: make bench writes {results.relative_to(output.ROOT)}")
        return
    committed = output.read(results)
    print(f"\ntime over that of {committed['date'][:10]}, both in 2048-cubed products of their own run:")
    for row, times in against(run.rows, run.peaks[GOAL_THREADS], committed):
        note = "  SLOWER" if times > 1.1 else "  faster" if times < 0.9 else ""
        print(f"{row['work']:10} {row['cell']:6} {','.join(map(str, row['shape'])):16} {times:.2f}{note}")


if __name__ == "__main__":
    main()
