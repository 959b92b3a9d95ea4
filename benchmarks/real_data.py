"""Many inputs and many answers on real data: the networks of the examples beside what needs none.

    python -m benchmarks.real_data [--tasks packages languages watch chorales] [--seeds 5]

Each task is an example: its data and split, its network with several seeds, one thread, and the baselines of
examples/baselines.py. Prints the tables of docs/models.md and writes
benchmarks/results/real_data.json; tasks that are left out keep their results there.
"""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

from tidegate.comparison.machine import hardware, versions

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "examples"))

import baselines  # noqa: E402
import datasets  # noqa: E402

TASKS = {
    "packages": datasets.load_packages,
    "languages": datasets.load_texts,
    "watch": datasets.load_watch,
    "chorales": datasets.load_chorales,
}


def measure(task: str, seeds: int, **options: Any) -> dict[str, Any]:
    """network: of each measure a value a seed; cpu_seconds: of a seed, training and the test part."""
    data = TASKS[task]()
    network = importlib.import_module(task).network
    without = getattr(baselines, task)(data)
    began = time.process_time()
    runs = [network(data, seed=seed, **options) for seed in range(seeds)]
    return {
        "date": date.today().isoformat(),
        "hardware": hardware(),
        "versions": versions(),
        "baselines": without,
        "network": {name: [run[name] for run in runs] for name in runs[0]},
        "cpu_seconds": round((time.process_time() - began) / seeds, 1),
    }


def table(task: str, result: dict[str, Any]) -> str:
    """In Markdown; of the network the median and the range over the seeds."""
    names = list(result["network"])
    lines = [f"| {task} | " + " | ".join(names) + " |", "|---" * (1 + len(names)) + "|"]
    for baseline, scores in result["baselines"].items():
        lines.append(f"| {baseline} | " + " | ".join(f"{scores[name]:.3f}" for name in names) + " |")
    medians = [
        f"{statistics.median(values):.3f} ({min(values):.3f}–{max(values):.3f})"
        for values in result["network"].values()
    ]
    return "\n".join([*lines, "| recurrent network | " + " | ".join(medians) + " |"])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", nargs="*", choices=TASKS, default=list(TASKS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "real_data.json")
    arguments = parser.parse_args()
    results = json.loads(arguments.out.read_text(encoding="utf-8")) if arguments.out.exists() else {}
    for task in arguments.tasks:
        results[task] = measure(task, arguments.seeds)
        print(table(task, results[task]) + "\n", flush=True)
        arguments.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
