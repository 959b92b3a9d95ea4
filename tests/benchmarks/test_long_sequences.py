"""The benchmark of long sequences compares two ways to one gradient, and its committed result meets goals."""

import json
from pathlib import Path

import numpy as np

from benchmarks import long_sequences
from benchmarks.long_sequences import MOST_BYTES, MOST_TIMES, WAYS, work


def test_both_ways_have_the_same_gradients():
    plain, recomputed = (work(way, 3000)() for way in WAYS)
    for name, gradient in plain.gradients.items():
        np.testing.assert_allclose(recomputed.gradients[name], gradient, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(recomputed.input_gradient(), plain.input_gradient(), rtol=1e-5, atol=1e-7)


def test_the_committed_result_meets_the_goals():
    path = Path(long_sequences.__file__).parent / "results" / "long_sequences.json"
    *_, million = json.loads(path.read_text())["results"]
    assert (million["way"], million["steps"]) == ("recompute", 1_000_000)
    assert million["bytes"] < MOST_BYTES
    assert million["times_of_plain"] < MOST_TIMES
