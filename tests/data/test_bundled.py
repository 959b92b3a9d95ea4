import hashlib
from importlib.resources import files

import numpy as np
import pytest

from tidegate.data import load_japanese_vowels


@pytest.fixture(scope="module")
def vowels():
    return load_japanese_vowels()


def test_the_counts_are_the_published_ones(vowels):
    assert (len(vowels.X), len(vowels.X_test)) == (270, 370)
    assert (vowels.X.num_features, vowels.X_test.num_features) == (12, 12)
    assert (vowels.X.lengths.min(), vowels.X.lengths.max()) == (7, 26)
    assert (vowels.X_test.lengths.min(), vowels.X_test.lengths.max()) == (7, 29)
    assert np.unique(vowels.y, return_counts=True)[1].tolist() == [30] * 9
    # Kudo et al. 1999 and the repository's description: test utterances of each speaker.
    assert np.unique(vowels.y_test, return_counts=True)[1].tolist() == [31, 35, 88, 44, 29, 24, 40, 50, 29]
    assert np.unique(vowels.y).tolist() == np.unique(vowels.y_test).tolist() == list("123456789")


def test_values_rounded_to_six_decimals_are_the_published_ones(vowels):
    published = [
        1.860936,
        -0.207383,
        0.261557,
        -0.214562,
        -0.171253,
        -0.118167,
        -0.277557,
        0.025668,
        0.126701,
    ]
    np.testing.assert_array_equal(np.round(vowels.X[0][0, :9].astype(np.float64), 6), published)
    last = [1.177449, -0.40408, 0.052026, -0.284812, 0.42984, -0.203484, -0.072393, -0.080955, -0.244424]
    np.testing.assert_array_equal(np.round(vowels.X_test[-1][-1, :9].astype(np.float64), 6), last)


def test_every_value_is_the_one_that_was_bundled(vowels):
    digest = hashlib.sha256()
    for sequences in (vowels.X, vowels.X_test):
        digest.update(np.rint(sequences.values.astype(np.float64) * 1e6).astype("<i4").tobytes())
        digest.update(sequences.offsets.astype("<i8").tobytes())
    digest.update("".join([*vowels.y, *vowels.y_test]).encode())
    assert digest.hexdigest() == "ee85aa8c965e2802fd8d73958ea0624158a208a2f11d1ee9ad2e2556b46a7e18"


def test_source_and_licence_are_in_the_package_beside_the_data(vowels):
    sources = (files("tidegate.data") / "SOURCES.md").read_text()
    assert vowels.source in sources
    assert vowels.licence in sources
