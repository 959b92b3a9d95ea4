"""What the benchmark makes of /proc/stat, and whom it lets take turns. No test takes a time."""

from collections.abc import Sequence

import pytest

from benchmarks.engine.processes import interleave, rounds_for, undisturbed
from benchmarks.engine.timing import (
    Burst,
    Usage,
    burst,
    calls_per_sample,
    fastest,
    parse_stat,
)
from benchmarks.engine.work import Task

STAT = """cpu  1000 20 300 40000 50 6 7 80 500 0
cpu0 500 10 150 20000 25 3 3 40 250 0
intr 1 2 3
"""


def test_stat_counts_work_and_stolen_time_but_neither_idling_nor_guests():
    busy, steal = parse_stat(STAT, 100)
    assert (busy, steal) == (pytest.approx((1000 + 20 + 300 + 6 + 7) / 100), pytest.approx(0.8))


@pytest.mark.parametrize(
    ("used", "share"),
    [
        (Usage(wall=1.0, busy=1.5, own=1.5), 0.0),
        (Usage(wall=1.0, busy=1.5, own=1.3), 0.1),
        (Usage(wall=1.0, busy=1.0, own=1.0, steal=0.1), 0.05),
        (Usage(wall=1.0, busy=1.0, own=1.02), 0.0),  # the two clocks tick differently
        (Usage(), 0.0),
    ],
)
def test_foreign_share_is_what_is_busy_and_not_ours_of_two_cores(used, share):
    assert used.foreign_share(2) == pytest.approx(share)


def test_usage_of_several_bursts_adds_up():
    before, after = Usage(1, 10, 1, 5, 100), Usage(3, 13, 1.5, 7, 150)
    assert (after - before) + (after - before) == Usage(4, 6, 1, 4, 100)


class Fake:
    """Keeps the order of turns; its bursts are disturbed by so much of one core each time."""

    def __init__(self, name: str, turns: list[str], foreign: Sequence[float] = (0.0,)) -> None:
        self._name, self._turns, self._foreign = name, turns, list(foreign)

    def burst(self, task: Task, seconds: float) -> Burst:
        self._turns.append(self._name)
        foreign = self._foreign.pop(0) if len(self._foreign) > 1 else self._foreign[0]
        return Burst((seconds,), Usage(wall=1.0, busy=1.0 + foreign, own=1.0), 1)


TASK = Task("train", "lstm", (1, 2, 3, 4))


def test_every_round_has_everyone_and_another_one_first():
    turns: list[str] = []
    contestants = {name: (Fake(name, turns), TASK, 0.001) for name in "abc"}
    bursts = interleave(contestants, 3, 0.01)
    assert "".join(turns) == "abcbcacab"
    assert {name: len(some) for name, some in bursts.items()} == {"a": 3, "b": 3, "c": 3}


def test_slow_contestants_have_fewer_rounds():
    turns: list[str] = []
    contestants = {"fast": (Fake("f", turns), TASK, 0.001), "slow": (Fake("s", turns), TASK, 2.0)}
    bursts = interleave(contestants, 7, 0.01)
    assert {name: len(some) for name, some in bursts.items()} == {"fast": 7, "slow": 3}
    assert rounds_for(1.0, 7) == 4


def test_a_disturbed_case_is_timed_again_until_it_is_quiet():
    fake = Fake("a", [], foreign=[0.4, 0.3, 0.02, 0.0])
    bursts, attempts = undisturbed(lambda: interleave({"a": (fake, TASK, 0.1)}, 1, 0.1), 2)
    assert attempts == 3
    assert bursts["a"][0].used.foreign_share(2) == pytest.approx(0.01)


def test_where_it_never_is_the_least_disturbed_one_counts():
    fake = Fake("a", [], foreign=[0.4, 0.2, 0.6, 0.0])
    bursts, attempts = undisturbed(lambda: interleave({"a": (fake, TASK, 0.1)}, 1, 0.1), 2)
    assert attempts == 3
    assert bursts["a"][0].used.foreign_share(2) == pytest.approx(0.1)


def test_a_burst_has_a_sample_even_where_one_call_is_longer():
    calls: list[int] = []
    found = burst(lambda: calls.append(1), num_calls=5, seconds=0.0)
    assert len(calls) == found.num_calls == 5
    assert len(found.seconds) == 1
    assert calls_per_sample(1e-6) == 200
    assert calls_per_sample(1.0) == 1


def test_a_variant_that_fails_is_out_and_all_of_them_failing_says_why():
    def failing() -> None:
        raise ValueError("no such layout")

    assert fastest({"works": int, "fails": failing}) == "works"
    with pytest.raises(RuntimeError, match="no such layout"):
        fastest({"one": failing, "two": failing})


def test_what_comes_before_a_sample_is_done_before_each():
    calls: list[str] = []
    found = burst(lambda: calls.append("run"), 2, 0.0, lambda: calls.append("before"))
    assert calls == ["before", "run", "run"]
    assert found.num_calls == 2
