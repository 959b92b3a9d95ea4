"""Probabilities that come true as often as they say: a temperature, or a rising function, learnt on rows that
were not trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.models.measures import expected_calibration_error

Doubles = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Calibration:
    """method: "temperature", logits divided by one number (Guo et al. 2017), or "isotonic", of each class or
    label a rising function of its probability (Zadrozny & Elkan 2002), given by `points` (x, y). ece_before,
    ece_after: the expected calibration error on the rows that it was learnt from."""

    method: str
    temperature: float = 1.0
    points: tuple[tuple[Doubles, Doubles], ...] = ()
    ece_before: float = 0.0
    ece_after: float = 0.0

    @classmethod
    def learnt(cls, method: str, coded: NDArray[Any], outputs: NDArray[Any], exclusive: bool) -> Calibration:
        """coded: places of classes where they are exclusive, else zeros and ones."""
        logits = outputs.astype(np.float64)
        before = _probabilities(logits, exclusive)
        if method == "temperature":
            found = cls(method, _temperature(logits, coded, exclusive))
        else:
            from sklearn.isotonic import IsotonicRegression

            hot = (
                np.arange(logits.shape[1]) == coded[:, np.newaxis]
                if exclusive
                else coded.reshape(logits.shape)
            )
            points = []
            for x, y in zip(before.T, hot.T.astype(np.float64)):
                curve = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(x, y)
                points.append(
                    (curve.X_thresholds_.astype(np.float64), curve.y_thresholds_.astype(np.float64))
                )
            found = cls(method, points=tuple(points))
        after = found.probabilities(outputs, exclusive)
        return cls(
            method,
            found.temperature,
            found.points,
            _error(before, coded, exclusive),
            _error(after, coded, exclusive),
        )

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
    if not exclusive:
        return 0.5 * (np.tanh(0.5 * logits) + 1.0)
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


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
