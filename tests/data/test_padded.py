import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate import Sequences

lengths_lists = st.lists(st.integers(1, 6), min_size=1, max_size=7)


def draw_sequences(lengths: list[int], num_features: int, dtype: str = "float64") -> list[np.ndarray]:
    """Numbers from 1 on, so that 0 and NaN are free for padding."""
    random = np.random.default_rng(len(lengths))
    return [random.uniform(1, 2, (length, num_features)).astype(dtype) for length in lengths]


def assert_same(sequences: Sequences, expected: list[np.ndarray]) -> None:
    assert len(sequences) == len(expected)
    for got, item in zip(sequences, expected):
        np.testing.assert_array_equal(got, item)


@settings(deadline=None)
@given(
    lengths_lists,
    st.integers(1, 3),
    st.sampled_from(["float32", "float64"]),
    st.booleans(),
    st.sampled_from([0.0, -1.5, np.nan]),
    st.sets(st.sampled_from(["lengths", "mask", "padding_value"]), min_size=1),
)
def test_padded_and_back(lengths, num_features, dtype, time_major, padding_value, told):
    items = draw_sequences(lengths, num_features, dtype)
    x, got_lengths = Sequences.from_any(items).to_padded(padding_value, time_major)
    mask = np.arange(max(lengths)) < np.array(lengths)[:, None]
    assert got_lengths.tolist() == lengths
    assert x.shape == ((*mask.T.shape, num_features) if time_major else (*mask.shape, num_features))
    np.testing.assert_array_equal(x[~(mask.T if time_major else mask)], padding_value)
    everything = {
        "lengths": lengths,
        "mask": mask.T if time_major else mask,
        "padding_value": padding_value,
    }
    sequences = Sequences.from_padded(x, **{name: everything[name] for name in told}, time_major=time_major)
    assert_same(sequences, items)
    assert sequences.dtype == dtype


@settings(deadline=None)
@given(st.data(), st.integers(1, 5), st.integers(1, 6), st.booleans())
def test_a_mask_tells_padding_wherever_it_stands(data, num_sequences, num_steps, time_major):
    rows = st.lists(st.booleans(), min_size=num_steps, max_size=num_steps).filter(any)
    mask = np.array([data.draw(rows) for _ in range(num_sequences)])
    x = np.where(mask[:, :, None], np.random.default_rng(0).normal(size=(*mask.shape, 2)), np.nan)
    expected = [steps[real] for steps, real in zip(x, mask)]
    if time_major:
        x, mask = x.swapaxes(0, 1), mask.T
    assert_same(Sequences.from_padded(x, mask=mask, time_major=time_major), expected)


def test_a_padding_value_may_stand_before_and_after_but_not_between():
    x = np.array([[0, 0, 1, 0, 2, 0], [3, 0, 0, 0, 0, 4]])
    assert_same(Sequences.from_padded(x, padding_value=0), [np.array([[1.0], [0], [2]]), x[1][:, None]])


def test_padding_has_the_value_in_all_its_features():
    x = np.array([[[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]]])
    assert_same(Sequences.from_padded(x, padding_value=0), [x[0, :2]])


def test_a_padding_value_that_float32_rounds_is_found():
    x = np.array([[1.0, -0.1]], dtype=np.float32)
    assert_same(Sequences.from_padded(x, padding_value=-0.1), [np.array([[1.0]])])


def test_an_array_without_padding_is_not_copied():
    x = np.ones((2, 3, 2))
    assert np.shares_memory(Sequences.from_padded(x, lengths=[3, 3]).values, x)


def test_ids_travel():
    sequences = Sequences.from_padded(np.ones((2, 3)), lengths=[1, 3], ids=["a", "b"])
    assert sequences.ids.tolist() == ["a", "b"]


X = np.ones((2, 3, 1))
INSIDE = np.array([[True, False, True], [True, True, True]])


@pytest.mark.parametrize(
    ("x", "told", "message"),
    [
        (X, {}, "expects lengths, mask or padding_value; got none"),
        (X, {"lengths": [1, 4]}, r"lengths\[1\]=4 exceeds the 3 time steps"),
        (X, {"lengths": [1, 0]}, r"x\[1\] is all padding"),
        (X, {"lengths": [1]}, "one entry for each of the 2 sequences"),
        (X, {"lengths": [1.0, 2.0]}, "whole numbers"),
        (X, {"mask": INSIDE.T}, r"mask expects booleans, shape \(2, 3\); got bool of shape \(3, 2\)"),
        (X, {"mask": INSIDE.T, "time_major": True}, r"mask expects booleans, shape \(2, 3\)"),
        (X, {"mask": INSIDE.astype(int)}, "mask expects booleans"),
        (X, {"mask": np.zeros((2, 3), bool)}, r"x\[0\] is all padding"),
        (X, {"padding_value": 1}, r"x\[0\] is all padding"),
        (X, {"padding_value": "0"}, "padding_value expects a finite number"),
        (X, {"padding_value": np.inf}, "padding_value expects a finite number"),
        (
            X,
            {"lengths": [2, 3], "mask": INSIDE},
            r"mask expects the padding that lengths has; got x\[0\] at step 1, which is a real step by "
            "lengths and padding by mask",
        ),
        (
            np.array([[1, 0, 0], [1, 1, 1]]),
            {"lengths": [2, 3], "padding_value": 0},
            r"x\[0\] at step 1, which is a real step by lengths and padding by padding_value",
        ),
        (np.array([[1.0, np.inf]]), {"lengths": [2]}, "x .* got infinity in sequence 0 at step 1, feature 0"),
        (X, {"lengths": [1, 2], "padding": "gate"}, "padding expects one of skip, keep, input; got 'gate'"),
        (X, {"lengths": [1, 2], "observed": INSIDE.T}, r"observed expects .* \(2, 3, 1\); got bool"),
        (X, {"lengths": [1, 2], "times": [[0, 1]]}, r"times expects .* \(2, 3\); got shape \(1, 2\)"),
        (
            X,
            {"lengths": [1, 2], "times": [[5, 0, 0], [3, 3, 0]]},
            "rise within a sequence; got 3.0 twice in sequence 1 at step 1: leave one",
        ),
        (np.ones(3), {"lengths": [3]}, r"x expects shape \(N, T, I\) or \(N, T\)"),
        (np.ones((2, 0)), {"lengths": [0, 0]}, r"got \(2, 0\)"),
        (np.ones(3), {"lengths": [3], "time_major": True}, r"x expects shape \(T, N, I\)"),
        ([["a"]], {"lengths": [1]}, "x expects real numbers"),
        (X, {"lengths": [1, 2], "ids": ["a"]}, "ids expects one entry for each of 2 sequences"),
    ],
)  # fmt: skip
def test_padding_that_does_not_fit_is_refused(x, told, message):
    with pytest.raises(ValueError, match=message):
        Sequences.from_padded(x, **told)
