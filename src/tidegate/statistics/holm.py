"""Several comparisons at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tidegate.checks import real


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """The p-values adjusted, in their order: rejecting those up to alpha keeps the chance of any false
    rejection among them at alpha, however they depend on one another (Holm 1979)."""
    p = np.array([real("p_values", value, 0.0, 1.0) for value in p_values], dtype=np.float64)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return tuple(float(value) for value in adjusted)
