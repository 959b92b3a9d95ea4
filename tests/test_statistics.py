"""Intervals, p-values and verdicts against closed forms, others' numbers and simulated truth."""

import json
import re
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import r2_score

from tidegate.statistics import Difference, corrected_resampled_t, holm, judge, paired_bootstrap
from tidegate.statistics.bootstrap import Variances

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")
ALPHA = 0.05


@pytest.fixture(scope="module")
def models():
    """The models and tables of the long simulation."""
    return runpy.run_path(str(ROOT / "benchmarks" / "level_and_power.py"), run_name="level_and_power")


# Repeated splits.


def test_corrected_t_gives_the_numbers_of_scikit_learns_manual():
    """Its page "Statistical comparison of models using grid search": 10 times 10-fold cross-validation of two
    SVMs on 100 sequences; corrected t-value 0.750, corrected p-value 0.227, one-sided."""
    differences = np.repeat([-0.12, -0.08, -0.04, 0.0, 0.04, 0.08, 0.2], [1, 2, 10, 53, 29, 4, 1])
    found = corrected_resampled_t(differences, 90, 10)
    assert round(found.estimate / found.standard_error, 3) == 0.750
    assert round(found.p_value / 2, 3) == 0.227
    assert found.degrees_of_freedom == 99


spread = st.lists(st.floats(-1, 1), min_size=3, max_size=30).filter(lambda own: np.ptp(own) > 1e-6)


@settings(deadline=None)
@given(spread, st.integers(1, 500), st.integers(1, 500), st.sampled_from([0.8, 0.95, 0.99]))
def test_corrected_t_is_the_t_test_with_another_variance(differences, train, test, confidence):
    found = corrected_resampled_t(differences, train, test, confidence=confidence)
    num_splits = len(differences)
    error = np.sqrt(np.var(differences, ddof=1) * (1 / num_splits + test / train))
    expected = scipy.stats.t(num_splits - 1, np.mean(differences), error)
    np.testing.assert_allclose(found.interval, expected.interval(confidence), rtol=1e-9, atol=1e-12)
    p_value = 2 * scipy.stats.t.sf(abs(np.mean(differences)) / error, num_splits - 1)
    assert found.p_value == pytest.approx(p_value, rel=1e-9)


def test_corrected_t_is_exact_where_the_correlation_is_the_one_it_assumes(models):
    """Normal differences that correlate by test / (train + test), which overlap gives by assumption."""
    random = np.random.default_rng(0)
    common = np.sqrt(0.25) * random.normal(size=(4000, 1))
    differences = common + np.sqrt(0.75) * random.normal(size=(4000, 8))
    rejected = np.mean([models["rejects"](corrected_resampled_t(own, 3, 1)) for own in differences])
    assert abs(rejected - ALPHA) < 3 * np.sqrt(ALPHA * (1 - ALPHA) / 4000)


@pytest.mark.parametrize("num_splits", [1, 2])
def test_fewer_than_three_splits_say_nothing(num_splits):
    found = corrected_resampled_t([0.1, 0.2][:num_splits], 3, 1)
    assert found.interval is None
    assert found.p_value is None
    assert re.fullmatch(rf"{num_splits} splits?, at least 3 are needed", found.reason)


def test_splits_without_spread_have_no_interval():
    # 0.9 - 0.8 and 0.8 - 0.7 differ by rounding alone.
    constant = corrected_resampled_t([0.9 - 0.8, 0.8 - 0.7, 0.1, 0.1], 3, 1)
    assert (constant.interval, constant.p_value) == (None, None)
    assert "the same in every split" in constant.reason
    assert corrected_resampled_t(np.zeros(5), 3, 1).p_value == 1.0


# The test part: what varies.


def test_variances_are_those_of_the_analysis_of_variance():
    gaps = np.array([[3.0, 1.0, 2.0, 2.0], [5.0, 0.0, 1.0, 2.0], [4.0, 2.0, 6.0, 2.0]])
    seeds, rows = gaps.mean(axis=1) - gaps.mean(), gaps.mean(axis=0) - gaps.mean()
    rest = gaps - gaps.mean() - seeds[:, None] - rows
    found = Variances.of((gaps - gaps.mean()) / 4)
    mean_squares = 4 * (seeds**2).sum() / 2, 3 * (rows**2).sum() / 3, (rest**2).sum() / 6
    np.testing.assert_allclose((found.seeds, found.groups, found.both), np.array(mean_squares) / 12)


def two_way(random, num_seeds, num_rows, seeds, rows, both):
    """Shares of right steps whose difference has these standard deviations by source."""
    return 0.5 + 0.01 * (
        seeds * random.normal(size=(num_seeds, 1))
        + rows * random.normal(size=num_rows)
        + both * random.normal(size=(num_seeds, num_rows))
    )


def half_width(difference):
    return (difference.interval[1] - difference.interval[0]) / 2


@pytest.mark.parametrize(
    ("seeds", "rows", "both"), [(0.3, 2.0, 3.0), (1.0, 0.0, 1.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)]
)
def test_bootstrap_interval_has_the_width_of_the_two_way_model(seeds, rows, both):
    random = np.random.default_rng(1)
    num_seeds, num_rows = 40, 400
    variance = seeds**2 / num_seeds + rows**2 / num_rows + both**2 / (num_seeds * num_rows)
    widths, errors = [], []
    for index in range(20):
        a = two_way(random, num_seeds, num_rows, seeds, rows, both)
        found = paired_bootstrap(a, np.full_like(a, 0.5), num_resamples=2000, seed=index)
        widths.append(half_width(found))
        errors.append(found.standard_error)
    assert np.mean(errors) == pytest.approx(0.01 * np.sqrt(variance), rel=0.1)
    assert np.mean(widths) == pytest.approx(1.96 * 0.01 * np.sqrt(variance), rel=0.15)


def test_bootstrap_interval_is_students_where_the_seeds_are_all_that_varies():
    by_seed = np.array([0.51, 0.53, 0.54, 0.50, 0.55])
    a = np.repeat(by_seed[:, None], 60, axis=1)
    found = paired_bootstrap(a, np.full_like(a, 0.5), num_resamples=200_000)
    expected = scipy.stats.t(4, by_seed.mean() - 0.5, scipy.stats.sem(by_seed)).interval(0.95)
    np.testing.assert_allclose(found.interval, expected, atol=0.02 * np.ptp(expected))
    p_value = scipy.stats.ttest_1samp(by_seed, 0.5).pvalue
    assert found.p_value == pytest.approx(p_value, rel=0.05)


def test_bootstrap_interval_is_scipys_where_the_seeds_are_alike():
    random = np.random.default_rng(2)
    right = random.random((2, 1000)) < np.array([[0.9], [0.87]])
    a, b = (np.tile(own, (3, 1)) for own in right)
    expected = scipy.stats.bootstrap(
        (right[0] * 1.0 - right[1],), np.mean, method="percentile", n_resamples=10_000, rng=0
    ).confidence_interval
    found = paired_bootstrap(a, b)
    np.testing.assert_allclose(found.interval, expected, atol=0.03 * np.ptp(expected))


@pytest.mark.parametrize(("ahead", "behind"), [(4, 0), (7, 1), (10, 2), (20, 8)])
def test_bootstrap_counts_the_sequences_that_tell_the_cells_apart(ahead, behind):
    """Seeds alike, the cells differ on few of 370 sequences: McNemar's test, with its mid-p."""
    a, b = np.zeros((2, 3, 370))
    a[:, :ahead] = b[:, ahead : ahead + behind] = 1
    exact = scipy.stats.binomtest(ahead, ahead + behind).pvalue
    mid_p = exact - scipy.stats.binom.pmf(ahead, ahead + behind, 0.5)
    assert paired_bootstrap(a, b).p_value == pytest.approx(mid_p, rel=0.25)


def test_resamples_in_which_r2_is_undefined_are_left_out():
    a, b = np.random.default_rng(12).exponential(size=(2, 3, 4))
    found = paired_bootstrap(a, b, statistic="r2", targets=[0.0, 0.0, 0.0, 1.0])
    assert np.isfinite(found.interval).all()


def test_bootstrap_of_r2_is_scipys_where_the_seeds_are_alike():
    random = np.random.default_rng(3)
    targets = random.exponential(size=800)
    errors = random.normal(size=(2, 800)) ** 2 * np.array([[0.3], [0.4]]) * targets

    def gain(a, b, y, axis):
        return (b - a).mean(axis=axis) / y.var(axis=axis)

    expected = scipy.stats.bootstrap(
        (*errors, targets), gain, paired=True, method="percentile", n_resamples=10_000, rng=0
    ).confidence_interval
    a, b = (np.tile(own, (4, 1)) for own in errors)
    found = paired_bootstrap(a, b, statistic="r2", targets=targets)
    # A t distribution whose degrees of freedom the heavy tails reduce, against the normal's.
    freedom = Variances.of(
        np.tile((errors[1] - errors[0] - found.estimate * (targets - targets.mean()) ** 2), (4, 1))
    ).freedom
    wider = scipy.stats.t.ppf(0.975, freedom) / 1.96
    assert half_width(found) == pytest.approx(wider * np.ptp(expected) / 2, rel=0.05)
    assert np.mean(found.interval) == pytest.approx(np.mean(expected), abs=0.05 * np.ptp(expected))


@pytest.mark.parametrize("shape", [(5, 40), (5, 40, 3)])
def test_estimate_of_r2_is_the_mean_difference_of_scikit_learns(shape):
    random = np.random.default_rng(4)
    targets = random.normal(3.0, size=shape[1:])
    predicted = targets + random.normal(size=(2, *shape)) * 0.5
    found = paired_bootstrap(*(predicted - targets) ** 2, statistic="r2", targets=targets)
    a, b = ([r2_score(targets, own) for own in seeds] for seeds in predicted)
    assert found.estimate == pytest.approx(np.mean(a) - np.mean(b))
    assert found.superiority == np.mean([one > other for one in a for other in b])
    assert found.interval[0] < found.estimate < found.interval[1]


def test_more_than_ten_thousand_rows_drawn_in_lots_vary_as_much():
    random = np.random.default_rng(5)
    targets = random.normal(size=30_000)
    a, b = (np.tile(own, (3, 1)) for own in random.normal(size=(2, 30_000)) ** 2)
    found = paired_bootstrap(a, b, statistic="r2", targets=targets, num_resamples=2000)
    shares = (b - a - found.estimate * targets**2)[0]
    error = np.sqrt(shares.var() / 30_000) / targets.var()
    assert half_width(found) == pytest.approx(1.96 * error, rel=0.06)
    assert found.num_test == 30_000


# The test part: what must not matter.


def right_answers(seed, num_seeds=4, num_rows=60):
    random = np.random.default_rng(seed)
    difficulty = random.normal(size=num_rows)
    return difficulty + random.normal(size=(2, num_seeds, num_rows)) + 0.5 > 0.0


def squared_errors(seed, num_seeds=4, num_rows=60):
    random = np.random.default_rng(seed)
    a, b = random.normal(size=(2, num_seeds, num_rows)) ** 2
    return a, b, {"statistic": "r2", "targets": random.normal(size=num_rows)}


few_draws = {"num_resamples": 400}
seeds = st.integers(0, 2**16)


@settings(deadline=None, max_examples=25)
@given(seeds, st.sampled_from([0.0, 0.02]))
def test_swapping_the_cells_changes_the_sign_alone(seed, margin):
    for a, b, options in ((*right_answers(seed), {}), squared_errors(seed)):
        found = paired_bootstrap(a, b, **options, margin=margin, **few_draws)
        turned = paired_bootstrap(b, a, **options, margin=margin, **few_draws)
        assert turned.superiority == pytest.approx(1 - found.superiority)
        assert not found.estimate or replace(found.swapped(), superiority=turned.superiority) == turned
    differences = np.random.default_rng(seed).normal(size=5)
    found, turned = (corrected_resampled_t(sign * differences, 3, 1) for sign in (1, -1))
    assert replace(found.swapped(), superiority=turned.superiority) == turned


@settings(deadline=None, max_examples=25)
@given(seeds)
def test_the_order_of_rows_and_seeds_does_not_matter(seed):
    random = np.random.default_rng(seed)
    rows, order = random.permutation(60), random.permutation(4)
    a, b = right_answers(seed)
    groups = random.integers(20, size=60)
    for own in (None, groups):
        first = paired_bootstrap(a, b, groups=own, **few_draws)
        moved = paired_bootstrap(
            a[order][:, rows], b[order][:, rows], groups=None if own is None else own[rows], **few_draws
        )
        np.testing.assert_allclose(first.interval, moved.interval, rtol=1e-9, atol=1e-12)
        assert first.p_value == pytest.approx(moved.p_value, abs=0.01)


@settings(deadline=None, max_examples=25)
@given(seeds)
def test_rows_of_a_group_count_once(seed):
    """Three copies of each row in one group say what the row alone says; as rows they would say more."""
    for a, b, options in ((*right_answers(seed), {}), squared_errors(seed)):
        copies = {
            name: np.repeat(value, 3) if name == "targets" else value for name, value in options.items()
        }
        alone = paired_bootstrap(a, b, **options, **few_draws)
        together = paired_bootstrap(
            np.repeat(a, 3, axis=1),
            np.repeat(b, 3, axis=1),
            **copies,
            groups=np.repeat(np.arange(60), 3),
            **few_draws,
        )
        assert together.num_test == 60
        np.testing.assert_allclose(together.interval, alone.interval, rtol=1e-6, atol=1e-9)


@settings(deadline=None, max_examples=50)
@given(seeds, st.floats(0, 0.2), st.sampled_from([0.9, 0.95, 0.99]))
def test_p_is_the_intervals_inversion(seed, margin, confidence):
    a, b = right_answers(seed)
    random = np.random.default_rng(seed)
    for found in (
        paired_bootstrap(a, b, margin=margin, confidence=confidence, num_resamples=999),
        corrected_resampled_t(random.normal(0.2, 0.1, size=5), 3, 1, margin=margin, confidence=confidence),
    ):
        beyond = found.interval[0] > margin or found.interval[1] < -margin
        assert beyond == (found.p_value <= 1 - confidence + 1e-12)


def test_seeds_of_the_draws_are_obeyed():
    a, b = right_answers(0)
    assert paired_bootstrap(a, b, seed=1) == paired_bootstrap(a, b, seed=1)
    assert paired_bootstrap(a, b, seed=1).interval != paired_bootstrap(a, b, seed=2).interval


def test_where_nothing_varies_there_is_no_interval():
    right = np.ones((5, 30), dtype=bool)
    same = paired_bootstrap(right, right)
    assert (same.estimate, same.p_value, same.interval, same.superiority) == (0.0, 1.0, None, 0.5)
    apart = paired_bootstrap(right, ~right)
    assert (apart.estimate, apart.p_value, apart.interval, apart.superiority) == (1.0, None, None, 1.0)
    assert "the same everywhere" in apart.reason


@pytest.mark.parametrize(
    ("num_seeds", "num_rows", "reason"),
    [(1, 30, "1 seed,"), (2, 30, "2 seeds,"), (3, 2, "2 test sequences or groups,")],
)
def test_too_little_to_say_anything(num_seeds, num_rows, reason):
    found = paired_bootstrap(*right_answers(0, num_seeds, num_rows))
    assert (found.interval, found.p_value) == (None, None)
    assert found.reason == f"{reason} at least 3 are needed"


# Level and power, in short; the long version is benchmarks/level_and_power.py.


def bound(simulations):
    """What a method whose level is 0.06 exceeds once in a thousand times."""
    return 0.06 + 3.1 * np.sqrt(0.06 * 0.94 / simulations)


@pytest.mark.parametrize("learner", ["nearest centroid", "nearest neighbour"])
def test_level_of_the_corrected_t(models, learner):
    records = models["splits"](np.random.default_rng(6), learner, 60, 0.0, 400)
    assert all(record["corrected"] <= bound(400) for record in records)
    assert records[-1]["plain"] > 0.3


def test_power_of_the_corrected_t(models):
    records = models["splits"](np.random.default_rng(7), "nearest centroid", 200, 0.8, 100)
    assert records[1]["splits"] == 10
    assert records[1]["corrected"] > 0.8


@pytest.mark.parametrize("num_seeds", [3, 5, 10])
@pytest.mark.parametrize(("place", "num_rows"), [(1, 50), (3, 370), (4, 50), (5, 50)])
def test_level_of_the_bootstrap(models, place, num_rows, num_seeds):
    random = np.random.default_rng(8)
    part = models["TEST_PARTS"][place]
    draws = [part.draw(random, num_seeds, num_rows, 0.0) for _ in range(250)]
    rejected = [models["bootstrap_p"](part, draw, index) <= ALPHA for index, draw in enumerate(draws)]
    assert np.mean(rejected) <= bound(250)


def test_the_plain_two_way_bootstrap_would_not_pass(models):
    random = np.random.default_rng(9)
    part = models["TEST_PARTS"][3]
    draws = [part.draw(random, 3, 370, 0.0) for _ in range(150)]
    p_values = [models["other_ps"](random, a * 1.0 - b)["two-way percentile"] for a, b, _ in draws]
    assert np.mean(np.array(p_values) <= ALPHA) > bound(150)


def test_power_of_the_bootstrap(models):
    found = models["power"](np.random.default_rng(10), models["TEST_PARTS"][1], 5, 370, 1.2, 100)
    assert found["paired bootstrap"] > 0.8
    assert found["paired bootstrap"] <= found["best"] + 0.1


def test_measured_levels_hold_and_are_on_the_page(models):
    result = json.loads(models["RESULT"].read_text(encoding="utf-8"))
    levels = [record["paired bootstrap"] for record in result["bootstrap"]["level"]]
    levels += [record["corrected"] for record in result["splits"]["level"]]
    assert max(levels) <= 0.06
    assert models["replace_tables"](PAGE, result) == PAGE


def test_examples_of_the_page_run():
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(block, "docs/statistics.md", "exec"), {})


# Several comparisons, and words.


@pytest.mark.parametrize(
    ("p_values", "adjusted"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.011, 0.2, 0.0004, 0.03, 0.03, 0.6, 0.049], [0.066, 0.4, 0.0028, 0.15, 0.15, 0.6, 0.15]),
        ([0.5, 0.4, 0.9], [1.0, 1.0, 1.0]),
        ([], []),
    ],
)
def test_holm_gives_the_numbers_of_statsmodels(p_values, adjusted):
    """statsmodels 0.15.0: multipletests(p_values, method="holm")."""
    assert holm(p_values) == pytest.approx(adjusted)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), max_size=12), st.randoms())
def test_holm_only_raises_keeps_the_order_and_goes_by_value(p_values, random):
    adjusted = holm(p_values)
    assert all(p <= own <= 1.0 for p, own in zip(p_values, adjusted))
    for p, own in zip(p_values, adjusted):
        assert all(other <= own for q, other in zip(p_values, adjusted) if q <= p)
    moved = random.sample(range(len(p_values)), len(p_values))
    assert holm([p_values[place] for place in moved]) == tuple(adjusted[place] for place in moved)


def difference(estimate, interval, p_value, **options):
    superiority = 0.92 if estimate > 0 else 0.08
    return Difference(
        "paired bootstrap", estimate, superiority, 5, 0.95, interval=interval, p_value=p_value,
        **{"margin": 0.0, "num_test": 370} | options,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("own", "outcome", "winner", "sentence"),
    [
        (
            difference(0.012, (0.004, 0.020), 0.003),
            "better",
            "lstm",
            "lstm is better than gru by 0.012 "
            "on average (95 % interval 0.004 to 0.020, p = 0.003 after Holm)",
        ),
        (
            difference(-0.112, (-0.20, -0.01), 0.0499),
            "better",
            "gru",
            "gru is better than lstm by 0.112 "
            "on average (95 % interval 0.010 to 0.200, p = 0.0499 after Holm)",
        ),
        (
            difference(0.012, (0.006, 0.020), 0.0002, margin=0.005),
            "better",
            "lstm",
            "lstm is better than gru by more than 0.005: by 0.012 "
            "on average (95 % interval 0.006 to 0.020, p < 0.001 "
            "after Holm)",
        ),
        (
            difference(0.002, (-0.010, 0.014), 0.74),
            "not shown",
            None,
            "no difference shown: lstm minus gru 0.002 "
            "on average (95 % interval -0.010 to 0.014, p = 0.740 after Holm)",
        ),
        (
            difference(0.002, (-0.010, 0.014), 1.0, margin=0.02),
            "same",
            None,
            "no difference of more than 0.02: lstm minus gru 0.002 "
            "on average (95 % interval -0.010 to 0.014, p = 1.000 "
            "after Holm)",
        ),
        (
            difference(0.012, (0.004, 0.020), 0.3, margin=0.01),
            "not shown",
            None,
            "no difference of more than 0.01 shown: lstm minus gru 0.012 "
            "on average (95 % interval 0.004 to 0.020, p = "
            "0.300 after Holm)",
        ),
        (
            difference(0.002, None, None, reason="2 seeds, at least 3 are needed"),
            "unknown",
            None,
            "nothing can be said: 2 seeds, at least 3 are needed: lstm minus gru 0.002 "
            "on average (no interval)",
        ),
    ],
)
def test_words(own, outcome, winner, sentence):
    (verdict,) = judge({("lstm", "gru"): own}, "accuracy")
    assert (verdict.outcome, verdict.winner, verdict.sentence) == (outcome, winner, sentence)


def test_numbers_come_before_the_verdict():
    (verdict,) = judge({("lstm", "gru"): difference(-0.11, (-0.20, -0.01), 0.03)}, "accuracy")
    assert verdict.text == (
        "accuracy of lstm minus gru: -0.110 "
        "on average (95 % interval -0.200 to -0.010, p = 0.030 after Holm); in 92 % "
        "of pairs of runs gru is ahead. Verdict: gru is better than lstm."
    )


def test_pairs_are_judged_together():
    pairs = {
        ("rnn", "lstm"): difference(-0.02, (-0.03, -0.01), 0.03),
        ("rnn", "gru"): difference(-0.03, (-0.04, -0.02), 0.001),
        ("lstm", "gru"): difference(-0.01, None, None, reason="as may be"),
    }
    verdicts = judge(pairs, "R2")
    assert [verdict.p_adjusted for verdict in verdicts] == [0.03, 0.002, None]
    assert [verdict.winner for verdict in verdicts] == ["lstm", "gru", None]
    three = judge(pairs | {("lstm", "gru"): difference(-0.01, (-0.02, 0.01), 0.2)}, "R2")
    assert [verdict.outcome for verdict in three] == ["not shown", "better", "not shown"]


def test_records_go_through_json():
    own = paired_bootstrap(*right_answers(0), margin=0.01, num_resamples=400)
    assert Difference(**json.loads(json.dumps(own.to_dict())) | {"interval": own.interval}) == own
    (verdict,) = judge({("lstm", "gru"): own}, "accuracy")
    document = json.loads(json.dumps(verdict.to_dict()))
    assert document["method"] == "paired bootstrap, Holm"
    assert document["interval"] == list(own.interval)
    assert (document["level"], document["p"], document["num_test"]) == (0.95, own.p_value, 60)


# What is refused.

RIGHT = np.ones((3, 4))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: corrected_resampled_t([], 3, 1), "differences expects one finite number a split"),
        (lambda: corrected_resampled_t([[0.1]], 3, 1), "differences expects .* shape \\(1, 1\\)"),
        (lambda: corrected_resampled_t([0.1, np.nan, 0.2], 3, 1), "with NaN or infinity"),
        (lambda: corrected_resampled_t([0.1, 0.2, 0.3], 0, 1), "train_size expects"),
        (lambda: corrected_resampled_t([0.1, 0.2, 0.3], 3, -1), "test_size expects"),
        (lambda: corrected_resampled_t([0.1, 0.2, 0.3], 3, 1, confidence=95), "confidence expects"),
        (lambda: corrected_resampled_t([0.1, 0.2, 0.3], 3, 1, margin=-0.1), "margin expects"),
        (lambda: paired_bootstrap(RIGHT[0], RIGHT), "scores_a expects a row a seed .* shape \\(4,\\)"),
        (lambda: paired_bootstrap(RIGHT, RIGHT[:2]), "scores_b expects .* \\(3, 4\\); got \\(2, 4\\)"),
        (lambda: paired_bootstrap(RIGHT, -RIGHT), "scores_b expects finite numbers from 0 up"),
        (lambda: paired_bootstrap(RIGHT * np.nan, RIGHT), "scores_a expects finite numbers"),
        (lambda: paired_bootstrap(2 * RIGHT, RIGHT), "scores_a expects right or wrong.* got 2"),
        (lambda: paired_bootstrap(RIGHT, RIGHT, statistic="r2"), "targets expects the true values"),
        (lambda: paired_bootstrap(RIGHT, RIGHT, targets=RIGHT[0]), "targets expects None"),
        (
            lambda: paired_bootstrap(RIGHT, RIGHT, statistic="r2", targets=RIGHT),
            "targets expects finite values in the shape \\(4,\\)",
        ),
        (
            lambda: paired_bootstrap(RIGHT, RIGHT, statistic="r2", targets=RIGHT[0]),
            "targets expects values that differ",
        ),
        (lambda: paired_bootstrap(RIGHT, RIGHT, statistic="R2"), "did you mean 'r2'"),
        (lambda: paired_bootstrap(RIGHT, RIGHT, groups=[1, 2]), "groups expects one entry for each of 4"),
        (lambda: paired_bootstrap(RIGHT, RIGHT, num_resamples=10), "num_resamples expects"),
        (lambda: paired_bootstrap(RIGHT, RIGHT, seed=-1), "seed expects"),
        (lambda: holm([0.1, 1.2]), "p_values expects"),
    ],
)
def test_errors_name_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_scipy_is_imported_when_first_needed():
    code = "import sys, tidegate.statistics; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
