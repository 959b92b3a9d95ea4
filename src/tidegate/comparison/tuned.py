"""What a search for settings chose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Settings = dict[str, Any]


@dataclass(frozen=True)
class Tuned:
    """What the search chose for a cell: the settings of the trial with the lowest validation loss. trial: its
    number, from 1; the first trial is of the settings that were given. num_trials: of the cell."""

    settings: Settings
    validation_loss: float
    trial: int
    num_trials: int

    def __str__(self) -> str:
        """ "learning_rate 0.0042, hidden_size 57, dropout 0.21: trial 13 of 20"."""
        chosen = ", ".join(f"{name} {value:.3g}" for name, value in self.settings.items())
        return f"{chosen}: trial {self.trial} of {self.num_trials}"

    def to_dict(self) -> dict[str, Any]:
        return {
            **self.settings,
            "validation_loss": self.validation_loss,
            "trial": self.trial,
            "num_trials": self.num_trials,
        }
