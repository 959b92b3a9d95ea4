"""What the estimators share: X and y as a model's one input and one target, and answers in the shape of X."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from tidegate.data import Sequences
from tidegate.data.arrays import is_array
from tidegate.engine import Steps, Stop
from tidegate.engine.memory import evaluation_window
from tidegate.estimators.columns import Columns
from tidegate.models.base import DTYPE, Model
from tidegate.models.codings import Coding
from tidegate.models.encoders import NumericEncoder
from tidegate.models.examples import Examples, Values, known_rows, row_weights, rows_of
from tidegate.models.gaps import Gaps
from tidegate.models.inputs import Numeric
from tidegate.models.padding import Padding
from tidegate.models.rows import Rows
from tidegate.models.scaling import Doubles, Scaling
from tidegate.models.steps import check_longest
from tidegate.models.stream import GappyStream, ModelStream
from tidegate.models.targets import TargetRecord
from tidegate.training.fit import Run, Watch
from tidegate.training.settings import NetworkSettings

# Of the input and of the target: without one, their nodes have plain names.
ONLY = ""
GIVEN = ("validation[0]", "validation[1]")


@dataclass(eq=False, repr=False)
class SequenceEstimator(Model, BaseEstimator):  # type: ignore[misc]
    """An estimator over sequences: one Numeric of steps and one target. Options: Options' and

    standardize: inputs (and the targets of a regressor) to mean 0 and standard deviation 1, by the training
    part's statistics.
    missing: what becomes of missing values, NaN. "refuse" is an error; "fill" puts `fill` in their place, the
    training "mean", "zero" or the sequence's "last" value; "mask" fills them too and gives the network beside
    each value whether it was there and the time since the last one; "decay" learns how fast a last value, and
    what the network remembers, lose their worth with time (Che et al. 2018). None: "decay" where X or the
    validation data have gaps, else "refuse". docs/missing.md says which to take.
    padding: what becomes of steps that are padding, in sequences that have some
    (Sequences.from_padded(..., padding="keep")). "skip" computes nothing for them; "gate" lets each unit
    learn how far such a step moves its state; "input" reads zeros there, like other values. With "gate" and
    "input" sequences without padding of their own are filled up to the longest of fit.
    validation: data are (X, y).

    After fit, beside Model's: n_features_in_; encoder_ and coding_, what fit learnt of X and y, and of the
    first scaling_, gaps_ and padding_. columns_: where the sequences come from a table, which columns they
    are.
    """

    cell: str = NetworkSettings.cell
    _: KW_ONLY
    loss: str = ""
    standardize: bool = True
    missing: str | None = None
    fill: str = "mean"
    padding: str = "skip"

    columns_: Columns = field(init=False)

    @abstractmethod
    def _target(self, per_step: bool) -> TargetRecord:
        """The record of y."""

    @abstractmethod
    def _target_rows(self, argument: str, rows: Values) -> Values:
        """y's rows as the record's: (rows,) labels, or (rows, K) float64."""

    @abstractmethod
    def _facts(self, rows: Values, targets: Values) -> dict[str, Any]:
        """The fitted attributes of the subclass that follow from y's rows, and from those that count, as
        `_target_rows` has them."""

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
        settings = self._training_settings()
        sequences, rows, weights, per_step = self._read(X, y, sample_weight)
        examples = self._examples("y", sequences, rows, weights, per_step)
        held_out = None
        has_gaps = _has_gaps(examples)
        if self.validation is not None and settings.validation is None:
            sequences, own, weights, own_per_step = self._read(*_given(self.validation), names=GIVEN)
            if own_per_step != per_step:
                raise ValueError(
                    "validation[1] expects one target a sequence or one a step, whichever y has; got the "
                    "other: pass the same kind"
                )
            held_out = self._examples(GIVEN[1], sequences, own, weights, per_step)
            has_gaps |= _has_gaps(held_out)
        if previous := self._previous:
            record = previous["encoders_"][ONLY].record
            self._check_continues("missing", record.missing)
            self._check_continues("padding", record.padding)
        else:
            record = self._record(has_gaps)
        return self._train(
            {ONLY: record},
            {ONLY: self._target(per_step)},
            examples,
            held_out,
            stop=stop,
            watch=watch,
            checkpoint=checkpoint,
            attributes={} if previous else self._facts(rows, examples.targets[ONLY].values),
            stacklevel=3,
        )

    @property
    def encoder_(self) -> NumericEncoder:
        encoder = self.encoders_[ONLY]
        assert isinstance(encoder, NumericEncoder)
        return encoder

    @property
    def coding_(self) -> Coding:
        return self.codings_[ONLY]

    @property
    def scaling_(self) -> Scaling:
        return self.encoder_.scaling

    @property
    def gaps_(self) -> Gaps:
        return self.encoder_.gaps

    @property
    def padding_(self) -> Padding:
        return self.encoder_.padding

    @property
    def n_features_in_(self) -> int:
        return self.encoder_.num_values

    def stream(self, num_sequences: int = 1) -> ModelStream | GappyStream:
        """The fitted model for num_sequences sequences whose steps arrive one at a time: its `step` takes the
        next step of each and answers, with the states kept between. Of missing="mask" or "decay" it takes
        NaN, and the time stamps of the step where fit had some.

        ValueError where the model has layers in both directions, which need the future, or pools over the
        steps in another way than "last".
        """
        self._check_streams()
        if self.gaps_.missing in ("mask", "decay"):
            return GappyStream(self._step_stream(num_sequences, lambda _: "x"), self._decoded)
        return ModelStream(
            self.network_, self.parameters_, self.scaling_, self._decoded, num_sequences, DTYPE
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = self.missing != "refuse"
        tags.non_deterministic = False
        return tags

    def _argument(self, side: str, name: str = "", held_out: bool = False) -> str:
        place = ("inputs", "targets").index(side)
        return GIVEN[place] if held_out and isinstance(self.validation, Sequence) else ("X", "y")[place]

    def _record(self, has_gaps: bool) -> Numeric:
        """The record of X."""
        missing = self.missing or ("decay" if has_gaps else "refuse")
        return Numeric(
            standardize=self.standardize, missing=missing, fill=self.fill, padding=self.padding, stream=ONLY
        )

    def _read(
        self, X: Any, y: Any, sample_weight: Any = None, *, names: tuple[str, str] = ("X", "y")
    ) -> tuple[Sequences, Values, Doubles | None, bool]:
        """X, the rows of y, their weights, and whether they are steps; a step's missing target weighs
        nothing."""
        sequences = Sequences.from_any(X, argument=names[0])
        rows, per_step = rows_of(names[1], y, sequences)
        weights = row_weights("sample_weight", sample_weight, sequences, per_step)
        if per_step:
            rows, weights = known_rows(names[1], rows, weights)
        return sequences, rows, weights, per_step

    def _examples(
        self, argument: str, X: Sequences, rows: Values, weights: Doubles | None, per_step: bool
    ) -> Examples:
        """What `_read` gives as a model's examples: without sequences whose weight is 0, and without those
        that have no steps where there is one target a step."""
        if per_step and (self.padding != "skip" or X.padding is not None):
            raise ValueError(
                "padding expects one target a sequence; got one a step, which padding has none of: take "
                "padding out, Sequences.from_padded(..., padding='skip'), and pass padding='skip'"
            )
        there = np.ones(len(X), dtype=bool)
        lengths = X.lengths if per_step else None
        targets = {ONLY: Rows(self._target_rows(argument, rows), lengths, there)}
        own = None if weights is None else Rows(weights, lengths, there)
        steps = Rows.of(X.without_padding() if self.padding == "skip" else X)
        examples = Examples({ONLY: steps}, targets, own).weighed()
        if per_step and not X.lengths.all():
            return examples.take(np.flatnonzero(np.diff(examples.inputs[ONLY].offsets)))
        return examples

    def _outputs(self, X: Any) -> tuple[Sequences, NDArray[Any]]:
        """The checked sequences, and the network's outputs for them, (rows, K)."""
        self._check_fitted()
        sequences = sequences_of(X, self.n_features_in_)
        if self.padding_.way == "skip":
            sequences = sequences.without_padding()
        steps = self._steps_of(sequences)
        window = evaluation_window(steps.lengths, self.bptt_steps, self.recompute)
        return sequences, self._ready().predict(steps, window)

    def _steps_of(self, X: Sequences, dtype: str = DTYPE) -> Steps:
        """What `_steps` makes of the rows of X, with less around it: a short prediction takes little more."""
        encoder, network = self.encoder_, self.network_
        X = encoder.padding.read(X)
        arrays = encoder.inputs("X", X, dtype, network.is_bidirectional)
        lengths = X.lengths
        if network.most_steps is not None:
            check_longest("X", int(lengths.max()), network.most_steps)
        return Steps(tuple([arrays[name] for name in network.inputs]), X.offsets[:-1].copy(), lengths)

    def _answers(self, X: Any, y: Any, sample_weight: Any) -> tuple[Values, NDArray[Any], Doubles | None]:
        """The true rows as the coding has them, the engine's outputs for them and the rows' weights."""
        _, outputs = self._outputs(X)
        _, rows, weights, per_step = self._read(X, y, sample_weight)
        if len(rows) != len(outputs):
            raise ValueError(
                f"y expects {len(outputs)} targets, one a {'sequence' if per_step else 'step'} as in fit; "
                f"got {len(rows)}: pass the same kind"
            )
        return self._coded("y", rows), outputs, weights

    def _coded(self, argument: str, rows: Values) -> Values:
        """y's rows as places of classes, or as (rows, K) numbers."""
        values = self._target_rows(argument, rows)
        return self.coding_.coded(argument, Rows(values, None, np.ones(len(values), dtype=bool)))

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

    def _keep(self, run: Run, previous: dict[str, Any], **learnt: Any) -> None:
        if not previous:
            self.__dict__.pop("columns_", None)
        super()._keep(run, previous, **learnt)

    def _to_document(self) -> dict[str, Any]:
        return {"columns": self.columns_.to_document()} if "columns_" in vars(self) else {}

    @classmethod
    def _from_document(cls, document: Mapping[str, Any]) -> dict[str, Any]:
        return {"columns_": Columns.from_document(document["columns"])} if "columns" in document else {}


def sequences_of(X: Any, num_features: int, whose: str = "as fit saw") -> Sequences:
    """X as sequences of this many features; ValueError where it has others. whose: in words."""
    sequences = Sequences.from_any(X)
    if (found := sequences.num_features) == num_features:
        return sequences
    is_one = is_array(X) and np.shape(X)[1:] == (num_features,)
    remedy = "pass [x] for one sequence x" if is_one else "pass the same features in the same order"
    raise ValueError(f"X expects {num_features} features, {whose}; got {found}: {remedy}")


def _has_gaps(examples: Examples) -> bool:
    sequences = examples.inputs[ONLY].sequences
    return sequences is not None and sequences.has_gaps


def _given(validation: Any) -> Sequence[Any]:
    if not isinstance(validation, Sequence) or isinstance(validation, str) or len(validation) != 2:
        raise ValueError(
            f"validation expects a share, data (X, y) or None; got {type(validation).__name__}: pass one of "
            "these"
        )
    return validation
