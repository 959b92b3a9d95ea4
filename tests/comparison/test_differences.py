import math

import numpy as np
import pytest
from comparison.made_up import cell, classes, judged, numbers, replica
from sklearn.metrics import r2_score

import tidegate
from tidegate import compare
from tidegate.comparison import CellResult
from tidegate.statistics import holm


def test_on_splits_it_is_the_corrected_resampled_t():
    """By hand: s = 0.1, so the error is 0.1 sqrt(1/3 + 10/30), times 4.3027, t's 97.5 % point with 2 degrees
    of freedom."""
    (verdict,) = judged(
        [cell("lstm", [0.9, 0.8, 0.7]), cell("gru", [0.8, 0.6, 0.4])], "accuracy", sizes=(30, 10)
    )
    own = verdict.difference
    assert (verdict.first, verdict.second, own.method) == ("lstm", "gru", "corrected resampled t")
    assert own.estimate == pytest.approx(0.2)
    assert own.interval == pytest.approx((0.2 - 0.35130, 0.2 + 0.35130), abs=1e-4)
    assert verdict.outcome == "not shown"
    assert "Verdict: no difference shown" in verdict.text


def test_only_seeds_that_both_have_are_paired():
    cells = [cell("lstm", [0.1, 0.2, 0.3], first_seed=1), cell("gru", [0.2, 0.4, 0.5])]
    (verdict,) = judged(cells, "accuracy", sizes=(30, 10))
    assert verdict.difference.num_runs == 2
    assert verdict.difference.estimate == pytest.approx(((0.1 - 0.4) + (0.2 - 0.5)) / 2)
    assert verdict.outcome == "unknown"
    assert judged([cells[0], cell("gru", [0.1])], "accuracy", sizes=(30, 10)) == ()


def test_the_p_values_of_all_pairs_are_adjusted_for_one_another():
    cells = [cell("rnn", [0.1, 0.2, 0.3]), cell("lstm", [0.5, 0.9, 0.8]), cell("gru", [0.6, 0.8, 0.7])]
    found = judged(cells, "accuracy", sizes=(30, 10))
    assert [(one.first, one.second) for one in found] == [("rnn", "lstm"), ("rnn", "gru"), ("lstm", "gru")]
    assert tuple(one.p_adjusted for one in found) == holm([one.difference.p_value for one in found])


def classifier(name, wrong):
    """Three seeds on 100 rows; `wrong` of each seed's answers are wrong, the first ones."""
    true = np.arange(100) % 2
    answers = [classes(true, np.where(np.arange(100) < count, 1 - true, true)) for count in wrong]
    return CellResult(name, tuple(replica(name, s, own.right.mean(), own) for s, own in enumerate(answers)))


def test_on_one_test_part_it_is_the_bootstrap_over_its_sequences():
    cells = [classifier("lstm", [2, 3, 4]), classifier("gru", [30, 31, 32])]
    (verdict,) = judged(cells, "accuracy")
    own = verdict.difference
    assert (own.method, own.num_runs, own.num_test) == ("paired bootstrap", 3, 100)
    assert own.estimate == pytest.approx(0.28)
    low, high = own.interval
    assert 0.15 < low < 0.28 < high < 0.41  # the error of 28 of 100 is about 0.045
    assert verdict.winner == "lstm"
    assert verdict.text.startswith("accuracy of lstm minus gru: 0.280 on average (95 % interval 0.")
    assert verdict.text.endswith("Verdict: lstm is better than gru.")


def test_a_margin_reaches_every_method():
    """The difference is 0.28, with an interval of about 0.19 to 0.37; or nearly 1 of R^2."""
    labels = [classifier("lstm", [2, 3, 4]), classifier("gru", [30, 31, 32])]
    found = {margin: judged(labels, "accuracy", margin=margin)[0] for margin in (0.05, 0.28, 0.9)}
    assert [own.outcome for own in found.values()] == ["better", "not shown", "same"]
    assert found[0.05].text.endswith("Verdict: lstm is better than gru by more than 0.05.")
    true = np.linspace(0.0, 1.0, 40)[:, np.newaxis]
    rng = np.random.default_rng(0)
    regressed = [
        CellResult(
            name,
            tuple(
                replica(name, seed, r2_score(own.true, own.predicted), own)
                for seed, own in enumerate(
                    numbers(true, true + noise * rng.normal(size=true.shape)) for _ in range(4)
                )
            ),
        )
        for name, noise in (("lstm", 0.01), ("gru", 0.3))
    ]
    outcomes = [judged(regressed, "R2", margin=margin)[0].outcome for margin in (0.1, 9.0)]
    assert outcomes == ["better", "same"]
    on_splits = [cell("lstm", [0.9, 0.8, 0.7]), cell("gru", [0.8, 0.6, 0.4])]
    assert judged(on_splits, "accuracy", sizes=(30, 10), margin=0.6)[0].outcome == "same"


def test_rows_of_one_group_are_one_observation():
    cells = [classifier("lstm", [2, 3, 4]), classifier("gru", [30, 31, 32])]
    (verdict,) = judged(cells, "accuracy", groups=np.arange(100) // 25)
    assert verdict.difference.num_test == 4
    assert verdict.winner is None


def test_numbers_are_compared_by_r2():
    rng = np.random.default_rng(0)
    true = rng.normal(size=(40, 2))
    cells, scores = [], {}
    for name, noise in (("lstm", 0.1), ("gru", 1.0)):
        answers = [numbers(true, true + noise * rng.normal(size=true.shape)) for _ in range(4)]
        scores[name] = [r2_score(own.true, own.predicted) for own in answers]
        cells.append(
            CellResult(
                name,
                tuple(
                    replica(name, seed, score, own)
                    for seed, (score, own) in enumerate(zip(scores[name], answers))
                ),
            )
        )
    (verdict,) = judged(cells, "R2")
    assert verdict.difference.estimate == pytest.approx(np.mean(scores["lstm"]) - np.mean(scores["gru"]))
    assert verdict.winner == "lstm"


@pytest.mark.parametrize("sizes", [None, (30, 10)])
def test_a_score_that_is_not_a_number_says_nothing(sizes):
    cells = [cell("lstm", [math.nan, 0.2, 0.3]), cell("gru", [0.1, 0.2, 0.3])]
    (verdict,) = judged(cells, "R2", sizes=sizes)
    assert verdict.outcome == "unknown"
    assert "nothing can be said: a test score is not a number" in verdict.text


RNG = np.random.default_rng(0)
X = [RNG.normal(size=(RNG.integers(3, 7), 2)) for _ in range(48)]
TARGETS = {
    "labels": np.array(["up" if own.mean() > 0 else "down" for own in X], dtype=object),
    "a label a step": [np.where(own[:, 0] > 0, "up", "down") for own in X],
    "two numbers": np.array([own.mean(axis=0) for own in X]),
    "two numbers a step": [own.cumsum(axis=0) for own in X],
}


@pytest.mark.parametrize("y", TARGETS.values(), ids=TARGETS)
def test_the_estimate_is_the_mean_difference_of_the_test_scores(y):
    """Whatever the targets: the rows behind the bootstrap are those that score() counts."""
    comparison = tidegate.compare(
        X[:30],
        y[:30],
        test=(X[30:], y[30:]),
        cells=("rnn", "gru"),
        seeds=3,
        max_epochs=2,
        hidden_size=3,
        progress=False,
    )
    first, second = (comparison[name].test_score.values for name in ("rnn", "gru"))
    own = comparison.verdicts[0].difference
    assert own.num_test == 18  # sequences, not steps
    assert own.estimate == pytest.approx(np.mean(first) - np.mean(second))


def test_equal_test_targets_say_nothing():
    random = np.random.default_rng(0)
    X, y = random.normal(size=(20, 5, 2)), random.normal(size=20)
    result = compare(
        X, y, test=(X[:4], np.ones(4)), cells=["rnn", "gru"], seeds=3, max_epochs=1, progress=False
    )
    (verdict,) = result.verdicts
    assert verdict.outcome == "unknown"
    assert "R^2 is undefined" in verdict.text
