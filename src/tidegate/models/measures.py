"""How good answers are, by name; the first measure of each kind is the one that comparisons look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Measures = dict[str, float]
NUM_BINS = 15
# Lower is better.
ERRORS = ("rmse", "mae", "log_loss", "ece", "pinball_loss", "hamming_loss")


def leading(measures: Measures) -> float:
    """The first of them as a score, the higher the better: of an error the negative; NaN where there are
    none."""
    name, value = next(iter(measures.items()), ("", float("nan")))
    return -value if name in ERRORS else value


def number_measures(y: Doubles, predicted: Doubles) -> Measures:
    from tidegate.training.metrics import r2

    error = predicted - y
    return {
        "r2": r2(y, predicted) if len(y) > 1 else float("nan"),
        "rmse": float(np.sqrt(np.square(error).mean())),
        "mae": float(np.abs(error).mean()),
    }


def quantile_measures(y: Doubles, predicted: Doubles, levels: Sequence[float]) -> Measures:
    """pinball_loss: the mean over levels. coverage: the share of y between the outer quantiles."""
    error = y[:, np.newaxis] - predicted
    loss = np.maximum(np.array(levels) * error, (np.array(levels) - 1.0) * error)
    covered = (y >= predicted[:, 0]) & (y <= predicted[:, -1])
    return {"pinball_loss": float(loss.mean()), "coverage": float(covered.mean())}


def class_measures(y: NDArray[Any], probabilities: Doubles) -> Measures:
    from sklearn.metrics import balanced_accuracy_score, f1_score

    predicted = probabilities.argmax(axis=1)
    return {
        "accuracy": float((predicted == y).mean()),
        "balanced_accuracy": _quietly(balanced_accuracy_score, y, predicted),
        "macro_f1": float(f1_score(y, predicted, average="macro", zero_division=0.0)),
        "log_loss": log_loss(probabilities[np.arange(len(y)), y]),
        "ece": expected_calibration_error(probabilities.max(axis=1), predicted == y),
    }


def ordinal_measures(y: NDArray[Any], predicted: NDArray[Any], probabilities: Doubles) -> Measures:
    """mae: in classes. kappa: quadratic (Cohen 1968)."""
    from sklearn.metrics import cohen_kappa_score

    several = len(np.unique(np.concatenate([y, predicted]))) > 1
    return {
        "accuracy": float((predicted == y).mean()),
        "mae": float(np.abs(predicted - y).mean()),
        "kappa": float(cohen_kappa_score(y, predicted, weights="quadratic")) if several else float("nan"),
        "log_loss": log_loss(probabilities[np.arange(len(y)), y]),
    }


def binary_measures(y: NDArray[Any], probabilities: Doubles, threshold: float) -> Measures:
    from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

    y, predicted = y.reshape(-1).astype(bool), probabilities >= threshold
    both = bool(y.any() and not y.all())
    return {
        "accuracy": float((predicted == y).mean()),
        "f1": float(f1_score(y, predicted, zero_division=0.0)),
        "roc_auc": float(roc_auc_score(y, probabilities)) if both else float("nan"),
        "average_precision": float(average_precision_score(y, probabilities)) if both else float("nan"),
        "log_loss": log_loss(np.where(y, probabilities, 1.0 - probabilities)),
        "ece": expected_calibration_error(probabilities, y),
    }


def label_measures(y: NDArray[np.bool_], probabilities: Doubles, predicted: NDArray[np.bool_]) -> Measures:
    """macro_average_precision: over the labels that have a positive row."""
    from sklearn.metrics import average_precision_score, f1_score

    seen = y.any(axis=0)
    precision = (
        average_precision_score(y[:, seen], probabilities[:, seen], average="macro") if seen.any() else np.nan
    )
    return {
        "micro_f1": float(f1_score(y, predicted, average="micro", zero_division=0.0)),
        "macro_f1": float(f1_score(y, predicted, average="macro", zero_division=0.0)),
        "macro_average_precision": float(precision),
        "hamming_loss": float((y != predicted).mean()),
        "log_loss": log_loss(np.where(y, probabilities, 1.0 - probabilities)),
        "ece": expected_calibration_error(probabilities.ravel(), y.ravel()),
    }


def log_loss(of_answers: Doubles) -> float:
    """The mean negative logarithm of the answers' probabilities, none below 1e-15."""
    return float(-np.log(np.maximum(of_answers, 1e-15)).mean())


def expected_calibration_error(probabilities: Doubles, right: NDArray[Any]) -> float:
    """The distance of the mean probability from the share of right ones, over NUM_BINS bins of equal width,
    weighted by their rows (Naeini et al. 2015; Guo et al. 2017)."""
    bins = np.minimum((probabilities * NUM_BINS).astype(np.int64), NUM_BINS - 1)
    gaps = np.bincount(bins, probabilities - right, NUM_BINS)
    return float(np.abs(gaps).sum() / len(probabilities))


def _quietly(measure: Any, y: NDArray[Any], predicted: NDArray[Any]) -> float:
    """Without scikit-learn's warning of classes that are predicted and do not occur."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(measure(y, predicted))
