"""SequenceModel: many inputs, many answers, in one network."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tidegate.checks import choice, integer
from tidegate.engine import Engine, Stop, num_cores
from tidegate.engine.memory import check_memory
from tidegate.engine.records import MAX_THREADS, Optimizer
from tidegate.estimators.model import Executor
from tidegate.models.codings import Coding
from tidegate.models.codings import learn as learn_target
from tidegate.models.encoders import Encoder, TableEncoder
from tidegate.models.encoders import learn as learn_input
from tidegate.models.inputs import InputRecord, _Input
from tidegate.models.parts import in_two
from tidegate.models.plan import network_of
from tidegate.models.reading import read
from tidegate.models.rows import Rows
from tidegate.models.steps import steps_of, with_gaps_drawn
from tidegate.models.tables import TableSource
from tidegate.models.targets import TargetRecord, _Target
from tidegate.network import POOLINGS, Network
from tidegate.network.initializers import Initializers, initialize
from tidegate.training.fit import Part, Watch
from tidegate.training.schedules import Schedule
from tidegate.training.session import checkpoint_at, conclude, fit_in_sight
from tidegate.training.settings import NetworkSettings, TrainingSettings

DTYPE = "float32"
_TRAINING = TrainingSettings()
# "steps" needs sequences of which each has some; in a stream there may be none.
_POOLINGS = tuple(pooling for pooling in POOLINGS if pooling != "steps")
Data = Mapping[str, Any]
Answers = dict[str, Any]


@dataclass(eq=False, repr=False)
class SequenceModel:
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

    cell, hidden_size, num_layers, bidirectional, pooling: of each stream's encoder. dropout: between
    recurrent layers and before what follows them. dense: (width, activation) of layers between all of these
    and the targets. The other options are those of the estimators.

    validation: a share of the sequences held out of training, data like fit's, or None. Where there is such a
    part the epoch with the lowest loss on it is kept, and thresholds and calibration are learnt on it.

    After fit: history_ (a list an epoch of loss and val_loss, the weighted sums of the targets', and of
    score and val_score, the means over the targets of the share of right answers or R^2), stopped_,
    best_epoch_, num_updates_, seconds_, num_parameters_, network_, parameters_, encoders_ and codings_ (by
    name: what fit learnt of inputs and targets, calibration among it).
    """

    inputs: Mapping[str, InputRecord]
    targets: Mapping[str, TargetRecord]
    _: KW_ONLY
    cell: str = "lstm"
    hidden_size: int = 64
    num_layers: int = 1
    bidirectional: bool = True
    dropout: float = 0.3
    pooling: str = "max"
    dense: tuple[tuple[int, str], ...] = ()
    optimizer: str | Optimizer = _TRAINING.optimizer
    learning_rate: float = _TRAINING.learning_rate
    schedule: str | Schedule = _TRAINING.schedule
    batch_size: int = _TRAINING.batch_size
    max_epochs: int = _TRAINING.max_epochs
    patience: int | None = _TRAINING.patience
    min_delta: float = _TRAINING.min_delta
    validation: float | Data | None = _TRAINING.validation
    clip_norm: float | None = _TRAINING.clip_norm
    averaging: float = _TRAINING.averaging
    gap_dropout: float | None = _TRAINING.gap_dropout
    initializers: Initializers | None = None
    num_threads: int | None = None
    random_state: int | None = None
    verbose: bool = False

    network_: Network = field(init=False)
    parameters_: dict[str, NDArray[Any]] = field(init=False)
    encoders_: dict[str, Encoder] = field(init=False)
    codings_: dict[str, Coding] = field(init=False)
    history_: dict[str, list[float]] = field(init=False)
    stopped_: str = field(init=False)
    best_epoch_: int = field(init=False)
    num_updates_: int = field(init=False)
    seconds_: float = field(init=False)
    num_parameters_: int = field(init=False)
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
            raise ValueError("targets expects a weight above 0 of some; got 0 of all: give one a weight")
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
        self._network_settings()
        self._training_settings()

    @property
    def main_stream(self) -> str | None:
        """The stream whose steps are those of targets per step: of the first input of steps."""
        return next((record.stream for record in self.inputs.values() if record.is_step), None)

    def fit(self, data: Data, *, checkpoint: str | os.PathLike[str] | None = None) -> Self:
        """Train on a mapping from the names of all inputs and targets to their values.

        checkpoint: a file that holds the state of training while it runs, as in the estimators' fit.
        ValueError where something does not fit, with its name; the model stays as it was.
        """
        return self._fit(data, checkpoint=checkpoint)

    def _fit(
        self,
        data: Data,
        *,
        known: Mapping[str, Rows] | None = None,
        stop: Stop | None = None,
        watch: Watch | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> Self:
        """fit, which another thread can stop and a caller can watch, as in training.fit. known: all sequences
        that the model may meet, by which it knows their classes and labels, and where values are missing;
        None: those of data."""
        settings = self._training_settings()
        seed = None if self.random_state is None else integer("random_state", self.random_state, 0, 2**64 - 1)
        split_rng, start_rng, training_rng = np.random.default_rng(seed).spawn(3)
        rows = read(self.inputs, self.targets, data, "data", [*self.inputs, *self.targets])
        training: dict[str, Rows] = rows
        held_out: dict[str, Rows] | None = None
        if isinstance(self.validation, Mapping):
            names = [*self.inputs, *self.targets]
            held_out = read(self.inputs, self.targets, self.validation, "validation", names)
        elif settings.validation is not None:
            seed_of_split = int(split_rng.integers(2**32))
            training, held_out = in_two(rows, self.targets, settings.validation, seed_of_split)
        encoders, codings = self._learnt(rows if known is None else known, training)
        network = network_of(encoders, codings, self._network_settings())
        part = self._part(training, encoders, codings, network)
        drawn = with_gaps_drawn(
            part.steps, training, encoders, network, self.bidirectional, settings.gap_dropout
        )
        part = replace(part, drawn=drawn)
        validation = None if held_out is None else self._part(held_out, encoders, codings, network)
        size = sum(array.nbytes for array in part.steps.inputs)
        check_memory(network, part.steps.total_lengths, settings.batch_size, 4 * size, has_windows=False)
        engine = self._engine(network)
        longest = max(1, int(max(part.steps.lengths.max(), *(own.max() for _, own in part.steps.others), 1)))
        values = initialize(network, self.initializers or Initializers(), start_rng, longest=longest)
        _start(values, network, encoders, codings)
        for name, value in values.items():
            engine.parameters[name][...] = value
        state = checkpoint_at(checkpoint, seed, engine, settings, part, validation)
        run = fit_in_sight(
            engine,
            part,
            validation,
            settings,
            training_rng,
            title=self.cell,
            verbose=self.verbose,
            checkpoint=state,
            stop=stop,
            watch=watch,
        )
        settled = held_out or training
        outputs = self._outputs_of(settled, encoders, codings, Executor(engine))
        codings = {
            name: coding.settled(f"targets[{name!r}]", settled[name], outputs[name])
            for name, coding in codings.items()
        }
        self.__dict__.update(
            network_=network,
            parameters_={name: np.array(value) for name, value in engine.parameters.items()},
            encoders_=encoders,
            codings_=codings,
            num_parameters_=network.num_parameters,
            history_=run.history,
            stopped_=run.stopped,
            best_epoch_=run.best_epoch,
            num_updates_=run.num_updates,
            seconds_=run.seconds,
            _fitted=Executor(engine),
        )
        conclude(run, state, stacklevel=3)
        return self

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
        outputs = self._outputs_of(rows, self.encoders_, self.codings_, self._executor())
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

    def with_inputs(self, inputs: Mapping[str, InputRecord], **options: Any) -> SequenceModel:
        """The same model, not fitted, with these inputs and what is given of its options."""
        own = {one.name: getattr(self, one.name) for one in fields(self) if one.init}
        return SequenceModel(**{**own, "inputs": inputs, **options})

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted model to one file, which tidegate.load reads."""
        from tidegate.models.storage import save

        self._check_fitted()
        save(self, path)

    def summary(self) -> str:
        """The layers with shapes and numbers of parameters, and how training went, as text."""
        from tidegate.estimators.summary import outcome, table

        self._check_fitted()
        heading = f"SequenceModel, {self.num_parameters_:,} parameters"
        return "\n".join([heading, *table(self.network_), outcome(self)])

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_fitted"}

    def _check_fitted(self) -> None:
        if not hasattr(self, "network_"):
            from sklearn.exceptions import NotFittedError

            raise NotFittedError("this SequenceModel is not fitted yet: call fit first")

    def _learnt(
        self, rows: Mapping[str, Rows], training: Mapping[str, Rows]
    ) -> tuple[dict[str, Encoder], dict[str, Coding]]:
        """What is known of inputs and targets before training; rows: of all sequences."""
        encoders = {
            name: learn_input(f"inputs[{name!r}]", record, rows[name], training[name])
            for name, record in self.inputs.items()
        }
        codings = {
            name: learn_target(f"targets[{name!r}]", record, rows[name], training[name])
            for name, record in self.targets.items()
        }
        return encoders, codings

    def _network_settings(self) -> NetworkSettings:
        choice("pooling", self.pooling, _POOLINGS)
        return NetworkSettings(**self._own(NetworkSettings))

    def _training_settings(self) -> TrainingSettings:
        options = self._own(TrainingSettings)
        given = isinstance(self.validation, Mapping)
        return TrainingSettings(**{**options, "validation": None} if given else options)

    def _own(self, kind: type[NetworkSettings | TrainingSettings]) -> dict[str, Any]:
        """The settings of that kind that a model of many inputs has; the others keep their defaults."""
        own = {field.name for field in fields(self)}
        return {field.name: getattr(self, field.name) for field in fields(kind) if field.name in own}

    def _engine(self, network: Network) -> Engine:
        threads = (
            num_cores()
            if self.num_threads is None
            else integer("num_threads", self.num_threads, 1, MAX_THREADS)
        )
        return Engine(network, dtype=DTYPE, num_threads=threads)

    def _executor(self) -> Executor:
        found: Executor | None = vars(self).get("_fitted")
        if found is None:
            engine = self._engine(self.network_)
            for name, value in self.parameters_.items():
                engine.parameters[name][...] = value
            self._fitted = found = Executor(engine)
        return found

    def _part(
        self,
        rows: Mapping[str, Rows],
        encoders: Mapping[str, Encoder],
        codings: Mapping[str, Coding],
        network: Network,
    ) -> Part:
        steps = steps_of(rows, encoders, network, self.bidirectional)
        coded = [coding.target(f"targets[{name!r}]", rows[name]) for name, coding in codings.items()]
        return Part(steps, tuple(target for target, _ in coded), tuple(variance for _, variance in coded))

    def _outputs(self, data: Data) -> tuple[dict[str, Rows], dict[str, NDArray[Any]]]:
        self._check_fitted()
        rows = read(self.inputs, self.targets, data, "data", list(self.inputs))
        return rows, self._outputs_of(rows, self.encoders_, self.codings_, self._executor())

    def _outputs_of(
        self,
        rows: Mapping[str, Rows],
        encoders: Mapping[str, Encoder],
        codings: Mapping[str, Coding],
        executor: Executor,
    ) -> dict[str, NDArray[Any]]:
        """The network's outputs by target, (R, K)."""
        steps = steps_of(rows, encoders, executor.engine.network, self.bidirectional)
        names = [f"{name}.output" for name in codings]
        return dict(zip(codings, executor.values(names, steps)))

    def _shaped(self, rows: Mapping[str, Rows], coding: Coding, answers: NDArray[Any]) -> Any:
        if not coding.record.is_step:
            return answers
        main = next(name for name, record in self.inputs.items() if record.is_step)
        return np.split(answers, rows[main].offsets[1:-1])


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


def _start(
    values: dict[str, NDArray[Any]],
    network: Network,
    encoders: Mapping[str, Encoder],
    codings: Mapping[str, Coding],
) -> None:
    """What the data say of initial values: embeddings of what was never seen are zero; an ordinal's
    thresholds give the classes' frequencies."""
    for name, encoder in encoders.items():
        if isinstance(encoder, TableEncoder) and not encoder.has_rare:
            values[f"weight_{name}.table"][0] = 0.0
    for name, coding in codings.items():
        if coding.frequencies is not None:
            above = np.clip(1.0 - np.cumsum(coding.frequencies)[:-1], 1e-3, 1.0 - 1e-3)
            at = np.log((1.0 - above) / above)
            gaps = np.log(np.maximum(np.diff(at), 1e-2))
            values[f"weight_{name}.output"][:] = np.concatenate((at[:1], gaps))
