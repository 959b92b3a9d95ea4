"""Tiny Shakespeare: which character comes next?"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.literature.models import fitted, measured
from benchmarks.literature.rows import Goal, Measured, Row, Task
from benchmarks.literature.synthetic import one_hot
from tidegate import Cosine, SequenceClassifier

WINDOW = 64
TRAINING_SHARE = 0.9


@cache
def parts() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first nine tenths and the rest, as numbers of characters in the order of the alphabet."""
    text = (Path(__file__).parent / "data" / "tinyshakespeare.txt").read_text(encoding="utf-8")
    _, symbols = np.unique(list(text), return_inverse=True)
    training = int(TRAINING_SHARE * len(symbols))
    return symbols[:training], symbols[training:]


def windows(symbols: NDArray[np.int64], starts: NDArray[np.int64], length: int) -> tuple[Any, Any]:
    """X (N, length, 65) one-hot, y (N, length) the character after each."""
    places = starts[:, np.newaxis] + np.arange(length)
    return one_hot(symbols[places], 65), symbols[places + 1]


def nats(model: Any, X: Any, y: NDArray[np.int64]) -> float:
    """Cross-entropy of a character."""
    return float(-np.log(np.take_along_axis(model.predict_proba(X), y[..., np.newaxis], axis=2)).mean())


def measure(seed: int, *, num_characters: int, **model: Any) -> Measured:
    """Windows of the training part that begin anywhere, each seen once; the loss on all of the validation
    part, cut into windows of 64 that know nothing of what came before them, and, as details, read as one
    text."""
    training, validation = parts()
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, len(training) - WINDOW, num_characters // WINDOW)
    X, y = windows(training, starts, WINDOW)
    found, seconds = fitted(SequenceClassifier, X, y, seed, validation=None, max_epochs=1, **model)
    X, y = windows(validation, np.arange(0, len(validation) - WINDOW, WINDOW), WINDOW)
    one_text = windows(validation, np.zeros(1, dtype=np.int64), len(validation) - 1)
    return measured(found, seconds, nats(found, X, y), as_one_text=nats(found, *one_text))


SETTINGS = {
    "num_characters": 1_536_000,
    "hidden_size": 256,
    "bidirectional": False,
    "dropout": 0.0,
    "learning_rate": 0.006,
    "schedule": Cosine(),
    "batch_size": 16,
    "standardize": False,
}

TASK = Task(
    title="Characters: tiny Shakespeare",
    data="1,115,394 characters, the first 90 % to train on, the rest for validation, in "
    "[benchmarks/literature/data](../benchmarks/literature/data/SOURCES.md).",
    figure="Cross-entropy of a character in nats on the validation part, cut into windows of 64 whose first"
    " character has nothing before it, as the published one is measured.",
    published="[nanoGPT](https://github.com/karpathy/nanoGPT) (Karpathy 2022), a transformer of 0.80 "
    "million parameters at its settings for a CPU: 1.88 after 2,000 updates of 12 windows of 64, "
    "1.54 million characters; one run.",
    selection="none within a run: the last weights. Learning rate and batch size were chosen on the "
    "validation part itself, which is what the published figure is measured on, too.",
    rows=tuple(
        Row(
            f"shakespeare-{cell}",
            "1.88",
            Goal("below 1.88 after 1.54 million characters", 1.88, lower=True),
            measure,
            {"cell": cell, **SETTINGS},
        )
        for cell in ("lstm", "gru")
    ),
    beyond="a cosine schedule.",
)
