"""Five sets of the UCR and UEA archives, with one set of settings for all."""

from __future__ import annotations

from typing import Any

from benchmarks.literature.models import exported, fitted, measured
from benchmarks.literature.rows import Goal, Measured, Row, Task
from tidegate import SequenceClassifier

# name, published, goal
SETS = (
    ("GunPoint", "1.0", 0.95),
    ("ItalyPowerDemand", "0.962", 0.95),
    ("OSULeaf", "0.983", 0.80),
    ("ArrowHead", "0.897", 0.80),
    ("BasicMotions", "0.95", 0.90),
)


def measure(seed: int, *, data: str, **model: Any) -> Measured:
    arrays = exported(data)
    found, seconds = fitted(SequenceClassifier, arrays["X"], arrays["y"], seed, **model)
    return measured(found, seconds, found.score(arrays["X_test"], arrays["y_test"]))


SETTINGS = {"cell": "gru"}

TASK = Task(
    title="UCR and UEA: five sets",
    data="GunPoint, ItalyPowerDemand, OSULeaf, ArrowHead (one channel) and BasicMotions (six) with the "
    "archives' splits, as they are inside the package aeon.",
    figure="Accuracy on the test part.",
    published="LSTM-FCN, a convolutional network with an LSTM beside it: Karim et al. 2018, the best "
    "checkpoint by training loss. BasicMotions: MLSTM-FCN, Karim et al. 2019.",
    selection="one set of settings for all five; a tenth of the training part, held out; the weights of the"
    " epoch with the lowest loss there.",
    rows=tuple(
        Row(
            name.lower(),
            published,
            Goal(f"{goal:.2f}", goal, lower=False),
            measure,
            {"data": name, **SETTINGS},
        )
        for name, published, goal in SETS
    ),
)
