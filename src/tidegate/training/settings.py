"""What a model and its training can be told, with the estimators' defaults: their only place.

How the defaults were chosen: docs/decisions/0005-defaults.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from tidegate import cells
from tidegate.checks import choice, integer, real
from tidegate.engine import Optimizer
from tidegate.network import POOLINGS, Network, sequence_network
from tidegate.training.schedules import Schedule, schedule_of

# By name: PyTorch's defaults, and for SGD the usual momentum.
OPTIMIZERS = MappingProxyType(
    {
        "adam": Optimizer("adam"),
        "adamw": Optimizer("adamw", weight_decay=0.01),
        "rmsprop": Optimizer("rmsprop"),
        "sgd": Optimizer("sgd", momentum=0.9),
    }
)


MAX_PARAMETERS = 2**31 - 1


@dataclass(frozen=True)
class NetworkSettings:
    """The usual network for sequences: recurrent layers, a pool, dense layers, one output."""

    cell: str = "lstm"
    hidden_size: int = 64
    num_layers: int = 1
    bidirectional: bool = False
    dropout: float = 0.0
    pooling: str = "last"
    dense: Sequence[tuple[int, str]] = ()

    def __post_init__(self) -> None:
        cells.get(self.cell)
        for name in ("hidden_size", "num_layers"):
            object.__setattr__(self, name, integer(name, getattr(self, name)))
        choice("pooling", self.pooling, POOLINGS)
        real("dropout", self.dropout, 0.0, 0.99)
        if not isinstance(self.bidirectional, bool):
            raise ValueError(
                f"bidirectional expects True or False; got {self.bidirectional!r}: pass one of them"
            )
        if not isinstance(self.dense, Sequence) or not all(
            isinstance(layer, tuple | list) and len(layer) == 2 for layer in self.dense
        ):
            raise ValueError(
                f"dense expects a list of (width, activation); got {self.dense!r}: pass for instance [(10, "
                "'tanh')]"
            )

    def network(
        self,
        input_size: int,
        output_size: int,
        loss: str,
        *,
        per_step: bool,
        decay: bool = False,
        longest: int | None = None,
    ) -> Network:
        """The network for inputs and outputs of these sizes; per_step: one output a step, and no pool; decay:
        inputs and states decay with the time since values were seen; longest: steps of the longest sequence,
        as many as pooling="steps" reads."""
        network = sequence_network(
            self.cell,
            input_size,
            self.hidden_size,
            output_size,
            loss,
            num_layers=self.num_layers,
            bidirectional=self.bidirectional,
            dropout=self.dropout,
            pooling=None if per_step else self.pooling,
            dense=self.dense,
            decay=decay,
            num_steps=longest if self.pooling == "steps" and not per_step else None,
        )
        if network.num_parameters > MAX_PARAMETERS:
            raise ValueError(
                f"hidden_size={self.hidden_size} with num_layers={self.num_layers} makes "
                f"{network.num_parameters} parameters; expected at most {MAX_PARAMETERS}: choose smaller "
                "ones"
            )
        return network


# A classifier reads sequences that have ended, so that both directions are there to be read.
CLASSIFIER = NetworkSettings(hidden_size=100, bidirectional=True, dropout=0.3, pooling="max")


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained.

    optimizer: a name of OPTIMIZERS or a record. schedule: a name of SCHEDULES or a record. patience,
    min_delta: stop when the validation loss (without a validation part: the training loss) has not fallen by
    more than min_delta for patience epochs; patience=None trains all max_epochs. clip_norm: the gradient's
    largest norm; None leaves it. averaging: validated and kept is not what an epoch ends with, but a moving
    average of that over the epochs (Polyak & Juditsky 1992), which keeps this share of itself at each; in
    the first ones it is the mean of all. 0: none.
    """

    optimizer: str | Optimizer = "adam"
    learning_rate: float = 0.003
    schedule: str | Schedule = "constant"
    batch_size: int = 16
    max_epochs: int = 100
    patience: int | None = 20
    min_delta: float = 0.0
    validation: float | None = 0.1
    clip_norm: float | None = 1.0
    averaging: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.optimizer, Optimizer):
            choice("optimizer", self.optimizer, OPTIMIZERS)
        elif self.optimizer.clip_norm is not None:
            raise ValueError(
                f"optimizer expects no clip_norm of its own; got {self.optimizer.clip_norm!r}: "
                "pass it as clip_norm beside the optimizer"
            )
        real("learning_rate", self.learning_rate)
        schedule_of(self.schedule)
        integer("batch_size", self.batch_size)
        integer("max_epochs", self.max_epochs)
        if self.patience is not None:
            integer("patience", self.patience)
        real("min_delta", self.min_delta)
        if self.validation is not None:
            real("validation", self.validation, 0.0, 0.9, above=True)
        if self.clip_norm is not None:
            real("clip_norm", self.clip_norm, above=True)
        real("averaging", self.averaging, 0.0, 0.9999)

    def engine_optimizer(self) -> Optimizer:
        """The engine's record: the optimizer with clip_norm."""
        chosen = OPTIMIZERS[self.optimizer] if isinstance(self.optimizer, str) else self.optimizer
        return replace(chosen, clip_norm=self.clip_norm)
