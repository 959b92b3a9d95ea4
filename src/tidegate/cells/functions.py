"""The non-linearities of a step, for NumPy arrays and whatever has them as methods (torch, Symbol)."""

from __future__ import annotations

from typing import Any

import numpy as np


def sigmoid(value: Any) -> Any:
    """1 / (1 + exp(-value)), without overflow."""
    if hasattr(value, "sigmoid"):
        return value.sigmoid()
    return 0.5 * (np.tanh(0.5 * np.asarray(value)) + 1.0)


def tanh(value: Any) -> Any:
    return value.tanh() if hasattr(value, "tanh") else np.tanh(value)
