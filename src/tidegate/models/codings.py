"""What fit learns of each target: how it is coded, weighed, read and measured.

R rows: sequences, or steps of all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.checks import choice, real
from tidegate.engine import Target
from tidegate.estimators.scaling import Scaling
from tidegate.models.calibration import Calibration
from tidegate.models.measures import (
    binary_measures,
    class_measures,
    label_measures,
    number_measures,
    ordinal_measures,
    quantile_measures,
)
from tidegate.models.rows import Rows
from tidegate.models.targets import (
    Binary,
    Classes,
    MultiClass,
    MultiLabel,
    Numbers,
    Ordinal,
    Quantiles,
    Regression,
    TargetRecord,
)
from tidegate.network import Dense, Loss, Node, Thresholds

DTYPE = "float32"
Doubles = NDArray[np.float64]
MOST_LABEL_WEIGHT = 20.0


@dataclass(frozen=True, eq=False)
class Coding:
    """What fit learnt of a target.

    names: classes, labels, levels or numbers, one for each output but for an ordinal's and a binary's.
    scaling: of numbers. weights: of classes in the loss, or of positive labels; None. thresholds: of labels.
    calibration: of probabilities. frequencies: of an ordinal's classes.
    """

    record: TargetRecord
    names: tuple[Any, ...]
    scaling: Scaling | None = None
    weights: tuple[float, ...] | None = None
    thresholds: tuple[float, ...] | None = None
    calibration: Calibration | None = None
    frequencies: tuple[float, ...] | None = None
    place: Mapping[Any, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "place", {name: index for index, name in enumerate(self.names)})

    @property
    def num_outputs(self) -> int:
        if isinstance(self.record, Ordinal):
            return len(self.names) - 1
        return 1 if isinstance(self.record, Binary) else len(self.names)

    def nodes(self, name: str, of: tuple[str, ...]) -> list[Node]:
        """The head: the output "NAME.output" and its loss."""
        output, record = f"{name}.output", self.record
        nodes: list[Node] = []
        columns: tuple[float, ...] = ()
        if isinstance(record, Ordinal):
            nodes += [Dense(f"{name}.score", of, 1), Thresholds(output, (f"{name}.score",), self.num_outputs)]
        else:
            nodes.append(Dense(output, of, self.num_outputs))
        focal = record.focal if isinstance(record, Classes) else 0.0
        match record:
            case Regression():
                loss = record.loss
            case Quantiles():
                loss, columns = "pinball", record.levels
            case MultiClass():
                loss = "softmax_cross_entropy"
            case Ordinal():
                loss = "ordinal"
            case _:
                loss, columns = "sigmoid_cross_entropy", self.weights or ()
        nodes.append(
            Loss(f"{name}.loss", (output,), loss, weight=record.weight, focal=focal, columns=columns)
        )
        return nodes

    def there(self, rows: Rows) -> NDArray[np.bool_]:
        """(R,) which rows have an answer."""
        if isinstance(self.record, Numbers):
            return np.asarray(~np.isnan(rows.values).any(axis=1))
        return np.array([value is not None for value in rows.values], dtype=bool)

    def coded(self, argument: str, rows: Rows) -> NDArray[Any]:
        """(R,) places of classes, (R, L) zeros and ones, or (R, K) numbers in the targets' unit; anything
        where there is no answer."""
        record, values, there = self.record, rows.values, self.there(rows)
        if isinstance(record, Numbers):
            width = 1 if isinstance(record, Quantiles) else len(self.names)
            if values.shape[1] != width:
                raise ValueError(
                    f"{argument} expects {width} numbers a row; got {values.shape[1]}: pass as many"
                )
            return np.where(np.isnan(values), 0.0, values)
        if isinstance(record, MultiLabel):
            coded = np.zeros((len(values), len(self.names)))
            for row, value in enumerate(values):
                if isinstance(value, np.ndarray):
                    if len(value) != len(self.names):
                        raise ValueError(
                            f"{argument} expects {len(self.names)} labels a row; got {len(value)}: "
                            "pass as many"
                        )
                    coded[row] = value
                elif value is not None:
                    coded[row, [self._place(argument, label) for label in value]] = 1.0
            return coded
        places = np.zeros(len(values), dtype=np.int32)
        for at in np.flatnonzero(there):
            places[at] = self._place(argument, values[at])
        return places

    def target(self, argument: str, rows: Rows) -> tuple[Target, float | None]:
        """As the engine takes it, and the variance of numbers."""
        there, coded = self.there(rows), self.coded(argument, rows)
        weights = there.astype(DTYPE)
        record, variance = self.record, None
        if isinstance(record, MultiClass):
            if self.weights is not None:
                weights *= (np.array(self.weights) / max(self.weights)).astype(DTYPE)[coded]
        elif isinstance(record, Binary):
            coded = coded[:, np.newaxis].astype(DTYPE)
        elif isinstance(record, Numbers):
            assert self.scaling is not None
            scaled = self.scaling.apply(argument, coded, DTYPE)
            coded = np.repeat(scaled, len(self.names), axis=1) if isinstance(record, Quantiles) else scaled
            variance = float(scaled[there].var(axis=0).mean()) if there.any() else 0.0
        if coded.ndim == 2:
            coded = np.ascontiguousarray(coded, DTYPE)
        return Target(coded, None if (weights == 1.0).all() else weights), variance

    def probabilities(self, outputs: NDArray[Any]) -> Doubles:
        """(R, C) of classes, (R,) of the positive one, (R, L) of labels; calibrated where fit did so."""
        record = self.record
        if self.calibration is not None:
            return self.calibration.probabilities(outputs, isinstance(record, MultiClass)).reshape(
                len(outputs), *(() if isinstance(record, Binary) else (-1,))
            )
        raw = outputs.astype(np.float64)
        if isinstance(record, MultiClass):
            return softmax(raw)
        if isinstance(record, Ordinal):
            above = np.concatenate([np.ones((len(raw), 1)), sigmoid(raw), np.zeros((len(raw), 1))], axis=1)
            return -np.diff(above, axis=1)
        return sigmoid(raw)[:, 0] if isinstance(record, Binary) else sigmoid(raw)

    def predicted(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """(R,) classes, (R, L) booleans of labels, (R, Q) quantiles, or numbers (R,) or (R, K)."""
        record = self.record
        if isinstance(record, Numbers):
            assert self.scaling is not None
            numbers = self.scaling.undo(outputs)
            if isinstance(record, Quantiles):
                return np.sort(numbers, axis=1)
            return numbers[:, 0] if len(self.names) == 1 else numbers
        if isinstance(record, Ordinal):
            return self._named(np.asarray((outputs > 0).sum(axis=1)))
        probabilities = self.probabilities(outputs)
        if isinstance(record, MultiClass):
            return self._named(probabilities.argmax(axis=1))
        chosen = probabilities >= np.array(self.thresholds)
        return (
            self._named(chosen[:, 0] if chosen.ndim > 1 else chosen) if isinstance(record, Binary) else chosen
        )

    def measures(self, argument: str, rows: Rows, outputs: NDArray[Any]) -> dict[str, float]:
        """By name, the first of them the one that a comparison looks at."""
        there = self.there(rows)
        if not there.any():
            return {}
        coded, outputs = self.coded(argument, rows)[there], outputs[there]
        match self.record:
            case Regression():
                assert self.scaling is not None
                return number_measures(coded, self.scaling.undo(outputs))
            case Quantiles():
                return quantile_measures(coded[:, 0], self.predicted(outputs), self.record.levels)
            case MultiClass():
                return class_measures(coded, self.probabilities(outputs))
            case Ordinal():
                return ordinal_measures(coded, (outputs > 0).sum(axis=1), self.probabilities(outputs))
            case Binary():
                assert self.thresholds is not None
                return binary_measures(coded, self.probabilities(outputs), self.thresholds[0])
            case _:
                return label_measures(
                    coded.astype(bool), self.probabilities(outputs), self.predicted(outputs)
                )

    def settled(self, argument: str, rows: Rows, outputs: NDArray[Any]) -> Coding:
        """With the calibration and the thresholds that the record asks for, from rows not trained on."""
        record, there = self.record, self.there(rows)
        if not isinstance(record, Classes) or not there.any():
            return self
        coded, outputs = self.coded(argument, rows)[there], outputs[there]
        coding = self
        if record.calibration is not None:
            calibration = Calibration.learnt(
                record.calibration, coded, outputs, isinstance(record, MultiClass), rows.of_sequences[there]
            )
            coding = replace(self, calibration=calibration)
        if isinstance(record, MultiClass) or record.threshold != "validation":
            return coding
        probabilities = coding.probabilities(outputs).reshape(len(coded), -1)
        labels = coded.reshape(len(coded), -1).astype(bool)
        return replace(coding, thresholds=tuple(map(best_threshold, labels.T, probabilities.T)))

    def _place(self, argument: str, label: Any) -> int:
        if label not in self.place:
            known = ", ".join(map(repr, self.names[:9])) + ", ..." * (len(self.names) > 9)
            raise ValueError(f"{argument} expects one of {known}, as fit saw; got {label!r}: leave it out")
        return self.place[label]

    def _named(self, places: NDArray[Any]) -> NDArray[Any]:
        return np.array(self.names)[places.astype(np.int64)]


def sigmoid(x: Doubles) -> Doubles:
    return 0.5 * (np.tanh(0.5 * x) + 1.0)


def softmax(x: Doubles) -> Doubles:
    exponentials = np.exp(x - x.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def best_threshold(labels: NDArray[np.bool_], probabilities: Doubles) -> float:
    """The threshold whose predictions have the largest F1: between the two probabilities that it parts; 0.5
    where no label is positive."""
    if not labels.any():
        return 0.5
    order = np.argsort(-probabilities, kind="stable")
    sorted_, hits = probabilities[order], np.cumsum(labels[order])
    f1 = 2.0 * hits / (np.arange(1, len(labels) + 1) + labels.sum())
    ends = np.append(sorted_[1:] < sorted_[:-1], True)  # equal probabilities are on one side
    best = int(np.argmax(np.where(ends, f1, -1.0)))
    return float((sorted_[best] + sorted_[best + 1]) / 2) if best + 1 < len(sorted_) else float(sorted_[best])


def learn(argument: str, record: TargetRecord, rows: Rows, training: Rows) -> Coding:
    """The coding of a target; rows: of all sequences, training: of those that are trained on."""
    blank = Coding(record, ())
    if not blank.there(training).any():
        raise ValueError(f"{argument} expects some answers in the sequences that are trained on; got none")
    if isinstance(record, Numbers):
        values = training.values[blank.there(training)]
        width = values.shape[1]
        if isinstance(record, Quantiles):
            if width != 1:
                raise ValueError(f"{argument} expects one number of quantiles; got {width}: name one")
            return Coding(record, record.levels, Scaling.of(argument, values))
        return Coding(record, tuple(range(width)), Scaling.of(argument, values))
    if isinstance(record, MultiLabel):
        return _labels_learnt(argument, record, rows, training)
    found = {value for value in rows.values if value is not None}
    unfit = next(
        (value for value in found if not isinstance(value, str | bool | int) and value != int(value)), None
    )
    if unfit is not None:
        raise ValueError(
            f"{argument} expects classes, text or whole numbers; got {unfit!r}: use a Regression for numbers"
        )
    names = tuple(sorted(found, key=lambda value: (isinstance(value, str), value)))
    if isinstance(record, Ordinal) and record.order is not None:
        unknown = found - set(record.order)
        if unknown:
            raise ValueError(
                f"{argument}: order expects all classes; got {min(unknown, key=str)!r} beside them: add it"
            )
        names = tuple(record.order)
    if isinstance(record, Binary):
        if len(names) != 2:
            raise ValueError(
                f"{argument} expects two classes; got {len(names)}: use a MultiClass for more, "
                "leave it out for one"
            )
        if record.positive is not None:
            choice(f"{argument}: positive", str(record.positive), map(str, names))
            names = tuple(sorted(names, key=lambda name: str(name) == str(record.positive)))
    if len(names) < 2:
        raise ValueError(f"{argument} expects at least two classes; got one, {names[0]!r}: leave it out")
    coding = Coding(record, names)
    places = coding.coded(argument, training)[coding.there(training)]
    counts = np.bincount(places, minlength=len(names)).astype(np.float64)
    if isinstance(record, Ordinal):
        return replace(coding, frequencies=tuple((counts / counts.sum()).tolist()))
    if isinstance(record, Binary):
        weights = _positive_weights(argument, record.positive_weight, ("positive",), counts[1:], counts.sum())
        return replace(coding, weights=weights, thresholds=(_first_threshold(argument, record.threshold),))
    assert isinstance(record, MultiClass)
    if isinstance(record.class_weight, str):
        choice(f"{argument}: class_weight", record.class_weight, ("balanced",))
        balanced = counts.sum() / (len(names) * np.maximum(counts, 1.0))
        return replace(coding, weights=tuple(balanced.tolist()))
    if record.class_weight is not None:
        given = {
            coding._place(f"{argument}: class_weight", name): w for name, w in record.class_weight.items()
        }
        chosen = (
            real(f"{argument}: class_weight", given.get(at, 1.0), above=True) for at in range(len(names))
        )
        return replace(coding, weights=tuple(chosen))
    return coding


def _labels_learnt(argument: str, record: MultiLabel, rows: Rows, training: Rows) -> Coding:
    arrays = [value for value in rows.values if isinstance(value, np.ndarray)]
    names: tuple[Any, ...]
    if record.labels is not None:
        names = tuple(record.labels)
    elif arrays:
        names = tuple(range(len(arrays[0])))
    else:
        found = {label for value in rows.values if value is not None for label in value}
        names = tuple(sorted(found, key=lambda value: (isinstance(value, str), value)))
    if not names:
        raise ValueError(f"{argument} expects labels; got none in any row: leave it out")
    coding = Coding(record, names)
    coded = coding.coded(argument, training)[coding.there(training)]
    positive = coded.sum(axis=0)
    if not positive.all():
        raise ValueError(
            f"{argument} expects a positive example of each label among those that are trained on; "
            "got none of "
            f"{names[int(np.argmin(positive))]!r}: leave the label out"
        )
    weights = _positive_weights(argument, record.label_weight, names, positive, float(len(coded)))
    thresholds = (_first_threshold(argument, record.threshold),) * len(names)
    return replace(coding, weights=weights, thresholds=thresholds)


def _first_threshold(argument: str, threshold: float | str) -> float:
    if isinstance(threshold, str):
        choice(f"{argument}: threshold", threshold, ("validation",))
        return 0.5
    return real(f"{argument}: threshold", threshold, 0.0, 1.0)


def _positive_weights(
    argument: str, given: Any, names: Sequence[Any], positive: Doubles, total: float
) -> tuple[float, ...] | None:
    if given is None:
        return None
    if isinstance(given, str):
        choice(f"{argument}: weight", given, ("balanced",))
        balanced = np.minimum((total - positive) / np.maximum(positive, 1.0), MOST_LABEL_WEIGHT)
        return tuple(np.maximum(balanced, 1.0 / MOST_LABEL_WEIGHT).tolist())
    by_name = given if isinstance(given, Mapping) else dict.fromkeys(names, given)
    for name in by_name:
        if name not in names:
            raise ValueError(
                f"{argument}: label_weight expects labels that are there; got {name!r}: leave it out"
            )
    return tuple(real(f"{argument}: weight", by_name.get(name, 1.0), above=True) for name in names)
