"""Steps that arrive one at a time or in pieces: the bits of the whole, states in and out, refusals."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate import Recurrent, SequenceClassifier, SequenceRegressor, Sequences
from tidegate.cells import CELLS


def drawn(seed: int, *shape: int) -> npt.NDArray[Any]:
    return np.random.default_rng(seed).normal(size=shape)


@settings(deadline=None, max_examples=40)
@given(
    cell=st.sampled_from(sorted(CELLS)),
    dtype=st.sampled_from(["float32", "float64"]),
    hidden_size=st.integers(1, 70),
    num_layers=st.integers(1, 3),
    num_sequences=st.integers(1, 30),
    cut=st.integers(0, 6),
)
def test_steps_have_the_bits_of_the_whole(
    cell: str, dtype: str, hidden_size: int, num_layers: int, num_sequences: int, cut: int
) -> None:
    layers = Recurrent(cell, 3, hidden_size, num_layers, dtype=dtype, random_state=0)
    x = drawn(1, num_sequences, 6, 3).astype(dtype)
    whole, final = layers.forward(x)
    stream, other = layers.stream(num_sequences), layers.stream(num_sequences)
    for value in layers.parameters.values():
        value[...] = 7.0  # a stream keeps the parameters it was made with
    for t in range(6):
        if t == cut:  # another stream goes on from the states alone
            other.states = stream.states
            stream = other
        np.testing.assert_array_equal(stream.step(x[:, t]), whole[:, t])
    for name, state in final.items():
        np.testing.assert_array_equal(stream.states[name], state)
    stream.reset()
    np.testing.assert_array_equal(stream.step(x[:, 0]), whole[:, 0])


@settings(deadline=None, max_examples=60)
@given(
    cell=st.sampled_from(sorted(CELLS)),
    dtype=st.sampled_from(["float32", "float64"]),
    hidden_size=st.integers(1, 70),
    num_layers=st.integers(1, 3),
    num_sequences=st.integers(1, 30),
    pieces=st.lists(st.integers(1, 80), min_size=1, max_size=5),
)
def test_pieces_have_the_bits_of_the_whole_however_it_is_cut(
    cell: str, dtype: str, hidden_size: int, num_layers: int, num_sequences: int, pieces: list[int]
) -> None:
    """Of a piece of one step with `step`, and of several."""
    layers = Recurrent(cell, 3, hidden_size, num_layers, dtype=dtype, random_state=0)
    x = drawn(1, num_sequences, sum(pieces), 3).astype(dtype)
    whole, final = layers.forward(x)
    stream, at = layers.stream(num_sequences), 0
    for steps in pieces:
        piece = x[:, at : at + steps]
        got = stream.step(piece[:, 0])[:, np.newaxis] if steps == 1 else stream.steps(piece)
        np.testing.assert_array_equal(got, whole[:, at : at + steps])
        at += steps
    for name, state in final.items():
        np.testing.assert_array_equal(stream.states[name], state)


def test_a_step_can_be_written_in_place_and_given_as_a_list() -> None:
    layers = Recurrent("gru", 2, 3, random_state=0)
    streams = [layers.stream() for _ in range(3)]
    streams[0].x[...] = [[0.5, -1.0]]
    outputs = [streams[0].step(), streams[1].step([[0.5, -1.0]]), streams[2].step(np.array([[0.5, -1.0]]))]
    assert outputs[0] is streams[0].output
    for output in outputs[1:]:
        np.testing.assert_array_equal(output, outputs[0])


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([[1.0, np.nan]], r"x expects finite numbers; got NaN or infinity"),
        ([[np.inf, 0.0]], r"x expects finite numbers; got NaN or infinity"),
        ([[1.0]], r"x expects shape \(1, 2\); got \(1, 1\)"),
        ([1.0, 2.0], r"x expects shape \(1, 2\); got \(2,\)"),
        ("no", r"x expects numbers; got 'no'"),
    ],
)
def test_a_step_that_does_not_fit_changes_nothing(x: Any, message: str) -> None:
    stream = Recurrent("lstm", 2, 3, random_state=0).stream()
    stream.step([[1.0, 2.0]])
    before = stream.states
    with pytest.raises(ValueError, match=message):
        stream.step(x)
    for name, state in stream.states.items():
        np.testing.assert_array_equal(state, before[name])


def test_what_cannot_stream_says_so() -> None:
    with pytest.raises(ValueError, match="one direction; got bidirectional=True"):
        Recurrent("gru", 2, 3, bidirectional=True).stream()
    with pytest.raises(ValueError, match="num_sequences expects"):
        Recurrent("gru", 2, 3).stream(0)
    stream = Recurrent("gru", 2, 3).stream()
    with pytest.raises(ValueError, match="states: state expects one of h; got 'c'"):
        stream.states = {"c": np.zeros((1, 1, 3))}
    with pytest.raises(ValueError, match=r"states\['h'\] expects shape \(1, 1, 3\)"):
        stream.states = {"h": np.zeros((1, 3))}


FAST = {"hidden_size": 6, "max_epochs": 3, "random_state": 0, "validation": None}


def models(per_step: bool) -> tuple[SequenceClassifier, SequenceRegressor]:
    X = 5.0 + 3.0 * drawn(1, 20, 7, 2)
    y = X[:, :, 0] if per_step else X[:, -1, 0]
    classifier = SequenceClassifier(pooling="last", bidirectional=False, **FAST).fit(X, y > 5.0)
    return classifier, SequenceRegressor(pooling="last", **FAST).fit(X, y)


MODELS = {per_step: models(per_step) for per_step in (False, True)}


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((2, 2)), r"x expects shape \(1, steps, 2\) of at least one step; got \(2, 2\)"),
        (np.zeros((1, 0, 2)), r"x expects shape \(1, steps, 2\) of at least one step; got \(1, 0, 2\)"),
        (np.zeros((1, 4, 3)), r"x expects shape \(1, steps, 2\) of at least one step; got \(1, 4, 3\)"),
        ([[[1.0, 2.0], [np.nan, 0.0]]], "x expects finite numbers; got NaN or infinity"),
    ],
)
def test_a_piece_that_does_not_fit_changes_nothing(x: Any, message: str) -> None:
    stream = Recurrent("lstm", 2, 3, random_state=0).stream()
    stream.steps([[[1.0, 2.0], [3.0, 4.0]]])
    before = stream.states
    with pytest.raises(ValueError, match=message):
        stream.steps(x)
    for name, state in stream.states.items():
        np.testing.assert_array_equal(state, before[name])


@settings(deadline=None, max_examples=20)
@given(pieces=st.lists(st.integers(1, 40), min_size=1, max_size=5), per_step=st.booleans())
def test_a_model_answers_pieces_as_it_predicts(pieces: list[int], per_step: bool) -> None:
    classifier, regressor = MODELS[per_step]
    X = 5.0 + 3.0 * drawn(2, 4, sum(pieces), 2)
    labels, levels = classifier.stream(4), regressor.stream(4)
    probabilities, numbers = classifier.predict_proba(X), regressor.predict(X)
    for start, stop in zip(np.cumsum([0, *pieces]), np.cumsum(pieces)):
        so_far, steps = X[:, :stop], slice(start, stop)
        got = labels.steps(X[:, steps]), levels.steps(X[:, steps])
        if per_step:
            expected = probabilities[:, steps], numbers[:, steps]
        else:
            expected = classifier.predict_proba(so_far), regressor.predict(so_far)
        np.testing.assert_array_equal(got[0], expected[0])
        np.testing.assert_array_equal(got[1], expected[1])


def test_a_piece_of_one_sequence_needs_no_axis_for_it() -> None:
    stream, other = (MODELS[True][1].stream() for _ in range(2))
    x = drawn(3, 6, 2)
    np.testing.assert_array_equal(stream.steps(x), other.steps(x[np.newaxis]))
    with pytest.raises(
        ValueError, match=r"x expects shape \(1, steps, 2\), or \(steps, 2\), of at least one"
    ):
        stream.steps(np.zeros((0, 2)))


@pytest.mark.parametrize("per_step", [False, True])
def test_a_model_answers_as_it_predicts(per_step: bool) -> None:
    X = 5.0 + 3.0 * drawn(1, 20, 7, 2)
    classes = np.array(["no", "yes"])[(X[:, :, 0] > 5.0).astype(int)]
    numbers = 100.0 * X.sum(axis=2)
    y, values = (classes, numbers) if per_step else (classes[:, -1], numbers[:, -1])
    classifier = SequenceClassifier(pooling="last", bidirectional=False, **FAST).fit(X, y)
    regressor = SequenceRegressor(pooling="last", **FAST).fit(X, values)
    labels, levels = classifier.stream(20), regressor.stream(20)
    for t in range(7):
        probabilities, predicted = labels.step(X[:, t]), levels.step(X[:, t])
        so_far = X[:, : t + 1]
        expected = classifier.predict_proba(so_far), regressor.predict(so_far)
        np.testing.assert_array_equal(probabilities, expected[0][:, -1] if per_step else expected[0])
        np.testing.assert_array_equal(predicted, expected[1][:, -1] if per_step else expected[1])
    states = levels.states
    levels.reset()
    first = levels.step(X[:, 0])
    levels.states = states
    assert not np.array_equal(levels.step(X[:, 0]), first)


def test_a_model_that_needs_every_step_again_says_so() -> None:
    X, y = drawn(1, 8, 5, 2), np.arange(8.0)
    with pytest.raises(ValueError, match=r"fit one with pooling='last'$"):
        SequenceRegressor(pooling="mean", **FAST).fit(X, y).stream()
    with pytest.raises(ValueError, match=r"with bidirectional=False, pooling='last'$"):
        SequenceClassifier(**FAST).fit(X, y > 3).stream()
    stream = SequenceRegressor(pooling="last", **FAST).fit(X, y).stream()
    with pytest.raises(ValueError, match=r"x expects shape \(1, 2\); got \(3,\)"):
        stream.step([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="x expects finite numbers; got NaN"):
        stream.step([1.0, np.nan])
    for step in (stream.step, stream.steps):
        with pytest.raises(ValueError, match="x expects numbers; got str: pass an array"):
            step("abc")
    assert stream.step([1.0, 2.0]).shape == (1,)


@settings(deadline=None, max_examples=12)
@given(
    missing=st.sampled_from(["mask", "decay"]),
    fill=st.sampled_from(["mean", "zero", "last"]),
    cell=st.sampled_from(["lstm", "gru"]),
    timed=st.booleans(),
    seed=st.integers(0, 99),
)
def test_a_stream_with_gaps_has_the_bits_of_the_whole(
    missing: str, fill: str, cell: str, timed: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    X = 5.0 + 3.0 * rng.normal(size=(9, 6, 3))
    y = X.sum(axis=2)
    X[rng.random(X.shape) < 0.5] = np.nan
    hours = np.cumsum(rng.exponential(size=(9, 6)), axis=1) if timed else None
    whole = Sequences.from_any(X, times=hours)
    options = {"hidden_size": 6, "max_epochs": 2, "random_state": 0, "validation": None}
    model = SequenceRegressor(cell, missing=missing, fill=fill, pooling="last", **options).fit(whole, y)
    expected = np.stack(model.predict(whole))
    stream = model.stream(9)
    for _ in range(2):
        for t in range(6):
            answers = stream.step(X[:, t], None if hours is None else hours[:, t])
            np.testing.assert_array_equal(answers, expected[:, t])
        stream.reset()


def test_a_stream_with_gaps_refuses_what_does_not_follow() -> None:
    X, y = drawn(1, 8, 5, 2), drawn(2, 8)
    hours = np.arange(40.0).reshape(8, 5)
    timed = Sequences.from_any(X, times=hours)
    options = {"missing": "decay", "pooling": "last", **FAST}
    stream = SequenceRegressor(**options).fit(timed, y).stream()
    first = stream.step([1.0, np.nan], 3.0)
    for x, times, message in (
        ([1.0, 2.0], None, "times expects a time stamp, as fit saw; got none"),
        ([1.0, 2.0], 3.0, "got 3.0 after 3.0 in sequence 0: put the steps in order"),
        ([1.0, np.inf], 4.0, "got infinity in sequence 0, feature 1: mend it, or pass NaN"),
        ([1.0], 4.0, r"x expects shape \(1, 2\); got \(1,\)"),
        ([1.0, 2.0], [4.0, 5.0], r"times expects one stamp, or shape \(1,\)"),
    ):
        with pytest.raises(ValueError, match=message):
            stream.step(x, times)
    after = stream.step([1.0, 2.0], 4.0)
    stream.reset()
    np.testing.assert_array_equal(stream.step([1.0, np.nan], 3.0), first)
    np.testing.assert_array_equal(stream.step([1.0, 2.0], 4.0), after)
    assert not np.array_equal(first, after)
    with pytest.raises(ValueError, match="times expects None, as fit saw"):
        SequenceRegressor(**options).fit(X, y).stream().step([1.0, 2.0], 1.0)
