"""Scores of predictions: scikit-learn's, and R^2 from what the engine measures."""

from __future__ import annotations

from typing import Any


def accuracy(y: Any, predicted: Any, weights: Any = None) -> float:
    """Weighted share of right labels, over the rows of (N,) or the steps of all sequences."""
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(y, predicted, sample_weight=weights))


def r2(y: Any, predicted: Any, weights: Any = None) -> float:
    """R^2, the mean over the outputs of (rows, K)."""
    from sklearn.metrics import r2_score

    return float(r2_score(y, predicted, sample_weight=weights))


def r2_from_mse(mse: float, variance: float) -> float:
    """1 - mse / variance; for constant targets 1 where they are met, 0 otherwise, as in scikit-learn."""
    if variance > 0.0:
        return 1.0 - mse / variance
    return 1.0 if mse == 0.0 else 0.0
