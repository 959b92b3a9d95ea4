"""Thresholds, calibration and measures against their definitions."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.models.calibration import Calibration
from tidegate.models.codings import best_threshold
from tidegate.models.links import sigmoid, softmax
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
    found = Calibration.learnt("temperature", coded, logits, exclusive, np.arange(len(coded)))
    assert found.temperature == pytest.approx(too_sure, rel=0.1)
    assert found.ece_after < 0.02 < found.ece_before
    if exclusive:
        calibrated = found.probabilities(logits, exclusive)
        np.testing.assert_array_equal(calibrated.argmax(axis=1), logits.argmax(axis=1))


@pytest.mark.parametrize("exclusive", [True, False])
def test_isotonic_curves_rise_and_lessen_the_error_on_other_rows(exclusive: bool) -> None:
    coded, logits = drawn(exclusive, 3.0)
    found = Calibration.learnt("isotonic", coded[:2000], logits[:2000], exclusive, np.arange(2000))
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


def errors_on_noise(rows: int, of_each: int, seed: int) -> tuple[float, float, float]:
    """Of labels that the logits say nothing of: the error after isotonic calibration as fit says it, on the
    rows that the curve was learnt from, and on as many new ones. of_each: rows of a sequence, which are
    alike."""
    rng = np.random.default_rng(seed)

    def draw() -> tuple[Any, Any]:
        coded = (rng.random(rows // of_each) < 0.5).astype(float).repeat(of_each)
        return coded[:, np.newaxis], rng.normal(size=rows // of_each).repeat(of_each)[:, np.newaxis]

    (coded, logits), (new_coded, new_logits) = draw(), draw()
    found = Calibration.learnt("isotonic", coded, logits, False, np.arange(rows) // of_each)
    own, new = found.probabilities(logits, False), found.probabilities(new_logits, False)
    return (
        found.ece_after,
        expected_calibration_error(own.ravel(), coded.ravel().astype(bool)),
        expected_calibration_error(new.ravel(), new_coded.ravel().astype(bool)),
    )


@pytest.mark.parametrize("of_each", [1, 4])
def test_noise_does_not_look_calibrated(of_each: int) -> None:
    """The error after calibration is no less than that of rows which the curve has not seen, nor others of
    their sequence, although it is near 0 on its own."""
    errors = [errors_on_noise(60 * of_each, of_each, seed) for seed in range(60)]
    said, own, new = np.mean(errors, axis=0)
    assert own < 0.02
    assert 0.1 < new < said < 2.0 * new


@pytest.mark.parametrize("method", ["temperature", "isotonic"])
def test_the_error_after_calibration_is_not_measured_on_few_sequences(method: str) -> None:
    coded, logits = drawn(True, 3.0, rows=36)
    few = Calibration.learnt(method, coded, logits, True, np.arange(36) // 4)
    enough = Calibration.learnt(method, coded, logits, True, np.arange(36) % 10)
    assert np.isnan(few.ece_after)
    assert 0.0 <= enough.ece_after <= 1.0
    assert few.ece_before == enough.ece_before
