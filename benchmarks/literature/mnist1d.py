"""MNIST-1D: ten shapes in 40 noisy numbers."""

from __future__ import annotations

from typing import Any

from benchmarks.literature.models import exported, fitted, measured
from benchmarks.literature.rows import Goal, Measured, Row, Task
from tidegate import Optimizer, SequenceClassifier


def measure(seed: int, **model: Any) -> Measured:
    data = exported("MNIST-1D")
    found, seconds = fitted(SequenceClassifier, data["X"], data["y"], seed, **model)
    return measured(found, seconds, found.score(data["X_test"], data["y_test"]))


# 8,000 updates of 100 sequences.
AS_PUBLISHED = {
    "cell": "gru",
    "hidden_size": 6,
    "bidirectional": True,
    "dropout": 0.0,
    "pooling": "steps",
    "optimizer": Optimizer("adamw", weight_decay=0.1),
    "learning_rate": 0.04,
    "schedule": "cosine",
    "batch_size": 100,
    "max_epochs": 200,
    "patience": None,
    "validation": None,
}
LARGER = {**AS_PUBLISHED, "hidden_size": 24, "learning_rate": 0.02}

TASK = Task(
    title="MNIST-1D",
    data="Ten shapes, shifted, stretched and in noise, 40 numbers each: 4,000 to train on, 1,000 for the "
    "test; made by the package mnist1d's `make_dataset(get_dataset_args())` (Greydanus 2020).",
    figure="Accuracy on the test part.",
    published="Greydanus 2020, [the repository](https://github.com/greydanus/mnist1d): bidirectional GRU of"
    " 6 units, the outputs of all steps into one linear layer, 91 % after 8,000 updates; one run."
    " The CNN beside it has 94 %.",
    selection="learning rate and weight decay by the accuracy on a tenth of the training part; then trained"
    " on all of it, the last weights.",
    rows=(
        Row(
            "mnist1d-as-published",
            "0.91",
            Goal("0.91", 0.91, lower=False),
            measure,
            AS_PUBLISHED,
        ),
        Row("mnist1d-larger", "CNN: 0.94", None, measure, LARGER),
    ),
    beyond="AdamW with a weight decay of 0.1, a cosine schedule.",
)
