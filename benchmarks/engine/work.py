"""What is timed: a piece of work as a record, its data, and what a peer makes of it.

Letters: B sequences, T steps, I input size, H hidden size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.cells import CELLS

Floats = NDArray[np.float32]
Results = dict[str, NDArray[Any]]


class Unsupported(Exception):
    """A peer does not have this work."""


@dataclass(frozen=True)
class Task:
    """kind: "train", "infer", "stream", "article", "vowels", "epoch", "replicas" or "sgemm". shape:
    (B, T, I, H). option: what distinguishes two ways to do one kind of work, such as "packed" and
    "padded"."""

    kind: str
    cell: str = ""
    shape: tuple[int, ...] = ()
    option: str = ""
    num_layers: int = 1


@dataclass(frozen=True)
class Built:
    """run: the work, once. results: what it computes, by Tidegate's names, to be compared before a time is
    taken. variant: which of the peer's ways it is. scale: how many times the run is the whole work. before:
    what is done before each call, which is not in its time."""

    run: Callable[[], object]
    results: Callable[[], Results]
    variant: str = ""
    compile_seconds: float = 0.0
    scale: float = 1.0
    before: Callable[[], object] | None = None


@dataclass(frozen=True)
class LayerData:
    """One recurrent layer's parameters, inputs and output gradient, the same in every process."""

    task: Task

    def _random(self, name: str) -> np.random.Generator:
        return np.random.default_rng([*self.task.shape, *name.encode()])

    @cached_property
    def parameters(self) -> Results:
        """As the cell's record names and shapes them."""
        *_, input_size, hidden_size = self.task.shape
        shapes = CELLS[self.task.cell].parameter_shapes(input_size, hidden_size)
        bound = hidden_size**-0.5
        return {
            name: self._random(name).uniform(-bound, bound, shape).astype(np.float32)
            for name, shape in shapes.items()
        }

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """(B,), the longest first; all T but in ragged work, where they are uniform from T / 10 to T."""
        num_sequences, num_steps, *_ = self.task.shape
        if self.task.option not in ("ragged", "packed", "padded"):
            return np.full(num_sequences, num_steps)
        drawn = self._random("lengths").integers(num_steps // 10, num_steps + 1, num_sequences)
        return np.sort(drawn)[::-1].copy()

    @cached_property
    def real(self) -> NDArray[np.bool_]:
        """(B, T), False in padding."""
        return np.arange(self.task.shape[1]) < self.lengths[:, np.newaxis]

    @cached_property
    def x(self) -> Floats:
        """(B, T, I)"""
        return self._random("x").normal(size=self.task.shape[:3]).astype(np.float32)

    @cached_property
    def gradient(self) -> Floats:
        """(B, T, H), of the output; zero in padding."""
        shape = (*self.task.shape[:2], self.task.shape[3])
        return self._random("gradient").normal(size=shape).astype(np.float32) * self.real[:, :, np.newaxis]


@dataclass(frozen=True)
class ArticleData:
    """The worked example of "From LSTM to GRU": 100 sequences of 10 numbers, one number to learn of each."""

    NUM_SEQUENCES, NUM_STEPS, NUM_UNITS, NUM_EPOCHS, CHECKED_UPDATES = 100, 10, 10, 100, 20
    cell: str

    @cached_property
    def x(self) -> Floats:
        """(100, 10, 1)"""
        shape = (self.NUM_SEQUENCES, self.NUM_STEPS, 1)
        return np.random.default_rng(0).normal(size=shape).astype(np.float32)

    @cached_property
    def y(self) -> Floats:
        """(100, 1)"""
        return np.random.default_rng(1).normal(size=(self.NUM_SEQUENCES, 1)).astype(np.float32)

    @cached_property
    def parameters(self) -> Results:
        return random_parameters(article_network(self.cell))


@dataclass(frozen=True)
class VowelsData:
    """Japanese Vowels: 270 recordings of 7 to 26 steps of 12 numbers, nine speakers; batches drawn anew each
    epoch."""

    NUM_UNITS, NUM_CLASSES, NUM_EPOCHS, BATCH_SIZE, CHECKED_UPDATES = 64, 9, 50, 16, 5
    cell: str

    @cached_property
    def sequences(self) -> list[Floats]:
        return [np.asarray(one, np.float32) for one in _vowels().X]

    @cached_property
    def classes(self) -> NDArray[np.int32]:
        return np.unique(_vowels().y, return_inverse=True)[1].astype(np.int32)

    @cached_property
    def parameters(self) -> Results:
        return random_parameters(vowels_network(self.cell))

    def order(self, epoch: int) -> NDArray[np.int64]:
        return np.random.default_rng(epoch).permutation(len(self.sequences))

    def batches(self, epoch: int) -> list[NDArray[np.int64]]:
        order = self.order(epoch)
        return np.split(order, range(self.BATCH_SIZE, len(order), self.BATCH_SIZE))


LEARNING_RATE = 1e-3


def article_network(cell: str) -> Any:
    from tidegate.network import sequence_network

    return sequence_network(cell, 1, ArticleData.NUM_UNITS, 1, "mse", dense=[(10, "tanh")])


def vowels_network(cell: str) -> Any:
    from tidegate.network import sequence_network

    return sequence_network(cell, 12, VowelsData.NUM_UNITS, VowelsData.NUM_CLASSES, "softmax_cross_entropy")


def random_parameters(network: Any) -> Results:
    rng = np.random.default_rng(0)
    return {
        name: rng.uniform(-0.3, 0.3, shape).astype(np.float32)
        for name, shape in network.parameter_shapes.items()
    }


def _vowels() -> Any:
    from tidegate import load_japanese_vowels

    return load_japanese_vowels()
