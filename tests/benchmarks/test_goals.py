"""What is compared, in which shapes, and when a goal is met."""

import re

import numpy as np
import pytest

from benchmarks.engine import output
from benchmarks.engine.goals import (
    EFFICIENCIES,
    Goal,
    comparisons,
    exponent,
    geometric_mean,
)
from benchmarks.engine.peers import PEERS, environment
from benchmarks.engine.run import Different, check_same
from benchmarks.engine.timing import (
    Times,
)
from benchmarks.engine.work import LayerData, Task


def times(median: float, spread: float = 0.0) -> Times:
    return Times(median, median * (1 - spread), median * (1 + spread))


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
    assert goals_of("gru-replicas", (320, 50, 16, 64)) == {"tidegate in turn": "1.8 times"}
    assert goals_of("lstm-after pytorch", (32, 100, 64, 128)) == {"tidegate undisturbed": "0.909 times"}
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
