"""Scores agree with scikit-learn's definitions."""

import numpy as np
import pytest
from sklearn.metrics import r2_score

from tidegate.training.metrics import accuracy, r2, r2_from_mse


def test_accuracy_is_weighted():
    assert accuracy(["a", "b"], ["a", "a"]) == 0.5
    assert accuracy(["a", "b"], ["a", "a"], [3.0, 1.0]) == 0.75


def test_r2_from_the_engines_measure_is_scikit_learns():
    rng = np.random.default_rng(0)
    y, predicted, weights = rng.normal(size=30), rng.normal(size=30), rng.uniform(size=30)
    mse = np.average((y - predicted) ** 2, weights=weights)
    variance = np.average((y - np.average(y, weights=weights)) ** 2, weights=weights)
    assert r2_from_mse(mse, variance) == pytest.approx(r2_score(y, predicted, sample_weight=weights))
    assert r2(y, predicted, weights) == r2_score(y, predicted, sample_weight=weights)


@pytest.mark.parametrize("predicted", [[2.0, 2.0], [1.0, 2.0]])
def test_r2_of_constant_targets_is_scikit_learns(predicted):
    y = np.array([2.0, 2.0])
    assert r2_from_mse(float(np.mean((y - predicted) ** 2)), 0.0) == r2_score(y, predicted)
