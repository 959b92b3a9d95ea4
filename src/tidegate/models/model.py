"""SequenceModel: many inputs, many answers, in one network."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, fields, replace
from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tidegate.checks import choice
from tidegate.engine import Stop
from tidegate.models.base import Model
from tidegate.models.codings import Coding
from tidegate.models.encoders import Encoder
from tidegate.models.examples import Examples, weights_of
from tidegate.models.inputs import InputRecord, Numeric, _Input
from tidegate.models.reading import read
from tidegate.models.rows import Rows
from tidegate.models.stream import DescribedStream
from tidegate.models.tables import TableSource
from tidegate.models.targets import TargetRecord, _Target
from tidegate.network import POOLINGS
from tidegate.training.fit import Watch
from tidegate.training.settings import CLASSIFIER, NetworkSettings

# "steps" needs sequences of which each has some; in a stream there may be none.
_POOLINGS = tuple(pooling for pooling in POOLINGS if pooling != "steps")
Data = Mapping[str, Any]
Answers = dict[str, Any]


@dataclass(eq=False, repr=False)
class SequenceModel(Model):
    """One network from several inputs to several targets, trained together.

    >>> import numpy as np, tidegate
    >>> rng = np.random.default_rng(0)
    >>> data = {
    ...     "motion": [rng.normal(size=(rng.integers(5, 20), 3)) for _ in range(60)],
    ...     "side": rng.choice(["left", "right"], 60),
    ...     "note": [rng.choice(["slow walk", "fast run", "rest"]) for _ in range(60)],
    ... }
    >>> data["exercise"] = np.array([note.split()[0] for note in data["note"]])
    >>> data["tags"] = [["steady", "left"] if side == "left" else ["steady"] for side in data["side"]]
    >>> model = tidegate.SequenceModel(
    ...     inputs={
    ...         "motion": tidegate.Numeric(),
    ...         "side": tidegate.Category(role="static", enters="state"),
    ...         "note": tidegate.Text(level="word"),
    ...     },
    ...     targets={"exercise": tidegate.MultiClass(), "tags": tidegate.MultiLabel(weight=0.5)},
    ...     cell="gru", hidden_size=16, max_epochs=20, random_state=0,
    ... )
    >>> _ = model.fit(data)
    >>> sorted(model.predict(data)), sorted(model.evaluate(data)["exercise"])[0]
    (['exercise', 'tags'], 'accuracy')

    inputs: records by name: tidegate.Numeric, Category, Text, Vector. targets: tidegate.Regression,
    Quantiles, Binary, MultiClass, MultiLabel, Ordinal. Data are a mapping from the names of inputs and
    targets to their values, N entries each: the record says in what form. What is missing for a sequence is
    None; a learnt row then stands in its place, and a missing answer weighs nothing.

    cell, hidden_size, num_layers, bidirectional, pooling and the regularisers: of each stream's encoder.
    dropout: between recurrent layers and before what follows them. dense: (width, activation) of layers
    between all of these and the targets. bptt_steps and recompute need inputs of steps of one stream alone.
    validation: a share of the sequences held out of training, data like fit's, or None. Where there is such a
    part the epoch with the lowest loss on it is kept, and thresholds and calibration are learnt on it. The
    other options are the estimators'.

    After fit: history_ (a list an epoch of loss and val_loss, the weighted sums of the targets', and of
    score and val_score, the means over the targets of the share of right answers or R^2), stopped_,
    best_epoch_, num_updates_, seconds_, num_parameters_, network_, parameters_, encoders_ and codings_ (by
    name: what fit learnt of inputs and targets, calibration among it).
    """

    inputs: Mapping[str, InputRecord]
    targets: Mapping[str, TargetRecord]
    _: KW_ONLY
    bidirectional: bool = CLASSIFIER.bidirectional
    dropout: float = CLASSIFIER.dropout
    pooling: str = CLASSIFIER.pooling

    source_: TableSource | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.inputs = _records("inputs", self.inputs, _Input)
        self.targets = _records("targets", self.targets, _Target)
        both = self.inputs.keys() & self.targets.keys()
        if both:
            raise ValueError(
                f"targets expects other names than inputs has; got {min(both)!r} in both: an input "
                "that is also a "
                "target would be its own answer; leave it out of one"
            )
        if not any(target.weight for target in self.targets.values()):
            raise ValueError(
                "targets: weight expects a number above 0 in some of them; got 0 in all: give one a weight"
            )
        steps = [name for name, record in self.inputs.items() if record.is_step]
        per_step = [name for name, target in self.targets.items() if target.is_step]
        if per_step and not steps:
            raise ValueError(
                f"targets[{per_step[0]!r}] expects an input with role='step', as it is per step; "
                "got none: add one"
            )
        entering = [name for name, record in self.inputs.items() if record.enters != "end"]
        if entering and not steps:
            raise ValueError(
                f"inputs[{entering[0]!r}] expects an input with role='step' for enters="
                f"{self.inputs[entering[0]].enters!r}; got none: leave enters out"
            )
        for name, record in self.inputs.items():
            if not isinstance(record, Numeric) or record.padding == "skip":
                continue
            others = [
                other for other in self.inputs.values() if other.is_step and other.stream == record.stream
            ]
            if len(others) > 1 or (per_step and record.stream == self.main_stream):
                raise ValueError(
                    f"inputs[{name!r}]: padding expects 'skip' of an input beside others of its stream or "
                    f"targets per step, which padding has none of; got {record.padding!r}: leave it out"
                )
        if self.validation is not None and not isinstance(self.validation, Mapping | Real):
            raise ValueError(
                "validation expects a share, data like fit's, or None; got "
                f"{type(self.validation).__name__}: pass one of these"
            )
        self._network_settings()
        self._training_settings()
        self._initializers()

    @property
    def main_stream(self) -> str | None:
        """The stream whose steps are those of targets per step: of the first input of steps."""
        return next((record.stream for record in self.inputs.values() if record.is_step), None)

    def fit(
        self, data: Data, sample_weight: Any = None, *, checkpoint: str | os.PathLike[str] | None = None
    ) -> Self:
        """Train on a mapping from the names of all inputs and targets to their values.

        sample_weight: one a sequence, (N,), or where every target is per step also one a step, a list of
        (T_i,); a sequence of weight 0 is as if it were not there. checkpoint: a file that holds the state of
        training while it runs, as in the estimators' fit. ValueError where something does not fit, with its
        name; the model stays as it was.
        """
        return self._fit(data, sample_weight, checkpoint=checkpoint)

    def _fit(
        self,
        data: Data,
        sample_weight: Any = None,
        *,
        known: Mapping[str, Rows] | None = None,
        stop: Stop | None = None,
        watch: Watch | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> Self:
        """fit, which another thread can stop and a caller can watch, as in training.fit. known: all sequences
        that the model may meet, by which it knows their classes and labels, and where values are missing;
        None: those of data."""
        examples = self._examples(data, "data", sample_weight)
        held_out = None
        if isinstance(self.validation, Mapping):
            held_out = self._examples(self.validation, "validation")
        if (previous := self._previous) and (
            {name: encoder.record for name, encoder in previous["encoders_"].items()} != self.inputs
            or {name: type(coding.record) for name, coding in previous["codings_"].items()}
            != {name: type(record) for name, record in self.targets.items()}
        ):
            raise ValueError(
                "warm_start expects inputs and targets as the fit before had them; got others: pass "
                "warm_start=False to start anew"
            )
        return self._train(
            self.inputs,
            self.targets,
            examples,
            held_out,
            known=None if known is None else self._as_examples(known),
            stop=stop,
            watch=watch,
            checkpoint=checkpoint,
            stacklevel=3,
        )

    def predict(self, data: Data) -> Answers:
        """Answers by target: classes (N,), booleans of labels (N, L), numbers (N,) or (N, K), quantiles (N,
        Q); per step a list with an array a sequence."""
        rows, outputs = self._outputs(data)
        return {
            name: self._shaped(rows, coding, coding.predicted(outputs[name]))
            for name, coding in self.codings_.items()
        }

    def predict_proba(self, data: Data) -> Answers:
        """Probabilities by target that has some: (N, C) of `classes(name)`, of a binary one (N,) of the
        positive class; per step a list with an array a sequence."""
        rows, outputs = self._outputs(data)
        return {
            name: self._shaped(rows, coding, coding.probabilities(outputs[name]))
            for name, coding in self.codings_.items()
            if coding.record.kind not in ("regression", "quantiles")
        }

    def classes(self, name: str) -> tuple[Any, ...]:
        """The classes or labels of a target, in the order of its probabilities."""
        self._check_fitted()
        names: tuple[Any, ...] = self.codings_[choice("name", name, self.codings_)].names
        return names

    def evaluate(self, data: Data) -> dict[str, dict[str, float]]:
        """Measures by target and name, over the rows with an answer; the first of each is its score."""
        self._check_fitted()
        wanted = [name for name in self.targets if name in data]
        if not wanted:
            raise ValueError(
                f"data expects a target, {', '.join(map(repr, self.targets))}; got none: add one to "
                "measure by"
            )
        rows = read(self.inputs, self.targets, data, "data", [*self.inputs, *wanted])
        outputs = self._outputs_of(rows)
        return {
            name: self.codings_[name].measures(f"data[{name!r}]", rows[name], outputs[name])
            for name in wanted
        }

    def permutation_importance(
        self, data: Data, *, repeats: int = 5, random_state: int = 0
    ) -> dict[str, dict[str, float]]:
        """By input and target, what the target's score loses on the mean of `repeats` draws where the input's
        values are those of other sequences (of other steps, where an input shares its steps with others). A
        score is the target's first measure; of an error it is the negative. Nothing is trained."""
        from tidegate.models.importance import permutation_importance

        self._check_fitted()
        return permutation_importance(self, data, repeats, random_state)

    def stream(self, num_sequences: int = 1) -> DescribedStream:
        """The fitted model for num_sequences sequences whose steps arrive one at a time: its `step` takes the
        next step of every input and answers for each target, with the states kept between.

        ValueError where the model has layers in both directions, which need the future, pools over the steps
        in another way than "last", or reads more than steps of one stream.
        """
        self._check_streams()
        return DescribedStream(
            self._step_stream(num_sequences, lambda name: f"data[{name!r}]"), self.codings_
        )

    def with_inputs(self, inputs: Mapping[str, InputRecord], **options: Any) -> SequenceModel:
        """The same model, not fitted, with these inputs and what is given of its options."""
        own = {one.name: getattr(self, one.name) for one in fields(self) if one.init}
        return SequenceModel(**{**own, "inputs": inputs, **options})

    def _argument(self, side: str, name: str = "", held_out: bool = False) -> str:
        return f"{side}[{name!r}]"

    def _network_settings(self) -> NetworkSettings:
        choice("pooling", self.pooling, _POOLINGS)
        return super()._network_settings()

    def _examples(self, data: Data, argument: str, sample_weight: Any = None) -> Examples:
        rows = read(self.inputs, self.targets, data, argument, [*self.inputs, *self.targets])
        weights = None
        if sample_weight is not None:
            per_step = all(target.is_step for target in self.targets.values())
            weights = weights_of(sample_weight, rows[self._main or next(iter(self.inputs))], per_step)
        return replace(self._as_examples(rows), weights=weights).weighed()

    def _as_examples(self, rows: Mapping[str, Rows]) -> Examples:
        inputs, targets = ({name: rows[name] for name in own} for own in (self.inputs, self.targets))
        return Examples(inputs, targets)

    def _learnt(
        self, rows: Mapping[str, Rows], training: Mapping[str, Rows]
    ) -> tuple[dict[str, Encoder], dict[str, Coding]]:
        """What is known of inputs and targets before training; rows: of all sequences."""
        known, examples = self._as_examples(rows), self._as_examples(training)
        return self._learnt_of(self.inputs, self.targets, known, examples, {})

    def _outputs(self, data: Data) -> tuple[dict[str, Rows], dict[str, NDArray[Any]]]:
        self._check_fitted()
        rows = read(self.inputs, self.targets, data, "data", list(self.inputs))
        return rows, self._outputs_of(rows)

    def _outputs_of(self, rows: Mapping[str, Rows]) -> dict[str, NDArray[Any]]:
        """The network's outputs by target, (R, K)."""
        steps = self._steps({name: rows[name] for name in self.inputs}, self.encoders_, self.network_)
        return self._values(self._ready(), self.codings_, steps)

    def _to_document(self) -> dict[str, Any]:
        return {} if self.source_ is None else {"source": self.source_.to_document()}

    @classmethod
    def _from_document(cls, document: Mapping[str, Any]) -> dict[str, Any]:
        return {"source_": TableSource.from_document(document["source"])} if "source" in document else {}

    @property
    def _main(self) -> str | None:
        """The first input of steps."""
        return next((name for name, record in self.inputs.items() if record.is_step), None)

    def _shaped(self, rows: Mapping[str, Rows], coding: Coding, answers: NDArray[Any]) -> Any:
        if not coding.record.is_step:
            return answers
        assert self._main is not None
        return np.split(answers, rows[self._main].offsets[1:-1])


def _records(argument: str, given: Any, kind: type) -> dict[str, Any]:
    if not isinstance(given, Mapping) or not given:
        raise ValueError(
            f"{argument} expects a mapping from names to records, at least one; got {given!r:.60}: pass one"
        )
    for name, record in given.items():
        if not isinstance(name, str) or not name or "/" in name or ":" in name:
            raise ValueError(f"{argument} expects names without / and :; got {name!r}: rename it")
        if not isinstance(record, kind):
            raise ValueError(
                f"{argument}[{name!r}] expects a record such as tidegate."
                f"{'Numeric' if argument == 'inputs' else 'MultiClass'}(); got "
                f"{type(record).__name__}: pass one"
            )
    return dict(given)
