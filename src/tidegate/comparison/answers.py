"""What a trained cell said of the test part, row by row: the ground that statistics and figures stand on.

A row is a sequence, or a step where there is a target a step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.comparison.parts import Part
from tidegate.estimators.model import SequenceEstimator
from tidegate.models.targets import Regression

NUM_BINS = 10
# Of more predictions a regular selection goes into the result, so that its page stays small.
MOST_PREDICTIONS = 4_000


@dataclass(frozen=True, eq=False)
class Answers:
    """Of one replica. labels: of the classes, none for numbers. true, predicted: (rows,) places in labels, or
    (rows, K) numbers. probability: (rows,) that was given to the predicted class, none for numbers."""

    labels: tuple[str, ...]
    true: NDArray[Any]
    predicted: NDArray[Any]
    probability: NDArray[np.float64] | None

    @classmethod
    def of(cls, model: SequenceEstimator, part: Part) -> Answers:
        true, outputs, weights = model._answers(part.X, part.y, None)
        if weights is not None:
            true, outputs = true[weights > 0.0], outputs[weights > 0.0]
        coding = model.coding_
        if isinstance(coding.record, Regression):
            return cls((), true, coding.numbers(outputs).astype(np.float64), None)
        return cls(
            tuple(map(str, coding.names)),
            true.astype(np.int64),
            coding.places(outputs),
            coding.probabilities(outputs).max(axis=1),
        )

    @property
    def right(self) -> NDArray[np.float64]:
        """(rows,) 1 where the class is right, else 0."""
        return np.asarray(self.true == self.predicted, dtype=np.float64)

    @property
    def squared_errors(self) -> NDArray[np.float64]:
        """(rows, K)."""
        return np.asarray(np.square(self.predicted - self.true), dtype=np.float64)

    def arrays(self) -> dict[str, NDArray[Any]]:
        own = {"true": self.true, "predicted": self.predicted}
        return own if self.probability is None else own | {"probability": self.probability}

    @classmethod
    def from_arrays(cls, labels: Sequence[str], arrays: Mapping[str, NDArray[Any]]) -> Answers:
        return cls(tuple(labels), arrays["true"], arrays["predicted"], arrays.get("probability"))


def confusion(answers: Sequence[Answers]) -> dict[str, Any]:
    """Counts of the true class (row) and the predicted one (column), summed over replicas."""
    labels = tuple(dict.fromkeys(label for own in answers for label in own.labels))
    counts = np.zeros((len(labels), len(labels)), dtype=np.int64)
    for own in answers:
        places = np.array([labels.index(label) for label in own.labels])
        np.add.at(counts, (places[own.true], places[own.predicted]), 1)
    return {"labels": list(labels), "counts": counts.tolist()}


def calibration(answers: Sequence[Answers]) -> dict[str, Any]:
    """Mean probability given and share that is right, of the answers in ten bins of equal width by
    probability; bin k is (k/10, (k+1)/10]."""
    given = np.concatenate([own.probability for own in answers if own.probability is not None])
    right = np.concatenate([own.right for own in answers])
    place = np.clip(np.ceil(given * NUM_BINS) - 1, 0, NUM_BINS - 1).astype(np.int64)
    counts = np.bincount(place, minlength=NUM_BINS)
    probabilities = np.bincount(place, given, NUM_BINS)
    rights = np.bincount(place, right, NUM_BINS)
    bins = [
        {
            "probability": float(probabilities[k] / counts[k]),
            "accuracy": float(rights[k] / counts[k]),
            "count": int(counts[k]),
        }
        for k in np.flatnonzero(counts)
    ]
    error = float(np.abs(probabilities - rights).sum() / len(given))
    return {"bins": bins, "expected_calibration_error": error}


def predictions(answers: Sequence[Answers]) -> dict[str, Any]:
    """True and predicted numbers of all replicas, one after the other; of many a regular selection."""
    true = np.concatenate([own.true.ravel() for own in answers])
    predicted = np.concatenate([own.predicted.ravel() for own in answers])
    step = -(-len(true) // MOST_PREDICTIONS)
    return {"true": true[::step].tolist(), "predicted": predicted[::step].tolist()}
