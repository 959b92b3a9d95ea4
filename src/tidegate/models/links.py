"""Probabilities from logits, in float64."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]


def sigmoid(x: Doubles) -> Doubles:
    return 0.5 * (np.tanh(0.5 * x) + 1.0)


def softmax(x: Doubles) -> Doubles:
    exponentials = np.exp(x - x.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def one_against_the_rest(x: Doubles) -> Doubles:
    """(R, C) of logits of each class against the rest, or (R, 2) of one of the second of two."""
    positive = sigmoid(x)
    if positive.shape[1] == 1:
        return np.concatenate((1.0 - positive, positive), axis=1)
    total = positive.sum(axis=1, keepdims=True)
    # All of them zero in float64: nothing tells the classes apart.
    return np.where(total > 0.0, positive / np.where(total > 0.0, total, 1.0), 1.0 / x.shape[1])
