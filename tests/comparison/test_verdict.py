import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.comparison import CellResult, Replica, Scores, Verdict

scores = st.integers(0, 20).map(lambda twentieths: twentieths / 20)


def cell_result(cell, test_scores, *, seconds=1.0, num_parameters=100, first_seed=0):
    return CellResult(
        cell,
        tuple(
            Replica(cell, seed, num_parameters, 1.0, 0.9, score, seconds, 1000, 10, "converged")
            for seed, score in enumerate(test_scores, start=first_seed)
        ),
    )


def verdict_of(first, second, **options):
    return Verdict.of(cell_result("lstm", first, **options), cell_result("gru", second), "accuracy")


@settings(deadline=None)
@given(st.lists(st.tuples(scores, scores), min_size=1, max_size=8))
def test_a_winner_is_ahead_with_every_one_of_five_seeds_or_more(pairs):
    first, second = zip(*pairs)
    verdict = verdict_of(first, second)
    expected = None
    if len(pairs) >= 5 and all(one > other for one, other in pairs):
        expected = "lstm"
    if len(pairs) >= 5 and all(one < other for one, other in pairs):
        expected = "gru"
    assert verdict.winner == expected
    assert ("no difference shown" in verdict.text) == (expected is None)
    assert verdict.differences == tuple(one - other for one, other in pairs)


@settings(deadline=None)
@given(st.lists(st.tuples(scores, scores), min_size=1, max_size=8))
def test_the_other_way_round_it_is_the_same_verdict(pairs):
    first, second = zip(*pairs)
    one = Verdict.of(cell_result("lstm", first), cell_result("gru", second), "accuracy")
    other = Verdict.of(cell_result("gru", second), cell_result("lstm", first), "accuracy")
    assert one.winner == other.winner
    assert one.effect + other.effect == pytest.approx(1.0)
    assert [-difference for difference in other.differences] == list(one.differences)


def test_the_effect_counts_all_pairs_of_replicas_ties_half():
    assert verdict_of([0.9, 0.9, 0.9], [0.1, 0.2, 0.3]).effect == 1.0
    # 0.5 ties once and exceeds once, 0.7 exceeds both: 3.5 of 4.
    assert verdict_of([0.5, 0.7], [0.5, 0.3]).effect == 3.5 / 4


def test_the_words_say_how_much_and_at_what_cost():
    better = verdict_of([0.9, 0.92, 0.91, 0.95, 0.93], [0.9 - 0.05] * 5, seconds=2.0, num_parameters=150)
    assert better.text == (
        "lstm is better than gru: test accuracy higher with every one of 5 seeds, by 0.070 (0.050 to 0.100). "
        "lstm takes 2.00 times the time and 1.50 times the parameters of gru."
    )
    worse = verdict_of([0.8] * 5, [0.9] * 5, seconds=2.0, num_parameters=150)
    assert worse.text == (
        "gru is better than lstm: test accuracy higher with every one of 5 seeds, by 0.100 (0.100 to 0.100). "
        "gru takes 0.50 times the time and 0.67 times the parameters of lstm."
    )
    assert "over 5 seeds. lstm takes" in verdict_of([0.8] * 5, [0.8] * 5).text
    assert "over 1 seed, and fewer than 5 show none. " in verdict_of([0.9], [0.1]).text


def test_only_seeds_that_both_have_are_paired():
    verdict = verdict_of([0.1, 0.2, 0.3], [0.2, 0.4], first_seed=1)
    assert verdict.differences == pytest.approx((0.1 - 0.4,))


def test_scores_are_the_median_and_the_range():
    assert Scores.of([0.3, 0.1, 0.2]) == Scores(0.2, 0.1, 0.3, (0.3, 0.1, 0.2))
    assert str(Scores.of([0.25, 0.75])) == "0.500 (0.250 to 0.750)"
