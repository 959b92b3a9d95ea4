"""Standardisation: columns to mean 0 and standard deviation 1, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]


def average(values: NDArray[Any], weights: Doubles | None = None) -> NDArray[Any]:
    """The weighted mean of each column of what is not NaN."""
    there = ~np.isnan(values)
    if there.all():
        return np.asarray(np.average(values, axis=0, weights=weights))
    shares = there * (1.0 if weights is None else weights[:, np.newaxis])
    return np.asarray((np.where(there, values, 0.0) * shares).sum(axis=0) / shares.sum(axis=0))


@dataclass(frozen=True, eq=False)
class Scaling:
    """(values - mean) / scale, column by column; mean and scale (columns,) float64."""

    mean: Doubles
    scale: Doubles

    @classmethod
    def identity(cls, num_columns: int) -> Scaling:
        return cls(np.zeros(num_columns), np.ones(num_columns))

    @classmethod
    def of(cls, argument: str, values: NDArray[Any], weights: Doubles | None = None) -> Scaling:
        """Weighted mean and standard deviation of each column of (rows, columns), without what is NaN; a
        constant column is not divided."""
        with np.errstate(over="ignore", invalid="ignore"):
            mean = average(values, weights).astype(np.float64)
            variance = average(np.square(values - mean), weights)
        if not np.isfinite(variance).all():
            column = int(np.flatnonzero(~np.isfinite(variance))[0])
            raise ValueError(
                f"{argument} expects numbers whose squares are finite; got "
                f"{np.nanmax(np.abs(values[:, column])):g} in column {column}: divide it by a power of ten"
            )
        # What rounding alone leaves of a constant column (scikit-learn's StandardScaler has the same bound).
        precision = len(values) * np.finfo(np.float64).eps
        constant = variance <= precision * variance + (precision * mean) ** 2
        return cls(mean, np.where(constant, 1.0, np.sqrt(variance)))

    def apply(self, argument: str, values: NDArray[Any], dtype: str) -> NDArray[Any]:
        """The scaled values in `dtype`, contiguous, NaN staying; ValueError where one does not fit it."""
        with np.errstate(over="ignore"):
            scaled = np.ascontiguousarray((values - self.mean) / self.scale, dtype=dtype)
        if np.isinf(scaled).any():
            row, column = np.argwhere(np.isinf(scaled))[0]
            raise ValueError(
                f"{argument} expects numbers that fit {dtype}; got {values[row, column]:g} in column "
                f"{column}: rescale that column"
            )
        return scaled

    def undo(self, scaled: NDArray[Any]) -> Doubles:
        return scaled * self.scale + self.mean
