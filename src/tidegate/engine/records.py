"""What the engine is given and gives back: frozen records of arrays and settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tidegate.checks import choice, hold, real

DTYPES = ("float32", "float64")
MAX_THREADS = 1024
OPTIMIZERS = ("adam", "adamw", "rmsprop", "sgd")

Floats = NDArray[Any]
Indices = NDArray[np.int64]


def exactly(argument: str, got: Any, dtype: str, num_axes: int) -> NDArray[Any]:
    """Return `got` if the core can read it as it stands; otherwise ValueError. Nothing is converted: a copy
    of the data of a whole fit would cost its memory again."""
    if not (
        isinstance(got, np.ndarray)
        and got.dtype == dtype
        and got.ndim == num_axes
        and (flags := got.flags).c_contiguous
        and flags.aligned
    ):
        described = (
            f"{'' if got.flags.c_contiguous else 'not contiguous '}{got.dtype.str} of shape {got.shape}"
            if isinstance(got, np.ndarray)
            else f"{type(got).__name__}"
        )
        axes = "axis" if num_axes == 1 else "axes"
        raise ValueError(
            f"{argument} expects a C-contiguous array of {dtype} with {num_axes} {axes}; got {described}: "
            f'pass np.require(..., "{dtype}", "CA") of that many axes'
        )
    return got


class Diverged(FloatingPointError):
    """A loss or gradient was not finite; the parameters are those before that update."""


@dataclass(frozen=True, eq=False)
class SparseRows:
    """Rows as scipy's CSR matrices have them: row r has columns[offsets[r] : offsets[r + 1]], int32, with
    values beside them in the engine's dtype; None: all 1. offsets (rows + 1,) int64."""

    offsets: Indices
    columns: NDArray[np.int32]
    values: Floats | None = None

    def __post_init__(self) -> None:
        exactly("offsets", self.offsets, "int64", 1)
        exactly("columns", self.columns, "int32", 1)


@dataclass(frozen=True)
class Steps:
    """The steps of N sequences: inputs, one (S, I) array for each Input of the network, C-contiguous in the
    engine's dtype, (N, I) where it is per sequence; starts (N,) the first row of each sequence; lengths (N,)
    its number of steps. sparse: the rows of each SparseInput. others: starts and lengths in each stream but
    the first. A sequence may have no steps."""

    inputs: tuple[Floats, ...]
    starts: Indices
    lengths: Indices
    sparse: tuple[SparseRows, ...] = ()
    others: tuple[tuple[Indices, Indices], ...] = ()

    def __post_init__(self) -> None:
        exactly("starts", self.starts, "int64", 1)
        exactly("lengths", self.lengths, "int64", 1)
        for number, (starts, lengths) in enumerate(self.others):
            exactly(f"others[{number}]: starts", starts, "int64", 1)
            exactly(f"others[{number}]: lengths", lengths, "int64", 1)

    @property
    def total_lengths(self) -> Indices:
        """(N,) steps of each sequence in all streams."""
        total = self.lengths
        for _, lengths in self.others:
            total = total + lengths
        return total

    @classmethod
    def of(cls, values: ArrayLike, offsets: ArrayLike, dtype: str = "float32") -> Steps:
        """From values (S, I) and offsets (N + 1,): sequence i has rows [offsets[i], offsets[i + 1])."""
        bounds = np.ascontiguousarray(offsets, dtype=np.int64)
        return cls((np.ascontiguousarray(values, dtype=dtype),), bounds[:-1].copy(), np.diff(bounds))

    def __len__(self) -> int:
        return len(self.lengths)


@dataclass(frozen=True)
class Target:
    """What a loss compares with: values (rows, K) in the engine's dtype, or int32 classes (rows,) for
    softmax_cross_entropy and ordinal; weights (rows,) or None. Rows are sequences, or the rows of the
    inputs where the network's output is per step."""

    values: NDArray[Any]
    weights: Floats | None = None

    def __post_init__(self) -> None:
        if getattr(self.values, "ndim", 1) == 1:
            exactly("targets", self.values, "int32", 1)


@dataclass(frozen=True)
class Optimizer:
    """One method with its settings, in PyTorch's form; clip_value is applied before clip_norm.

    adam (Kingma & Ba 2015), adamw (Loshchilov & Hutter 2019): beta1, beta2. rmsprop (Tieleman & Hinton 2012):
    rho. rmsprop and sgd: momentum. weight_decay is decoupled for adamw and added to the gradient for the
    others. clip_norm (Pascanu et al. 2013) bounds the Euclidean norm of all gradients together, clip_value
    each one.
    """

    name: str = "adam"
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    momentum: float = 0.0
    rho: float = 0.99
    clip_norm: float | None = None
    clip_value: float | None = None

    def __post_init__(self) -> None:
        choice("optimizer", self.name, OPTIMIZERS)
        hold(self, real, "beta1", "beta2", "momentum", "rho", maximum=1.0 - 1e-12)
        hold(self, real, "epsilon", above=True)
        hold(self, real, "weight_decay")
        for name in ("clip_norm", "clip_value"):
            if getattr(self, name) is not None:
                hold(self, real, name, above=True)


Sums = tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class Position:
    """How far an epoch has come: updates made, of each loss the weighted sums of their losses and scores and
    the sum of the weights, and the states that a batch under way carries into its next window, None of
    none."""

    update: int = 0
    sums: Sums = ()
    states: Floats | None = None


START = Position()


@dataclass(frozen=True)
class Result:
    """Weighted means over rows. score: the share of right classes (softmax_cross_entropy) or right labels
    (sigmoid_cross_entropy), the mean squared error for the other losses. Of several losses: their weighted
    sum, and the mean of their scores; parts: loss and score of each."""

    loss: float
    score: float
    position: Position = START
    parts: tuple[tuple[float, float], ...] = ()

    @classmethod
    def of(cls, sums: Sums, weights: Sequence[float], position: Position = START) -> Result:
        """weights: of the losses."""
        parts = tuple((loss / (weight or 1.0), score / (weight or 1.0)) for loss, score, weight in sums)
        if len(parts) == 1 and weights[0] == 1.0:
            return cls(*parts[0], position, parts)
        loss = sum(weight * part[0] for weight, part in zip(weights, parts))
        return cls(loss, sum(part[1] for part in parts) / max(len(parts), 1), position, parts)
