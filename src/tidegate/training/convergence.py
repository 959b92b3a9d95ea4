"""When training has converged: a stated criterion on a loss, an epoch at a time."""

from __future__ import annotations

import math


class Convergence:
    """Converged once the loss has not fallen by more than `min_delta` for `patience` epochs (None: never).

    `best_epoch` (from 1; 0 before the first) has the lowest loss of all, however little it was lower.
    """

    def __init__(self, patience: int | None, min_delta: float) -> None:
        self.patience = patience
        self.min_delta = min_delta
        self.epoch = 0
        self.best_epoch = 0
        self.lowest = math.inf
        self._reference = math.inf
        self._fell_at = 0

    def update(self, loss: float) -> bool:
        """Take the next epoch's loss; True where it is the lowest so far."""
        self.epoch += 1
        if loss < self._reference - self.min_delta:
            self._reference = loss
            self._fell_at = self.epoch
        lower = loss < self.lowest
        if lower:
            self.lowest = loss
            self.best_epoch = self.epoch
        return lower

    @property
    def converged(self) -> bool:
        return self.patience is not None and self.epoch - self._fell_at >= self.patience
