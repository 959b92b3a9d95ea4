"""Japanese Vowels: who of nine men speaks?"""

from __future__ import annotations

from typing import Any

from benchmarks.literature.models import fitted, measured
from benchmarks.literature.rows import Goal, Measured, Row, Task
from tidegate import SequenceClassifier, load_japanese_vowels


def measure(seed: int, **model: Any) -> Measured:
    vowels = load_japanese_vowels()
    found, seconds = fitted(SequenceClassifier, vowels.X, vowels.y, seed, **model)
    return measured(found, seconds, found.score(vowels.X_test, vowels.y_test))


TASK = Task(
    title="Japanese Vowels",
    data="270 utterances of nine men to train on, 370 for the test, 7 to 29 steps of 12 channels (Kudo, "
    "Toyama & Shimbo 1999), bundled with Tidegate.",
    figure="Accuracy on the test part.",
    published="TWIESN 0.965: Ismail Fawaz et al. 2019. LSTM-FCN 0.99: Karim et al. 2019, the best "
    "checkpoint by training loss.",
    selection="the defaults, dropout apart, which is the best of four rates by the cross-validation on the "
    "training part in [decision 5](decisions/0005-defaults.md); a tenth of the training part held"
    " out, the weights of the epoch with the lowest loss there.",
    rows=tuple(
        Row(
            f"japanese-vowels-{cell}",
            "0.965; 0.99",
            Goal("0.985", 0.985, lower=False),
            measure,
            {"cell": cell, "dropout": dropout},
        )
        for cell, dropout in (("lstm", 0.5), ("gru", 0.3))
    ),
)
