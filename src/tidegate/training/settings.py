"""What a model and its training can be told, with the estimators' defaults: their only place.

How the defaults were chosen: docs/decisions/0005-defaults.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from tidegate import cells
from tidegate.checks import choice, hold, integer, real
from tidegate.engine import Optimizer
from tidegate.network import POOLINGS, Node, recurrent_layers
from tidegate.network.sequence import Names
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


# Of all cells.
STATES = tuple(dict.fromkeys(state for cell in cells.CELLS for state in cells.get(cell).states))


@dataclass(frozen=True)
class NetworkSettings:
    """The usual network for sequences: recurrent layers, a pool, dense layers, outputs.

    The regularisers are as network.recurrent_layers has them.
    """

    cell: str = "lstm"
    hidden_size: int = 64
    num_layers: int = 1
    bidirectional: bool = False
    dropout: float = 0.0
    input_dropout: float = 0.0
    recurrent_dropout: float = 0.0
    variational_dropout: bool = False
    zoneout: float | Mapping[str, float] = 0.0
    pooling: str = "last"
    dense: Sequence[tuple[int, str]] = ()

    def __post_init__(self) -> None:
        cells.get(self.cell)
        hold(self, integer, "hidden_size", "num_layers")
        choice("pooling", self.pooling, POOLINGS)
        hold(self, real, "dropout", "input_dropout", "recurrent_dropout", maximum=0.99)
        if isinstance(self.zoneout, Mapping):
            rates = {
                choice("zoneout", state, STATES): real("zoneout", rate, maximum=0.99)
                for state, rate in self.zoneout.items()
            }
            object.__setattr__(self, "zoneout", rates)
        else:
            hold(self, real, "zoneout", maximum=0.99)
        for name in ("bidirectional", "variational_dropout"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(
                    f"{name} expects True or False; got {getattr(self, name)!r}: pass one of them"
                )
        if not isinstance(self.dense, Sequence) or not all(
            isinstance(layer, tuple | list) and len(layer) == 2 for layer in self.dense
        ):
            raise ValueError(
                f"dense expects a list of (width, activation); got {self.dense!r}: pass for instance [(10, "
                "'tanh')]"
            )

    def layers(self, below: Sequence[Names], **where: Any) -> tuple[list[Node], Names]:
        """network.recurrent_layers of these settings over nodes; where: what it takes beside them."""
        return recurrent_layers(
            self.cell,
            where.pop("hidden_size", self.hidden_size),
            below,
            self.num_layers,
            self.dropout,
            input_dropout=self.input_dropout,
            recurrent_dropout=self.recurrent_dropout,
            variational_dropout=self.variational_dropout,
            zoneout=self.zoneout,
            **where,
        )


# A classifier reads sequences that have ended, so that both directions are there to be read.
CLASSIFIER = NetworkSettings(hidden_size=100, bidirectional=True, dropout=0.3, pooling="max")


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained.

    optimizer: a name of OPTIMIZERS or a record. schedule: a name of SCHEDULES or a record. patience,
    min_delta: stop when the validation loss (without a validation part: the training loss) has not fallen by
    more than min_delta for patience epochs; patience=None trains all max_epochs. clip_norm: the gradient's
    largest norm; None leaves it. weight_noise: each update's gradient is that at the weights plus Gaussian
    noise of this standard deviation, drawn for it (Graves 2011); all parameters have it, biases too, but the
    tables of embeddings. averaging: validated and kept is not what an epoch ends with, but a moving average
    of that over the epochs (Polyak & Juditsky 1992), which keeps this share of itself at each; in the first
    ones it is the mean of all. 0: none. input_noise, gap_dropout: of the inputs of training, drawn for each
    epoch, as the estimators have them.

    bptt_steps: back-propagation is truncated to windows of so many steps, each of which begins with the
    states of the one before (Williams & Peng 1990); with a target a step there is an update after each. None:
    it goes through whole sequences. recompute: it does so with the square root of their steps in memory, each
    of which is computed twice. Both are for layers in one direction.
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
    bptt_steps: int | None = None
    recompute: bool = False
    input_noise: float = 0.0
    weight_noise: float = 0.0
    averaging: float = 0.0
    gap_dropout: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.optimizer, Optimizer):
            choice("optimizer", self.optimizer, OPTIMIZERS)
        elif self.optimizer.clip_norm is not None:
            raise ValueError(
                f"optimizer expects no clip_norm of its own; got {self.optimizer.clip_norm!r}: "
                "pass it as clip_norm beside the optimizer"
            )
        hold(self, real, "learning_rate")
        schedule_of(self.schedule)
        hold(self, integer, "batch_size", "max_epochs")
        if self.patience is not None:
            hold(self, integer, "patience")
        hold(self, real, "min_delta")
        if self.validation is not None:
            hold(self, real, "validation", maximum=0.9, above=True)
        if self.clip_norm is not None:
            hold(self, real, "clip_norm", above=True)
        hold(self, real, "input_noise", "weight_noise")
        hold(self, real, "averaging", maximum=0.9999)
        if self.gap_dropout is not None:
            hold(self, real, "gap_dropout", maximum=1.0)
        if not isinstance(self.recompute, bool):
            raise ValueError(f"recompute expects True or False; got {self.recompute!r}: pass one of them")
        if self.bptt_steps is not None:
            hold(self, integer, "bptt_steps")
            if self.recompute:
                raise ValueError(
                    f"recompute expects False beside bptt_steps={self.bptt_steps}, whose windows are all "
                    "that is held at a time; got True: pass one of the two"
                )

    @property
    def in_windows(self) -> str | None:
        """The option that asks for windows of time."""
        return "recompute" if self.recompute else None if self.bptt_steps is None else "bptt_steps"

    def require_one_direction(self, bidirectional: bool) -> None:
        """ValueError where windows of time are asked for with layers that begin at the end."""
        if self.in_windows and bidirectional:
            raise ValueError(
                f"{self.in_windows} expects layers in one direction; got bidirectional=True, as classifiers "
                "and SequenceModel have it where nothing is said, and the other direction begins at the end: "
                "pass bidirectional=False"
            )

    def engine_optimizer(self) -> Optimizer:
        """The engine's record: the optimizer with clip_norm."""
        chosen = OPTIMIZERS[self.optimizer] if isinstance(self.optimizer, str) else self.optimizer
        return replace(chosen, clip_norm=self.clip_norm)
