"""Probabilities that come true as often as they say: a temperature, or a rising function, learnt on rows that
were not trained on."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.models.links import sigmoid, softmax
from tidegate.models.measures import expected_calibration_error

Doubles = NDArray[np.float64]


# Of the rows that a calibration is learnt from; fewer sequences than twice that measure nothing.
FOLDS = 5


@dataclass(frozen=True, eq=False)
class Calibration:
    """method: "temperature", logits divided by one number (Guo et al. 2017), or "isotonic", of each class or
    label a rising function of its probability (Zadrozny & Elkan 2002), given by `points` (x, y). ece_before:
    the expected calibration error of the rows that it was learnt from; ece_after: theirs where it is learnt
    from four fifths of the sequences and measured on the other, in turn; NaN of fewer than ten sequences."""

    method: str
    temperature: float = 1.0
    points: tuple[tuple[Doubles, Doubles], ...] = ()
    ece_before: float = math.nan
    ece_after: float = math.nan

    @classmethod
    def learnt(
        cls, method: str, coded: NDArray[Any], outputs: NDArray[Any], exclusive: bool, sequences: NDArray[Any]
    ) -> Calibration:
        """coded: places of classes (R,) where they are exclusive, else zeros and ones. sequences (R,): of
        which each row is."""
        return replace(
            cls._of(method, coded, outputs, exclusive),
            ece_before=_error(_probabilities(outputs.astype(np.float64), exclusive), coded, exclusive),
            ece_after=cls._error_on_others(method, coded, outputs, exclusive, sequences),
        )

    @classmethod
    def _of(cls, method: str, coded: NDArray[Any], outputs: NDArray[Any], exclusive: bool) -> Calibration:
        logits = outputs.astype(np.float64)
        if method == "temperature":
            return cls(method, _temperature(logits, coded, exclusive))
        from sklearn.isotonic import IsotonicRegression

        hot = np.arange(logits.shape[1]) == coded[:, np.newaxis] if exclusive else coded.reshape(logits.shape)
        points = []
        for x, y in zip(_probabilities(logits, exclusive).T, hot.T.astype(np.float64)):
            curve = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(x, y)
            points.append((curve.X_thresholds_.astype(np.float64), curve.y_thresholds_.astype(np.float64)))
        return cls(method, points=tuple(points))

    @classmethod
    def _error_on_others(
        cls, method: str, coded: NDArray[Any], outputs: NDArray[Any], exclusive: bool, sequences: NDArray[Any]
    ) -> float:
        """Each row is calibrated by what was learnt from sequences of other folds."""
        names, of_row = np.unique(sequences, return_inverse=True)
        if len(names) < 2 * FOLDS:
            return math.nan
        fold = (np.random.default_rng(0).permutation(len(names)) % FOLDS)[of_row]
        probabilities = np.empty(outputs.shape)
        for number in range(FOLDS):
            own = fold == number
            learnt = cls._of(method, coded[~own], outputs[~own], exclusive)
            probabilities[own] = learnt.probabilities(outputs[own], exclusive)
        return _error(probabilities, coded, exclusive)

    def probabilities(self, outputs: NDArray[Any], exclusive: bool) -> Doubles:
        """(R, K) of the engine's outputs (R, K)."""
        logits = outputs.astype(np.float64)
        if self.method == "temperature":
            return _probabilities(logits / self.temperature, exclusive)
        raw = _probabilities(logits, exclusive)
        curves = [np.interp(column, *points) for column, points in zip(raw.T, self.points)]
        calibrated = np.stack(curves, axis=1)
        if not exclusive:
            return calibrated
        total = calibrated.sum(axis=1, keepdims=True)
        return np.where(total > 0.0, calibrated / np.where(total > 0.0, total, 1.0), raw)


def _probabilities(logits: Doubles, exclusive: bool) -> Doubles:
    return softmax(logits) if exclusive else sigmoid(logits)


def _temperature(logits: Doubles, coded: NDArray[Any], exclusive: bool) -> float:
    """The one with the least log loss, from 0.05 to 20."""
    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        if exclusive:
            shifted = scaled - scaled.max(axis=1, keepdims=True)
            right = shifted[np.arange(len(coded)), coded]
            return float((np.log(np.exp(shifted).sum(axis=1)) - right).mean())
        return float((np.logaddexp(0.0, scaled) - coded.reshape(scaled.shape) * scaled).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.05), np.log(20.0)), method="bounded").x))


def _error(probabilities: Doubles, coded: NDArray[Any], exclusive: bool) -> float:
    if exclusive:
        return expected_calibration_error(probabilities.max(axis=1), probabilities.argmax(axis=1) == coded)
    return expected_calibration_error(probabilities.ravel(), coded.ravel().astype(bool))
