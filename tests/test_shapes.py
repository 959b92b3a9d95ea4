import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate import shapes


@settings(deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(0, 3))
def test_lengths_and_mask_are_two_forms_of_one_thing(lengths: list[int], padding: int) -> None:
    mask = shapes.mask_from_lengths(np.array(lengths), max(lengths) + padding)
    assert mask.tolist() == [[t < length for t in range(max(lengths) + padding)] for length in lengths]
    assert shapes.lengths_from_mask(mask).tolist() == lengths


def test_no_lengths_means_that_every_sequence_is_whole() -> None:
    assert shapes.as_lengths(None, 3, 7).tolist() == [7, 7, 7]


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([7, 3, 9], "lengths[2]=9 exceeds the 7 time steps of x: pass a longer x or a smaller length"),
        ([7, 0, 3], "lengths[1]=0 is an empty sequence; expected at least 1 step: leave it out"),
        ([7, 3, -1], "lengths[2]=-1 is an empty sequence"),
        ([7, 3], "lengths expects one entry for each of the 3 sequences of x; got 2"),
        ([7.0, 3.0, 2.0], "lengths expects whole numbers, shape (B,); got float64 of shape (3,)"),
        ([[7, 3, 2]], "got int64 of shape (1, 3)"),
        ([True, True, True], "lengths expects whole numbers, shape (B,); got bool"),
    ],
)
def test_lengths_that_do_not_fit_are_named(lengths: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        shapes.as_lengths(lengths, 3, 7)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        ([[True, True], [False, True]], "mask[1] has a real step after padding"),
        ([[True, False], [False, False]], "mask[1] is an empty sequence"),
        ([[1, 0], [1, 1]], "mask expects booleans, shape (B, T); got int64 of shape (2, 2)"),
        ([True, False], "got bool of shape (2,)"),
    ],
)
def test_a_mask_that_is_no_lengths_is_refused(mask: list[list[bool]], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        shapes.lengths_from_mask(mask)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((2, 3)), "x expects shape (B, 4); got (2, 3)"),
        (np.zeros(4), "x expects shape (B, 4); got (4,)"),
        ([["one", "two"]], "x expects numbers; got [['one', 'two']]"),
        ([[1.0], [1.0, 2.0]], "x expects numbers; got [[1.0], [1.0, 2.0]]"),
    ],
)
def test_arrays_of_another_shape_are_named(values: object, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        shapes.as_shape("x", values, ("B", 4))
