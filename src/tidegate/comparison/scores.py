"""What was measured of each replica, and of all replicas of a cell together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Replica:
    """One cell trained with one seed. Scores are the accuracy or R^2 of the weights that were kept; the
    validation score is None where there was no validation part. seconds: of the training alone. stopped: why
    it ended."""

    cell: str
    seed: int
    num_parameters: int
    train_score: float
    validation_score: float | None
    test_score: float
    seconds: float
    updates: int
    epochs: int
    stopped: str


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
    replica."""

    cell: str
    replicas: tuple[Replica, ...]

    @property
    def num_parameters(self) -> int:
        return self.replicas[0].num_parameters

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

    def to_dict(self) -> dict[str, Any]:
        return {
            "num_parameters": self.num_parameters,
            "train_score": asdict(self.train_score),
            "validation_score": None if self.validation_score is None else asdict(self.validation_score),
            "test_score": asdict(self.test_score),
            "seconds": self.seconds,
            "updates": self.updates,
            "updates_per_second": self.updates_per_second,
            "epochs": self.epochs,
            "stopped": [replica.stopped for replica in self.replicas],
            "replicas": [asdict(replica) for replica in self.replicas],
        }
