"""Thresholds, calibration and measures against their definitions."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.models.calibration import Calibration
from tidegate.models.codings import best_threshold, sigmoid, softmax
from tidegate.models.measures import expected_calibration_error


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=1, max_size=25))
def test_no_threshold_has_a_larger_f1(rows: list[tuple[bool, int]]) -> None:
    labels = np.array([label for label, _ in rows])
    chances = np.array([chance / 6 for _, chance in rows])

    def f1(threshold: float) -> float:
        chosen = chances >= threshold
        total = chosen.sum() + labels.sum()
        return float(2 * (chosen & labels).sum() / total) if total else 0.0

    threshold = best_threshold(labels, chances)
    if labels.any():
        assert f1(threshold) == pytest.approx(max(f1(one) for one in [*chances, 1.1]))
    else:
        assert threshold == 0.5


def test_the_expected_calibration_error_is_the_gap_of_each_bin_by_its_share() -> None:
    chances = np.array([0.02, 0.04, 0.52, 0.53, 1.0])
    right = np.array([False, True, True, True, True])
    expected = (abs(0.06 - 1) + abs(1.05 - 2) + 0.0) / 5
    assert expected_calibration_error(chances, right) == pytest.approx(expected)


def drawn(exclusive: bool, too_sure: float, rows: int = 4000) -> tuple[Any, Any]:
    """Answers drawn from the chances of logits, and these logits times too_sure."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(rows, 4)) * 1.5
    if exclusive:
        coded = (softmax(logits).cumsum(axis=1) < rng.random((rows, 1))).sum(axis=1).clip(max=3)
    else:
        coded = (rng.random(logits.shape) < sigmoid(logits)).astype(float)
    return coded, logits * too_sure


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("too_sure", [0.5, 3.0])
def test_a_temperature_undoes_logits_that_are_too_sure(exclusive: bool, too_sure: float) -> None:
    coded, logits = drawn(exclusive, too_sure)
    found = Calibration.learnt("temperature", coded, logits, exclusive)
    assert found.temperature == pytest.approx(too_sure, rel=0.1)
    assert found.ece_after < 0.02 < found.ece_before
    if exclusive:
        calibrated = found.probabilities(logits, exclusive)
        np.testing.assert_array_equal(calibrated.argmax(axis=1), logits.argmax(axis=1))


@pytest.mark.parametrize("exclusive", [True, False])
def test_isotonic_curves_rise_and_lessen_the_error_on_other_rows(exclusive: bool) -> None:
    coded, logits = drawn(exclusive, 3.0)
    found = Calibration.learnt("isotonic", coded[:2000], logits[:2000], exclusive)
    calibrated, raw = (
        found.probabilities(logits[2000:], exclusive),
        Calibration("temperature").probabilities(logits[2000:], exclusive),
    )

    def error(chances: Any) -> float:
        if exclusive:
            return expected_calibration_error(chances.max(axis=1), chances.argmax(axis=1) == coded[2000:])
        return expected_calibration_error(chances.ravel(), coded[2000:].ravel().astype(bool))

    assert error(calibrated) < 0.5 * error(raw)
    assert all((np.diff(y) >= 0).all() for _, y in found.points)
    if exclusive:
        np.testing.assert_allclose(calibrated.sum(axis=1), 1.0)
