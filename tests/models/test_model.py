"""SequenceModel: each kind of input informs, each kind of target is learnt, and what is missing is
missing."""

import pickle
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import tidegate
from tidegate import (
    Binary,
    Category,
    MultiClass,
    MultiLabel,
    Numeric,
    Ordinal,
    Quantiles,
    Regression,
    SequenceModel,
    Sequences,
    Text,
    Vector,
)

N = 160
QUICK: dict[str, Any] = {
    "cell": "gru",
    "hidden_size": 12,
    "dropout": 0.0,
    "max_epochs": 25,
    "random_state": 0,
}
WORDS = ("low", "middle", "high")


def drawn(seed: int = 0) -> dict[str, Any]:
    """Inputs that each say which of three classes a sequence is of, some missing, and ones that say
    nothing."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 3, N)
    lengths, fast = rng.integers(3, 12, N), rng.integers(5, 25, N)
    steps = [rng.normal(size=(length, 2)) + one - 1 for length, one in zip(lengths, kind)]
    return {
        "kind": np.array(WORDS)[kind],
        "steps": steps,
        "gaps": [np.where(rng.random(one.shape) < 0.3, np.nan, one) for one in steps],
        "fast": [rng.normal(size=(length, 3)) - one for length, one in zip(fast, kind)],
        "labels": [
            np.where(rng.random(length) < 0.8, one, rng.integers(0, 3)).tolist()
            for length, one in zip(lengths, kind)
        ],
        "note": [f"it is {WORDS[one]} now" for one in kind],
        "number": kind + 0.3 * rng.normal(size=N),
        "shade": np.array(["dark", "grey", "light"])[kind],
        "bag": sparse.csr_matrix(
            (np.ones(N), (np.arange(N), 30 * kind + rng.integers(0, 30, N))), shape=(N, 90)
        ),
        "step_bags": [
            sparse.csr_matrix(
                (np.ones(length), (np.arange(length), 5 * one + rng.integers(0, 5, length))),
                shape=(length, 15),
            )
            for length, one in zip(lengths, kind)
        ],
        "noise": rng.normal(size=N),
    }


INPUTS: dict[str, tuple[str, Any]] = {
    "numbers of steps": ("steps", Numeric()),
    "projected": ("steps", Numeric(projection=4)),
    "with a mask": ("gaps", Numeric()),
    "filled": ("gaps", Numeric(missing="fill")),
    "decaying": ("gaps", Numeric(missing="decay")),
    "decaying, projected": ("gaps", Numeric(missing="decay", projection=4)),
    "labels of steps": ("labels", Category()),
    "vectors of steps": ("steps", Vector(size=6)),
    "sparse vectors of steps": ("step_bags", Vector(size=6)),
    "a number": ("number", Numeric(role="static")),
    "a projected number": ("number", Numeric(role="static", projection=3)),
    "a label": ("shade", Category(role="static")),
    "characters": ("note", Text()),
    "words": ("note", Text(level="word", min_count=1)),
    "the mean of words": ("note", Text(level="word", encoder="mean")),
    "a sparse vector": ("bag", Vector(role="static", size=6)),
}


@pytest.mark.parametrize("case", INPUTS)
def test_each_kind_of_input_is_learnt_from(case: str) -> None:
    name, record = INPUTS[case]
    data, held_out = drawn(), drawn(1)
    model = SequenceModel({name: record}, {"kind": MultiClass()}, **QUICK).fit(data)
    assert model.evaluate(held_out)["kind"]["accuracy"] > 0.8


@pytest.mark.parametrize("enters", ["end", "state", "step"])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_static_input_enters_at_the_end_as_the_state_or_at_each_step(enters: str, cell: str) -> None:
    data, held_out = drawn(), drawn(1)
    static = Numeric(role="static", enters=enters)
    inputs = {"noise_of_steps": Numeric(), "number": static}
    for one in (data, held_out):
        one["noise_of_steps"] = [np.zeros(steps.shape) for steps in one["steps"]]
    options = {**QUICK, "cell": cell, "max_epochs": 40, "pooling": "last", "bidirectional": False}
    model = SequenceModel(inputs, {"kind": MultiClass()}, **options).fit(data)
    assert model.evaluate(held_out)["kind"]["accuracy"] > 0.8
    kinds = {node.kind for node in model.network_.nodes}
    assert ("repeat" in kinds) == (enters == "step")
    layers = [node for node in model.network_.nodes if node.kind == "recurrent"]
    assert all(bool(layer.beginnings) == (enters == "state") for layer in layers)


def test_streams_of_other_rates_have_encoders_of_their_own() -> None:
    data, held_out = drawn(), drawn(1)
    inputs = {"noise_of_steps": Numeric(), "fast": Numeric(stream="fast")}
    for one in (data, held_out):
        one["noise_of_steps"] = [np.random.default_rng(3).normal(size=steps.shape) for steps in one["steps"]]
    model = SequenceModel(inputs, {"kind": MultiClass()}, **QUICK).fit(data)
    assert model.evaluate(held_out)["kind"]["accuracy"] > 0.8
    with pytest.raises(
        ValueError, match=r"data\['fast'\] expects \d+ steps in sequence 0, as data\['noise_of_steps'\]"
    ):
        SequenceModel({**inputs, "fast": Numeric()}, {"kind": MultiClass()}, **QUICK).fit(data)


def test_aligned_streams_are_read_up_to_the_time_of_each_step() -> None:
    """The answer at a step is whether the other stream's last value before it was positive."""
    rng = np.random.default_rng(0)

    def sequences(size: int) -> tuple[Sequences, Sequences, list[Any]]:
        slow, fast, slow_times, fast_times, answers = [], [], [], [], []
        for _ in range(size):
            at = np.sort(rng.uniform(0.0, 10.0, rng.integers(4, 9)))
            other = np.concatenate(([at[0] - 1.0], np.sort(rng.uniform(at[0], 10.0, rng.integers(4, 16)))))
            values = rng.normal(size=len(other))
            slow.append(rng.normal(size=(len(at), 1)))
            fast.append(values[:, np.newaxis])
            slow_times.append(at)
            fast_times.append(other)
            answers.append(np.where(values[np.searchsorted(other, at, side="right") - 1] > 0, "up", "down"))
        return Sequences.from_any(slow, times=slow_times), Sequences.from_any(fast, times=fast_times), answers

    slow, fast, answers = sequences(200)
    data = {"slow": slow, "fast": fast, "answer": answers}
    targets = {"answer": MultiClass(per="step")}
    options = {**QUICK, "bidirectional": False, "max_epochs": 40}
    aligned = SequenceModel(
        {"slow": Numeric(), "fast": Numeric(stream="fast", align=True)}, targets, **options
    )
    apart = SequenceModel({"slow": Numeric(), "fast": Numeric(stream="fast")}, targets, **options)
    names = ("slow", "fast", "answer")
    held_out = dict(zip(names, sequences(100)))
    assert aligned.fit(data).evaluate(held_out)["answer"]["accuracy"] > 0.9
    assert apart.fit(data).evaluate(held_out)["answer"]["accuracy"] < 0.8
    with pytest.raises(ValueError, match="align expects time stamps of stream 'fast'; got none"):
        aligned.fit({**data, "fast": list(fast)})


TARGETS: dict[str, tuple[Any, Any, float]] = {
    "regression": (Regression(), lambda kind: 2.0 * kind + 5.0, 0.7),
    "several numbers": (Regression(loss="huber"), lambda kind: np.stack([kind, -3.0 * kind], axis=1), 0.7),
    "classes": (MultiClass(class_weight="balanced", focal=1.0), lambda kind: np.array(WORDS)[kind], 0.8),
    "two classes": (
        Binary(positive="yes", positive_weight="balanced"),
        lambda kind: np.where(kind == 2, "yes", "no"),
        0.85,
    ),
    "labels": (MultiLabel(label_weight="balanced"), lambda kind: [WORDS[: one + 1] for one in kind], 0.85),
    "zeros and ones": (
        MultiLabel(focal=1.0),
        lambda kind: np.stack([kind > 0, kind > 1], axis=1).astype(int),
        0.8,
    ),
    "a scale": (Ordinal(order=WORDS), lambda kind: np.array(WORDS)[kind], 0.7),
}


@pytest.mark.parametrize("case", TARGETS)
def test_each_kind_of_target_is_learnt(case: str) -> None:
    record, answer, expected = TARGETS[case]
    data, held_out = drawn(), drawn(1)
    for one in (data, held_out):
        one["answer"] = answer(np.array([WORDS.index(kind) for kind in one["kind"]]))
    model = SequenceModel({"steps": Numeric()}, {"answer": record}, **QUICK).fit(data)
    measures = model.evaluate(held_out)["answer"]
    assert next(iter(measures.values())) > expected
    predicted = np.asarray(model.predict(held_out)["answer"])
    if isinstance(record, Regression):
        assert predicted.shape == np.shape(held_out["answer"])
        assert (
            np.abs(predicted - held_out["answer"]).mean()
            < np.abs(predicted.mean(0) - held_out["answer"]).mean()
        )
    elif not isinstance(record, MultiLabel):
        assert set(predicted.tolist()) <= set(np.asarray(data["answer"]).tolist())
    if isinstance(record, Ordinal | MultiClass):
        chances = model.predict_proba(held_out)["answer"]
        np.testing.assert_allclose(chances.sum(axis=1), 1.0, atol=1e-12)
        assert (chances >= 0).all()
        if isinstance(record, MultiClass):
            np.testing.assert_array_equal(
                predicted, np.array(model.classes("answer"))[chances.argmax(axis=1)]
            )


def test_steps_marked_as_padding_are_left_out() -> None:
    data = drawn()
    padded = dict(data)
    for name in ("steps", "gaps"):
        x, lengths = Sequences.from_any(data[name]).to_padded(7.0)
        padded[name] = Sequences.from_padded(x, lengths=lengths, padding="keep")
    inputs = {"steps": Numeric(), "gaps": Numeric(missing="decay")}
    model = SequenceModel(inputs, {"kind": MultiClass()}, **{**QUICK, "max_epochs": 2}).fit(data)
    again = model.with_inputs(inputs).fit(padded)
    for name, value in model.parameters_.items():
        np.testing.assert_array_equal(again.parameters_[name], value)
    np.testing.assert_array_equal(model.predict(padded)["kind"], model.predict(data)["kind"])


def test_steps_side_by_side_are_not_for_streams_of_any_length() -> None:
    with pytest.raises(ValueError, match="pooling expects one of last, mean, max; got 'steps'"):
        SequenceModel({"steps": Numeric()}, {"kind": MultiClass()}, pooling="steps")


def test_quantiles_cover_what_they_say_and_do_not_cross() -> None:
    data, held_out = drawn(), drawn(1)
    levels = (0.1, 0.5, 0.9)
    options = {**QUICK, "max_epochs": 60, "patience": None}
    model = SequenceModel({"steps": Numeric()}, {"number": Quantiles(levels=levels)}, **options).fit(data)
    predicted = model.predict(held_out)["number"]
    assert (np.diff(predicted, axis=1) >= 0).all()
    below = (held_out["number"][:, np.newaxis] < predicted).mean(axis=0)
    np.testing.assert_allclose(below, levels, atol=0.12)
    measures = model.evaluate(held_out)["number"]
    error = held_out["number"][:, np.newaxis] - predicted
    expected = np.maximum(np.array(levels) * error, (np.array(levels) - 1) * error).mean()
    assert measures["pinball_loss"] == pytest.approx(expected)


def test_all_targets_train_together_and_their_weights_matter() -> None:
    data, held_out = drawn(), drawn(1)
    targets = {"kind": MultiClass(), "number": Regression()}
    light = {"kind": MultiClass(weight=0.0), "number": Regression()}
    inputs = {"steps": Numeric(), "note": Text(level="word")}
    both = SequenceModel(inputs, targets, **QUICK).fit(data)
    assert both.evaluate(held_out)["kind"]["accuracy"] > 0.8
    assert both.evaluate(held_out)["number"]["r2"] > 0.6
    one = SequenceModel(inputs, light, **QUICK).fit(data)
    assert one.evaluate(held_out)["kind"]["accuracy"] < 0.8
    assert one.evaluate(held_out)["number"]["r2"] > 0.6


def test_per_step_and_per_sequence_targets_in_one_model() -> None:
    data, held_out = drawn(), drawn(1)
    for one in (data, held_out):
        one["signs"] = [np.where(steps[:, 0] > 0, "+", "-") for steps in one["steps"]]
        one["keys"] = [(steps > 0).astype(int) for steps in one["steps"]]
        one["sums"] = [steps.sum(axis=1) for steps in one["steps"]]
    targets = {
        "kind": MultiClass(),
        "signs": MultiClass(per="step"),
        "keys": MultiLabel(per="step"),
        "sums": Regression(per="step"),
    }
    inputs = {"steps": Numeric(), "number": Numeric(role="static")}
    model = SequenceModel(inputs, targets, **{**QUICK, "max_epochs": 40}).fit(data)
    measures = model.evaluate(held_out)
    for name, least in (("kind", 0.8), ("signs", 0.9), ("keys", 0.85), ("sums", 0.85)):
        assert next(iter(measures[name].values())) > least, name
    predicted = model.predict(held_out)
    for name in ("signs", "keys", "sums"):
        assert [len(one) for one in predicted[name]] == [len(one) for one in held_out["steps"]]


def test_what_is_missing_for_a_sequence_leaves_the_rest_at_work() -> None:
    data, held_out = drawn(), drawn(1)
    rng = np.random.default_rng(5)
    inputs = {
        "steps": Numeric(),
        "fast": Numeric(stream="fast"),
        "note": Text(level="word"),
        "number": Numeric(role="static"),
        "shade": Category(role="static"),
    }
    for one in (data, held_out):
        gone = rng.random((len(inputs), N)) < 0.5
        gone[0, gone.all(axis=0)] = False  # something is there of each
        for name, absent in zip(inputs, gone):
            if name == "number":
                one[name] = np.where(absent, np.nan, one[name])
            else:
                one[name] = [None if out else value for out, value in zip(absent, one[name])]
    model = SequenceModel(inputs, {"kind": MultiClass()}, **{**QUICK, "max_epochs": 40}).fit(data)
    assert model.evaluate(held_out)["kind"]["accuracy"] > 0.8
    nothing = {name: [None, None] for name in inputs if name != "number"} | {"number": [np.nan, np.nan]}
    nothing["steps"] = [None, np.zeros((3, 2))]
    chances = model.predict_proba(nothing)["kind"]
    assert np.isfinite(chances).all()
    assert not np.array_equal(chances[0], chances[1])


def test_a_missing_answer_weighs_nothing() -> None:
    """The weights are those of the fit without the sequence, where all its answers are missing."""
    data = {name: value[:40] if not sparse.issparse(value) else value for name, value in drawn().items()}
    rng = np.random.default_rng(0)
    data["number"] = data["number"].astype(float)
    targets = {"kind": MultiClass(), "number": Regression()}
    options = {**QUICK, "max_epochs": 3, "validation": None, "batch_size": 40}
    absent = rng.random(40) < 0.3
    found = []
    for fill in (100.0, -7.0):
        steps = [np.full_like(one, fill) if out else one for one, out in zip(data["steps"], absent)]
        kind = [None if out else one for one, out in zip(data["kind"], absent)]
        number = np.where(absent, np.nan, data["number"])
        model = SequenceModel({"steps": Numeric(standardize=False)}, targets, **options)
        model.fit({"steps": steps, "kind": kind, "number": number})
        found.append(np.concatenate([value.ravel() for value in model.parameters_.values()]))
    np.testing.assert_array_equal(*found)


def test_a_label_that_fit_did_not_see_has_the_place_of_rare_ones() -> None:
    data = drawn()
    shades = data["shade"].astype(object)
    shades[:8] = [f"rare {index}" for index in range(8)]
    data["shade"] = shades
    record = Category(role="static", min_count=2)
    model = SequenceModel({"shade": record}, {"kind": MultiClass()}, **QUICK).fit(data)
    unseen, rare, known = model.predict_proba({"shade": ["never seen", "rare 3", "dark"]})["kind"]
    np.testing.assert_array_equal(unseen, rare)
    assert not np.array_equal(unseen, known)
    assert model.encoders_["shade"].units == ("dark", "grey", "light")


def everything() -> tuple[SequenceModel, dict[str, Any]]:
    data = drawn()
    data["answer"] = [WORDS[: WORDS.index(kind) + 1] for kind in data["kind"]]
    data["grade"] = [WORDS.index(kind) for kind in data["kind"]]
    data["yes"] = data["kind"] == "high"
    data["signs"] = [np.where(steps[:, 0] > 0, "+", "-") for steps in data["steps"]]
    inputs = dict(INPUTS.values()) | {
        "gaps": Numeric(missing="decay"),
        "steps": Numeric(stream="main"),
        "fast": Numeric(stream="fast"),
        "shade": Category(role="static", enters="state"),
        "number": Numeric(role="static", enters="step"),
    }
    targets = {
        "kind": MultiClass(calibration="temperature", class_weight={"low": 2.0}),
        "answer": MultiLabel(calibration="isotonic"),
        "grade": Ordinal(),
        "yes": Binary(threshold="validation"),
        "signs": MultiClass(per="step"),
        "noise": Quantiles(),
    }
    options = {**QUICK, "max_epochs": 4, "dropout": 0.2, "dense": ((8, "tanh"),)}
    return SequenceModel(inputs, targets, **options), data


def same(first: Any, second: Any) -> None:
    assert first.keys() == second.keys()
    for name in first:
        pairs = (
            zip(first[name], second[name]) if isinstance(first[name], list) else [(first[name], second[name])]
        )
        for one, other in pairs:
            np.testing.assert_array_equal(one, other)


def test_a_saved_model_answers_with_the_same_bits(tmp_path: Any) -> None:
    model, data = everything()
    model.fit(data)
    model.save(tmp_path / "model.safetensors")
    for again in (tidegate.load(tmp_path / "model.safetensors"), pickle.loads(pickle.dumps(model))):
        same(again.predict(data), model.predict(data))
        same(again.predict_proba(data), model.predict_proba(data))
        assert again.evaluate(data) == model.evaluate(data)
        assert again.summary() == model.summary()
        assert again.inputs == model.inputs
        assert again.targets == model.targets


def test_one_seed_gives_one_model_on_any_number_of_threads() -> None:
    model, data = everything()
    fits = [model.with_inputs(model.inputs, num_threads=threads).fit(data) for threads in (1, 3)]
    for name, value in fits[0].parameters_.items():
        np.testing.assert_array_equal(value, fits[1].parameters_[name])


def test_answers_do_not_depend_on_the_batch_mates() -> None:
    model, data = everything()
    model.fit(data)
    some = {name: value[:5] for name, value in data.items()}
    for name, chances in model.predict_proba(some).items():
        expected = model.predict_proba(data)[name]
        for one, other in zip(chances, expected):
            np.testing.assert_array_equal(one, other)


def test_an_interrupted_fit_goes_on_from_its_checkpoint(tmp_path: Any) -> None:
    from tidegate.training.checkpoint import Checkpoint

    model, data = everything()
    whole = model.with_inputs(model.inputs).fit(data)
    with pytest.MonkeyPatch.context() as patch:
        write = Checkpoint.write
        count = 0

        def write_and_end(self: Any, engine: Any, state: Any) -> None:
            nonlocal count
            write(self, engine, state)
            count += 1
            if count == 2:
                raise RuntimeError("killed")

        patch.setattr(Checkpoint, "write", write_and_end)
        patch.setattr(Checkpoint, "is_due", property(lambda self: True))
        with pytest.raises(RuntimeError, match="killed"):
            model.fit(data, checkpoint=tmp_path / "state")
    assert (tmp_path / "state").exists()
    model.fit(data, checkpoint=tmp_path / "state")
    assert not (tmp_path / "state").exists()
    for name, value in model.parameters_.items():
        np.testing.assert_array_equal(value, whole.parameters_[name])


def test_permutation_importance_finds_what_informs() -> None:
    data, held_out = drawn(), drawn(1)
    inputs = {"steps": Numeric(), "noise": Numeric(role="static")}
    model = SequenceModel(inputs, {"kind": MultiClass()}, **QUICK).fit(data)
    found = model.permutation_importance(held_out)
    assert found["steps"]["kind"] > 0.3
    assert abs(found["noise"]["kind"]) < 0.1


BAD: dict[str, tuple[Any, str]] = {
    "no such input": (lambda d: d.pop("steps"), "data expects a value for 'steps'; got "),
    "entries": (lambda d: d.update(number=d["number"][:-1]), r"as many entries of each.*'number' 159"),
    "an input without a value": (
        lambda d: d.update(steps=[None] * N),
        r"inputs\['steps'\] expects values in some sequences; got none",
    ),
    "a number that is text": (
        lambda d: d.update(number=["a"] * N),
        r"data\['number'\] expects numbers, one row a sequence",
    ),
    "bytes": (
        lambda d: d.update(note=[b"caf\xe9"] * N),
        r"data\['note'\] expects text; got bytes in row 0, whose encoding",
    ),
    "classes with fractions": (
        lambda d: d.update(kind=d["noise"]),
        r"targets\['kind'\] expects classes.*use a Regression",
    ),
    "one class": (
        lambda d: d.update(kind=["a"] * N),
        r"targets\['kind'\] expects at least two classes; got one, 'a'",
    ),
    "no answers": (lambda d: d.update(kind=[None] * N), r"targets\['kind'\] expects some answers"),
    "infinity": (
        lambda d: d.update(number=np.full(N, np.inf)),
        r"data\['number'\] expects finite numbers; got infinity",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_data_that_do_not_fit_are_refused_by_name(case: str) -> None:
    spoil, message = BAD[case]
    data = drawn()
    spoil(data)
    inputs = {"steps": Numeric(), "number": Numeric(role="static"), "note": Text()}
    model = SequenceModel(inputs, {"kind": MultiClass()}, **QUICK)
    with pytest.raises(ValueError, match=message):
        model.fit(data)
    assert not hasattr(model, "network_")


def test_records_that_do_not_fit_are_refused_by_name() -> None:
    steps, kind = {"steps": Numeric()}, {"kind": MultiClass()}
    with pytest.raises(ValueError, match="got 'steps' in both: an input that is also a target"):
        SequenceModel(steps, {"steps": MultiClass()})
    with pytest.raises(
        ValueError, match="targets: weight expects a number above 0 in some of them; got 0 in all"
    ):
        SequenceModel(steps, {"kind": MultiClass(weight=0.0)})
    with pytest.raises(ValueError, match=r"targets\['kind'\] expects an input with role='step'"):
        SequenceModel({"n": Text()}, {"kind": MultiClass(per="step")})
    with pytest.raises(
        ValueError, match=r"inputs\['n'\] expects an input with role='step' for enters='state'"
    ):
        SequenceModel({"n": Numeric(role="static", enters="state")}, kind)
    with pytest.raises(
        ValueError, match=r"inputs\['n'\] expects a record such as tidegate.Numeric\(\); got int"
    ):
        SequenceModel({"n": 3}, kind)  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="enters expects role='static'"):
        Numeric(enters="state")
    with pytest.raises(ValueError, match="levels expects rising numbers"):
        Quantiles(levels=(0.9, 0.1))
    data = drawn()
    data["tags"] = [["a"] if index else ["b"] for index in range(N)]
    rare = SequenceModel(steps, {"tags": MultiLabel(labels=("a", "b", "c"))}, **QUICK)
    with pytest.raises(
        ValueError, match=r"targets\['tags'\] expects a positive example of each label.*got none of 'c'"
    ):
        rare.fit(data)


def test_a_category_with_as_many_values_as_rows_is_warned_of() -> None:
    data = {**drawn(), "name": [f"row {index}" for index in range(N)]}
    model = SequenceModel(
        {"name": Category(role="static")}, {"kind": MultiClass()}, **{**QUICK, "max_epochs": 1}
    )
    with pytest.warns(UserWarning, match=r"inputs\['name'\] has as many categories as rows, \d+"):
        model.fit(data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.with_inputs({"shade": Category(role="static")}).fit(data)


def test_each_option_changes_the_result() -> None:
    data = drawn()
    data["tags"] = [["a", "b"] if kind == "low" else ["b", kind] for kind in data["kind"]]
    inputs = {"note": Text(level="word", min_count=1), "steps": Numeric(), "shade": Category(role="static")}
    targets = {"kind": MultiClass(), "tags": MultiLabel(threshold=0.5)}
    options = {**QUICK, "max_epochs": 2}

    def flat(inputs: Any = inputs, targets: Any = targets, **changed: Any) -> Any:
        model = SequenceModel(inputs, targets, **{**options, **changed}).fit(data)
        return np.concatenate([value.ravel() for value in model.parameters_.values()]).tolist()

    before = flat()
    assert flat() == before
    note, shade, kind, tags = inputs["note"], inputs["shade"], targets["kind"], targets["tags"]
    for name, changed in {
        "level": {"note": replace(note, level="character")},
        "size": {"note": replace(note, size=8)},
        "hidden_size": {"note": replace(note, hidden_size=5)},
        "max_length": {"note": replace(note, max_length=2)},
        "max_vocabulary": {"note": replace(note, max_vocabulary=3)},
        "min_count": {"note": replace(note, min_count=100)},
        "standardize": {"steps": Numeric(standardize=False)},
        "size of a category": {"shade": replace(shade, size=3)},
    }.items():
        assert flat(inputs={**inputs, **changed}) != before, name
    for name, target in {
        "weight": {"kind": replace(kind, weight=0.5)},
        "focal": {"kind": replace(kind, focal=2.0)},
        "class_weight": {"kind": replace(kind, class_weight={"low": 3.0})},
        "label_weight": {"tags": replace(tags, label_weight={"a": 3.0})},
        "focal of labels": {"tags": replace(tags, focal=1.0)},
    }.items():
        assert flat(targets={**targets, **target}) != before, name
    for name, value in {
        "num_layers": 2, "bidirectional": False, "dropout": 0.3, "pooling": "last", "dense": ((4, "relu"),),
        "optimizer": "sgd", "learning_rate": 0.01, "batch_size": 7, "clip_norm": 0.1, "validation": 0.3,
        "random_state": 1, "input_noise": 0.1, "weight_noise": 0.1, "averaging": 0.9,
    }.items():  # fmt: skip
        assert flat(**{name: value}) != before, name


def test_a_fitted_model_answers_several_threads_at_once() -> None:
    from concurrent.futures import ThreadPoolExecutor

    model, data = everything()
    model.fit(data)
    expected = model.predict_proba(data)["kind"]
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: model.predict_proba(data)["kind"], range(8)):
            np.testing.assert_array_equal(found, expected)


def test_gaps_of_other_sequences_are_drawn_in_training() -> None:
    rng = np.random.default_rng(0)
    data: dict[str, Any] = {
        name: [np.where(rng.random((5, 2)) < 0.3, np.nan, rng.normal(size=(5, 2))) for _ in range(20)]
        for name in ("gappy", "masked")
    }
    data["whole"] = [rng.normal(size=(5, 1)) for _ in range(20)]
    data["y"] = rng.normal(size=20)
    inputs = {
        "gappy": Numeric(missing="decay"),
        "masked": Numeric(),
        "whole": Numeric(),
    }

    def losses(names: list[str], rate: float | None) -> list[float]:
        own = {name: inputs[name] for name in names}
        model = SequenceModel(
            own, {"y": Regression()}, hidden_size=4, max_epochs=3, random_state=0, gap_dropout=rate
        )
        return model.fit({name: data[name] for name in [*names, "y"]}).history_["loss"]

    for names in (["gappy", "whole"], ["masked"], ["gappy", "masked"]):
        assert losses(names, None) == losses(names, 0.5) != losses(names, 0.0)
    assert losses(["whole"], 1.0) == losses(["whole"], 0.0)
