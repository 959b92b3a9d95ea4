"""Random numbers for the oracle: exact in float16, the same for a name on every machine and NumPy version."""

from __future__ import annotations

import random

import numpy as np
from archive import Array


class Draw:
    def __init__(self, name: str) -> None:
        self._random = random.Random(name)

    def uniform(self, *shape: int, scale: float = 1.0) -> Array:
        values = [2 * self._random.random() - 1 for _ in range(int(np.prod(shape)))]
        return (scale * np.reshape(values, shape)).astype(np.float16).astype(np.float64)

    def below(self, share: float, *shape: int) -> Array:
        """1 with that probability, else 0."""
        return (self.uniform(*shape) < 2 * share - 1).astype(np.float64)

    def parameters(self, shapes: dict[str, tuple[int, ...]]) -> dict[str, Array]:
        """Weights of variance about 1 / (3 columns), vectors within 0.5."""
        return {
            f"parameters/{name}": self.uniform(*shape, scale=shape[1] ** -0.5 if len(shape) == 2 else 0.5)
            for name, shape in shapes.items()
        }
