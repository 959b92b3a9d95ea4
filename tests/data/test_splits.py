import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tidegate.data import split

shares = st.sampled_from([0.1, 0.2, 0.25, 0.5])


def assert_is_a_split(training, held_out, total):
    assert sorted([*training, *held_out]) == list(range(total))
    assert training.tolist() == sorted(training)
    assert held_out.tolist() == sorted(held_out)


@settings(deadline=None)
@given(st.integers(10, 60), shares, st.integers(0, 2**32 - 1))
def test_a_plain_split_holds_the_share_out(total, share, seed):
    training, held_out = split(total, share, seed=seed)
    assert_is_a_split(training, held_out, total)
    assert len(held_out) == round(share * total)


@settings(deadline=None)
@given(st.lists(st.integers(12, 30), min_size=2, max_size=4), shares, st.integers(0, 99))
def test_a_stratified_split_holds_the_share_of_every_class_out(counts, share, seed):
    classes = np.repeat([f"class{i}" for i in range(len(counts))], counts)
    training, held_out = split(len(classes), share, classes=classes, seed=seed)
    assert_is_a_split(training, held_out, len(classes))
    for label, count in Counter(classes.tolist()).items():
        assert abs((classes[held_out] == label).sum() - share * count) <= 1


@settings(deadline=None)
@given(st.integers(4, 12), shares, st.integers(0, 99), st.booleans())
def test_a_grouped_split_keeps_groups_whole(num_groups, share, seed, stratified):
    groups = np.repeat(np.arange(num_groups), 6)
    classes = np.tile(["a", "b"], 3 * num_groups) if stratified else None
    training, held_out = split(len(groups), share, classes=classes, groups=groups, seed=seed)
    assert_is_a_split(training, held_out, len(groups))
    assert not set(groups[training]) & set(groups[held_out])
    assert abs(len(held_out) / len(groups) - share) <= 1 / num_groups
    if classes is not None:
        assert Counter(classes[held_out].tolist())["a"] == len(held_out) // 2


def test_the_seed_and_nothing_else_chooses_the_split():
    classes = np.tile([0, 1, 2], 20)
    groups = np.repeat(np.arange(12), 5)
    for options in ({}, {"classes": classes}, {"groups": groups}, {"classes": classes, "groups": groups}):
        first = split(60, 0.25, seed=1, **options)[1].tolist()
        assert split(60, 0.25, seed=1, **options)[1].tolist() == first
        assert split(60, 0.25, seed=2, **options)[1].tolist() != first


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"classes": list("aab"), "share": 0.5}, "class 'b' has one: add sequences of it or leave it out"),
        (
            {"classes": list("aabb"), "share": 0.25},
            "share expects room for each of 2 classes on both sides.*: pass share=0.5 or more sequences",
        ),
        ({"classes": list("aabbcc"), "share": 0.1, "argument": "s", "remedy": "wait"}, "wait$"),
        ({"classes": list("aab"), "num_sequences": 4}, r"classes expects one entry .* got shape \(3,\)"),
        ({"groups": [1, 1], "num_sequences": 3}, r"groups expects one entry for each of 3 sequences"),
        ({"groups": [1, 1, 1, 1]}, "at least two groups; got 1"),
        ({"groups": list("xxyy"), "classes": list("aabb")}, "would be missing from the training part"),
        ({"groups": list("xyyy"), "classes": list("abbb")}, "class 'a' has one"),
        ({"classes": list("aabbbbbb"), "share": 0.75}, "leaves none of class 'a': pass share=0.25"),
        ({"num_sequences": 1}, "at least one of 1 sequences on each side"),
        ({"num_sequences": 10, "share": 1.0}, "got 1.0"),
        ({"num_sequences": 10, "share": 0.0}, "share expects a finite number above 0"),
        ({"num_sequences": 10, "seed": -1}, "seed expects a whole number"),
    ],
)
def test_impossible_splits_are_refused(arguments, message):
    labels = arguments.get("classes", arguments.get("groups", ()))
    with pytest.raises(ValueError, match=message):
        split(**{"num_sequences": len(labels), "share": 0.5, **arguments})


@settings(deadline=None)
@given(st.lists(st.integers(2, 9), min_size=2, max_size=4), st.floats(0.01, 0.99))
@example([2, 6], 0.75)
def test_the_share_that_a_refusal_names_works(counts, share):
    classes = np.repeat(np.arange(len(counts)), counts)
    try:
        split(len(classes), share, classes=classes)
    except ValueError as error:
        named = re.search(r"pass share=([\d.]+) or more sequences", str(error))
        assert named
        split(len(classes), float(named[1]), classes=classes)
