"""The criterion against its definition, written out over the whole list of losses."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.training.convergence import Convergence

LOSSES = st.lists(st.floats(-5.0, 5.0), min_size=1, max_size=40)


def epochs_until_converged(losses, patience, min_delta):
    convergence = Convergence(patience, min_delta)
    for loss in losses:
        convergence.update(loss)
        if convergence.converged:
            break
    return convergence


@settings(deadline=None)
@given(LOSSES, st.integers(1, 5), st.floats(0.0, 1.0))
def test_stops_at_the_first_epoch_without_a_fall_for_patience_epochs(losses, patience, min_delta):
    falls, reference = [], math.inf
    for epoch, loss in enumerate(losses, start=1):
        if loss < reference - min_delta:
            reference = loss
            falls.append(epoch)
    stops = [
        epoch
        for epoch in range(1, len(losses) + 1)
        if epoch - max([fall for fall in falls if fall <= epoch], default=0) >= patience
    ]
    convergence = epochs_until_converged(losses, patience, min_delta)
    assert convergence.converged == bool(stops)
    assert convergence.epoch == (stops[0] if stops else len(losses))


@settings(deadline=None)
@given(LOSSES, st.floats(0.0, 1.0))
def test_best_epoch_is_the_first_of_the_lowest_loss_whatever_min_delta(losses, min_delta):
    convergence = epochs_until_converged(losses, None, min_delta)
    assert not convergence.converged
    assert convergence.best_epoch == losses.index(min(losses)) + 1


def test_update_tells_a_new_lowest_loss():
    convergence = Convergence(3, 0.0)
    assert [convergence.update(loss) for loss in (2.0, 1.0, 1.0, 1.5, 0.5)] == [
        True,
        True,
        False,
        False,
        True,
    ]
