"""The options that every model has: a front over the records of network and training, which hold the
defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, fields
from numbers import Real
from typing import Any

import numpy as np

from tidegate.checks import choice, integer
from tidegate.engine import MAX_THREADS, Optimizer, num_cores
from tidegate.network.initializers import Initializers
from tidegate.training.schedules import Schedule
from tidegate.training.settings import NetworkSettings, TrainingSettings

_NETWORK, _TRAINING = NetworkSettings(), TrainingSettings()


@dataclass(eq=False, repr=False)
class Options:
    """The options that every model has.

    cell: a name of tidegate.cells.CELLS. hidden_size, num_layers, bidirectional: the recurrent layers.
    dropout: rate between recurrent layers and after the last; input_dropout: of the inputs;
    variational_dropout: both drop the same columns at all steps of a sequence; recurrent_dropout: of the
    state that the recurrent weights read, likewise (Gal & Ghahramani 2016). zoneout: rate at which units keep
    their state in training (Krueger et al. 2017), of every state or by its name, {"h": 0.05, "c": 0.5}.
    pooling: what is kept of the steps, "last" (each direction's final state), "mean", "max", or "steps",
    every step with weights of its own, for sequences that begin alike; with a target a step every step is
    kept. dense: (width, activation) of each layer before the output; activations are "none", "tanh", "relu".
    optimizer: "adam", "adamw", "rmsprop", "sgd" or a tidegate.Optimizer. learning_rate. schedule: "constant",
    "cosine", "reduce_on_plateau" or a record of tidegate.training.schedules. batch_size: sequences an update.
    clip_norm: largest norm of a gradient, or None. input_noise: 0, or the standard deviation of Gaussian
    noise on the numbers of the inputs, drawn anew for each epoch (Bishop 1995), in units of their own
    standard deviation where they are standardised. weight_noise: 0, or the standard deviation of Gaussian
    noise on weights and biases, drawn anew for the gradient of each update (Graves 2011). averaging: 0, or
    the share that a moving average of the weights keeps of itself at each epoch, 0.9 for instance; it is then
    what is validated and kept.
    bptt_steps: back-propagation through windows of so many steps, each with the states of the one before;
    with a target a step an update after each. recompute: through whole sequences, but with the square root of
    their steps in memory, for a third more time. Both need bidirectional=False; docs/long.md says when to
    take which.
    max_epochs, patience, min_delta: training ends after max_epochs, or when the validation loss (the training
    loss, if validation is None) has not fallen by more than min_delta for patience epochs; patience=None
    trains all epochs.
    validation: a share of the sequences held out of training, data like fit's, or None; where there is one,
    the weights of the epoch with the lowest validation loss are kept.
    gap_dropout: rate at which a training sequence lacks, in an epoch, also what another one lacks, drawn anew
    for each epoch, so that no training sequence can be told by what it lacks. None: 0.5 with "mask" and
    "decay", which show that to the network, 0 with "fill".
    initializers: Initializers or a dict of its fields. warm_start: fit continues from the fitted weights and
    statistics. num_threads: None is as many as there are cores.
    random_state: None, an int, a numpy Generator or RandomState. verbose: a progress bar on a terminal.
    """

    _: KW_ONLY
    cell: str = _NETWORK.cell
    hidden_size: int = _NETWORK.hidden_size
    num_layers: int = _NETWORK.num_layers
    bidirectional: bool = _NETWORK.bidirectional
    dropout: float = _NETWORK.dropout
    input_dropout: float = _NETWORK.input_dropout
    recurrent_dropout: float = _NETWORK.recurrent_dropout
    variational_dropout: bool = _NETWORK.variational_dropout
    zoneout: float | Mapping[str, float] = _NETWORK.zoneout
    pooling: str = _NETWORK.pooling
    dense: Sequence[tuple[int, str]] = _NETWORK.dense
    optimizer: str | Optimizer = _TRAINING.optimizer
    learning_rate: float = _TRAINING.learning_rate
    schedule: str | Schedule = _TRAINING.schedule
    batch_size: int = _TRAINING.batch_size
    max_epochs: int = _TRAINING.max_epochs
    patience: int | None = _TRAINING.patience
    min_delta: float = _TRAINING.min_delta
    validation: Any = _TRAINING.validation
    clip_norm: float | None = _TRAINING.clip_norm
    bptt_steps: int | None = _TRAINING.bptt_steps
    recompute: bool = _TRAINING.recompute
    input_noise: float = _TRAINING.input_noise
    weight_noise: float = _TRAINING.weight_noise
    averaging: float = _TRAINING.averaging
    gap_dropout: float | None = _TRAINING.gap_dropout
    initializers: Initializers | Mapping[str, str] | None = None
    warm_start: bool = False
    num_threads: int | None = None
    random_state: int | np.random.Generator | np.random.RandomState | None = None
    verbose: bool = False

    def _network_settings(self) -> NetworkSettings:
        return NetworkSettings(**{field.name: getattr(self, field.name) for field in fields(NetworkSettings)})

    def _training_settings(self) -> TrainingSettings:
        """Without validation where it is data."""
        options = {field.name: getattr(self, field.name) for field in fields(TrainingSettings)}
        given = self.validation is not None and not isinstance(self.validation, Real)
        settings = TrainingSettings(**{**options, "validation": None} if given else options)
        settings.require_one_direction(self.bidirectional)
        return settings

    def _initializers(self) -> Initializers:
        given = self.initializers
        if given is None or isinstance(given, Initializers):
            return given or Initializers()
        if not isinstance(given, Mapping):
            raise ValueError(
                f"initializers expects Initializers or a dict of its fields; got {given!r}: "
                "pass for instance {'recurrent': 'orthogonal'}"
            )
        for name in given:
            choice("initializers", name, [field.name for field in fields(Initializers)])
        return Initializers(**given)

    def _num_threads(self) -> int:
        """num_threads, or where it is None the cores; OMP_NUM_THREADS lowers them, as joblib sets it for
        workers."""
        if self.num_threads is not None:
            return integer("num_threads", self.num_threads, 1, MAX_THREADS)
        return num_cores()

    def _generator(self) -> np.random.Generator:
        """NumPy's generator from random_state."""
        given = self.random_state
        if isinstance(given, np.random.Generator):
            return given
        if isinstance(given, np.random.RandomState):
            return np.random.default_rng(given.randint(2**32, size=4, dtype=np.uint32))
        if given is not None:
            integer("random_state", given, 0, 2**64 - 1)
        return np.random.default_rng(given)
