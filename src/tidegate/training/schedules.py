"""Learning rates over a run: one array an epoch, one rate an update."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from tidegate.checks import choice, hold, integer, real

Rates = NDArray[np.float64]


@dataclass(frozen=True)
class Constant:
    """The same rate at every update."""

    def rates(
        self, learning_rate: float, epoch: int, max_epochs: int, num_updates: int, losses: Sequence[float]
    ) -> Rates:
        return np.full(num_updates, learning_rate)


@dataclass(frozen=True)
class Cosine:
    """A linear rise over the first updates, then half a cosine down to `final` (Loshchilov & Hutter 2017).

    warmup: share of all max_epochs' updates in which the rate rises. final: the last rate as a share of
    learning_rate.
    """

    warmup: float = 0.05
    final: float = 0.0

    def __post_init__(self) -> None:
        hold(self, real, "warmup", "final", maximum=1.0)

    def rates(
        self, learning_rate: float, epoch: int, max_epochs: int, num_updates: int, losses: Sequence[float]
    ) -> Rates:
        total = max_epochs * num_updates
        risen = round(self.warmup * total)
        update = np.arange(epoch * num_updates, (epoch + 1) * num_updates)
        share = np.clip((update - risen) / max(total - risen, 1), 0.0, 1.0)
        fallen = self.final + (1.0 - self.final) * 0.5 * (1.0 + np.cos(np.pi * share))
        return learning_rate * np.where(update < risen, (update + 1) / (risen + 1), fallen)


@dataclass(frozen=True)
class ReduceOnPlateau:
    """The rate times `factor` whenever the monitored loss has not fallen by more than min_delta for
    `patience` epochs.

    The loss is the validation part's, or the training part's where there is none. `final` is the lowest rate
    as a share of learning_rate.
    """

    factor: float = 0.5
    patience: int = 5
    min_delta: float = 0.0
    final: float = 0.001

    def __post_init__(self) -> None:
        hold(self, real, "factor", maximum=1.0, above=True)
        hold(self, integer, "patience")
        hold(self, real, "min_delta")
        hold(self, real, "final", maximum=1.0)

    def rates(
        self, learning_rate: float, epoch: int, max_epochs: int, num_updates: int, losses: Sequence[float]
    ) -> Rates:
        lowest, waited, share = np.inf, 0, 1.0
        for loss in losses:
            if loss < lowest - self.min_delta:
                lowest, waited = loss, 0
                continue
            waited += 1
            if waited == self.patience:
                share, waited = max(share * self.factor, self.final), 0
        return np.full(num_updates, learning_rate * share)


Schedule = Constant | Cosine | ReduceOnPlateau

SCHEDULES: MappingProxyType[str, Schedule] = MappingProxyType(
    {"constant": Constant(), "cosine": Cosine(), "reduce_on_plateau": ReduceOnPlateau()}
)


def schedule_of(given: str | Schedule) -> Schedule:
    """The schedule given by name or as a record.

    Its `rates(learning_rate, epoch, max_epochs, num_updates, losses)` are those of the updates of one epoch,
    (num_updates,): epoch counts from 0, losses are the monitored losses of the epochs before it.
    """
    if isinstance(given, Schedule):
        return given
    return SCHEDULES[choice("schedule", given, SCHEDULES)]
