import math
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tidegate.report.axes import Axis, counting, fitting, linear, logarithmic

numbers = st.floats(-1e15, 1e15).filter(lambda value: value == 0 or abs(value) > 1e-15)
SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")

many = settings(deadline=None, max_examples=300)


def printed(label: str) -> float:
    """What a reader takes a label for."""
    text, power = label.replace("\N{MINUS SIGN}", "-").replace(",", ""), 0
    if written := re.fullmatch(r"(?:(.*)×)?10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", text):
        text, power = written[1] or "1", int(written[2].translate(SUPERSCRIPTS))
    return float(f"{text}e{power}")


def check(axis: Axis, values: list[float]) -> None:
    assert axis.low <= min(values)
    assert max(values) <= axis.high
    assert len(axis.ticks) == len(axis.labels) >= 2
    assert list(axis.ticks) == sorted(set(axis.ticks))
    assert axis.low <= axis.ticks[0]
    assert axis.ticks[-1] <= axis.high
    assert len(set(axis.labels)) == len(axis.labels)
    for tick, label in zip(axis.ticks, axis.labels):
        assert printed(label) == pytest.approx(tick, rel=1e-9, abs=1e-300)
    shares = [axis.share(value) for value in sorted(values)]
    assert shares == sorted(shares)
    assert shares[0] >= -1e-9
    assert shares[-1] <= 1 + 1e-9
    assert (axis.share(axis.low), axis.share(axis.high)) == (0, 1)


@many
@given(st.lists(numbers, min_size=1, max_size=5), st.integers(2, 8))
@example([0.1, 0.3], 3)
@example([1.0], 5)
@example([-7e14, 1e-14], 5)
def test_a_linear_axis_covers_its_values_with_round_ticks(values, about):
    axis = linear(values, about=about)
    check(axis, values)
    assert (axis.low, axis.high) == (axis.ticks[0], axis.ticks[-1])
    assert len(axis.ticks) <= about + 2
    steps = [second - first for first, second in zip(axis.ticks, axis.ticks[1:])]
    assert steps == pytest.approx([steps[0]] * len(steps), rel=1e-3)
    assert f"{(axis.high - axis.low) / len(steps):.0e}"[0] in "125"


@many
@given(st.lists(st.floats(1e-15, 1e15), min_size=1, max_size=5))
@example([0.001, 1000.0])
def test_a_logarithmic_axis_covers_its_values_with_round_ticks(values):
    axis = logarithmic(values)
    check(axis, values)
    assert axis.logarithmic
    assert len(axis.ticks) <= 7
    assert {f"{tick:.0e}"[0] for tick in axis.ticks} <= set("125")
    middle = math.sqrt(axis.low) * math.sqrt(axis.high)
    assert axis.share(middle) == pytest.approx(0.5)


@many
@given(st.integers(1, 10**6), st.integers(3, 8))
@example(1, 5)
@example(29, 5)
@example(41, 3)
def test_a_counting_axis_ends_at_the_last_with_whole_ticks(last, about):
    axis = counting(last, about=about)
    check(axis, [0, last])
    assert (axis.low, axis.high) == (0, last)
    assert all(tick.is_integer() for tick in axis.ticks)
    assert len(axis.ticks) <= about + 1


@many
@given(st.lists(st.floats(0.5, 1), min_size=1))
def test_no_tick_lies_where_no_score_can_be(scores):
    axis = linear(scores, limit=1)
    check(axis, scores)
    assert axis.high <= 1


def test_ticks_are_the_nearest_numbers_to_what_they_say():
    assert linear([0, 0.6], about=7).ticks == (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
    assert linear([0.981, 0.962]).labels == ("0.960", "0.965", "0.970", "0.975", "0.980", "0.985")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_left_out(value):
    assert linear([value, 1, 2]) == linear([1, 2])
    assert linear([value]) == linear([0, 1])


def test_an_axis_is_logarithmic_where_the_values_ask_for_it():
    assert fitting([0.001, 1]).logarithmic
    assert not fitting([1, 2]).logarithmic
    assert not fitting([0, 1000]).logarithmic
    assert not fitting([]).logarithmic
