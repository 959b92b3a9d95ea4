"""What was measured of each replica, and of all replicas of a cell together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from statistics import median
from typing import Any

from tidegate.comparison.answers import Answers, calibration, confusion, predictions
from tidegate.comparison.tuned import Tuned


@dataclass(frozen=True)
class Replica:
    """One cell trained with one seed. Scores are the accuracy or R^2 of the weights that were kept; the
    validation score is None where there was no validation part. seconds: of the training alone. stopped: why
    it ended. best_epoch: whose weights were kept, from 1. history: an epoch's loss, val_loss, score and
    val_score. answers: of the test part. insight: of one that was inspected, as in insight.py."""

    cell: str
    seed: int
    hidden_size: int
    num_parameters: int
    train_score: float
    validation_score: float | None
    test_score: float
    seconds: float
    updates: int
    epochs: int
    best_epoch: int
    stopped: str
    history: dict[str, list[float]]
    answers: Answers = field(repr=False, compare=False)
    insight: dict[str, Any] | None = field(default=None, repr=False, compare=False)

    @property
    def gap(self) -> float:
        """Train score minus test score."""
        return self.train_score - self.test_score

    @property
    def updates_to_convergence(self) -> int:
        """Until the end of the best epoch."""
        return self.best_epoch * self.updates // self.epochs

    def seconds_to(self, score: float) -> float:
        """Of training until the end of the first epoch with this validation score; infinite where none has
        it. Epochs of one replica take the same time."""
        first = next((e for e, own in enumerate(self.history["val_score"], 1) if own >= score), math.inf)
        return self.seconds * first / self.epochs

    def to_dict(self) -> dict[str, Any]:
        """All but the answers and the insight."""
        apart = ("answers", "insight")
        return {own.name: getattr(self, own.name) for own in fields(self) if own.name not in apart}


@dataclass(frozen=True)
class Scores:
    """A score of every seed, in the order of the seeds."""

    median: float
    min: float
    max: float
    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float]) -> Scores:
        return cls(median(values), min(values), max(values), tuple(values))

    def __str__(self) -> str:
        return f"{self.median:.3f} ({self.min:.3f} to {self.max:.3f})"


@dataclass(frozen=True)
class CellResult:
    """One cell's replicas, in the order of the seeds. seconds, updates and epochs are medians of one
    replica. memory_bytes, latency_seconds: of training, and of one sequence; None where they were not asked
    for. tuned: what the search chose; None where there was none."""

    cell: str
    replicas: tuple[Replica, ...]
    memory_bytes: int | None = None
    latency_seconds: float | None = None
    tuned: Tuned | None = None

    @property
    def num_parameters(self) -> int:
        return self.replicas[0].num_parameters

    @property
    def hidden_size(self) -> int:
        return self.replicas[0].hidden_size

    @property
    def train_score(self) -> Scores:
        return Scores.of([replica.train_score for replica in self.replicas])

    @property
    def validation_score(self) -> Scores | None:
        scores = [
            replica.validation_score for replica in self.replicas if replica.validation_score is not None
        ]
        return Scores.of(scores) if scores else None

    @property
    def test_score(self) -> Scores:
        return Scores.of([replica.test_score for replica in self.replicas])

    @property
    def generalization_gap(self) -> Scores:
        return Scores.of([replica.gap for replica in self.replicas])

    @property
    def seconds(self) -> float:
        return median(replica.seconds for replica in self.replicas)

    @property
    def updates(self) -> float:
        return median(replica.updates for replica in self.replicas)

    @property
    def epochs(self) -> float:
        return median(replica.epochs for replica in self.replicas)

    @property
    def updates_per_second(self) -> float:
        """Of all replicas together."""
        seconds = sum(replica.seconds for replica in self.replicas)
        return sum(replica.updates for replica in self.replicas) / seconds if seconds else 0.0

    def to_dict(self, score_to_reach: float | None = None) -> dict[str, Any]:
        """As report/records.py documents it."""
        answers = [replica.answers for replica in self.replicas]
        classes = bool(answers[0].labels)
        epochs = Scores.of([replica.best_epoch for replica in self.replicas])
        updates = Scores.of([replica.updates_to_convergence for replica in self.replicas])
        reached = None
        if score_to_reach is not None:
            reached = asdict(Scores.of([replica.seconds_to(score_to_reach) for replica in self.replicas]))
        return {
            "hidden_size": self.hidden_size,
            "num_parameters": self.num_parameters,
            "train_score": asdict(self.train_score),
            "validation_score": None if self.validation_score is None else asdict(self.validation_score),
            "test_score": asdict(self.test_score),
            "generalization_gap": asdict(self.generalization_gap),
            "seconds": self.seconds,
            "updates": self.updates,
            "updates_per_second": self.updates_per_second,
            "epochs": self.epochs,
            "epochs_to_convergence": asdict(epochs),
            "updates_to_convergence": asdict(updates),
            "seconds_to_score": reached,
            "memory_bytes": self.memory_bytes,
            "latency_seconds": self.latency_seconds,
            "tuned": None if self.tuned is None else self.tuned.to_dict(),
            "stopped": [replica.stopped for replica in self.replicas],
            "replicas": [replica.to_dict() for replica in self.replicas],
            "confusion": confusion(answers) if classes else None,
            "calibration": calibration(answers) if classes else None,
            "predictions": None if classes else predictions(answers),
        }
