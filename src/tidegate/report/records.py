"""What is known of one cell: the values of `cells` in the dictionary that a page is made of (result.py)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tidegate.report.digits import NONE
from tidegate.report.fields import Fields


@dataclass(frozen=True)
class Spread:
    """One measure of every seed: {"median", "min", "max", "values"}, or a number alone. values: in the order
    of the seeds, NaN where a seed has none."""

    median: float | None
    min: float | None
    max: float | None
    values: tuple[float, ...]

    @classmethod
    def read(cls, fields: Fields, name: str) -> Spread | None:
        if name not in fields:
            return None
        if not isinstance(fields.raw(name), Mapping):
            number = fields.number(name)
            return None if number is None else cls(number, number, number, (number,))
        group = fields.group(name)
        assert group is not None
        own = cls(group.number("median"), group.number("min"), group.number("max"), group.numbers("values"))
        return None if own.median is None and not own.values else own

    @property
    def varies(self) -> bool:
        return self.min is not None and self.max is not None and len(self.values) > 1


@dataclass(frozen=True)
class Replica:
    """seed, seconds (of training), test_score; targets: of several by name, {"test_score"}. best_epoch: the
    epoch, from 1, whose weights were kept. history: {"loss", "val_loss", "score", "val_score"}, each a list
    of one number an epoch."""

    seed: str | None
    seconds: float | None
    test_score: float | None
    best_epoch: int | None
    history: dict[str, tuple[float, ...]]

    @classmethod
    def read(cls, fields: Fields) -> Replica:
        best = fields.number("best_epoch")
        history = fields.group("history")
        curves = ("loss", "val_loss", "score", "val_score")
        return cls(
            seed=fields.text("seed"),
            seconds=fields.number("seconds"),
            test_score=fields.number("test_score"),
            best_epoch=None if best is None else int(best),
            history={} if history is None else {name: history.numbers(name) for name in curves},
        )


@dataclass(frozen=True)
class Confusion:
    """labels: of the K classes. counts: (K, K) of the test part, summed over the seeds; row: true class,
    column: predicted class."""

    labels: tuple[str, ...]
    counts: tuple[tuple[float, ...], ...]

    @classmethod
    def read(cls, fields: Fields) -> Confusion | None:
        labels = fields.texts("labels")
        counts = tuple(tuple(max(0.0, n) for n in row) for row in fields.matrix("counts"))
        if not counts:
            return None
        fields.require(len(counts[0]) == len(counts), "counts", "as many columns as rows")
        labels = labels or tuple(str(number) for number in range(len(counts)))
        fields.require(len(labels) == len(counts), "labels", f"{len(counts)} labels, one a class")
        return cls(labels, counts)

    @property
    def total(self) -> float:
        return sum(count for row in self.counts for count in row)

    @property
    def right(self) -> float:
        return sum(row[place] for place, row in enumerate(self.counts))

    def errors(self) -> list[tuple[float, str, str]]:
        """(times, true label, predicted label), the most frequent first."""
        found = [
            (count, true, predicted)
            for i, (true, row) in enumerate(zip(self.labels, self.counts))
            for j, (predicted, count) in enumerate(zip(self.labels, row))
            if i != j and count > 0
        ]
        return sorted(found, key=lambda error: -error[0])


@dataclass(frozen=True)
class Predictions:
    """Regression's test part: true and predicted, equally long; those of several seeds one after the
    other."""

    true: tuple[float, ...]
    predicted: tuple[float, ...]

    @classmethod
    def read(cls, fields: Fields) -> Predictions | None:
        true, predicted = fields.numbers("true"), fields.numbers("predicted")
        if not true or "predicted" not in fields:
            return None
        fields.require(len(true) == len(predicted), "predicted", f"{len(true)} numbers, as many as true")
        return cls(true, predicted)

    @property
    def residuals(self) -> tuple[float, ...]:
        return tuple(true - predicted for true, predicted in zip(self.true, self.predicted))

    @property
    def rmse(self) -> float | None:
        """Root mean squared error."""
        squares = [error**2 for error in self.residuals if math.isfinite(error)]
        return math.sqrt(sum(squares) / len(squares)) if squares else None


@dataclass(frozen=True)
class Calibration:
    """Answers of the test part, all seeds together, sorted into bins by the probability the model gave its
    answer. bins: [{"probability": mean given, "accuracy": share right, "count"}].
    expected_calibration_error: mean of |probability - accuracy|, weighted by count."""

    bins: tuple[tuple[float, float, float], ...]
    expected_calibration_error: float | None

    @classmethod
    def read(cls, fields: Fields) -> Calibration | None:
        rows = [
            tuple(bin_.number(name) for name in ("probability", "accuracy", "count"))
            for bin_ in fields.groups("bins")
        ]
        bins = tuple((p, a, n) for p, a, n in rows if p is not None and a is not None and n)
        return cls(bins, fields.number("expected_calibration_error")) if bins else None


@dataclass(frozen=True)
class Cell:
    """The value of cells[name]. num_parameters, hidden_size; train_score, validation_score, test_score;
    generalization_gap (train minus test score); epochs, epochs_to_convergence, updates_to_convergence;
    seconds (of one replica), seconds_to_score (until the validation score reached score_to_reach, None where
    it never did), updates_per_second; latency_seconds (one sequence), memory_bytes (the most while training);
    each a number or a Spread. replicas: a list. confusion, predictions, calibration. targets: of several by
    name, those of these fields that are its own, the scores among them. tuned: the settings that a search
    found for it, and how."""

    name: str
    measures: dict[str, Spread]
    replicas: tuple[Replica, ...]
    confusion: Confusion | None
    predictions: Predictions | None
    calibration: Calibration | None
    tuned: dict[str, Any]

    @classmethod
    def read(cls, name: str, fields: Fields, target: str | None = None) -> Cell:
        """Of a target, what is its own before what all have in common."""
        if target is not None:
            fields = fields.over("targets", target)
        measures = {measure: Spread.read(fields, measure) for measure in MEASURES}
        confusion, predictions = fields.group("confusion"), fields.group("predictions")
        calibration = fields.group("calibration")
        return cls(
            name=name,
            measures={measure: spread for measure, spread in measures.items() if spread is not None},
            replicas=tuple(
                Replica.read(replica if target is None else replica.over("targets", target))
                for replica in fields.groups("replicas")
            ),
            confusion=None if confusion is None else Confusion.read(confusion),
            predictions=None if predictions is None else Predictions.read(predictions),
            calibration=None if calibration is None else Calibration.read(calibration),
            tuned=fields.plain("tuned"),
        )

    @property
    def scores(self) -> list[tuple[str, float]]:
        """(seed, test score), of the seeds that have one."""
        own = [(seed, values[0]) for seed, values in self.of_seeds("test_score")]
        spread = self.measures.get("test_score")
        if own or spread is None:
            return own
        values = [value for value in spread.values if math.isfinite(value)]
        return [(str(place), value) for place, value in enumerate(values)]

    def of_seeds(self, *measures: str) -> list[tuple[str, tuple[float, ...]]]:
        """(seed, the replica's own values of these), of the replicas that have them all."""
        rows = [(replica, tuple(getattr(replica, name) for name in measures)) for replica in self.replicas]
        return [(replica.seed or NONE, values) for replica, values in rows if None not in values]

    def middle(self, measure: str) -> float | None:
        spread = self.measures.get(measure)
        return None if spread is None else spread.median


MEASURES = (
    "num_parameters",
    "hidden_size",
    "train_score",
    "validation_score",
    "test_score",
    "generalization_gap",
    "epochs",
    "epochs_to_convergence",
    "updates_to_convergence",
    "seconds",
    "seconds_to_score",
    "updates_per_second",
    "latency_seconds",
    "memory_bytes",
)
