"""Temporal order: which of two symbols came first, long ago?"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.literature.models import fitted, measured
from benchmarks.literature.rows import Goal, Measured, Row, Task
from benchmarks.literature.synthetic import temporal_order
from tidegate import SequenceClassifier


def measure(seed: int, *, num_sequences: int, **model: Any) -> Measured:
    """Wrong answers to 2,560 sequences after num_sequences, each seen once."""
    rng = np.random.default_rng(seed)
    X, y = temporal_order(num_sequences, rng)
    X_test, y_test = temporal_order(2560, rng)
    found, seconds = fitted(SequenceClassifier, X, y, seed, validation=None, max_epochs=1, **model)
    wrong = int(np.count_nonzero(found.predict(X_test) != y_test))
    return measured(found, seconds, wrong, sequences=num_sequences)


SETTINGS = {
    "num_sequences": 31_390,
    "hidden_size": 16,
    "bidirectional": False,
    "dropout": 0.0,
    "pooling": "last",
    "learning_rate": 0.003,
    "schedule": "cosine",
    "batch_size": 16,
    "initializers": {"bias": "chrono"},
    "standardize": False,
}

TASK = Task(
    title="Temporal order",
    data="Task 6a of Hochreiter & Schmidhuber 1997: 100 to 110 symbols, of which one near the 15th and one "
    "near the 55th is X or Y; four classes. 31,390 sequences, each seen once; 2,560 for the test; made"
    " by code.",
    figure="Wrong answers of 2,560.",
    published="Hochreiter & Schmidhuber 1997, task 6a: LSTM, 1 wrong of 2,560 after 31,390 sequences.",
    selection="none: the last weights.",
    rows=tuple(
        Row(
            f"temporal-order-{cell}",
            "–" if cell == "rnn" else "1 of 2,560",
            None
            if cell == "rnn"
            else Goal("at most 1, after at most 31,390 sequences", 1, lower=True, over="every seed"),
            measure,
            {"cell": cell, **SETTINGS},
            digits=0,
        )
        for cell in ("lstm", "gru", "rnn")
    ),
    beyond="chrono initialisation, a cosine schedule.",
)
