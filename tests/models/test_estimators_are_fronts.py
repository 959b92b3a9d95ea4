"""A SequenceModel of one Numeric and one target is the estimator: the same parameters, bit by bit, whatever
the options; and what a model of many inputs has from them."""

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from tidegate import (
    Binary,
    Category,
    MultiClass,
    MultiLabel,
    Numeric,
    Regression,
    SequenceClassifier,
    SequenceModel,
    SequenceRegressor,
    Sequences,
    Text,
    Vector,
    load,
)
from tidegate.engine import Engine, Steps
from tidegate.estimators.model import ONLY
from tidegate.models.rows import Rows
from tidegate.network import DropoutMask, Input, Network, Recurrent, Zoneout, sequence_network

QUICK: dict[str, Any] = {
    "cell": "gru",
    "hidden_size": 5,
    "max_epochs": 3,
    "random_state": 0,
    "bidirectional": False,
    "dropout": 0.0,
    "pooling": "last",
}
rng = np.random.default_rng(0)
N = 24
X = [rng.normal(size=(rng.integers(3, 9), 2)) for _ in range(N)]
GAPS = [np.where(rng.random(one.shape) < 0.2, np.nan, one) for one in X]
TIMED = Sequences.from_any(GAPS, times=[np.cumsum(0.1 + rng.random(len(one))) for one in X])
KEPT = Sequences.from_any(X).with_padding(8)
SUMS = np.array([one.sum() for one in X])
CLASSES = np.digitize(SUMS, np.quantile(SUMS, [0.3, 0.6]))
STEPS = [one.sum(axis=1) for one in X]
WEIGHTS = rng.random(N)
WEIGHTS[[2, 9]] = 0.0
STEP_WEIGHTS = [rng.random(len(one)) for one in X]
LSTM: dict[str, Any] = {"cell": "lstm", "num_layers": 2}

# Options of both; X; of the record; y, its target and what the estimator has of it; weights.
NUMBERS, LABELS = (SUMS, Regression(), {}), (CLASSES, MultiClass(), {})
PER_STEP = (STEPS, Regression(per="step"), {})
CASES: dict[str, tuple[dict[str, Any], Any, dict[str, Any], tuple[Any, Any, dict[str, Any]], Any]] = {
    "plain": ({}, X, {}, NUMBERS, None),
    "classes": ({"bidirectional": True, "dropout": 0.3, "pooling": "max"}, X, {}, LABELS, None),
    "per step": ({"dense": [(4, "tanh")]}, X, {}, PER_STEP, None),
    "truncated": ({"bptt_steps": 2}, X, {}, NUMBERS, None),
    "truncated, per step": ({"bptt_steps": 2}, X, {}, PER_STEP, None),
    "recomputed": ({"recompute": True}, X, {}, NUMBERS, None),
    "zoneout": ({**LSTM, "zoneout": {"h": 0.1, "c": 0.4}}, X, {}, NUMBERS, None),
    "dropout of every kind": (
        {**LSTM, "dropout": 0.2, "input_dropout": 0.2, "recurrent_dropout": 0.3, "variational_dropout": True},
        X,
        {},
        NUMBERS,
        None,
    ),
    "weighted": ({}, X, {}, NUMBERS, WEIGHTS),
    "weighted classes": (
        {},
        X,
        {},
        (CLASSES, MultiClass(class_weight="balanced"), {"class_weight": "balanced"}),
        WEIGHTS,
    ),
    "weighted steps": ({}, X, {}, PER_STEP, STEP_WEIGHTS),
    "one against the rest": (
        {},
        X,
        {},
        (CLASSES, MultiClass(loss="sigmoid_cross_entropy"), {"loss": "sigmoid_cross_entropy"}),
        None,
    ),
    "one of two": (
        {},
        X,
        {},
        (SUMS > 0, MultiClass(loss="sigmoid_cross_entropy"), {"loss": "sigmoid_cross_entropy"}),
        None,
    ),
    "in the targets' unit": (
        {},
        X,
        {"standardize": False},
        (SUMS, Regression(standardize=False, loss="huber"), {"loss": "huber"}),
        None,
    ),
    **{
        f"{missing} of {fill}": (
            {"input_dropout": 0.1},
            TIMED,
            {"missing": missing, "fill": fill},
            NUMBERS,
            None,
        )
        for missing, fill in (("fill", "zero"), ("mask", "last"), ("decay", "mean"))
    },
    "decay in both directions": ({"bidirectional": True}, GAPS, {"missing": "decay"}, LABELS, None),
    "gates of padding": ({"zoneout": 0.1}, KEPT, {"padding": "gate"}, NUMBERS, None),
    "padding that is read": ({}, X, {"padding": "input"}, NUMBERS, None),
}


def fitted(case: str, **options: Any) -> tuple[Any, SequenceModel, Any]:
    own, data, record, (y, target, of_estimator), weights = CASES[case]
    options = {**QUICK, **own, **options}
    kind = SequenceRegressor if isinstance(target, Regression) else SequenceClassifier
    estimator = kind(**options, **{"missing": "refuse", **record}, **of_estimator)
    model = SequenceModel({"x": Numeric(**{"missing": "refuse", **record})}, {"y": target}, **options)
    given = {"x": data, "y": y}
    for _ in range(1 + bool(options.get("warm_start"))):
        estimator.fit(data, y, weights)
        model.fit(given, weights)
    return estimator, model, given


@pytest.mark.parametrize("case", CASES)
def test_a_model_of_one_input_and_one_target_is_the_estimator(case: str, tmp_path: Any) -> None:
    estimator, model, data = fitted(case)
    for (name, own), (other, value) in zip(
        estimator.parameters_.items(), model.parameters_.items(), strict=True
    ):
        np.testing.assert_array_equal(own, value, f"{name}, {other}")
    np.testing.assert_equal(estimator.history_, model.history_)
    model.save(tmp_path / "model")
    for one in (model, load(tmp_path / "model")):
        answers, expected = one.predict(data)["y"], estimator.predict(data["x"])
        assert all(np.array_equal(*both) for both in zip(answers, expected, strict=True))


@pytest.mark.parametrize(
    "case", ["plain", "weighted classes", "zoneout", "decay of mean", "gates of padding"]
)
def test_a_warm_start_continues_as_the_estimators(case: str) -> None:
    estimator, model, _ = fitted(case, warm_start=True)
    assert len(model.history_["loss"]) == 6
    for own, value in zip(estimator.parameters_.values(), model.parameters_.values(), strict=True):
        np.testing.assert_array_equal(own, value)


def test_a_warm_start_refuses_other_records() -> None:
    _, model, data = fitted("plain", warm_start=True)
    model.inputs = {"x": Numeric(missing="mask")}
    with pytest.raises(ValueError, match="warm_start expects inputs and targets as the fit before had them"):
        model.fit(data)


@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("gates", [False, True])
def test_the_estimators_network_is_the_usual_one(per_step: bool, gates: bool) -> None:
    options = {
        **QUICK, **LSTM, "bidirectional": True, "dropout": 0.2, "zoneout": 0.1, "dense": [(3, "relu")],
        "recurrent_dropout": 0.1, "input_dropout": 0.1, "max_epochs": 1,
    }  # fmt: skip
    gates = gates and not per_step
    model = SequenceRegressor(missing="decay", padding="gate" if gates else "skip", **options)
    model.fit(GAPS, STEPS if per_step else SUMS)
    for name in ("max_epochs", "random_state", "pooling", "cell", "hidden_size"):
        del options[name]
    pooling = None if per_step else "last"
    expected = sequence_network(
        "lstm", 2, 5, 1, "mse", pooling=pooling, decay=True, padding_gate=gates, **options
    )
    assert model.network_ == expected


def test_a_sequence_of_weight_zero_is_as_if_it_were_not_there() -> None:
    inputs = {"x": Numeric(), "size": Numeric(role="static")}
    data = {"x": X, "size": SUMS, "y": CLASSES}
    kept = np.flatnonzero(WEIGHTS)
    some = {"x": [X[at] for at in kept], "size": SUMS[kept], "y": CLASSES[kept]}
    models = [
        SequenceModel(inputs, {"y": MultiClass()}, **QUICK).fit(*given)
        for given in ((data, WEIGHTS), (some, WEIGHTS[kept]), (some, 7.0 * WEIGHTS[kept]), (some, None))
    ]
    first, second, scaled, unweighted = (model.predict_proba(data)["y"] for model in models)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first, scaled, rtol=1e-5)
    assert not np.array_equal(first, unweighted)


def test_weights_that_do_not_fit_are_refused() -> None:
    model = SequenceModel({"x": Numeric()}, {"y": MultiClass()}, **QUICK)
    for weights, message in (
        (WEIGHTS[:5], "sample_weight expects one entry for each of the 24 sequences"),
        (STEP_WEIGHTS, "sample_weight expects one number a sequence, as y has one target a sequence"),
        (-WEIGHTS, "sample_weight expects numbers from 0"),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit({"x": X, "y": CLASSES}, weights)
    assert not hasattr(model, "network_")


def starting(inputs: dict[str, Any], data: dict[str, Any], **options: Any) -> dict[str, Any]:
    """The parameters that a fit begins with."""
    options = {**QUICK, "max_epochs": 1, "learning_rate": 0.0, **options}
    return SequenceModel(inputs, {"y": Regression()}, **options).fit({**data, "y": SUMS}).parameters_


def test_what_is_read_beside_values_counts_for_nothing_at_first() -> None:
    labels = [rng.integers(0, 3, len(one)).tolist() for one in X]
    weight = starting(
        {"label": Category(size=3), "x": Numeric(missing="mask"), "other": Numeric()},
        {"label": labels, "x": GAPS, "other": X},
        input_dropout=0.1,
    )["weight_ih_main/l0"]
    used = (weight != 0.0).all(axis=0)
    assert used.tolist() == [True] * 5 + [False] * 4 + [True] * 2
    assert not weight[:, 5:9].any()
    both = starting({"x": Numeric(missing="decay")}, {"x": GAPS}, bidirectional=True)
    for name in ("weight_ih_main/l0", "weight_ih_main/l0_reverse"):
        assert (both[name] != 0.0).all(axis=0).tolist() == [True, True, False, False]
    projected = starting({"x": Numeric(missing="mask", projection=4)}, {"x": GAPS})["weight_x.projection"]
    assert (projected != 0.0).all(axis=0).tolist() == [True, True, False, False, False, False]
    flags = np.where(rng.random(N) < 0.3, np.nan, SUMS)
    static = starting(
        {"x": Numeric(), "size": Numeric(role="static")}, {"x": X, "size": np.stack([flags, SUMS], 1)}
    )
    assert (static["weight_y.output"] != 0.0).all()


def test_a_stream_beside_the_first_has_its_own_masks_and_zoneout() -> None:
    """The layer of a second stream beside one of other steps has the bits of the same layer alone."""

    def engine(stream: int) -> Engine:
        layer = Recurrent("l", ("x",), "gru", 4, updates=("zoneout",), product_multiplier="mask")
        nodes = (
            Input("other", 3),
            Input("x", 2, stream=stream),
            DropoutMask("mask", 4, 0.4, stream),
            Zoneout("zoneout", (), 4, 0.3, stream),
            layer,
        )
        built = Engine(Network(nodes), dtype="float64")
        built.flat[:] = np.random.default_rng(1).normal(size=built.flat.shape)
        return built

    x, other = rng.normal(size=(11, 2)), rng.normal(size=(7, 3))
    starts, lengths = np.array([0, 4, 5]), np.array([4, 1, 6])
    alone, beside = engine(0), engine(1)
    places = (np.array([0, 2, 3]), np.array([2, 1, 4]))
    grown = np.zeros((11, 3))
    for training in (False, True):
        alone.forward(Steps((grown, x), starts, lengths), training=training, seed=3)
        beside.forward(Steps((other, x), *places, (), ((starts, lengths),)), training=training, seed=3)
        np.testing.assert_array_equal(alone.value("l"), beside.value("l"))
    ones = np.ones((11, 4))
    for built in (alone, beside):
        built.backward({"l": ones})
    np.testing.assert_allclose(beside.gradients["weight_hh_l"], alone.gradients["weight_hh_l"], rtol=1e-12)


def test_regularisers_act_on_every_stream() -> None:
    inputs = {"x": Numeric(), "fast": Numeric(stream="fast"), "note": Text(min_count=1)}
    fast = [rng.normal(size=(rng.integers(5, 20), 3)) for _ in range(N)]
    data = {"x": X, "fast": fast, "note": [f"note {label}" for label in CLASSES], "y": CLASSES}
    options = {**QUICK, "num_layers": 2, "bidirectional": True}

    def probabilities(**own: Any) -> Any:
        return (
            SequenceModel(inputs, {"y": MultiClass()}, **{**options, **own})
            .fit(data)
            .predict_proba(data)["y"]
        )

    found = [
        probabilities(**own)
        for own in ({}, {"zoneout": 0.3}, {"recurrent_dropout": 0.3}, {"input_dropout": 0.3})
    ]
    assert all((one != other).any() for at, one in enumerate(found) for other in found[:at])
    model = SequenceModel(inputs, {"y": MultiClass()}, **{**options, "zoneout": 0.3}).fit(data)
    streams = [node.stream for node in model.network_.nodes if isinstance(node, Zoneout)]
    assert sorted(set(streams)) == [0, 1, 2]
    assert len(streams) == 12


@pytest.mark.parametrize("option", [{"bptt_steps": 3}, {"recompute": True}])
def test_windows_of_time_are_for_steps_of_one_stream(option: dict[str, Any]) -> None:
    (name,) = option
    data = {"x": X, "size": SUMS, "y": CLASSES, "fast": X, "some": [None, *X[1:]]}
    for inputs in (
        {"x": Numeric(), "size": Numeric(role="static")},
        {"x": Numeric(), "fast": Numeric(stream="fast")},
        {"some": Numeric()},
    ):
        with pytest.raises(ValueError, match=f"{name} expects inputs of steps of one stream"):
            SequenceModel(inputs, {"y": MultiClass()}, **QUICK, **option).fit(data)
    with pytest.raises(ValueError, match=f"{name} expects layers in one direction"):
        SequenceModel({"x": Numeric()}, {"y": MultiClass()}, **{**QUICK, "bidirectional": True}, **option)


def test_padding_is_for_an_input_alone_in_its_stream() -> None:
    gated = Numeric(padding="gate")
    for inputs, target in (
        ({"x": gated, "other": Numeric()}, MultiClass()),
        ({"x": gated}, MultiClass(per="step")),
    ):
        with pytest.raises(ValueError, match=r"inputs\['x'\]: padding expects 'skip'"):
            SequenceModel(inputs, {"y": target})
    for wrong in ({"role": "static"}, {"align": True}):
        with pytest.raises(ValueError, match="padding expects 'skip' of an input that is static or aligned"):
            Numeric(padding="gate", **wrong)


STREAMED: dict[str, tuple[Any, Any]] = {
    "x": (Numeric(missing="refuse"), X),
    "gaps": (Numeric(missing="mask", fill="last"), GAPS),
    "decaying": (Numeric(missing="decay", projection=3), GAPS),
    "label": (Category(), [rng.choice(["up", "down"], len(one)).tolist() for one in X]),
    "bag": (
        Vector(size=4),
        [sparse.csr_matrix(rng.poisson(0.3, (len(one), 30)).astype(float)) for one in X],
    ),
}


@pytest.mark.parametrize("names", [["x"], ["gaps"], list(STREAMED)], ids=["numbers", "gaps", "every kind"])
def test_a_stream_answers_as_the_whole_sequences(names: list[str]) -> None:
    targets = {
        "sum": Regression(),
        "kind": MultiClass(calibration="temperature"),
        "step": Regression(per="step"),
    }
    data = {name: STREAMED[name][1] for name in names} | {"sum": SUMS, "kind": CLASSES, "step": STEPS}
    model = SequenceModel({name: STREAMED[name][0] for name in names}, targets, **QUICK).fit(data)
    count = 3
    shortest = min(len(one) for one in X[:count])
    stream = model.stream(count)
    for _ in range(2):
        for step in range(shortest):
            answers = stream.step({name: _at(data[name][:count], step) for name in names})
            part = {name: [one[: step + 1] for one in data[name][:count]] for name in names}
            whole, chances = model.predict(part), model.predict_proba(part)
            np.testing.assert_array_equal(answers["sum"], whole["sum"])
            np.testing.assert_array_equal(answers["kind"], chances["kind"])
            np.testing.assert_array_equal(answers["step"], [own[-1] for own in whole["step"]])
        stream.reset()


def _at(sequences: Any, step: int) -> Any:
    """The step of each sequence, as an array, a list of labels or a sparse matrix."""
    own = [one[step] for one in sequences]
    return sparse.vstack(own).tocsr() if sparse.issparse(own[0]) else own


def test_a_stream_with_time_stamps_answers_as_the_estimators() -> None:
    options = {**QUICK, "validation": None}
    model = SequenceModel({"x": Numeric(missing="decay")}, {"y": Regression()}, **options)
    model.fit({"x": TIMED, "y": SUMS})
    estimator = SequenceRegressor(missing="decay", **options).fit(TIMED, SUMS)
    one, other = model.stream(), estimator.stream()
    assert TIMED.times is not None
    for values, time in zip(TIMED[0], TIMED.times):
        np.testing.assert_array_equal(one.step({"x": values}, time)["y"], other.step(values, time))
    with pytest.raises(ValueError, match="put the steps in order of time"):
        one.step({"x": TIMED[0][0]}, 0.0)
    with pytest.raises(ValueError, match="times expects a time stamp, as fit saw"):
        one.step({"x": TIMED[0][0]})


def test_a_model_that_cannot_stream_says_so() -> None:
    data = {"x": X, "size": SUMS, "y": CLASSES}
    both, static = {"x": Numeric()}, {"x": Numeric(), "size": Numeric(role="static")}
    for inputs, options, message in (
        (both, {"bidirectional": True}, "fit one with bidirectional=False$"),
        (both, {"pooling": "max"}, "fit one with pooling='last'$"),
        (static, {}, "fit one with inputs of steps of one stream alone"),
    ):
        model = SequenceModel(inputs, {"y": MultiClass()}, **{**QUICK, **options}).fit(data)
        with pytest.raises(ValueError, match=message):
            model.stream()
    stream = SequenceModel(both, {"y": MultiClass()}, **QUICK).fit(data).stream(2)
    first = stream.step({"x": [X[0][0], X[1][0]]})["y"]
    for given, message in (
        ({"z": X[0][:2]}, "data expects a value for 'x'; got 'z' alone"),
        ({"x": X[0][:1]}, r"data\['x'\] expects shape \(2, 2\); got \(1, 2\)"),
        ({"x": [[np.nan, 1.0]] * 2}, r"data\['x'\] expects finite numbers; got NaN in sequence 0"),
    ):
        with pytest.raises(ValueError, match=message):
            stream.step(given)
    stream.reset()
    np.testing.assert_array_equal(stream.step({"x": [X[0][0], X[1][0]]})["y"], first)


def test_what_a_fitted_model_reads_follows_from_its_network() -> None:
    """Options may change after fit."""
    y = [len(one) > 5 for one in X]
    for both in (False, True):
        model = SequenceClassifier(missing="decay", **{**QUICK, "bidirectional": both}).fit(GAPS, y)
        before = model.predict_proba(GAPS)
        model.set_params(bidirectional=not both)
        np.testing.assert_array_equal(model.predict_proba(GAPS), before)


def test_gaps_of_a_sequence_without_weight_do_not_count() -> None:
    gappy = [*X[:-1], np.full_like(X[-1], np.nan)]
    weights = np.r_[np.ones(N - 1), 0.0]
    y = [len(one) > 5 for one in X]
    model = SequenceClassifier(**QUICK).fit(gappy, y, weights)
    assert model.gaps_.missing == "refuse"


def test_balanced_weights_follow_the_weights_of_sequences() -> None:
    positive = np.arange(N) % 2 == 0
    weights = np.where(positive, 1.0, np.where(np.arange(N) == 1, 100.0, 1.0))
    ratio = weights[~positive].sum() / weights[positive].sum()
    targets = {
        "one": (Binary(positive=True, positive_weight="balanced"), positive),
        "more": (MultiLabel(label_weight="balanced"), [["a"] if one else [] for one in positive]),
    }
    for name, (record, answers) in targets.items():
        model = SequenceModel(inputs={"x": Numeric()}, targets={name: record}, **QUICK, validation=None)
        model.fit({"x": X, name: answers}, weights)
        assert model.codings_[name].weights == pytest.approx([ratio])


def test_labels_of_a_fit_before_may_be_without_an_example() -> None:
    labels = [["a", "b"] if one % 2 else ["a"] for one in range(N)]
    model = SequenceModel(
        inputs={"x": Numeric()}, targets={"y": MultiLabel()}, warm_start=True, validation=None, **QUICK
    ).fit({"x": X, "y": labels})
    model.fit({"x": X, "y": [["a"]] * N})
    assert model.classes("y") == ("a", "b")


@pytest.mark.parametrize("validation", ["0.1", [1], (X, X)])
def test_validation_is_a_share_or_data(validation: Any) -> None:
    with pytest.raises(ValueError, match="validation expects a share, data like fit's, or None"):
        SequenceModel(inputs={"x": Numeric()}, targets={"y": Binary()}, validation=validation)


@pytest.mark.parametrize("padding", ["skip", "gate", "input"])
@pytest.mark.parametrize("missing", ["refuse", "fill", "mask", "decay"])
@pytest.mark.parametrize("both", [False, True])
def test_short_predictions_read_the_steps_as_fit_does(padding: str, missing: str, both: bool) -> None:
    data = X if missing == "refuse" else GAPS
    options = {**QUICK, "bidirectional": both, "missing": missing, "padding": padding}
    model = SequenceRegressor(**options).fit(data, SUMS)
    sequences = Sequences.from_any(data)
    short, as_in_fit = (
        model._steps_of(sequences),
        model._steps({ONLY: Rows.of(sequences)}, model.encoders_, model.network_),
    )
    for name in ("starts", "lengths"):
        np.testing.assert_array_equal(getattr(short, name), getattr(as_in_fit, name))
    assert len(short.inputs) == len(as_in_fit.inputs)
    for own, other in zip(short.inputs, as_in_fit.inputs, strict=True):
        np.testing.assert_array_equal(own, other)


@pytest.mark.parametrize(
    "options", [{}, {"num_layers": 2, "dense": ((3, "tanh"),), "zoneout": 0.1}, {"pooling": "mean"}]
)
def test_the_network_is_that_of_the_engines_tests(options: Any) -> None:
    model = SequenceRegressor(**{**QUICK, "max_epochs": 1, "dropout": 0.2, **options}).fit(X, SUMS)
    own = {
        name: value
        for name, value in vars(model).items()
        if name in ("bidirectional", "dropout", "pooling", "num_layers", "dense", "zoneout")
    }
    assert model.network_ == sequence_network("gru", 2, QUICK["hidden_size"], 1, "mse", **own)
