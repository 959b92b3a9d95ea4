"""What each initialiser gives on Japanese Vowels: the training loss early on, and accuracy held out.

    python benchmarks/initializers.py [--repeats 1]

Five-fold cross-validation on the training part, 30 epochs without early stopping, everything else by default;
one part of the initialisation is changed at a time. "Everything" sets input and recurrent weights alike.
Prints the table of docs/initializers.md and writes benchmarks/results/initializers.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

from sklearn.model_selection import StratifiedKFold

from tidegate import Initializers, SequenceClassifier, load_japanese_vowels
from tidegate.comparison.machine import hardware, num_cores, versions
from tidegate.network.initializers import BIASES, WEIGHTS

CELLS = ("rnn", "lstm", "gru")
MAX_EPOCHS = 30
EARLY = 3


def variants() -> dict[str, Initializers]:
    """Name to initialisers; the defaults first."""
    plain = Initializers()
    weights = {
        f"everything {name}": Initializers(input=name, recurrent=name) for name in WEIGHTS if name != "zeros"
    }
    inputs = {f"input {name}": Initializers(input=name) for name in WEIGHTS}
    recurrent = {f"recurrent {name}": Initializers(recurrent=name) for name in WEIGHTS}
    biases = {f"bias {name}": Initializers(bias=name) for name in BIASES}
    changed = {
        name: value for name, value in (weights | inputs | recurrent | biases).items() if value != plain
    }
    return {f"default ({plain.input}, {plain.recurrent}, {plain.bias})": plain, **changed}


def replica(cell: str, initializers: Initializers, seed: int, fold: int) -> tuple[float, float]:
    """The training loss in epoch EARLY, and accuracy on the fold after MAX_EPOCHS."""
    vowels = load_japanese_vowels()
    splitter = StratifiedKFold(5, shuffle=True, random_state=seed)
    training, held_out = list(splitter.split(vowels.y, vowels.y))[fold]
    model = SequenceClassifier(
        cell,
        initializers=initializers,
        max_epochs=MAX_EPOCHS,
        patience=None,
        validation=None,
        num_threads=1,
        random_state=seed,
    )
    model.fit(vowels.X[training], vowels.y[training])
    early = model.history_["loss"][EARLY - 1]
    return early, model.score(vowels.X[held_out], vowels.y[held_out])


def measure(cell: str, initializers: Initializers, repeats: int) -> dict[str, float]:
    places = [(seed, fold) for seed in range(repeats) for fold in range(5)]
    with ThreadPoolExecutor(num_cores()) as threads:
        losses, scores = zip(*threads.map(lambda place: replica(cell, initializers, *place), places))
    return {
        "loss": statistics.fmean(losses),
        "accuracy": statistics.fmean(scores),
        "error": statistics.stdev(scores) / len(scores) ** 0.5,
    }


def row(name: str, measured: dict[str, dict[str, float]]) -> str:
    cells = [
        f"{found['loss']:.3f} | {found['accuracy']:.3f} ± {found['error']:.3f}" for found in measured.values()
    ]
    return f"| {name} | " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "initializers.json")
    arguments = parser.parse_args()
    print("| initialisation | " + " | ".join(f"{cell}: loss | accuracy" for cell in CELLS) + " |")
    print("|---" * (1 + 2 * len(CELLS)) + "|")
    results: dict[str, Any] = {}
    for name, initializers in variants().items():
        results[name] = {cell: measure(cell, initializers, arguments.repeats) for cell in CELLS}
        print(row(name, results[name]), flush=True)
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
