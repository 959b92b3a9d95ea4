"""What the estimators share: fitting, and outputs in the shape of the input."""

from __future__ import annotations

import os
import threading
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError

from tidegate.data import Sequences, split
from tidegate.data.arrays import is_array
from tidegate.engine import Engine, Steps, Stop, Target
from tidegate.engine.memory import check_memory, data_bytes, evaluation_batch, evaluation_window
from tidegate.estimators.columns import Columns
from tidegate.estimators.examples import Examples, Rows, known_rows, row_weights, rows_of
from tidegate.estimators.gappy_stream import GappyStream
from tidegate.estimators.gaps import Gaps, with_gaps_of_others
from tidegate.estimators.options import Options
from tidegate.estimators.padding import Padding
from tidegate.estimators.scaling import Doubles, Scaling
from tidegate.estimators.stream import ModelStream
from tidegate.estimators.targets import Coding
from tidegate.network import Input, Network, Pool
from tidegate.network.initializers import initialize
from tidegate.training.fit import Part, Run, Watch
from tidegate.training.session import checkpoint_at, conclude, fit_in_sight

DTYPE = "float32"


class SequenceEstimator(Options):
    """An estimator over sequences; subclasses say how targets are coded and outputs read.

    After fit: history_ (a list an epoch of loss, val_loss, score and val_score, NaN without validation),
    stopped_ (why), best_epoch_, num_updates_, seconds_, num_parameters_, n_features_in_, network_ and
    parameters_. columns_: where the sequences come from a table, which columns they are.
    """

    columns_: Columns

    @abstractmethod
    def _learn(self, examples: Examples, training: Examples, previous: Coding | None) -> Coding:
        """How the targets are coded; training: the part trained on; previous: how they were coded, where
        training continues."""

    @abstractmethod
    def _decoded(self, outputs: NDArray[Any]) -> Any:
        """The engine's outputs (rows, K) as numbers in the targets' unit, or as probabilities."""

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> Self:
        """Train on sequences and their targets.

        X: (N, T, I), (N, T) for one channel, a list of (T_i, I), or Sequences, which may have time stamps;
        NaN where a value is missing. y: one target a sequence, (N,), or one a step, a list of (T_i,) or
        (N, T) for sequences of T steps each, NaN where it is missing and to weigh nothing. sample_weight: one
        a sequence, or one a step where y has one a step; with a weight of 0 it is as if it were not there.
        checkpoint: a file that holds the state of training while it runs, written every ten seconds; where an
        interrupted fit left one, the same call goes on from it and ends with the same bits as an
        uninterrupted one. It needs a whole number as random_state. With it Ctrl-C, and SIGTERM too, leave
        the last complete update there.

        ValueError where an argument does not fit, MemoryError where training would need more memory than
        there is; the estimator stays as it was. KeyboardInterrupt ends training: after a full epoch the model
        is fitted with the weights it has, before that it stays as it was.
        """
        return self._fit(X, y, sample_weight, checkpoint=checkpoint)

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        stop: Stop | None = None,
        watch: Watch | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> Self:
        """fit, which another thread can stop and a caller can watch, as in training.fit."""
        settings, initializers = self._training_settings(), self._initializers()
        split_rng, start_rng, training_rng = self._generator().spawn(3)
        previous = dict(vars(self)) if self.warm_start and hasattr(self, "network_") else {}

        given = Examples.of(X, y, sample_weight)
        if previous:
            self._check_continues("missing", previous["gaps_"].missing)
            self._check_continues("padding", previous["padding_"].way)
        padding = previous.get("padding_") or Padding.learnt(self.padding, given.X)
        examples = padding.examples(given)
        training, validation = self._parts(examples, settings.validation, split_rng)
        if validation is not None and settings.validation is None:
            validation = padding.examples(validation)
        coding = self._learn(examples, training, previous.get("coding_"))
        seen = training.without_padding()
        if not seen.X.total_steps:
            raise ValueError(
                "X expects steps in some of the sequences that are trained on; got sequences without steps "
                "alone: pass others beside them"
            )
        gaps = previous.get("gaps_") or self._gaps(examples, validation, seen)
        scaling = previous.get("scaling_") or self._scaling(seen)
        network = self._network(
            gaps.num_columns(training.X.num_features),
            coding.num_outputs,
            training.per_step,
            gaps.missing == "decay",
            padding.gates,
            int(examples.X.lengths.max()),
        )
        if previous and network != previous["network_"]:
            raise ValueError(
                f"warm_start expects the network of the fit before, {previous['network_'].num_parameters} "
                f"parameters; got another, {network.num_parameters} parameters: pass warm_start=False to "
                "start anew"
            )
        read_as = sum(node.size for node in network.nodes if isinstance(node, Input))
        copies = -(-read_as // examples.X.num_features)  # with gaps the times since are read as well
        gap_dropout = gaps.dropout(settings.gap_dropout) if training.X.has_gaps else 0.0
        check_memory(
            network,
            examples.X.lengths,
            settings.batch_size,
            (2 if gap_dropout else 1) * copies * data_bytes(examples.X.values),
            bptt_steps=settings.bptt_steps,
            recompute=settings.recompute,
        )
        read = partial(_part, network=network, scaling=scaling, gaps=gaps, coding=coding)
        training_part = read(training, ("X", "y"))
        if gap_dropout:

            def drawn(rng: np.random.Generator) -> Steps:
                with_more = with_gaps_of_others(training.X, gap_dropout, rng)
                return as_steps("X", with_more, network, scaling, gaps)

            training_part = replace(training_part, drawn=drawn)
        validation_part = None
        if validation is not None:
            validation_part = read(validation, ("validation[0]", "validation[1]"))

        engine = self._engine(network)
        values = previous.get("parameters_") or gaps.at_start(
            initialize(network, initializers, start_rng, longest=int(training.X.lengths.max())),
            examples.X.num_features,
        )
        for name, value in values.items():
            engine.parameters[name][...] = value
        state = checkpoint_at(checkpoint, self.random_state, engine, settings, training_part, validation_part)
        run = fit_in_sight(
            engine,
            training_part,
            validation_part,
            settings,
            training_rng,
            title=self.cell,
            verbose=self.verbose,
            checkpoint=state,
            stop=stop,
            watch=watch,
        )
        learnt = {"scaling_": scaling, "gaps_": gaps, "padding_": padding, "coding_": coding}
        self._keep(run, engine, learnt, previous)
        conclude(run, state, stacklevel=3)
        return self

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted model to one file, which tidegate.load reads; OSError leaves the file that was
        there."""
        from tidegate.estimators.storage import save

        save(self, path)

    def summary(self) -> str:
        """The layers with shapes and numbers of parameters, and how training went, as text."""
        from tidegate.estimators.summary import summary

        self._check_fitted()
        return summary(self)

    def stream(self, num_sequences: int = 1) -> ModelStream | GappyStream:
        """The fitted model for num_sequences sequences whose steps arrive one at a time: its `step` takes the
        next step of each and answers, with the states kept between. Of missing="mask" or "decay" it takes
        NaN, and the time stamps of the step where fit had some.

        ValueError where the model has layers in both directions, which need the future, or pools over the
        steps in another way than "last".
        """
        self._check_fitted()
        unfit = {
            "padding": self.padding_.way != "skip" and "'skip'",
            "bidirectional": self.bidirectional and "False",
            "pooling": not self.network_.is_per_step("output") and self.pooling != "last" and "'last'",
        }
        wanted = [f"{option}={value}" for option, value in unfit.items() if value]
        if wanted:
            raise ValueError(
                "stream expects a model whose answer follows from the step and the states; got one that "
                f"reads the future, every step again or padding: fit one with {', '.join(wanted)}"
            )
        if self.gaps_.missing in ("mask", "decay"):
            return GappyStream(
                self.network_,
                self.parameters_,
                self.gaps_,
                self.scaling_,
                self._decoded,
                num_sequences,
                DTYPE,
            )
        return ModelStream(
            self.network_, self.parameters_, self.scaling_, self._decoded, num_sequences, DTYPE
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = self.missing != "refuse"
        tags.non_deterministic = False
        return tags

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("_executor", None)  # the engine is built again from network_ and parameters_
        return state

    def _outputs(self, X: Any) -> tuple[Sequences, NDArray[Any]]:
        """The checked sequences, as the network reads them, and its outputs for them, (rows, K)."""
        self._check_fitted()
        sequences = self.padding_.read(Sequences.from_any(X))
        steps = as_steps("X", sequences, self.network_, self.scaling_, self.gaps_)
        executor = vars(self).get("_executor")
        if executor is None:
            executor = Executor(self._engine(self.network_))
            for name, value in self.parameters_.items():
                executor.engine.parameters[name][...] = value
            self._executor = executor
        window = evaluation_window(steps.lengths, self.bptt_steps, self.recompute)
        return sequences, executor.predict(steps, window)

    def _answers(self, X: Any, y: Any, sample_weight: Any) -> tuple[Rows, NDArray[Any], Doubles | None]:
        """The true rows, the engine's outputs for them and the rows' weights."""
        sequences = Sequences.from_any(X)
        _, outputs = self._outputs(sequences)
        rows, per_step = rows_of("y", y, sequences)
        if len(rows) != len(outputs):
            raise ValueError(
                f"y expects {len(outputs)} targets, one a {'sequence' if per_step else 'step'} as in fit; "
                f"got {len(rows)}: pass the same kind"
            )
        weights = row_weights("sample_weight", sample_weight, sequences, per_step)
        if per_step:
            rows, weights = known_rows(rows, weights)
        return rows, outputs, weights

    def _shaped(self, X: Any, sequences: Sequences, rows: NDArray[Any]) -> Any:
        """Rows as users get them: with one a step, an array (N, T, ...) for an array and a list of (T_i, ...)
        for a list."""
        if not self.network_.is_per_step("output"):
            return rows
        if is_array(X):
            return rows.reshape(len(sequences), -1, *rows.shape[1:])
        return np.split(rows, sequences.offsets[1:-1])

    def _check_continues(self, option: str, before: str) -> None:
        if (now := getattr(self, option)) not in (None, before):
            raise ValueError(
                f"warm_start expects {option}={before!r}, as the fit before had it; got {now!r}: pass "
                "warm_start=False to start anew"
            )

    def _check_fitted(self) -> None:
        if not hasattr(self, "network_"):
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet: call fit first")

    def _parts(
        self, examples: Examples, share: float | None, rng: np.random.Generator
    ) -> tuple[Examples, Examples | None]:
        """The examples to train on and those to validate with: a share of all, the data given, or none."""
        if self.validation is None:
            return examples, None
        if share is None:
            given = _given(self.validation)
            if given.per_step != examples.per_step:
                raise ValueError(
                    "validation[1] expects one target a sequence or one a step, whichever y has; got the "
                    "other: pass the same kind"
                )
            return examples, given
        if len(examples) < 2:
            raise ValueError(
                f"validation={share:g} expects at least 2 sequences to split; got {len(examples)}: "
                "pass validation=None or more sequences"
            )
        share = min(max(share, 1 / len(examples)), 1 - 1 / len(examples))
        training, held_out = split(
            len(examples), share, classes=self._strata(examples, share), seed=int(rng.integers(2**32))
        )
        return examples.take(training), examples.take(held_out)

    def _strata(self, examples: Examples, share: float) -> Rows | None:
        """Labels to keep in proportion on both sides of a split."""
        return None

    def _scaling(self, training: Examples) -> Scaling:
        if not isinstance(self.standardize, bool):
            raise ValueError(f"standardize expects True or False; got {self.standardize!r}: pass one of them")
        if self.standardize:
            return Scaling.of("X", training.X.values, training.step_weights)
        return Scaling.identity(training.X.num_features)

    def _gaps(self, examples: Examples, validation: Examples | None, training: Examples) -> Gaps:
        has_gaps = examples.X.has_gaps or (validation is not None and validation.X.has_gaps)
        missing = self.missing or ("decay" if has_gaps else "refuse")
        return Gaps.learnt(missing, self.fill, training.X, training.step_weights)

    def _engine(self, network: Network) -> Engine:
        return Engine(network, dtype=DTYPE, num_threads=self._num_threads())

    def _keep(self, run: Run, engine: Engine, learnt: dict[str, Any], previous: dict[str, Any]) -> None:
        """Set every fitted attribute at once; counts and history add to those of the fit that this one
        continues."""
        history = run.history
        if previous:
            history = {name: [*previous["history_"][name], *values] for name, values in history.items()}
        else:
            self.__dict__.pop("columns_", None)
        self.__dict__.update(
            network_=engine.network,
            parameters_={name: np.array(value) for name, value in engine.parameters.items()},
            **learnt,
            n_features_in_=len(learnt["scaling_"].mean),
            num_parameters_=engine.network.num_parameters,
            history_=history,
            stopped_=run.stopped,
            best_epoch_=run.best_epoch + len(history["loss"]) - run.epoch,
            num_updates_=run.num_updates + previous.get("num_updates_", 0),
            seconds_=run.seconds + previous.get("seconds_", 0.0),
            _executor=Executor(engine),
        )


class Executor:
    """The engine of a fitted model, which serves one thread at a time."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._lock = threading.Lock()

    def predict(self, steps: Steps, window: int | None) -> NDArray[Any]:
        with self._lock:
            return self.engine.predict(steps, evaluation_batch(steps.lengths), window)

    def values(self, names: Sequence[str], steps: Steps) -> list[NDArray[Any]]:
        """Of the nodes of these names."""
        with self._lock:
            return self.engine.values(names, steps, evaluation_batch(steps.total_lengths))


def _given(validation: Any) -> Examples:
    if not isinstance(validation, Sequence) or isinstance(validation, str) or len(validation) != 2:
        raise ValueError(
            f"validation expects a share, data (X, y) or None; got {type(validation).__name__}: pass one of "
            "these"
        )
    return Examples.of(*validation, names=("validation[0]", "validation[1]"))


def as_steps(
    argument: str, sequences: Sequences, network: Network, scaling: Scaling, gaps: Gaps, dtype: str = DTYPE
) -> Steps:
    """Sequences as the engine reads them: scaled, gaps filled, an array for each input of the network."""
    if sequences.num_features != len(scaling.mean):
        raise ValueError(
            f"{argument} expects {len(scaling.mean)} features, as fit saw; got {sequences.num_features}: "
            "pass the same features in the same order"
        )
    for node in network.nodes:
        if isinstance(node, Pool) and node.num_steps and sequences.lengths.max() > node.num_steps:
            raise ValueError(
                f"{argument} expects at most {node.num_steps} steps a sequence, as fit saw and "
                f"pooling='steps' has weights for; got {sequences.lengths.max()}: shorten it, or fit with "
                "another pooling"
            )
    names = [node.name for node in network.nodes if isinstance(node, Input)]
    real = sequences.without_padding()
    inputs = gaps.inputs(argument, real, scaling, dtype, "x_reverse" in names)
    if "padding" in names:
        inputs = _with_padding(inputs, sequences, dtype)
    offsets = sequences.offsets
    return Steps(tuple(inputs[name] for name in names), offsets[:-1].copy(), sequences.lengths)


def _with_padding(
    inputs: Mapping[str, NDArray[Any]], sequences: Sequences, dtype: str
) -> dict[str, NDArray[Any]]:
    """Inputs of the real steps, with rows of zeros where there is padding, and which these are."""
    padding = np.zeros(sequences.total_steps, bool) if sequences.padding is None else sequences.padding
    filled = {"padding": padding[:, np.newaxis].astype(dtype)}
    for name, rows in inputs.items():
        filled[name] = np.zeros((len(padding), rows.shape[1]), dtype)
        filled[name][~padding] = rows
    return filled


def _part(
    examples: Examples,
    names: tuple[str, str],
    *,
    network: Network,
    scaling: Scaling,
    gaps: Gaps,
    coding: Coding,
) -> Part:
    """Examples as the engine takes them."""
    steps = as_steps(names[0], examples.X, network, scaling, gaps)
    targets = coding.encode(names[1], examples.rows, DTYPE)
    weights = coding.row_weights(examples.rows, examples.weights)
    # Class weights of any size fit the engine's dtype, relative to the largest.
    relative = None if weights is None else (weights / weights.max()).astype(DTYPE)
    return Part(steps, Target(targets, relative), coding.variance(targets, weights))
