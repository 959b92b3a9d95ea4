"""The non-linearities of a step, for NumPy arrays and whatever has them as methods (torch, Symbol)."""

from __future__ import annotations

from typing import Any


def sigmoid(value: Any) -> Any:
    """1 / (1 + exp(-value)), without overflow."""
    if hasattr(value, "sigmoid"):
        return value.sigmoid()
    import numpy as np  # here, so that generating code from symbols needs the standard library alone

    return 0.5 * (np.tanh(0.5 * np.asarray(value)) + 1.0)


def tanh(value: Any) -> Any:
    if hasattr(value, "tanh"):
        return value.tanh()
    import numpy as np

    return np.tanh(value)
