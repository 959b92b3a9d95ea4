"""a^n b^n: n up to 10 in training; how far does the count reach?"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.literature.models import fitted, measured
from benchmarks.literature.rows import Goal, Measured, Row, Task
from benchmarks.literature.synthetic import counting
from tidegate import SequenceClassifier

FURTHEST = 500


def reach(model: Any) -> int:
    """The largest n to which every string is right from its first b on, FURTHEST at the most."""
    strings = [counting(n) for n in range(1, FURTHEST + 1)]
    for n, predicted in enumerate(model.predict([X for X, _ in strings]), start=1):
        if (predicted[n + 1 :] != strings[n - 1][1][n + 1 :]).any():
            return n - 1
    return FURTHEST


def only_certain(n: int) -> np.ndarray:
    """The next symbol where it is certain, NaN elsewhere: nothing is asked there."""
    y = counting(n)[1].astype(float)
    y[: n + 1] = np.nan
    return y


def measure(seed: int, *, weight_of_a: float, validate_to: int, **model: Any) -> Measured:
    numbers, held_out = range(1, 11), range(11, validate_to + 1)
    validation = [counting(n)[0] for n in held_out], [only_certain(n) for n in held_out]
    X, y = zip(*(counting(n) for n in numbers))
    weights = [np.where(np.arange(2 * n + 1) > n, 1.0, weight_of_a) for n in numbers]
    found, seconds = fitted(
        SequenceClassifier, list(X), list(y), seed, sample_weight=weights, validation=validation, **model
    )
    return measured(found, seconds, reach(found))


SETTINGS = {
    "weight_of_a": 0.1,
    "validate_to": 50,
    "hidden_size": 10,
    "bidirectional": False,
    "dropout": 0.0,
    "learning_rate": 0.03,
    "batch_size": 1,
    "max_epochs": 5000,
    "patience": None,
    "initializers": {"bias": "chrono"},
    "standardize": False,
}

TASK = Task(
    title="Counting: a^n b^n",
    data="S a^n b^n T, symbol by symbol; after S and each a both a and b could come, from the first b on "
    "the next symbol is certain. All ten strings of n = 1 to 10 to train on, those of n = 11 to 50 for"
    " validation.",
    figure=f"The largest n to which all strings are right from the first b on (tested to n = {FURTHEST}).",
    published="Weiss, Goldberg & Yahav 2018: the LSTM, trained to n = 100, counts on well beyond that; the "
    "GRU does not count.",
    selection="the weights of the epoch with the lowest validation loss at the certain symbols.",
    rows=tuple(
        Row(
            f"counting-{cell}",
            published,
            Goal("100 in most seeds", 100, lower=False, over="most seeds") if cell != "gru" else None,
            measure,
            {"cell": cell, **SETTINGS},
            digits=0,
        )
        for cell, published in (("lstm", "counts"), ("lstm_peephole", "–"), ("gru", "does not count"))
    ),
    beyond="chrono initialisation, a tenth of the weight for symbols that are not certain, and the "
    "validation on longer strings, without which seeds that count far are rare.",
)
