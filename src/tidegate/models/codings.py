"""What fit learns of each target: how it is coded, weighed, read and measured.

R rows: sequences, or steps of all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.checks import choice, real
from tidegate.engine import Target
from tidegate.models.calibration import Calibration
from tidegate.models.encoders import named
from tidegate.models.links import one_against_the_rest, sigmoid, softmax
from tidegate.models.measures import (
    binary_measures,
    class_measures,
    label_measures,
    number_measures,
    ordinal_measures,
    quantile_measures,
)
from tidegate.models.rows import Rows, plain_label
from tidegate.models.scaling import Scaling
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
        of_two = isinstance(self.record, MultiClass) and self.record.is_sigmoid and len(self.names) == 2
        return 1 if of_two or isinstance(self.record, Binary) else len(self.names)

    def nodes(self, name: str, of: tuple[str, ...]) -> list[Node]:
        """The head: the output "NAME.output" and its loss."""
        output, record = named(name, "output"), self.record
        nodes: list[Node] = []
        columns: tuple[float, ...] = ()
        if isinstance(record, Ordinal):
            score = named(name, "score")
            nodes += [Dense(score, of, 1), Thresholds(output, (score,), self.num_outputs)]
        else:
            nodes.append(Dense(output, of, self.num_outputs))
        focal = record.focal if isinstance(record, Classes) else 0.0
        match record:
            case Regression() | MultiClass():
                loss = record.loss
            case Quantiles():
                loss, columns = "pinball", record.levels
            case Ordinal():
                loss = "ordinal"
            case _:
                loss, columns = "sigmoid_cross_entropy", self.weights or ()
        nodes.append(
            Loss(named(name, "loss"), (output,), loss, weight=record.weight, focal=focal, columns=columns)
        )
        return nodes

    def there(self, rows: Rows) -> NDArray[np.bool_]:
        """(R,) which rows have an answer."""
        if isinstance(self.record, Numbers):
            return np.asarray(~np.isnan(rows.values).any(axis=1))
        if rows.values.dtype != object:
            return np.ones(len(rows.values), dtype=bool)
        return np.array([value is not None for value in rows.values], dtype=bool)

    def coded(self, argument: str, rows: Rows) -> NDArray[Any]:
        """(R,) places of classes, (R, L) zeros and ones, or (R, K) numbers in the targets' unit; anything
        where there is no answer."""
        record, values, there = self.record, rows.values, self.there(rows)
        if isinstance(record, Numbers):
            width = 1 if isinstance(record, Quantiles) else len(self.names)
            if values.shape[1] != width:
                raise ValueError(
                    f"{argument} expects {width} numbers a row, as fit saw; got {values.shape[1]}: "
                    "pass as many"
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
                elif isinstance(value, Mapping):
                    if value.keys() != self.place.keys():
                        raise ValueError(
                            f"{argument} expects the labels {', '.join(map(str, self.names))}; got "
                            f"{', '.join(map(str, value))}: pass the same columns"
                        )
                    coded[row] = [value[name] for name in self.names]
                elif value is not None:
                    coded[row, self._places(argument, value)] = 1.0
            return coded
        places = np.zeros(len(values), dtype=np.int32)
        places[there] = self._places(argument, values[there].tolist())
        return places

    def encoded(self, argument: str, rows: Rows, dtype: str) -> NDArray[Any]:
        """As the loss compares them: (R,) int32 places of classes, or (R, columns)."""
        coded, record = self.coded(argument, rows), self.record
        if isinstance(record, Binary):
            coded = coded[:, np.newaxis]
        elif isinstance(record, MultiClass) and record.is_sigmoid:
            coded = coded[:, np.newaxis] == np.arange(len(self.names))[-self.num_outputs :]
        elif isinstance(record, Numbers):
            assert self.scaling is not None
            coded = self.scaling.apply(argument, coded, dtype)
            coded = np.repeat(coded, len(self.names), axis=1) if isinstance(record, Quantiles) else coded
        return coded if coded.ndim == 1 else np.ascontiguousarray(coded, dtype)

    def target(self, argument: str, rows: Rows, weights: Doubles | None) -> tuple[Target, float | None]:
        """As the engine takes it, and the variance of numbers; weights: of the rows, in the loss."""
        there, encoded = self.there(rows), self.encoded(argument, rows, DTYPE)
        if isinstance(self.record, MultiClass) and self.weights is not None:
            of_class = np.array(self.weights)[self.coded(argument, rows)]
            weights = of_class if weights is None else of_class * weights
        if not there.all():
            weights = there.astype(np.float64) if weights is None else np.where(there, weights, 0.0)
        variance = _variance(encoded, weights) if isinstance(self.record, Numbers) else None
        if weights is None:
            return Target(encoded), variance
        # Weights of any size fit the engine's dtype, relative to the largest.
        return Target(encoded, (weights / (weights.max() or 1.0)).astype(DTYPE)), variance

    def decisions(self, outputs: NDArray[Any]) -> Doubles:
        """Of a MultiClass, (R, C) scores whose largest is the class; for two classes (R,), above 0 for the
        second."""
        raw = outputs.astype(np.float64)
        if len(self.names) > 2:
            return raw
        return raw[:, 0] if self.num_outputs == 1 else raw[:, 1] - raw[:, 0]

    def places(self, outputs: NDArray[Any]) -> NDArray[np.int64]:
        """(R,) places of the classes predicted, of a MultiClass or an Ordinal."""
        if isinstance(self.record, Ordinal):
            return np.asarray((outputs > 0).sum(axis=1))
        decisions = self.decisions(outputs) if self.calibration is None else self.probabilities(outputs)
        chosen = decisions > 0.0 if decisions.ndim == 1 else decisions.argmax(axis=1)
        return chosen.astype(np.int64)

    def numbers(self, outputs: NDArray[Any]) -> Doubles:
        """(R, K) in the targets' unit."""
        assert self.scaling is not None
        return self.scaling.undo(outputs)

    def probabilities(self, outputs: NDArray[Any]) -> Doubles:
        """(R, C) of classes, (R,) of the positive one, (R, L) of labels; calibrated where fit did so."""
        record = self.record
        if self.calibration is not None:
            return self.calibration.probabilities(outputs, isinstance(record, MultiClass)).reshape(
                len(outputs), *(() if isinstance(record, Binary) else (-1,))
            )
        raw = outputs.astype(np.float64)
        if isinstance(record, MultiClass):
            return one_against_the_rest(raw) if record.is_sigmoid else softmax(raw)
        if isinstance(record, Ordinal):
            above = np.concatenate([np.ones((len(raw), 1)), sigmoid(raw), np.zeros((len(raw), 1))], axis=1)
            return -np.diff(above, axis=1)
        return sigmoid(raw)[:, 0] if isinstance(record, Binary) else sigmoid(raw)

    def answers(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Probabilities of what has some, else what is predicted."""
        return self.predicted(outputs) if isinstance(self.record, Numbers) else self.probabilities(outputs)

    def predicted(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """(R,) classes, (R, L) booleans of labels, (R, Q) quantiles, or numbers (R,) or (R, K)."""
        record = self.record
        if isinstance(record, Numbers):
            numbers = self.numbers(outputs)
            if isinstance(record, Quantiles):
                return np.sort(numbers, axis=1)
            return numbers[:, 0] if len(self.names) == 1 else numbers
        if isinstance(record, Ordinal | MultiClass):
            return self._named(self.places(outputs))
        chosen = self.probabilities(outputs) >= np.array(self.thresholds)
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
                return number_measures(coded, self.numbers(outputs))
            case Quantiles():
                return quantile_measures(coded[:, 0], self.predicted(outputs), self.record.levels)
            case MultiClass():
                return class_measures(coded, self.probabilities(outputs))
            case Ordinal():
                return ordinal_measures(coded, self.places(outputs), self.probabilities(outputs))
            case Binary():
                assert self.thresholds is not None
                return binary_measures(coded, self.probabilities(outputs), self.thresholds[0])
            case _:
                return label_measures(
                    coded.astype(bool), self.probabilities(outputs), self.predicted(outputs)
                )

    @property
    def settles(self) -> bool:
        """Whether something is learnt of it once the network is trained."""
        record = self.record
        chosen = isinstance(record, Binary | MultiLabel) and record.threshold == "validation"
        return chosen or (isinstance(record, Classes) and record.calibration is not None)

    def settled(self, argument: str, rows: Rows, outputs: NDArray[Any]) -> Coding:
        """With the calibration and the thresholds that the record asks for, from rows not trained on."""
        record, there = self.record, self.there(rows)
        if not self.settles or not there.any():
            return self
        assert isinstance(record, Classes)
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

    def _places(self, argument: str, labels: Iterable[Any]) -> list[int]:
        labels = list(labels)
        unseen = {label for label in labels if label not in self.place}
        if unseen:
            known = ", ".join(map(str, self.names[:9])) + ", ..." * (len(self.names) > 9)
            raise ValueError(
                f"{argument} expects labels that fit saw, {known}; got label {min(unseen, key=str)!r}: leave "
                "it out or fit again"
            )
        return [self.place[label] for label in labels]

    def _named(self, places: NDArray[Any]) -> NDArray[Any]:
        return np.array(self.names)[places.astype(np.int64)]


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


def learn(
    argument: str,
    record: TargetRecord,
    rows: Rows,
    training: Rows,
    weights: Doubles | None = None,
    previous: Coding | None = None,
) -> Coding:
    """The coding of a target; rows: of all sequences, training: of those that are trained on, with their
    weights. previous: where training continues, what it was coded as; only weights are learnt anew."""
    there = Coding(record, ()).there(training)
    if not there.any():
        raise ValueError(f"{argument} expects some answers in the sequences that are trained on; got none")
    shares = None if weights is None else weights[there]
    if isinstance(record, Numbers):
        if previous is not None:
            return replace(previous, record=record)
        values = training.values[there]
        width = values.shape[1]
        if isinstance(record, Quantiles) and width != 1:
            raise ValueError(f"{argument} expects one number of quantiles; got {width}: name one")
        unscaled = isinstance(record, Regression) and not record.standardize
        scaling = Scaling.identity(width) if unscaled else Scaling.of(argument, values, shares)
        names = record.levels if isinstance(record, Quantiles) else tuple(range(width))
        return Coding(record, names, scaling)
    if previous is not None:
        names = previous.names
    elif isinstance(record, MultiLabel):
        names = _labels(argument, record, rows)
    else:
        names = _classes(argument, record, rows)
    coding = Coding(record, names)
    coded = coding.coded(argument, training)[there]
    if isinstance(record, MultiLabel):
        return _labels_learnt(argument, coding, record, coded, shares, is_new=previous is None)
    counts = np.bincount(coded, shares, minlength=len(names)).astype(np.float64)
    if isinstance(record, Ordinal):
        return replace(coding, frequencies=tuple((counts / counts.sum()).tolist()))
    if isinstance(record, Binary):
        own = _positive_weights(argument, record.positive_weight, ("positive",), counts[1:], counts.sum())
        return replace(coding, weights=own, thresholds=(_first_threshold(argument, record.threshold),))
    return replace(coding, weights=_class_weights(argument, coding, record.class_weight, counts))


def _class_weights(argument: str, coding: Coding, given: Any, counts: Doubles) -> tuple[float, ...] | None:
    """The weight of each class: none, all rows' weight over C times the class's ("balanced"), or a
    dict's."""
    if given is None:
        return None
    if isinstance(given, str):
        choice(f"{argument}: class_weight", given, ("balanced",))
        balanced = counts.sum() / (len(coding.names) * np.where(counts > 0.0, counts, np.inf))
        return tuple(balanced.tolist())
    if not isinstance(given, Mapping):
        raise ValueError(
            f"{argument}: class_weight expects None, 'balanced' or a dict of labels and weights; got "
            f"{given!r}: pass one of these"
        )
    coding._places(f"{argument}: class_weight", given)
    chosen = np.array([given.get(name, 1.0) for name in coding.names], dtype=np.float64)
    if not np.isfinite(chosen).all() or chosen.min() <= 0.0:
        raise ValueError(
            f"{argument}: class_weight expects finite numbers above 0; got {dict(given)!r}: pass such weights"
        )
    return tuple(chosen.tolist())


def by_kind(value: Any) -> tuple[bool, Any]:
    """Numbers before text, each in its order."""
    return isinstance(value, str), value


def _classes(argument: str, record: TargetRecord, rows: Rows) -> tuple[Any, ...]:
    """The classes in the order of their places."""
    found = set(rows.values.tolist()) - {None}
    unfit = next((value for value in found if isinstance(value, float) and value != int(value)), None)
    if unfit is not None:
        raise ValueError(
            f"{argument} expects classes, text or whole numbers; got {unfit!r}: use a Regression for numbers"
        )
    names = tuple(sorted(found, key=by_kind))
    if isinstance(record, Ordinal) and record.order is not None:
        unknown = found - set(map(plain_label, record.order))
        if unknown:
            raise ValueError(
                f"{argument}: order expects all classes; got {min(unknown, key=str)!r} beside them: add it"
            )
        names = tuple(map(plain_label, record.order))
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
    return names


def _labels(argument: str, record: MultiLabel, rows: Rows) -> tuple[Any, ...]:
    arrays = [value for value in rows.values if isinstance(value, np.ndarray)]
    names: tuple[Any, ...]
    if record.labels is not None:
        names = tuple(map(plain_label, record.labels))
    elif arrays:
        names = tuple(range(len(arrays[0])))
    elif tables := [value for value in rows.values if isinstance(value, Mapping)]:
        names = tuple(tables[0])
    else:
        found = {label for value in rows.values if value is not None for label in value}
        names = tuple(sorted(found, key=by_kind))
    if not names:
        raise ValueError(f"{argument} expects labels; got none in any row: leave it out")
    return names


def _labels_learnt(
    argument: str,
    coding: Coding,
    record: MultiLabel,
    coded: NDArray[Any],
    shares: Doubles | None,
    *,
    is_new: bool,
) -> Coding:
    """is_new: whether the labels are those of these rows, not of a fit before."""
    names = coding.names
    if shares is None:
        shares = np.ones(len(coded))
    positive = shares @ coded
    if is_new and not positive.all():
        raise ValueError(
            f"{argument} expects a positive example of each label among those that are trained on; "
            "got none of "
            f"{names[int(np.argmin(positive))]!r}: leave the label out"
        )
    weights = _positive_weights(argument, record.label_weight, names, positive, float(shares.sum()))
    thresholds = (_first_threshold(argument, record.threshold),) * len(names)
    return replace(coding, weights=weights, thresholds=thresholds)


def _variance(coded: NDArray[Any], weights: Doubles | None) -> float:
    """Around the mean, in the coded unit, the mean over the outputs."""
    if weights is not None and not weights.any():
        return 0.0
    mean = np.average(coded, axis=0, weights=weights)
    return float(np.average(np.square(coded - mean), axis=0, weights=weights).mean())


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
        balanced = np.minimum((total - positive) / np.where(positive > 0.0, positive, 1.0), MOST_LABEL_WEIGHT)
        return tuple(np.maximum(balanced, 1.0 / MOST_LABEL_WEIGHT).tolist())
    by_name = given if isinstance(given, Mapping) else dict.fromkeys(names, given)
    for name in by_name:
        if name not in names:
            raise ValueError(
                f"{argument}: label_weight expects labels that are there; got {name!r}: leave it out"
            )
    return tuple(real(f"{argument}: weight", by_name.get(name, 1.0), above=True) for name in names)
