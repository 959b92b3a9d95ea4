"""Copy memory: ten symbols, a long delay, the ten symbols again."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from benchmarks.literature.models import fitted, measured
from benchmarks.literature.rows import Goal, Measured, Row, Task
from benchmarks.literature.synthetic import NUM_COPIED, NUM_DIGITS, copying
from tidegate import SequenceClassifier

DELAY = 200
MEMORYLESS = NUM_COPIED * math.log(NUM_DIGITS) / (DELAY + 2 * NUM_COPIED)


def measure(seed: int, *, num_sequences: int, weight_of_blanks: float, **model: Any) -> Measured:
    """The cross-entropy of a step on 1,000 sequences, in shares of the memoryless loss."""
    rng = np.random.default_rng(seed)
    X, y = copying(num_sequences, DELAY, rng)
    validation, (X_test, y_test) = copying(300, DELAY, rng), copying(1000, DELAY, rng)
    weights = np.where(np.arange(y.shape[1]) < DELAY + NUM_COPIED, weight_of_blanks, 1.0)
    found, seconds = fitted(
        SequenceClassifier,
        X,
        y,
        seed,
        sample_weight=np.broadcast_to(weights, y.shape),
        validation=validation,
        **model,
    )
    likelihoods = np.take_along_axis(found.predict_proba(X_test), y_test[..., np.newaxis], axis=2)
    return measured(found, seconds, float(-np.log(np.maximum(likelihoods, 1e-30)).mean() / MEMORYLESS))


SETTINGS = {
    "cell": "lstm",
    "num_sequences": 20_000,
    "weight_of_blanks": 0.02,
    "hidden_size": 64,
    "bidirectional": False,
    "dropout": 0.0,
    "learning_rate": 0.01,
    "schedule": "cosine",
    "batch_size": 4,
    "max_epochs": 8,
    "patience": None,
    "standardize": False,
}

TASK = Task(
    title="Copy memory",
    data="Ten of eight symbols, a delay of T = 200 steps, and the ten are to be given again (Arjovsky et "
    "al. 2016). 20,000 sequences to train on, 300 for validation, 1,000 for the test; made by code.",
    figure="Cross-entropy of a step on the test part, in shares of 10 ln 8 / (T + 20), which who knows when"
    " but not what gets.",
    published="Bai, Kolter & Koltun 2018 (the TCN paper), T = 1000: the LSTM stays at the memoryless loss, "
    "1.0.",
    selection="the weights of the epoch with the lowest validation loss.",
    rows=(
        Row(
            "copy-200-lstm-chrono",
            "1.0 at T = 1000",
            Goal("below 0.1 in all seeds", 0.1, lower=True, over="every seed"),
            measure,
            {**SETTINGS, "initializers": {"bias": "chrono"}},
            digits=4,
        ),
        Row(
            "copy-200-gru-chrono",
            "–",
            None,
            measure,
            {**SETTINGS, "cell": "gru", "initializers": {"bias": "chrono"}},
            digits=4,
        ),
        Row(
            "copy-200-lstm-forget",
            "1.0 at T = 1000",
            None,
            measure,
            {**SETTINGS, "initializers": {"bias": "forget"}},
            digits=4,
        ),
    ),
    beyond="chrono initialisation, a cosine schedule, a fiftieth of the weight for the steps whose answer "
    "is blank (in training alone).",
)
