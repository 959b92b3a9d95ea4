import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.report.digits import (
    BYTES,
    SECONDS,
    counted,
    decimals,
    fixed,
    listed,
    probability,
    sentence,
    significant,
    unit_for,
)


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("write", [significant, probability, lambda value: fixed(value, 3)])
def test_what_is_no_number_is_none(write, value):
    assert write(value) == "none"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.98108, "0.981"),
        (12345.6, "12,346"),
        (-0.5, "\N{MINUS SIGN}0.500"),
        (1e-7, "10⁻⁷"),
        (-2.5e12, "\N{MINUS SIGN}2.5×10¹²"),
        (3.0, "3"),
        (0, "0"),
        (999999.9, "10⁶"),
    ],
)
def test_significant(value, text):
    assert significant(value) == text


def test_what_rounds_to_nothing_has_no_sign():
    assert fixed(-0.0004, 3) == "0.000"
    assert fixed(-0.0006, 3) == "\N{MINUS SIGN}0.001"


@given(st.floats(-1e9, 1e9), st.integers(0, 6))
def test_fixed_is_within_half_of_its_last_digit(value, places):
    read = float(fixed(value, places).replace(",", "").replace("\N{MINUS SIGN}", "-"))
    assert abs(read - value) <= 0.5 * 10.0**-places + abs(value) * 1e-15


@given(st.lists(st.floats(0.02, 900), min_size=1))
def test_decimals_leave_two_digits_of_the_smallest(values):
    assert round(min(values), decimals(values)) == pytest.approx(min(values), rel=0.051)


@pytest.mark.parametrize(
    ("values", "units", "name"),
    [
        ([0.0000004], SECONDS, "µs"),
        ([0.002, 0.9], SECONDS, "ms"),
        ([0.002, 1.0], SECONDS, "s"),
        ([7200], SECONDS, "h"),
        ([2_000_000], BYTES, "MB"),
        ([], SECONDS, "µs"),
    ],
)
def test_the_unit_is_that_of_which_the_largest_has_one(values, units, name):
    assert unit_for(values, units).name == name


def test_words():
    assert [probability(p) for p in (0.0004, 0.04, 1)] == ["< 0.001", "0.040", "1.000"]
    assert [listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "none",
        "a",
        "a and b",
        "a, b and c",
    ]
    assert (counted(1, "seed"), counted(1200, "seed")) == ("1 seed", "1,200 seeds")
    assert (sentence("no difference"), sentence("")) == ("No difference", "")
