"""Parity: strings of up to 40 symbols in training, of up to 500 in the test."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.literature.models import fitted, measured
from benchmarks.literature.rows import Goal, Measured, Row, Task
from benchmarks.literature.synthetic import parity
from tidegate import SequenceClassifier


def measure(seed: int, *, num_strings: int, **model: Any) -> Measured:
    """Accuracy on strings of 41 to 500 symbols, ten of each length in the mean."""
    rng = np.random.default_rng(seed)
    X, y = parity(num_strings, 1, 40, rng)
    validation, (X_test, y_test) = parity(1000, 1, 40, rng), parity(4600, 41, 500, rng)
    found, seconds = fitted(SequenceClassifier, X, y, seed, validation=validation, **model)
    return measured(found, seconds, found.score(X_test, y_test))


SETTINGS = {
    "num_strings": 10_000,
    "hidden_size": 16,
    "bidirectional": False,
    "dropout": 0.0,
    "pooling": "last",
    "learning_rate": 0.01,
    "batch_size": 32,
    "max_epochs": 50,
    "patience": None,
    "standardize": False,
}

TASK = Task(
    title="Parity",
    data="Strings over two symbols; does the second come an odd number of times? 10,000 strings of 1 to 40 "
    "symbols to train on, 1,000 such for validation, 4,600 of 41 to 500 symbols for the test; made by "
    "code.",
    figure="Accuracy on the longer strings.",
    published="Delétang et al. 2023 (Neural networks and the Chomsky hierarchy): LSTM and RNN 100 %, the "
    "best of ten seeds, by the longer strings themselves.",
    selection="the weights of the epoch with the lowest validation loss, on strings no longer than in "
    "training.",
    rows=tuple(
        Row(
            f"parity-{cell}",
            published,
            Goal("1 in all seeds", 1.0, lower=False, over="every seed") if cell == "lstm" else None,
            measure,
            {"cell": cell, **SETTINGS},
            digits=4,
        )
        for cell, published in (("lstm", "1.0"), ("gru", "–"), ("rnn", "1.0"))
    ),
)
