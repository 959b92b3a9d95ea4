"""Measures of replicas and cells against numbers by hand."""

import math

import numpy as np
import pytest
from comparison.made_up import cell, classes, judged, numbers, replica
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix

import tidegate
from tidegate.comparison import CellResult, Scores
from tidegate.comparison.answers import MOST_PREDICTIONS, calibration, confusion, predictions
from tidegate.comparison.claims import claims
from tidegate.comparison.costs import latency_seconds
from tidegate.comparison.sizes import nearest
from tidegate.data import Sequences
from tidegate.network import sequence_network

DATA = {"shortest": 7, "longest": 29}


def test_scores_are_the_median_and_the_range():
    assert Scores.of([0.3, 0.1, 0.2]) == Scores(0.2, 0.1, 0.3, (0.3, 0.1, 0.2))
    assert str(Scores.of([0.25, 0.75])) == "0.500 (0.250 to 0.750)"


def test_convergence_is_the_epoch_that_was_kept():
    own = replica(updates=40, epochs=4, best_epoch=3, train_score=0.9, test_score=0.7)
    assert own.updates_to_convergence == 30
    assert own.generalization_gap == pytest.approx(0.2)


def test_the_time_to_a_score_ends_with_the_first_epoch_that_has_it():
    own = replica(seconds=8.0)  # validation scores 0.6, 0.7, 0.9, 0.8
    assert own.seconds_to(0.65) == 4.0
    assert own.seconds_to(0.9) == 6.0
    assert own.seconds_to(0.95) == math.inf
    document = CellResult("lstm", (own,)).to_dict(score_to_reach=0.7)
    assert document["seconds_to_score"]["median"] == 4.0
    assert document["epochs_to_convergence"]["values"] == (3,)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30))
def test_confusions_are_summed_over_replicas(rows):
    true, predicted = map(np.array, zip(*rows))
    own = [classes(true, predicted, labels="abc"), classes(true, true, labels="abc")]
    expected = confusion_matrix(true, predicted, labels=range(3)) + np.diag(np.bincount(true, minlength=3))
    assert confusion(own) == {"labels": ["a", "b", "c"], "counts": expected.tolist()}


def test_labels_that_only_some_replicas_know_keep_their_own_row():
    own = [classes([0, 1], [0, 0], labels=("b", "c")), classes([0, 1], [1, 1], labels=("a", "b"))]
    assert confusion(own) == {"labels": ["b", "c", "a"], "counts": [[2, 0, 0], [1, 0, 0], [1, 0, 0]]}


def test_calibration_by_hand():
    """0.6 and 0.52 lie in (0.5, 0.6], of which one is right; 0.95 in (0.9, 1.0]."""
    own = calibration([classes([1, 0, 1], [1, 1, 1], [0.6, 0.52, 0.95])])
    middle, top = own["bins"]
    assert (middle["probability"], middle["accuracy"], middle["count"]) == (pytest.approx(0.56), 0.5, 2)
    assert (top["probability"], top["accuracy"], top["count"]) == (0.95, 1.0, 1)
    assert own["expected_calibration_error"] == pytest.approx((2 * 0.06 + 0.05) / 3)


def test_many_predictions_are_thinned_out_evenly():
    few = predictions([numbers([[1.0], [2.0]], [[1.5], [2.0]]), numbers([[3.0]], [[0.0]])])
    assert few == {"true": [1.0, 2.0, 3.0], "predicted": [1.5, 2.0, 0.0]}
    many = np.arange(3 * MOST_PREDICTIONS, dtype=float)
    assert predictions([numbers(many, many)])["true"] == many[::3].tolist()


@given(st.integers(0, 500), st.integers(1, 9), st.integers(0, 50))
def test_the_nearest_size_is_that_of_a_full_search(target, square, linear):
    def count(size):
        return square * size * size + linear * size

    found = nearest(target, count)
    assert found == min(range(1, 60), key=lambda size: (abs(count(size) - target), size))


def test_latency_is_that_of_the_sequence_of_median_length(monkeypatch):
    seen = []
    own = tidegate.comparison.costs.Engine.predict
    monkeypatch.setattr(
        "tidegate.comparison.costs.Engine.predict",
        lambda engine, steps, *rest: seen.append(steps.lengths.tolist()) or own(engine, steps, *rest),
    )
    X = Sequences.from_any([np.zeros((length, 2)) for length in (9, 2, 4)])
    network = sequence_network("gru", 2, 3, 2, "softmax_cross_entropy")
    assert latency_seconds(network, X) > 0
    assert seen == [[4]] * 22


def answered(lstm, gru, match="hidden"):
    found = judged([lstm, gru], "accuracy", sizes=(30, 10))
    return {one["claim"]: one for one in claims([lstm, gru], found, match, DATA)}


def test_the_claims_are_answered_one_by_one():
    lstm = cell("lstm", [0.5, 0.51, 0.52], seconds=2.0, num_parameters=400)
    gru = cell("gru", [0.9, 0.912, 0.921], seconds=1.0, num_parameters=300)
    own = answered(lstm, gru)
    assert [one["answer"] for one in own.values()] == ["yes", "yes", "yes", "these data cannot say"]
    assert own["A GRU has fewer parameters."]["evidence"].startswith("300 against 400")
    assert "faster with 3 of 3 seeds" in own["A GRU trains faster."]["evidence"]
    assert "0.088 against 0.490" in own["A GRU generalises as well or better."]["evidence"]
    assert "7 to 29 steps" in own["An LSTM keeps longer dependencies."]["evidence"]


def test_the_claims_can_fail_and_be_left_open():
    lstm = cell("lstm", [0.9, 0.912, 0.921], seconds=1.0, num_parameters=300)
    gru = cell("gru", [0.5, 0.51, 0.52], seconds=2.0, num_parameters=400)
    assert [one["answer"] for one in answered(lstm, gru).values()][:3] == ["no", "no", "no"]
    same = [cell(name, [0.5, 0.7, 0.6]) for name in ("lstm", "gru")]
    assert [one["answer"] for one in answered(*same).values()][1:3] == ["no", "not shown"]
    assert next(iter(answered(lstm, gru, "parameters").values()))["answer"] == "not asked"
    assert next(iter(answered(lstm, gru, "none").values()))["answer"] == "not asked"
    assert claims([lstm], (), "hidden", DATA) == []
