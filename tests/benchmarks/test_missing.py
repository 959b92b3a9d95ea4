"""What the benchmark of missing values removes."""

import numpy as np
import pytest

from benchmarks.missing import BLOCK, KINDS, WAYS, accuracy, removed
from tidegate import load_japanese_vowels

X = load_japanese_vowels().X


@pytest.mark.parametrize("share", [0.2, 0.8])
@pytest.mark.parametrize("kind", KINDS)
def test_the_share_is_removed_in_its_shape(kind, share):
    gappy = removed(X, kind, share, np.random.default_rng(0))
    gone = ~gappy.observed
    assert abs(gone.mean() - share) < 0.03
    np.testing.assert_array_equal(gappy.values[~gone], X.values[~gone])
    for start, stop in zip(X.offsets[:-1], X.offsets[1:]):
        own = gone[start:stop]
        piece = {"values": 1, "blocks": BLOCK, "channels": len(own)}[kind]
        for at in range(0, len(own), piece):
            assert (own[at : at + piece] == own[at]).all()


def test_every_way_is_measured_on_whole_data_too():
    assert {way["missing"] for way in WAYS.values()} == {"fill", "mask", "decay"}
    assert removed(X, "values", 0.0, np.random.default_rng(0)) is X
    assert accuracy("rnn", "fill mean", "values", 0.0, 0) > 0.9
