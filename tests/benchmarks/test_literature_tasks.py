"""The literature's tasks are as their papers define them."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.literature import counting, parity, polyphony, shakespeare, synthetic, temporal_order
from benchmarks.literature.copying import DELAY, MEMORYLESS

DATA = Path(polyphony.__file__).parent / "data"


def test_adding():
    X, y = synthetic.adding(20_000, 50, np.random.default_rng(0))
    assert ((X[..., 0] >= 0) & (X[..., 0] <= 1)).all()
    assert (X[:, :25, 1].sum(1) == 1).all()
    assert (X[:, 25:, 1].sum(1) == 1).all()
    np.testing.assert_allclose(y, [x[x[:, 1] == 1, 0].sum() for x in X], rtol=1e-6)
    assert np.mean((y - 1) ** 2) == pytest.approx(1 / 6, abs=0.003)  # the constant answer's loss, 0.167


def test_temporal_order():
    X, y = synthetic.temporal_order(2000, np.random.default_rng(0))
    symbols = [["EBabcdXY"[j] for j in x.argmax(1)] for x in X]
    assert {len(own) for own in symbols} == set(range(100, 111))
    first, second = set(), set()
    for own, label in zip(symbols, y):
        assert (own[0], own[-1]) == ("E", "B")
        assert not {"E", "B"} & set(own[1:-1])
        at = [t for t, symbol in enumerate(own) if symbol in "XY"]
        first.add(at[0])
        second.add(at[1])
        assert len(at) == 2
        assert ["XX", "XY", "YX", "YY"][label] == own[at[0]] + own[at[1]]
    assert (first, second) == (set(range(10, 21)), set(range(50, 61)))
    assert np.bincount(y).min() > 400


def test_copying():
    X, y = synthetic.copying(500, DELAY, np.random.default_rng(0))
    symbols = X.argmax(2)
    assert symbols.shape == y.shape == (500, DELAY + 20)
    assert (y[:, :-10] == 0).all()
    np.testing.assert_array_equal(y[:, -10:], symbols[:, :10])
    assert set(symbols[:, :10].ravel()) == set(range(1, 9))
    assert (symbols[:, 10:] == np.where(np.arange(10, DELAY + 20) == DELAY + 9, 9, 0)).all()
    # Who answers blank where that is right, and each of the eight alike at the last ten steps:
    likelihoods = np.where(np.arange(DELAY + 20) < DELAY + 10, 1.0, 1 / 8)
    assert pytest.approx(-np.log(likelihoods).mean()) == MEMORYLESS


def test_parity():
    X, y = synthetic.parity(1000, 1, 40, np.random.default_rng(0))
    assert {len(x) for x in X} == set(range(1, 41))
    assert [int(x[:, 1].sum()) % 2 for x in X] == y.tolist()
    assert 400 < y.sum() < 600


def test_counting():
    X, y = synthetic.counting(3)
    assert ["Sab"[j] for j in X.argmax(1)] == list("Saaabbb")
    assert ["Tab"[j] for j in y] == list("aaabbbT")
    np.testing.assert_array_equal(counting.only_certain(3), [*4 * [np.nan], 2, 2, 0])


class Counts:
    """Right up to n."""

    def __init__(self, n):
        self.n = n

    def predict(self, X):
        answers = [synthetic.counting(len(x) // 2)[1] for x in X]
        for y in answers:
            y[: len(y) // 2 + 1] = 0  # before the first b nothing is asked
            if len(y) // 2 > self.n:
                y[-1] = 2
        return answers


@pytest.mark.parametrize("n", [0, 7, counting.FURTHEST])
def test_how_far_a_count_reaches(n):
    assert counting.reach(Counts(n)) == n


@pytest.mark.parametrize(
    ("name", "pieces", "frames"), [("JSB_Chorales", (229, 76, 77), 60), ("Nottingham", (694, 173, 170), 254)]
)
def test_music(name, pieces, frames):
    parts = polyphony.pieces(name)
    assert tuple(len(rolls) for rolls in parts.values()) == pieces
    rolls = [roll for part in parts.values() for roll in part]
    assert np.mean([len(roll) for roll in rolls]) == pytest.approx(frames, rel=0.05)
    assert all(set(np.unique(roll)) <= {0.0, 1.0} and roll.shape[1] == 88 for roll in rolls)


def test_each_frame_but_the_first_is_predicted_from_those_before_it():
    rolls = [np.eye(88, dtype=np.float32)[:4], np.eye(88, dtype=np.float32)[50:53]]
    part = polyphony.next_frames(rolls)
    (x,) = part.steps.inputs
    assert x.argmax(1).tolist() == [0, 1, 2, 50, 51]
    assert part.target.values.argmax(1).tolist() == [1, 2, 3, 51, 52]
    assert (part.steps.starts.tolist(), part.steps.lengths.tolist()) == ([0, 3], [3, 2])


def test_nats_of_a_frame_are_summed_over_keys_and_averaged_over_frames():
    rng = np.random.default_rng(0)
    rolls = [rng.integers(0, 2, (length, 88)).astype(np.float32) for length in (5, 9)]
    part = polyphony.next_frames(rolls)
    network = polyphony.sequence_network("gru", 88, 3, 88, "sigmoid_cross_entropy", pooling=None)
    engine = polyphony.Engine(network)
    engine.flat[:] = rng.normal(size=engine.flat.shape)
    p, y = 1 / (1 + np.exp(-engine.predict(part.steps).astype(np.float64))), part.target.values
    frames = -(y * np.log(p) + (1 - y) * np.log(1 - p)).sum(axis=1)
    assert len(frames) == 12
    assert polyphony.nats_a_frame(engine, part) == pytest.approx(frames.mean(), rel=1e-5)


def test_shakespeare():
    training, validation = shakespeare.parts()
    assert (len(training), len(validation)) == (1_003_854, 111_540)
    X, y = shakespeare.windows(validation, np.array([0, 64, 100]), 64)
    assert X.shape == (3, 64, 65)
    np.testing.assert_array_equal(X.argmax(2)[:, 1:], y[:, :-1])
    assert y[0, -1] == validation[64] == X[1, 0].argmax()


def test_shakespeares_passes_are_chosen_by_the_end_of_the_training_part(monkeypatch):
    training, _ = shakespeare.parts()
    given = {}

    def fitted(kind, X, y, seed, **settings):
        given.update(settings, X=X, y=y)
        return "model", 1.0

    monkeypatch.setattr(shakespeare, "fitted", fitted)
    monkeypatch.setattr(shakespeare, "measured_on_validation", lambda *of: of)
    assert shakespeare.measure_passes(0, held_out=0.05, stride=3200, max_epochs=2) == ("model", 1.0)
    end = 953_661
    assert len(given["X"]) == 298
    np.testing.assert_array_equal(given["y"][-1], training[297 * 3200 + 1 : 297 * 3200 + 65])
    X, y = given["validation"]
    assert len(X) == 784
    np.testing.assert_array_equal(X[0].argmax(1), training[end : end + 64])
    assert y[-1, -1] == training[end + 784 * 64]


def test_data_are_unchanged_copies():
    sources = (DATA / "SOURCES.md").read_text(encoding="utf-8")
    stated = dict(re.findall(r"^\| (\S+) \|.*`([0-9a-f]{64})`", sources, re.MULTILINE))
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in DATA.iterdir()
        if path.suffix != ".md"
    }
    assert found == stated


def test_a_small_run_of_each_way_to_measure():
    order = temporal_order.measure(0, **{**temporal_order.SETTINGS, "num_sequences": 100})
    assert 0 < order.score <= 2560
    assert (order.updates, order.validation) == (7, None)
    strings = parity.measure(0, **{**parity.SETTINGS, "num_strings": 100, "max_epochs": 1})
    assert 0.4 < strings.score < 0.6
    chorales = polyphony.measure(
        0,
        data="JSB_Chorales",
        network={"cell": "rnn", "hidden_size": 4},
        training={"max_epochs": 1},
        initializers={},
    )
    assert 10 < chorales.score < 88 * np.log(2)
    assert chorales.seconds > 0
