"""A run with processes that are made up, its page, and what the commands take."""

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
    comparisons,
)
from benchmarks.engine.processes import Failed
from benchmarks.engine.run import NUM_CORES, Run, significant
from benchmarks.engine.timing import (
    Burst,
    Usage,
)
from benchmarks.engine.work import Task

SECONDS = {"tidegate": 0.001, "pytorch": 0.002, "pytorch cured": 0.0015, "jax": 0.003, "jax cured": 0.003}


class FakeProcess:
    """Its time is in proportion to the sequences, steps and layers; JAX's output is another one."""

    def __init__(self, peer: str, num_threads: int) -> None:
        self._peer = peer

    @property
    def is_alive(self) -> bool:
        return True

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
    assert rows[0]["foreign"] == pytest.approx(round(0.01 / NUM_CORES, 4))


def test_the_mean_is_over_the_ratios_to_the_fastest_peer(made_up_run):
    mean = next(row for row in made_up_run().rows if row["work"] == "training, geometric mean")
    assert (mean["cell"], mean["ratio"], mean["goal"], mean["met"]) == ("gru", 1.5, str(MEANS[0].goal), False)


def test_growth_of_what_grows_in_proportion_is_one(made_up_run):
    rows = [row for row in made_up_run().rows if row["work"] == "growth"]
    assert [row["of"] for row in rows] == [growth.of for growth in GROWTHS]
    assert {(row["exponent"], row["met"]) for row in rows} == {(1.0, True)}


def test_goals_are_of_two_threads(made_up_run):
    assert {row["goal"] for row in made_up_run(num_threads=1).rows} == {None}


def test_a_case_that_fails_does_not_end_the_run(made_up_run, monkeypatch):
    def fail(self: FakeProcess, task: Task, seconds: float) -> Burst:
        if task.kind == "train" and task.cell == "lstm" and not task.option and task.shape[0] == 128:
            raise Failed("out of memory")
        return FakeProcess.BURST(self, task, seconds)

    monkeypatch.setattr(FakeProcess, "BURST", FakeProcess.burst, raising=False)
    monkeypatch.setattr(FakeProcess, "burst", fail)
    run = made_up_run()
    assert "lstm-training (128, 50, 32, 32): out of memory" in run.refused
    assert {row["cell"] for row in run.rows if row["shape"] == [128, 50, 32, 32]} == {"gru"}


def test_peers_that_are_not_wanted_are_not_started(made_up_run):
    assert set(made_up_run(peers=["none"]).versions) == {"tidegate"}
    assert set(made_up_run(peers=["pytorch"]).versions) == {"tidegate", "pytorch"}


@pytest.fixture
def document(made_up_run) -> dict[str, object]:
    made_up = made_up_run().document("a made-up machine", complete=True)
    made_up["versions"]["instruction set"] = "avx2"
    return json.loads(json.dumps(made_up))


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


@pytest.mark.parametrize("run", output.kept(), ids=lambda path: path.stem)
def test_the_committed_page_is_what_the_committed_run_gives(run):
    document = output.read(run)
    results, page, picture = output.own_files(document)
    assert document["complete"]
    assert results == run
    assert page.read_text(encoding="utf-8") == output.page(document)
    assert picture.read_text(encoding="utf-8") == output.picture(document)


@pytest.mark.parametrize(
    ("hardware", "instruction_set", "names"),
    [
        ("Intel(R) Xeon(R) Processor, 2 cores, avx512", "avx512", ["engine.json", "speed.md", "speed.svg"]),
        (
            "AMD EPYC, 2 cores, avx512",
            "avx2",
            ["engine-amd-avx2.json", "speed-amd-avx2.md", "speed-amd-avx2.svg"],
        ),
    ],
)
def test_a_run_has_files_of_its_machine(hardware, instruction_set, names):
    assert [path.name for path in output.files(hardware, instruction_set)] == names
    assert output.files(*output.REFERENCE)[0] in output.kept()


def test_quick_compares_in_products_of_each_run(document):
    faster_machine = [row | {"ours": row["ours"] / 2} for row in document["rows"] if row.get("ours")]
    peak = document["peak"]["2"]
    assert {round(times, 3) for _, times in quick.against(faster_machine, peak * 2, document)} == {1.0}
    assert {round(times, 3) for _, times in quick.against(faster_machine, peak, document)} == {0.5}


def test_quick_has_a_handful_of_rows():
    cases = quick.chosen()
    assert 10 <= len(cases) <= 25
    assert all(isinstance(case, Case) and isinstance(case.ours, Contestant) for case in cases)


def test_what_is_not_there_is_refused(capsys):
    for arguments in (["--only", "lstm-trainin"], ["--peers", "torch"]):
        with pytest.raises(SystemExit):
            parse(arguments)
        assert "got" in capsys.readouterr().err
    assert parse(["--only", "lstm-training", "--threads", "2", "--peers", "pytorch"]).threads == "2"


def test_figures_have_four_digits():
    assert significant(0.000123456) == 0.0001235
