"""What was measured of each replica, and of all replicas of a cell together."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from statistics import median
from typing import Any, Generic, TypeVar

from tidegate.comparison.answers import Answers, calibration, confusion, predictions
from tidegate.comparison.tuned import Tuned

S = TypeVar("S")
# The name of a model's only target where it has none.
UNNAMED = ""
PARTS = ("train_score", "validation_score", "test_score")


@dataclass(frozen=True)
class Measured:
    """How good one target's answers are, the larger the better, with the weights that were kept; the
    validation score is None where there was no validation part. answers: of the test part; None where they
    are neither one of several classes nor numbers."""

    train_score: float
    validation_score: float | None
    test_score: float
    answers: Answers | None = field(default=None, repr=False, compare=False)

    @property
    def generalization_gap(self) -> float:
        """Train score minus test score."""
        return self.train_score - self.test_score

    def to_dict(self) -> dict[str, float | None]:
        """The scores."""
        return {part: getattr(self, part) for part in PARTS}


class OneTarget(ABC, Generic[S]):
    """The scores of what has one target, by their names, of a replica and of all replicas of a cell alike."""

    @property
    @abstractmethod
    def _scores(self) -> Mapping[str, Any]:
        """By target."""

    def _only(self, name: str) -> Any:
        first, *others = self._scores
        if others:
            raise ValueError(
                f"{name} expects one target; got {', '.join(map(repr, self._scores))}: take that of one, "
                f"targets[{first!r}].{name}"
            )
        return getattr(self._scores[first], name)

    @property
    def train_score(self) -> S:
        found: S = self._only("train_score")
        return found

    @property
    def validation_score(self) -> S | None:
        found: S | None = self._only("validation_score")
        return found

    @property
    def test_score(self) -> S:
        found: S = self._only("test_score")
        return found

    @property
    def generalization_gap(self) -> S:
        """Train minus test score."""
        found: S = self._only("generalization_gap")
        return found


@dataclass(frozen=True)
class Replica(OneTarget[float]):
    """One candidate trained with one seed. cell: its name. targets: the scores of each, by name; UNNAMED is
    that of a model with one that has no name. seconds: of the training alone. stopped: why it ended.
    best_epoch: whose weights were kept, from 1. history: an epoch's loss, val_loss, score and val_score.
    insight: what else was looked at, as in insight.py."""

    cell: str
    seed: int
    hidden_size: int
    num_parameters: int
    targets: dict[str, Measured]
    seconds: float
    updates: int
    epochs: int
    best_epoch: int
    stopped: str
    history: dict[str, list[float]]
    insight: dict[str, Any] | None = field(default=None, repr=False, compare=False)

    @property
    def _scores(self) -> dict[str, Measured]:
        return self.targets

    @property
    def kept_score(self) -> float:
        """The validation score of the epoch whose weights were kept, as `history` has it; NaN without a
        validation part."""
        return self.history["val_score"][self.best_epoch - 1]

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
        plain = {own.name: getattr(self, own.name) for own in fields(self)}
        del plain["insight"], plain["targets"]
        return plain | by_target({name: own.to_dict() for name, own in self.targets.items()})


def by_target(own: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """As a dictionary has them: `targets` by name; of a target without a name its fields alone."""
    return own.get(UNNAMED, {"targets": own})


@dataclass(frozen=True)
class Scores:
    """A score of every seed, in the order of the seeds. median, min, max: of those that are numbers; NaN
    where none is."""

    median: float
    min: float
    max: float
    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float]) -> Scores:
        numbers = [value for value in values if not math.isnan(value)] or [math.nan]
        return cls(median(numbers), min(numbers), max(numbers), tuple(values))

    def __str__(self) -> str:
        return f"{self.median:.3f} ({self.min:.3f} to {self.max:.3f})"


@dataclass(frozen=True)
class TargetResult:
    """One target's scores of all replicas. answers: a replica's each, of those that have some."""

    train_score: Scores
    validation_score: Scores | None
    test_score: Scores
    generalization_gap: Scores
    answers: tuple[Answers, ...] = field(repr=False, compare=False)

    @classmethod
    def of(cls, measured: Sequence[Measured]) -> TargetResult:
        validated = [own.validation_score for own in measured if own.validation_score is not None]
        return cls(
            Scores.of([own.train_score for own in measured]),
            Scores.of(validated) if validated else None,
            Scores.of([own.test_score for own in measured]),
            Scores.of([own.generalization_gap for own in measured]),
            tuple(own.answers for own in measured if own.answers is not None),
        )

    def to_dict(self) -> dict[str, Any]:
        classes = bool(self.answers) and bool(self.answers[0].labels)
        numbers = bool(self.answers) and not classes
        return {
            "train_score": asdict(self.train_score),
            "validation_score": None if self.validation_score is None else asdict(self.validation_score),
            "test_score": asdict(self.test_score),
            "generalization_gap": asdict(self.generalization_gap),
            "confusion": confusion(self.answers) if classes else None,
            "calibration": calibration(self.answers) if classes else None,
            "predictions": predictions(self.answers) if numbers else None,
        }


@dataclass(frozen=True)
class CellResult(OneTarget[Scores]):
    """One candidate's replicas, in the order of the seeds. cell: its name. seconds, updates and epochs are
    medians of one replica. memory_bytes, latency_seconds: of training, and of one sequence; None where they
    were not asked for. tuned: what the search chose; None where there was none."""

    cell: str
    replicas: tuple[Replica, ...]
    memory_bytes: int | None = None
    latency_seconds: float | None = None
    tuned: Tuned | None = None

    @property
    def targets(self) -> dict[str, TargetResult]:
        names = self.replicas[0].targets
        return {name: TargetResult.of([own.targets[name] for own in self.replicas]) for name in names}

    @property
    def _scores(self) -> dict[str, TargetResult]:
        return self.targets

    @property
    def num_parameters(self) -> int:
        return self.replicas[0].num_parameters

    @property
    def hidden_size(self) -> int:
        return self.replicas[0].hidden_size

    @property
    def kept_score(self) -> float:
        """The median over the seeds; NaN without a validation part."""
        return median(replica.kept_score for replica in self.replicas)

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
        epochs = Scores.of([replica.best_epoch for replica in self.replicas])
        updates = Scores.of([replica.updates_to_convergence for replica in self.replicas])
        reached = None
        if score_to_reach is not None:
            reached = asdict(Scores.of([replica.seconds_to(score_to_reach) for replica in self.replicas]))
        return {
            "hidden_size": self.hidden_size,
            "num_parameters": self.num_parameters,
            **by_target({name: own.to_dict() for name, own in self.targets.items()}),
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
        }
