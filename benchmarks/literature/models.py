"""What the tasks share: the estimators on one thread, and the data that other packages hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.literature.rows import Measured, cpu_seconds
from tidegate import SequenceClassifier, SequenceRegressor

EXPORTED = Path(__file__).parents[2] / "build" / "literature" / "data"


def exported(name: str) -> dict[str, NDArray[Any]]:
    """X, y, X_test, y_test, as export.py wrote them."""
    path = EXPORTED / f"{name}.npz"
    if not path.exists():
        raise SystemExit(f"{path} is not there: `make build/literature/exported` makes it")
    with np.load(path) as arrays:
        return dict(arrays)


def fitted(
    kind: type, X: Any, y: Any, seed: int, sample_weight: Any = None, **settings: Any
) -> tuple[Any, float]:
    """A SequenceClassifier or SequenceRegressor fitted on one thread, and the CPU seconds that took."""
    model: SequenceClassifier | SequenceRegressor = kind(num_threads=1, random_state=seed, **settings)
    return cpu_seconds(model.fit, X, y, sample_weight)


def measured(model: Any, seconds: float, score: float, **details: float) -> Measured:
    """validation: the lowest loss on the validation part, where there is one."""
    losses = [loss for loss in model.history_["val_loss"] if loss == loss]
    return Measured(
        score=score,
        parameters=model.num_parameters_,
        updates=model.num_updates_,
        seconds=seconds,
        validation=min(losses, default=None),
        details={"epochs": len(model.history_["loss"]), "best_epoch": model.best_epoch_, **details},
    )
