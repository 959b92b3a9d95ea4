"""How the estimators' defaults were chosen: cross-validation with each option at other values, the rest as it
is.

    python benchmarks/defaults.py [--repeats 1] [--tasks vowels tones ...]

Tasks: the training part of Japanese Vowels (its test part is not read here) and two synthetic ones, so that
the defaults are not tuned to one data set. Every variant sees the same folds and seeds. Prints one table a
task in Markdown and writes benchmarks/results/defaults.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
import warnings
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold, StratifiedKFold

from tidegate import Initializers, SequenceClassifier, SequenceRegressor, Sequences, load_japanese_vowels
from tidegate.comparison.machine import hardware, num_cores, versions

CELLS = ("lstm", "gru")
NUM_FOLDS = 5

NETWORK_VARIANTS: dict[str, tuple[Any, ...]] = {
    "hidden_size": (32, 64, 100, 128),
    "num_layers": (1, 2),
    "bidirectional": (False, True),
    "dropout": (0.0, 0.1, 0.3, 0.5),
    "pooling": ("last", "mean", "max"),
}
TRAINING_VARIANTS: dict[str, tuple[Any, ...]] = {
    "learning_rate": (0.001, 0.003, 0.01),
    "schedule": ("constant", "cosine", "reduce_on_plateau"),
    "batch_size": (8, 16, 32, 64),
    "patience": (10, 20, 40),
    "validation": (0.1, 0.15, 0.2),
    "clip_norm": (None, 1.0, 5.0),
    "initializers": ({"bias": "zeros"}, {"bias": "forget"}, {"bias": "chrono"}),
}


@dataclass(frozen=True)
class Task:
    name: str
    X: Sequences
    y: NDArray[Any]
    kind: type[SequenceClassifier | SequenceRegressor]


def tasks() -> dict[str, Task]:
    vowels = load_japanese_vowels()
    made = (
        Task("vowels", vowels.X, vowels.y, SequenceClassifier),
        Task("tones", *tones(), SequenceClassifier),
        Task("adding", *adding(), SequenceRegressor),
    )
    return {task.name: task for task in made}


def tones(count: int = 400) -> tuple[Sequences, NDArray[Any]]:
    """Which of four close frequencies is in the noise? One channel, 20 to 60 steps."""
    rng = np.random.default_rng(6)
    X, y = [], rng.integers(4, size=count)
    for label in y:
        time = np.arange(rng.integers(20, 61))
        frequency = (0.08, 0.10, 0.12, 0.14)[label]
        tone = np.sin(2 * np.pi * (frequency * time + rng.uniform()))
        X.append(tone + rng.normal(0, 0.7, len(time)))
    return Sequences.from_any(X), y


def adding(count: int = 400) -> tuple[Sequences, NDArray[Any]]:
    """The adding problem (Hochreiter & Schmidhuber 1997, experiment 4): the sum of the two marked of 20 to 40
    numbers."""
    rng = np.random.default_rng(5)
    X, y = [], []
    for _ in range(count):
        numbers = rng.uniform(size=rng.integers(20, 41))
        marks = np.zeros(len(numbers))
        marks[rng.choice(len(numbers), 2, replace=False)] = 1.0
        X.append(np.column_stack([numbers, marks]))
        y.append(numbers @ marks)
    return Sequences.from_any(X), np.array(y)


def folds(task: Task, repeat: int) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    kind = StratifiedKFold if task.kind is SequenceClassifier else KFold
    return list(kind(NUM_FOLDS, shuffle=True, random_state=repeat).split(np.empty(len(task.X)), task.y))


def measure(task: Task, cell: str, options: dict[str, Any], repeats: int) -> dict[str, float]:
    """Mean score over the folds of all repeats, and its standard error."""

    def replica(place: tuple[int, NDArray[Any], NDArray[Any]]) -> float:
        repeat, training, held_out = place
        model = task.kind(cell, num_threads=1, random_state=repeat, **options)
        model.fit(task.X[training], task.y[training])
        return model.score(task.X[held_out], task.y[held_out])

    places = [(repeat, *fold) for repeat in range(repeats) for fold in folds(task, repeat)]
    with ThreadPoolExecutor(num_cores()) as threads:
        scores = list(threads.map(replica, places))
    return {"score": statistics.fmean(scores), "error": statistics.stdev(scores) / len(scores) ** 0.5}


def table(results: Iterable[dict[str, Any]], task: str) -> str:
    lines = [
        f"| {task}: option | value | " + " | ".join(CELLS) + " |",
        "|---|---|" + "---|" * len(CELLS),
    ]
    for row in results:
        if row["task"] == task:
            scores = " | ".join(f"{row[cell]['score']:.3f} ± {row[cell]['error']:.3f}" for cell in CELLS)
            lines.append(f"| {row['option']} | {row['value']}{' (default)' * row['default']} | {scores} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--tasks", nargs="*", choices=tasks(), default=list(tasks()))
    parser.add_argument("--options", nargs="*", default=[*NETWORK_VARIANTS, *TRAINING_VARIANTS])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "defaults.json")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)

    variants = NETWORK_VARIANTS | TRAINING_VARIANTS
    results: list[dict[str, Any]] = []
    for name in arguments.tasks:
        task = tasks()[name]
        defaults = task.kind().get_params() | {"initializers": {"bias": Initializers().bias}}
        plain = {cell: measure(task, cell, {}, arguments.repeats) for cell in CELLS}
        results.append({"task": name, "option": "all", "value": "as they are", "default": True, **plain})
        for option in arguments.options:
            for value in variants[option]:
                if value == defaults[option]:
                    continue
                measured = {cell: measure(task, cell, {option: value}, arguments.repeats) for cell in CELLS}
                results.append(
                    {"task": name, "option": option, "value": str(value), "default": False, **measured}
                )
        print(table(results, name), flush=True)
    arguments.out.parent.mkdir(exist_ok=True)
    document = {
        "date": date.today().isoformat(),
        "hardware": hardware(),
        "versions": versions(),
        "results": results,
    }
    arguments.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
