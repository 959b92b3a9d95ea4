"""The parts of the data: what is trained on, what is held out, what is tested on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.data import Sequences, has_step_targets, split
from tidegate.data.arrays import Integers


@dataclass(frozen=True)
class Part:
    """Sequences with their targets: (N,) or (N, K), or a list of one array a sequence where there is one a
    step. groups: (N,) or None."""

    X: Sequences
    y: Any
    groups: Any = None

    @classmethod
    def of(cls, X: Any, y: Any, groups: Any = None, suffix: str = "") -> Part:
        sequences = Sequences.from_any(X, argument=f"X{suffix}")
        targets = list(y) if has_step_targets(y, sequences) else np.asarray(y)
        single = isinstance(targets, np.ndarray) and targets.ndim == 0
        if single or len(targets) != len(sequences):
            got = "a single value" if single else len(targets)
            raise ValueError(
                f"y{suffix} expects targets for each of the {len(sequences)} sequences of X{suffix}; got "
                f"{got}: pass as many"
            )
        return cls(sequences, targets, None if groups is None else np.asarray(groups))

    def take(self, indices: Integers) -> Part:
        y = [self.y[index] for index in indices] if isinstance(self.y, list) else self.y[indices]
        return Part(self.X.take(indices), y, None if self.groups is None else self.groups[indices])

    def split(self, share: float, task: str, seed: int) -> tuple[Part, Part]:
        """The part without the share held out, and that share: stratified by class, groups kept whole."""
        by_class = task == "classification" and not isinstance(self.y, list)
        rest, held_out = split(
            len(self.X), share, classes=self.y if by_class else None, groups=self.groups, seed=seed
        )
        return self.take(rest), self.take(held_out)

    def all_targets(self) -> NDArray[Any]:
        """The targets of all sequences, and of all steps where there is one a step, in one row."""
        return (
            np.concatenate([np.ravel(item) for item in self.y])
            if isinstance(self.y, list)
            else self.y.ravel()
        )

    def describe(self) -> dict[str, Any]:
        lengths = self.X.lengths
        return {
            "sequences": len(self.X),
            "steps": self.X.total_steps,
            "shortest": int(lengths.min()),
            "longest": int(lengths.max()),
            "features": self.X.num_features,
        }
