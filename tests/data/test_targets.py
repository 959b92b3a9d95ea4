import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.data import Sequences, has_step_targets, step_targets


def sequences_of(lengths):
    return Sequences.from_any([np.zeros((length, 2)) for length in lengths])


@settings(deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.sampled_from([(), (3,)]))
def test_ragged_targets_lie_as_the_steps_do(lengths, outputs):
    y = [np.full((length, *outputs), i) for i, length in enumerate(lengths)]
    X = sequences_of(lengths)
    flat = step_targets(y, X)
    assert flat.shape == (X.total_steps, *outputs)
    for i, (start, stop) in enumerate(zip(X.offsets[:-1], X.offsets[1:])):
        assert (flat[start:stop] == i).all()


def test_rectangular_targets_and_labels_keep_their_type():
    X = sequences_of([2, 2])
    assert step_targets(np.array([[1, 2], [3, 4]]), X).tolist() == [1, 2, 3, 4]
    assert step_targets([["a", "b"], ["c", "a"]], X).tolist() == ["a", "b", "c", "a"]
    assert step_targets(Sequences.from_any([[1.0, 2.0], [3.0, 4.0]]), X).tolist() == [[1], [2], [3], [4]]


@pytest.mark.parametrize(
    ("y", "lengths", "expected"),
    [
        ([0, 1], [2, 3], False),
        (["a", "b"], [2, 3], False),
        (np.zeros((2, 1)), [3, 3], False),
        (np.zeros((2, 4)), [3, 3], False),
        (np.zeros((2, 3)), [2, 3], False),
        (np.zeros((2, 1)), [1, 1], False),
        (np.zeros((2, 3)), [3, 3], True),
        ([[0, 1, 1], [1, 0, 0]], [3, 3], True),
        (np.zeros((2, 3, 2)), [3, 3], True),
        ([[0, 1], [1, 0, 0]], [2, 3], True),
        ([np.zeros(2), np.zeros(3)], [2, 3], True),
        (np.array([np.zeros(2), np.zeros(3)], dtype=object), [2, 3], True),
        (np.array(["a", "b"], dtype=object), [2, 3], False),
        (Sequences.from_any([[0.0, 1.0]]), [2], True),
    ],
)
def test_one_target_a_step_is_told_from_one_a_sequence(y, lengths, expected):
    assert has_step_targets(y, sequences_of(lengths)) is expected


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([[1, 2]], "y expects targets for each of the 2 sequences of X; got 1"),
        ([[1, 2], [1, 2]], r"y\[1\] expects 3 targets, one for each step of X\[1\]; got 2"),
        ([1, 2], r"y\[0\] expects one target for each of 2 steps; got int64 of shape \(\)"),
        ([[1, 2], [[1], [2], [3]]], r"y\[1\] expects steps of shape \(\), as in y\[0\]; got \(1,\)"),
        ([[1, 2], ["a", "b", "c"]], r"y\[1\] expects the type of y\[0\], int64; got <U1"),
        ([[1.0, 2.0], [1.0, np.inf, 2.0]], r"y\[1\] expects finite numbers; got inf at step 1: mend"),
        ([[1, 2], np.array([1, None, 2], dtype=object)], r"y\[1\] .* got object"),
    ],
)
def test_targets_that_do_not_match_name_the_sequence(y, message):
    with pytest.raises(ValueError, match=message):
        step_targets(y, sequences_of([2, 3]))
