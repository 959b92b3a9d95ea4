"""Learning rates follow their formulas, epoch by epoch and as one curve over the run."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.training.schedules import SCHEDULES, Constant, Cosine, ReduceOnPlateau, schedule_of


def curve(schedule, max_epochs, num_updates, losses=()):
    """All rates of a run."""
    return np.concatenate(
        [schedule.rates(0.1, epoch, max_epochs, num_updates, losses[:epoch]) for epoch in range(max_epochs)]
    )


def test_constant_is_the_rate_given():
    np.testing.assert_array_equal(curve(Constant(), 3, 4), np.full(12, 0.1))


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 20), st.integers(1, 20), st.floats(0.0, 0.9), st.floats(0.0, 1.0))
def test_cosine_rises_then_falls_within_its_bounds(max_epochs, num_updates, warmup, final):
    rates = curve(Cosine(warmup, final), max_epochs, num_updates)
    risen = round(warmup * len(rates))
    assert (np.diff(rates[:risen]) > 0).all()
    assert (np.diff(rates[risen:]) <= 1e-15).all()
    assert rates.min() >= min(0.1 * final, 0.1 / (risen + 1)) - 1e-15
    assert rates.max() <= 0.1 + 1e-15


def test_cosine_passes_through_its_known_points():
    rates = curve(Cosine(warmup=0.2, final=0.1), 10, 10)
    np.testing.assert_allclose(rates[:3], 0.1 * np.array([1, 2, 3]) / 21)  # a line to the peak at update 21
    assert rates[20] == pytest.approx(0.1)
    assert rates[60] == pytest.approx(0.1 * (0.1 + 0.9 / 2))  # half way down
    assert rates[99] == pytest.approx(0.01, rel=0.01)


def test_plateau_falls_by_its_factor_after_patience_epochs_and_no_further_than_final():
    schedule = ReduceOnPlateau(factor=0.5, patience=2, final=0.2)
    losses = [1.0, 0.9, 0.9, 0.9, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8]
    rates = curve(schedule, 11, 1, losses)
    np.testing.assert_allclose(rates / 0.1, [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2])


def test_plateau_counts_only_falls_of_more_than_min_delta():
    losses = [1.0, 0.95, 0.9, 0.85]
    assert curve(ReduceOnPlateau(patience=2), 4, 1, losses)[-1] == 0.1
    assert curve(ReduceOnPlateau(patience=2, min_delta=0.3), 4, 1, losses)[-1] == 0.05


def test_names_and_records_are_taken_and_others_refused():
    assert schedule_of("cosine") == SCHEDULES["cosine"]
    assert schedule_of(Cosine(final=0.5)) == Cosine(final=0.5)
    with pytest.raises(ValueError, match=r"schedule expects one of .* did you mean 'cosine'"):
        schedule_of("cosin")
    with pytest.raises(ValueError, match="warmup expects"):
        Cosine(warmup=2.0)
