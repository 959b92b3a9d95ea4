"""Adding: two marked values of a long sequence are to be summed."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.literature.models import fitted, measured
from benchmarks.literature.rows import Goal, Measured, Row, Task
from benchmarks.literature.synthetic import adding
from tidegate import SequenceRegressor


def measure(seed: int, *, num_steps: int, num_sequences: int, **model: Any) -> Measured:
    """The mean squared error on 1,000 sequences of their own."""
    rng = np.random.default_rng([seed, num_steps])
    X, y = adding(num_sequences, num_steps, rng)
    validation, (X_test, y_test) = adding(500, num_steps, rng), adding(1000, num_steps, rng)
    found, seconds = fitted(SequenceRegressor, X, y, seed, validation=validation, **model)
    return measured(found, seconds, float(np.mean((found.predict(X_test) - y_test) ** 2)))


SETTINGS = {
    "num_sequences": 10_000,
    "hidden_size": 32,
    "learning_rate": 0.01,
    "schedule": "cosine",
    "batch_size": 32,
    "max_epochs": 10,
    "patience": None,
    "initializers": {"bias": "chrono"},
    "standardize": False,
}


def row(cell: str, num_steps: int, published: str) -> Row:
    goal = Goal("below 0.001 in all seeds", 1e-3, lower=True, over="every seed") if num_steps == 600 else None
    settings = {"num_steps": num_steps, "cell": cell, **SETTINGS}
    return Row(f"adding-{num_steps}-{cell}", published, goal, measure, settings, digits=5)


TASK = Task(
    title="Adding",
    data="T pairs of a value of [0, 1] and a mark; two are marked, one in each half. 10,000 sequences to "
    "train on, 500 for validation, 1,000 for the test, of T = 100, 200 and 600; made by code.",
    figure="Mean squared error of the sum on the test part; who always answers 1 gets 0.167.",
    published="Bai, Kolter & Koltun 2018 (the TCN paper), T = 600: LSTM 0.164, GRU 5.3e-5; the best of a "
    "search.",
    selection="the weights of the epoch with the lowest validation loss.",
    rows=tuple(
        row(cell, num_steps, published if num_steps == 600 else "–")
        for num_steps in (100, 200, 600)
        for cell, published in (("lstm", "0.164"), ("gru", "5.3e-5"), ("rnn", "–"))
        if cell != "rnn" or num_steps < 600
    ),
    beyond="chrono initialisation, a cosine schedule.",
)
