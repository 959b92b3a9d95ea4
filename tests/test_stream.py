"""Steps that arrive one at a time or in pieces: the bits of the whole, states in and out, refusals."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from tidegate import (
    Category,
    MultiClass,
    Numeric,
    Recurrent,
    Regression,
    SequenceClassifier,
    SequenceModel,
    SequenceRegressor,
    Sequences,
    Vector,
    load,
)
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


def all_streams(seed: int, count: int) -> list[tuple[str, Any, Any, Any, Any, bool]]:
    """Of every kind of stream: a fitted model's `stream`, its steps (N, T, ...) as a function of a part of
    them, their stamps or None, what it predicts of whole sequences, and whether that is of each step."""
    rng = np.random.default_rng(seed)
    x, hours = rng.normal(size=(count, 6, 2)), np.cumsum(rng.exponential(size=(count, 6)), axis=1)
    gappy = np.where(rng.random(x.shape) < 0.5, np.nan, x)
    words = np.array(["slow", "fast"])[rng.integers(2, size=(count, 6))]
    timed = Sequences.from_any(gappy, times=hours)
    y, labels = x.sum(axis=2), x[:, -1, 0] > 0
    labels[:2] = [True, False]
    options = {"hidden_size": 5, "max_epochs": 1, "random_state": 0, "validation": None}
    last = {"pooling": "last", "bidirectional": False}
    layers = Recurrent("lstm", 2, 5, random_state=0)
    plain = SequenceRegressor("gru", **options).fit(x, y)
    decay = SequenceRegressor("lstm", missing="decay", **options).fit(timed, y)
    mask = SequenceClassifier("gru", missing="mask", fill="last", **last, **options).fit(gappy, labels)
    described = SequenceModel(
        inputs={"x": Numeric(missing="decay"), "word": Category(), "bag": Vector(size=2)},
        targets={"pace": MultiClass(), "sum": Regression(per="step")},
        **last,
        **options,
    )
    eye = sparse.csr_array(np.eye(6))
    data = {"x": timed, "word": list(words), "bag": [eye] * count}
    described.fit({**data, "pace": labels, "sum": list(y)})
    found = described.predict_proba(data)["pace"], np.stack(described.predict(data)["sum"])

    def of(values: Any) -> Any:
        return lambda part: values[:, part]

    def by_name(part: Any) -> dict[str, Any]:
        rows = part if isinstance(part, slice) else slice(part, part + 1)
        bags = [eye[rows]] * count if isinstance(part, slice) else sparse.vstack([eye[rows]] * count, "csr")
        return {"x": gappy[:, part], "word": list(words[:, part]), "bag": bags}

    return [
        ("layers", layers, of(x.astype(np.float32)), None, layers.forward(x.astype(np.float32))[0], True),
        ("plain", plain, of(x), None, plain.predict(x), True),
        ("decay", decay, of(gappy), hours, np.stack(decay.predict(timed)), True),
        ("mask", mask, of(gappy), None, mask.predict_proba(gappy), False),
        ("described", described, by_name, hours, found, None),
    ]


KINDS = ("layers", "plain", "decay", "mask", "described")
STREAMS = {count: {one[0]: one[1:] for one in all_streams(count, count)} for count in (3, 4)}


def compared(got: Any, expected: Any, steps: slice, per_step: bool | None) -> None:
    """Answers to these steps, the last of all sequences among them where there is one a sequence."""
    if per_step is None:
        compared(got["sum"], expected[1], steps, True)
        got, expected, per_step = got["pace"], expected[0], False
    if per_step:
        np.testing.assert_array_equal(got, expected[:, steps])
    elif steps.stop == 6:
        np.testing.assert_array_equal(got, expected)


def given_to(stream: Any, steps: Any, stamps: Any, part: Any) -> Any:
    """The answers to a part of the steps."""
    call = stream.steps if isinstance(part, slice) else stream.step
    return call(steps(part)) if stamps is None else call(steps(part), stamps[:, part])


@settings(deadline=None, max_examples=40)
@given(kind=st.sampled_from(KINDS), cut=st.integers(0, 5), more=st.integers(1, 5))
def test_a_stream_goes_on_elsewhere_from_its_state(kind: str, cut: int, more: int) -> None:
    """In pieces and by single steps, through a file, with the bits of predict."""
    model, steps, stamps, expected, per_step = STREAMS[3][kind]
    stream = model.stream(3)
    if cut:
        compared(given_to(stream, steps, stamps, slice(0, cut)), expected, slice(0, cut), per_step)
    file = io.BytesIO()
    np.savez(file, **stream.state())
    file.seek(0)
    other = model.stream(3)
    given_to(other, steps, stamps, slice(0, 6))  # which is to be forgotten
    other.restore(np.load(file))
    middle = min(6, cut + more)
    for one in (stream, other):
        got = given_to(one, steps, stamps, slice(cut, middle))
        compared(got, expected, slice(cut, middle), per_step)
        for step in range(middle, 6):
            got = given_to(one, steps, stamps, step)
            if isinstance(got, dict):
                got = {name: own[:, None] if name == "sum" else own for name, own in got.items()}
            compared(got[:, None] if per_step else got, expected, slice(step, step + 1), per_step)
    for name, state in stream.states.items():
        np.testing.assert_array_equal(other.states[name], state)
    other.reset()
    np.testing.assert_array_equal(other.states[name], np.zeros_like(state))


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_that_does_not_fit_changes_nothing(kind: str) -> None:
    model, steps, stamps, expected, per_step = STREAMS[3][kind]
    stream = model.stream(3)
    given_to(stream, steps, stamps, slice(0, 2))
    state = stream.state()
    foreign = STREAMS[4][kind][0].stream(3).state()
    if kind == "layers":
        foreign = Recurrent("lstm", 2, 5, random_state=1).stream(3).state()
    for wrong, message in (
        (foreign, "state expects that of a stream of this model; got one of another"),
        (model.stream(2).state(), r"state\['states.h'\] expects float32 of shape .* a stream of as many seq"),
        ({**state, "states.h": state["states.h"].astype(str)}, r"state\['states.h'\] expects float32 of"),
        ({**state, "states.h": np.full_like(state["states.h"], np.nan)}, "finite numbers"),
        ({name: state[name] for name in list(state)[:-1]}, "state expects the arrays model, states.h.*; got"),
        ({}, "state expects the arrays .*; got none: pass what state"),
    ):
        with pytest.raises(ValueError, match=message):
            stream.restore(wrong)
    compared(given_to(stream, steps, stamps, slice(2, 6)), expected, slice(2, 6), per_step)


def test_a_state_is_of_the_model_that_was_saved_and_of_one_unit_of_time(tmp_path: Path) -> None:
    model, steps, stamps, expected, _ = STREAMS[3]["decay"]
    stream = model.stream(3)
    given_to(stream, steps, stamps, slice(0, 3))
    model.save(tmp_path / "model.safetensors")
    other = load(tmp_path / "model.safetensors").stream(3)
    other.restore(stream.state())
    np.testing.assert_array_equal(given_to(other, steps, stamps, slice(3, 6)), expected[:, 3:])
    x, y = drawn(0, 8, 5, 2), drawn(1, 8)
    options = {"missing": "decay", "pooling": "last", **FAST}
    hours = np.arange(40.0).reshape(8, 5)
    of_hours, of_minutes = (
        SequenceRegressor(**options).fit(Sequences.from_any(x, times=unit * hours), y) for unit in (1, 64)
    )
    with pytest.raises(ValueError, match="got one of another, whose network, weights or statistics differ"):
        of_minutes.stream().restore(of_hours.stream().state())


@pytest.mark.parametrize("kind", ["decay", "described"])
def test_steps_with_gaps_that_do_not_follow_change_nothing(kind: str) -> None:
    model, steps, stamps, expected, per_step = STREAMS[3][kind]
    stream = model.stream(3)
    given_to(stream, steps, stamps, slice(0, 2))
    late = stamps[:, 2:6].copy()
    late[1, 3] = late[1, 2]
    for times, message in (
        (late, "expects finite stamps that rise from step to step.*in sequence 1"),
        (stamps[:, :3], r"times expects shape \(4,\) or \(3, 4\); got \(3, 3\)"),
    ):
        with pytest.raises(ValueError, match=message):
            stream.steps(steps(slice(2, 6)), times)
    if kind == "described":
        with pytest.raises(ValueError, match="expects 4 steps, as the first input has; got 3"):
            stream.steps({**steps(slice(2, 6)), "word": steps(slice(3, 6))["word"]}, stamps[:, 2:6])
        with pytest.raises(ValueError, match=r"data\['word'\] expects 3 lists of as many steps"):
            stream.steps({**steps(slice(2, 6)), "word": [["slow"] * 4, ["slow"], ["slow"]]}, stamps[:, 2:6])
    else:
        with pytest.raises(ValueError, match=r"x expects shape \(3, steps, 2\), of at least one step; got"):
            stream.steps(np.zeros((3, 4, 5)), stamps[:, 2:6])
    compared(given_to(stream, steps, stamps, slice(2, 6)), expected, slice(2, 6), per_step)


def test_states_of_a_stream_with_gaps_may_be_assigned() -> None:
    model, steps, stamps, *_ = STREAMS[3]["decay"]
    stream = model.stream(3)
    given_to(stream, steps, stamps, 0)
    states = stream.states
    assert sorted(states) == ["c", "h"]
    first = given_to(stream, steps, stamps, 1)
    stream.reset()
    given_to(stream, steps, stamps, 0)
    stream.states = {"h": 0 * states["h"], "c": 0 * states["c"]}
    assert not np.array_equal(stream.states["h"], states["h"])
    stream.states = states
    np.testing.assert_array_equal(given_to(stream, steps, stamps, 1), first)


def test_a_model_that_reads_no_times_says_so() -> None:
    stream = MODELS[True][1].stream()
    for call, x in ((stream.step, [1.0, 2.0]), (stream.steps, [[1.0, 2.0]])):
        with pytest.raises(ValueError, match="times expects None, as this model reads no time stamps; got s"):
            call(x, [1.0])
