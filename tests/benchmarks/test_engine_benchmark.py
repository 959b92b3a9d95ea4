"""The benchmark's own judgement: what it makes of times, whom it lets take turns, what it writes."""

import json
import re
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from benchmarks.engine import output, quick
from benchmarks.engine.__main__ import parse
from benchmarks.engine.goals import (
    EFFICIENCIES,
    GROWTHS,
    MEANS,
    TRAINING_SHAPES,
    Case,
    Contestant,
    Goal,
    comparisons,
    exponent,
    geometric_mean,
)
from benchmarks.engine.peers import PEERS, environment
from benchmarks.engine.processes import interleave, rounds_for, undisturbed
from benchmarks.engine.run import Different, Run, check_same, significant
from benchmarks.engine.timing import (
    Burst,
    Times,
    Usage,
    burst,
    calls_per_sample,
    fastest,
    parse_stat,
)
from benchmarks.engine.work import LayerData, Task

STAT = """cpu  1000 20 300 40000 50 6 7 80 500 0
cpu0 500 10 150 20000 25 3 3 40 250 0
intr 1 2 3
"""


def times(median: float, spread: float = 0.0) -> Times:
    return Times(median, median * (1 - spread), median * (1 + spread))


# ---- the machine's time ----


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


# ---- taking turns ----


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


# ---- the same work ----


def test_other_numbers_are_not_timed():
    ours = {"output": np.ones((2, 3)), "bias": np.ones(3)}
    check_same({"output": ours["output"] * 1.0005}, ours)
    for theirs, said in (
        ({"output": ours["output"] * 1.002}, "output differs by 2.0e-03"),
        ({"output": ours["output"] * np.nan}, "output differs by nan"),
        ({"output": np.ones((3, 2))}, "output has shape"),
        ({"weight": ours["bias"]}, "weight"),
        ({}, "expected"),
    ):
        with pytest.raises(Different, match=re.escape(said)):
            check_same(theirs, ours)


def test_every_process_draws_the_same_layer_and_padding_has_no_gradient():
    task = Task("train", "gru", (4, 20, 3, 5), "ragged")
    one, other = LayerData(task), LayerData(task)
    for name, value in one.parameters.items():
        np.testing.assert_array_equal(value, other.parameters[name])
    np.testing.assert_array_equal(one.x, other.x)
    assert (np.diff(one.lengths) <= 0).all()
    assert one.lengths.min() < 20
    assert not one.gradient[~one.real].any()
    assert one.gradient[one.real].all()
    padded = LayerData(Task("train", "gru", (4, 20, 3, 5), "padded"))
    np.testing.assert_array_equal(one.gradient, padded.gradient)


# ---- goals ----


@pytest.mark.parametrize(
    ("goal", "ours", "theirs", "met"),
    [
        (Goal("ratio", 1.3), times(1.0), times(1.3), True),
        (Goal("ratio", 1.3), times(1.0), times(1.29), False),
        (Goal("tie", 1.0), times(1.0), times(1.0), True),
        (Goal("tie", 1.0), times(1.0), times(0.97), False),
        (Goal("tie", 1.0), times(1.0, 0.02), times(0.97, 0.02), True),
        (Goal("tie", 1.0), times(1.0, 0.5), times(0.7, 0.5), False),
        (Goal("seconds", 0.03), times(0.03), None, True),
        (Goal("seconds", 0.03), times(0.031), None, False),
        (Goal("share", 0.72), 0.72, None, True),
        (Goal("share", 0.72), 0.71, None, False),
        (Goal("exponent", 0.05), 0.951, None, True),
        (Goal("exponent", 0.05), 1.06, None, False),
        (Goal("ratio", 2.4), 2.5, None, True),
        (Goal("ratio", 2.4), 2.3, None, False),
    ],
)
def test_a_goal_is_met_or_missed(goal, ours, theirs, met):
    assert goal.met(ours, theirs) is met


def goals_of(key: str, shape: tuple[int, ...]) -> dict[str, str]:
    case = next(case for case in comparisons() if case.key == key and case.task.shape == shape)
    return {one.name: str(one.goal) for one in case.others}


def test_goals_are_those_set_for_each_shape():
    assert goals_of("lstm-training", (64, 100, 128, 256)) == {
        "pytorch": "1.25 times",
        "pytorch cured": "1.05 times",
        "jax": "1.05 times",
        "jax cured": "1.05 times",
    }
    assert set(goals_of("lstm-training", (1, 100, 16, 32)).values()) == {"2.5 times"}
    assert set(goals_of("gru-training", (1, 1000, 64, 256)).values()) == {"1.7 times"}
    assert goals_of("gru_reset_before-training", (128, 50, 32, 32)) == {
        "pytorch": "3 times",
        "pytorch cured": "3 times",
        "jax": "3 times",
        "jax cured": "3 times",
        "tidegate gru": "0.909 times",
    }
    assert goals_of("lstm-article", (1, 10, 1, 10)) == {
        "jax": "4.5 times",
        "pytorch": "240 times",
        "keras": "450 times",
    }


def test_every_contestant_has_a_process_and_every_kind_of_work_a_place_on_the_page():
    for case in comparisons():
        assert case.work in output.WORKS
        for one in case.contestants:
            assert one.peer in PEERS
            assert one.name in output.PEERS or one.peer.startswith("tidegate")
        assert len({one.name for one in case.contestants}) == len(case.contestants)
    assert {"efficiency", "growth"} < set(output.WORKS)


def test_efficiency_counts_the_products_of_a_training_step():
    one = next(one for one in EFFICIENCIES if one.cell == "gru" and one.shape == (16, 200, 256, 512))
    num_steps, width = 16 * 200, 3 * 512
    forward = 2 * num_steps * width * (256 + 512)
    assert one.operations == 3 * forward


def test_the_exponent_of_a_power_is_its_exponent_and_means_are_geometric():
    sizes = [1000, 2000, 4000, 8000]
    assert exponent(sizes, [3e-6 * size**1.2 for size in sizes]) == pytest.approx(1.2)
    assert geometric_mean([1.0, 4.0]) == pytest.approx(2.0)


def test_a_library_is_told_its_threads_and_no_choice_made_for_another(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("KEPT", "1")
    found = environment("pytorch avx2", 2)
    assert "OPENBLAS_CORETYPE" not in found
    assert found["KEPT"] == "1"
    assert found["OMP_NUM_THREADS"] == found["MKL_NUM_THREADS"] == "2"
    assert found["ATEN_CPU_CAPABILITY"] == "avx2"


# ---- a run, with processes that are made up ----


SECONDS = {"tidegate": 0.001, "pytorch": 0.002, "pytorch cured": 0.0015, "jax": 0.003, "jax cured": 0.003}


class FakeProcess:
    """Its time is in proportion to the sequences, steps and layers; JAX's output is another one."""

    def __init__(self, peer: str, num_threads: int) -> None:
        self._peer = peer

    def versions(self) -> dict[str, str]:
        return {self._peer: "1.0"}

    def build(self, task: Task) -> dict[str, object]:
        value = 2.0 if self._peer.startswith("jax") else 1.0
        return {
            "results": {"output": np.full(3, value)},
            "variant": "only",
            "compile_seconds": 0.0,
            "seconds": SECONDS[self._peer],
            "scale": 1.0,
        }

    def burst(self, task: Task, seconds: float) -> Burst:
        second = SECONDS[self._peer]
        size = task.num_layers * task.shape[0] * task.shape[1]
        return Burst((second * size, second * size), Usage(1.0, 1.0, 0.0, 0.99, 8), 2)

    def release(self) -> None: ...

    def close(self) -> None: ...


@pytest.fixture
def made_up_run(monkeypatch) -> Callable[..., Run]:
    monkeypatch.setattr("benchmarks.engine.run.PeerProcess", FakeProcess)

    def run(num_threads: int = 2, peers: Sequence[str] | None = None) -> Run:
        cases = [case for case in comparisons() if case.key in ("lstm-training", "gru-training")]
        made = Run(rounds=2, seconds=0.0, peers=peers, say=lambda text: None)
        made.measure(num_threads, cases, EFFICIENCIES, GROWTHS)
        made.means()
        return made

    return run


def test_a_run_has_a_row_for_each_peer_that_computes_the_same(made_up_run):
    run = made_up_run()
    rows = [row for row in run.rows if row["work"] == "training" and row["cell"] == "lstm"]
    assert [row["peer"] for row in rows] == ["pytorch", "pytorch cured"] * len(TRAINING_SHAPES)
    assert len(run.refused) == 4 * len(TRAINING_SHAPES)
    assert "jax: output differs by 1.0e+00" in run.refused[0]
    assert {row["ratio"] for row in rows} == {2.0, 1.5}
    tiny = rows[:2]
    assert [row["met"] for row in tiny] == [False, False]
    assert [row["goal"] for row in rows if row["shape"] == [32, 100, 64, 128]] == ["1.3 times"] * 2
    assert rows[0]["faults"] == {"ours": 4.0, "theirs": 4.0}
    assert rows[0]["foreign"] == pytest.approx(0.005)


def test_the_mean_is_over_the_ratios_to_the_fastest_peer(made_up_run):
    mean = next(row for row in made_up_run().rows if row["work"] == "training, geometric mean")
    assert (mean["cell"], mean["ratio"], mean["goal"], mean["met"]) == ("gru", 1.5, str(MEANS[0].goal), False)


def test_growth_of_what_grows_in_proportion_is_one(made_up_run):
    rows = [row for row in made_up_run().rows if row["work"] == "growth"]
    assert [row["of"] for row in rows] == [growth.of for growth in GROWTHS]
    assert {(row["exponent"], row["met"]) for row in rows} == {(1.0, True)}


def test_goals_are_of_two_threads(made_up_run):
    assert {row["goal"] for row in made_up_run(num_threads=1).rows} == {None}


def test_peers_that_are_not_wanted_are_not_started(made_up_run):
    assert set(made_up_run(peers=["none"]).versions) == {"tidegate"}
    assert set(made_up_run(peers=["pytorch"]).versions) == {"tidegate", "pytorch"}


# ---- the page ----


@pytest.fixture
def document(made_up_run) -> dict[str, object]:
    return json.loads(json.dumps(made_up_run().document("a made-up machine", complete=True)))


def test_the_page_has_every_time_and_says_what_was_missed(document):
    page = output.page(document)
    assert "a made-up machine" in page
    assert "## Training step" in page
    judged = [row for row in document["rows"] if row["goal"]]
    met = sum(row["met"] for row in judged)
    assert f"{met} of {len(judged)} met" in page
    missed = page.partition("Missed:")[2].partition("## ")[0]
    assert len(re.findall(r"^\| (?!work|---)", missed, re.MULTILINE)) >= len(judged) - met
    line = next(line for line in page.splitlines() if line.startswith("| 1, 100, 16, 32 | 2 |"))
    assert line == (
        "| 1, 100, 16, 32 | 2 | **100 ms** (100–100 ms) | 200 ms (200–200 ms) × 2.00 "
        "| 150 ms (150–150 ms) × 1.50 | 2.5 times: **missed** (PyTorch, PyTorch, pages kept) |"
    )


def test_a_met_goal_is_not_among_the_missed():
    row = {
        "work": "efficiency",
        "cell": "lstm",
        "shape": [64, 100, 128, 256],
        "threads": 2,
        "peer": None,
        "ours": 0.05,
        "share": 0.75,
        "goal": "72% of peak",
        "met": True,
    }
    assert "Missed" not in output._goals([row])
    assert "| 75% | 72% of peak |" in output._goals([row | {"met": False}])


def test_the_picture_has_a_dot_for_each_peer_and_shape(document):
    rows = [row for row in document["rows"] if row["work"] == "training"]
    assert output.picture(document).count("<title>PyTorch") == len(rows)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (3.456e-6, "3.46 us"),
        (0.0123, "12.3 ms"),
        (0.999e-3, "999 us"),
        (123.4, "123 s"),
        (5.4e-8, "0.0540 us"),
    ],
)
def test_durations_have_three_digits(seconds, text):
    assert output.duration(seconds) == text


def test_the_committed_page_is_what_the_committed_run_gives():
    if not output.RESULTS.exists():
        pytest.skip("no full run has been committed")
    document = output.read()
    assert document["complete"]
    assert output.PAGE.read_text(encoding="utf-8") == output.page(document)
    assert output.PICTURE.read_text(encoding="utf-8") == output.picture(document)


# ---- every day ----


def test_quick_compares_in_products_of_each_run(document):
    faster_machine = [row | {"ours": row["ours"] / 2} for row in document["rows"] if row.get("ours")]
    peak = document["peak"]["2"]
    assert {round(times, 3) for _, times in quick.against(faster_machine, peak * 2, document)} == {1.0}
    assert {round(times, 3) for _, times in quick.against(faster_machine, peak, document)} == {0.5}


def test_quick_has_a_handful_of_rows():
    cases = quick.chosen()
    assert 10 <= len(cases) <= 25
    assert all(isinstance(case, Case) and isinstance(case.ours, Contestant) for case in cases)


# ---- the command line ----


def test_what_is_not_there_is_refused(capsys):
    for arguments in (["--only", "lstm-trainin"], ["--peers", "torch"]):
        with pytest.raises(SystemExit):
            parse(arguments)
        assert "got" in capsys.readouterr().err
    assert parse(["--only", "lstm-training", "--threads", "2", "--peers", "pytorch"]).threads == "2"


def test_figures_have_four_digits():
    assert significant(0.000123456) == 0.0001235
