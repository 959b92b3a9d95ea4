"""What every model is: options, a fit over rows of inputs and targets, and what it leaves."""

from __future__ import annotations

import os
import threading
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tidegate.engine import Engine, Steps, Stop
from tidegate.engine.memory import check_memory, data_bytes, evaluation_batch, evaluation_window
from tidegate.models.codings import Coding
from tidegate.models.codings import learn as learn_target
from tidegate.models.documents import read_only
from tidegate.models.encoders import Encoder, NumericEncoder, in_stream, named
from tidegate.models.encoders import learn as learn_input
from tidegate.models.examples import Examples
from tidegate.models.inputs import InputRecord
from tidegate.models.options import Options
from tidegate.models.plan import network_of, stream_of
from tidegate.models.rows import Rows
from tidegate.models.start import start
from tidegate.models.step_stream import StepStream
from tidegate.models.steps import drawn_inputs, lengths_of, presence, steps_drawn, steps_of
from tidegate.models.targets import TargetRecord
from tidegate.network import Input, Network, SparseInput
from tidegate.training.fit import Part, Run, Watch
from tidegate.training.session import checkpoint_at, conclude, fit_in_sight
from tidegate.training.settings import TrainingSettings

DTYPE = "float32"


class Executor:
    """The engine of a fitted model, which serves one thread at a time."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._lock = threading.Lock()

    def predict(self, steps: Steps, window: int | None) -> NDArray[Any]:
        with self._lock:
            return self.engine.predict(steps, evaluation_batch(steps.lengths), window)

    def values(self, names: Sequence[str], steps: Steps, window: int | None) -> list[NDArray[Any]]:
        """Of the nodes of these names."""
        with self._lock:
            return self.engine.values(names, steps, evaluation_batch(steps.total_lengths), window)


@dataclass(eq=False, repr=False)
class Model(Options):
    """A network over records of inputs and targets; subclasses say how a user's data are rows of these.

    After fit: history_ (a list an epoch of loss, val_loss, score and val_score, NaN without validation),
    stopped_ (why), best_epoch_, num_updates_, seconds_, num_parameters_, network_, parameters_ (read-only, as
    the engine has copies), encoders_ and codings_ (by name: what fit learnt of inputs and targets).
    """

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

    @abstractmethod
    def _argument(self, side: str, name: str = "", held_out: bool = False) -> str:
        """What errors call an input or a target; side: "inputs" or "targets"."""

    @abstractmethod
    def _to_document(self) -> dict[str, Any]:
        """What a file holds of the subclass's own fitted attributes, in JSON's types."""

    @classmethod
    @abstractmethod
    def _from_document(cls, document: Mapping[str, Any]) -> dict[str, Any]:
        """The attributes that `_to_document` described."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted model to one file, which tidegate.load reads; OSError leaves the file that was
        there."""
        from tidegate.models.storage import save

        self._check_fitted()
        save(self, path)

    def summary(self) -> str:
        """The layers with shapes and numbers of parameters, and how training went, as text."""
        from tidegate.models.summary import summary

        self._check_fitted()
        return summary(self)

    def _check_streams(self) -> None:
        """ValueError where the answers do not follow from the next step and the states."""
        self._check_fitted()
        padded = any(
            isinstance(encoder, NumericEncoder) and encoder.padding.way != "skip"
            for encoder in self.encoders_.values()
        )
        pools = any(not coding.record.is_step for coding in self.codings_.values())
        unfit = {
            "padding": padded and "'skip'",
            "bidirectional": self.network_.is_bidirectional and "False",
            "pooling": pools and self.pooling != "last" and "'last'",
        }
        wanted = [f"{option}={value}" for option, value in unfit.items() if value]
        if not _has_steps_alone(self.network_):
            wanted.append("inputs of steps of one stream alone, which no sequence is without")
        if wanted:
            raise ValueError(
                "stream expects a model whose answer follows from the step and the states; got one that "
                "reads the future, every step again, padding, or what is no step: fit one with "
                f"{', '.join(wanted)}"
            )

    def _step_stream(self, num_sequences: int, argument: Callable[[str], str]) -> StepStream:
        return StepStream(self.network_, self.parameters_, self.encoders_, num_sequences, argument, DTYPE)

    def __getstate__(self) -> dict[str, Any]:
        state: Any = super().__getstate__()
        # The engine is built again from network_ and parameters_.
        return {name: value for name, value in state.items() if name != "_executor"}

    def _check_fitted(self) -> None:
        if not hasattr(self, "network_"):
            from sklearn.exceptions import NotFittedError

            raise NotFittedError(f"this {type(self).__name__} is not fitted yet: call fit first")

    @property
    def _previous(self) -> dict[str, Any]:
        """The attributes of the fit that the next one continues; none where it begins anew."""
        return dict(vars(self)) if self.warm_start and hasattr(self, "network_") else {}

    def _train(
        self,
        inputs: Mapping[str, InputRecord],
        targets: Mapping[str, TargetRecord],
        examples: Examples,
        held_out: Examples | None,
        *,
        known: Examples | None = None,
        stop: Stop | None = None,
        watch: Watch | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        attributes: Mapping[str, Any] | None = None,
        stacklevel: int,
    ) -> Self:
        """Fit these records to examples. held_out: examples given to validate with; else `validation` is the
        share that is. known: all that the model may meet, None: examples. stop, watch: as training.fit has
        them. attributes: of the subclass, which are set with the others. stacklevel: of the caller, for
        warnings."""
        settings, initializers = self._training_settings(), self._initializers()
        split_rng, start_rng, training_rng = self._generator().spawn(3)
        previous = self._previous
        training = examples
        if held_out is None and settings.validation is not None:
            training, held_out = examples.split(settings.validation, targets, split_rng)
        known = known or examples
        encoders, codings = self._learnt_of(inputs, targets, known, training, previous)
        network = self._planned(settings, encoders, codings, known, examples, previous.get("network_"))
        part = self._part(training, encoders, codings, network)
        drawn = steps_drawn(
            part.steps,
            training.inputs,
            encoders,
            network,
            settings,
            lambda name: self._argument("inputs", name),
            DTYPE,
        )
        part = replace(part, drawn=drawn)
        validation = None if held_out is None else self._part(held_out, encoders, codings, network, True)
        engine = self._engine(network)
        values = previous.get("parameters_") or start(
            network, initializers, start_rng, encoders, codings, _longest(part.steps)
        )
        for name, value in values.items():
            engine.parameters[name][...] = value
        state = checkpoint_at(checkpoint, self.random_state, engine, settings, part, validation)
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
        executor = Executor(engine)
        if any(coding.settles for coding in codings.values()):
            outputs = self._values(executor, codings, (validation or part).steps)
            answers = (held_out or training).targets
            codings = {
                name: coding.settled(self._argument("targets", name), answers[name], outputs[name])
                for name, coding in codings.items()
            }
        self._keep(
            run,
            previous,
            encoders_=encoders,
            codings_=codings,
            network_=network,
            parameters_=read_only({name: np.array(value) for name, value in engine.parameters.items()}),
            num_parameters_=network.num_parameters,
            _executor=executor,
            **(attributes or {}),
        )
        conclude(run, state, stacklevel=stacklevel + 1)
        return self

    def _learnt_of(
        self,
        inputs: Mapping[str, InputRecord],
        targets: Mapping[str, TargetRecord],
        known: Examples,
        training: Examples,
        previous: Mapping[str, Any],
    ) -> tuple[dict[str, Encoder], dict[str, Coding]]:
        """What is known of inputs and targets before training, of the part that is trained on and of all."""
        encoders: dict[str, Encoder] = previous.get("encoders_") or {
            name: learn_input(
                self._argument("inputs", name),
                record,
                known.inputs[name],
                training.inputs[name],
                training.weights_of,
            )
            for name, record in inputs.items()
        }
        codings = {
            name: learn_target(
                self._argument("targets", name),
                record,
                known.targets[name],
                training.targets[name],
                training.weights_of(training.targets[name]),
                previous.get("codings_", {}).get(name),
            )
            for name, record in targets.items()
        }
        return encoders, codings

    def _network_of(
        self,
        encoders: Mapping[str, Encoder],
        codings: Mapping[str, Coding],
        known: Examples,
        previous: Network | None = None,
    ) -> Network:
        """The network to train; ValueError where it is not the previous one, where there is one."""
        lengths: dict[str, NDArray[np.int64]] = {}
        gated: set[str] = set()
        for name, encoder in encoders.items():
            stream = stream_of(name, encoder)
            if stream is not None:
                rows = encoder.read(known.inputs[name])
                lengths[stream] = lengths_of(encoder, rows)
                if not presence(encoder, rows).all():
                    gated.add(stream)
        if previous is not None:
            kept = {node.name for node in previous.nodes}
            gated = {stream for stream in lengths if in_stream(stream, "present") in kept}
        longest = max((int(own.max()) for own in lengths.values()), default=1)
        network = network_of(encoders, codings, self._network_settings(), gated=gated, longest=longest)
        if previous is not None and network != previous:
            raise ValueError(
                f"warm_start expects the network of the fit before, {previous.num_parameters} parameters; "
                f"got another, {network.num_parameters} parameters: pass warm_start=False to start anew"
            )
        return network

    def _planned(
        self,
        settings: TrainingSettings,
        encoders: Mapping[str, Encoder],
        codings: Mapping[str, Coding],
        known: Examples,
        examples: Examples,
        previous: Network | None,
        at_a_time: int = 1,
    ) -> Network:
        """`_network_of`, once it is known that it can be trained as the settings say, and that there is
        memory for as many trainings at a time."""
        network = self._network_of(encoders, codings, known, previous)
        read = {name: encoders[name].read(rows) for name, rows in examples.inputs.items()}
        lengths = {
            stream: lengths_of(encoders[name], rows)
            for name, rows in read.items()
            if (stream := stream_of(name, encoders[name])) is not None
        }
        has_windows = _has_steps_alone(network)
        drawn = drawn_inputs(examples.inputs, encoders, settings)
        if settings.in_windows and not has_windows:
            raise ValueError(
                f"{settings.in_windows} expects inputs of steps of one stream, which no sequence is without; "
                "got static ones, texts, another stream or a sequence that has none: leave "
                f"{settings.in_windows} or these inputs out"
            )
        check_memory(
            network,
            sum(lengths.values(), np.zeros(len(examples), np.int64)),
            settings.batch_size,
            sum(_bytes_of(name, rows, network) * (1 + (name in drawn)) for name, rows in read.items()),
            at_a_time,
            bptt_steps=settings.bptt_steps,
            recompute=settings.recompute,
            weight_noise=settings.weight_noise,
            has_windows=has_windows,
        )
        return network

    def _keep(self, run: Run, previous: dict[str, Any], **learnt: Any) -> None:
        """Set every fitted attribute at once; counts and history add to those of the fit that this one
        continues."""
        history = run.history
        if previous:
            history = {name: [*previous["history_"][name], *values] for name, values in history.items()}
        self.__dict__.update(
            history_=history,
            stopped_=run.stopped,
            best_epoch_=run.best_epoch + len(history["loss"]) - run.epoch,
            num_updates_=run.num_updates + previous.get("num_updates_", 0),
            seconds_=run.seconds + previous.get("seconds_", 0.0),
            **learnt,
        )

    def _engine(self, network: Network) -> Engine:
        return Engine(network, dtype=DTYPE, num_threads=self._num_threads())

    def _ready(self) -> Executor:
        """The engine with the fitted parameters."""
        executor: Executor | None = vars(self).get("_executor")
        if executor is None:
            executor = Executor(self._engine(self.network_))
            for name, value in read_only(self.parameters_).items():
                executor.engine.parameters[name][...] = value
            self._executor = executor
        return executor

    def _part(
        self,
        examples: Examples,
        encoders: Mapping[str, Encoder],
        codings: Mapping[str, Coding],
        network: Network,
        held_out: bool = False,
    ) -> Part:
        """Examples as the engine takes them."""
        steps = self._steps(examples.inputs, encoders, network, held_out)
        coded = [
            coding.target(
                self._argument("targets", name, held_out),
                examples.targets[name],
                examples.weights_of(examples.targets[name]),
            )
            for name, coding in codings.items()
        ]
        return Part(steps, tuple(target for target, _ in coded), tuple(variance for _, variance in coded))

    def _steps(
        self,
        rows: Mapping[str, Rows],
        encoders: Mapping[str, Encoder],
        network: Network,
        held_out: bool = False,
        dtype: str = DTYPE,
    ) -> Steps:
        def argument(name: str) -> str:
            return self._argument("inputs", name, held_out)

        return steps_of(rows, encoders, network, argument, dtype)

    def _values(
        self, executor: Executor, codings: Mapping[str, Coding], steps: Steps
    ) -> dict[str, NDArray[Any]]:
        """The network's outputs by target, (R, K)."""
        window = evaluation_window(steps.lengths, self.bptt_steps, self.recompute)
        return dict(zip(codings, executor.values([named(name, "output") for name in codings], steps, window)))


def _longest(steps: Steps) -> int:
    """Steps of the longest sequence, of any stream."""
    return max(1, int(steps.lengths.max()), *(int(own.max()) for _, own in steps.others))


def _has_steps_alone(network: Network) -> bool:
    """Whether its inputs are all steps of one stream."""
    return all(node.stream == 0 for node in network.nodes if isinstance(node, Input | SparseInput))


def _bytes_of(name: str, rows: Rows, network: Network) -> int:
    """Memory that the rows of an input take in training; with gaps the times since are read as well."""
    if not isinstance(rows.values, np.ndarray) or rows.values.dtype.kind != "f":
        return 8 * int(rows.values.shape[0])
    parts = ("x", "elapsed", "observed", "padding")
    own = {named(name, part + way) for part in parts for way in ("", "_reverse")}
    read = sum(node.size for node in network.nodes if isinstance(node, Input) and node.name in own)
    return data_bytes(rows.values, -(-read // rows.values.shape[1]))
