"""What the pages say of inputs, targets, thresholds, weights and measures, by scikit-learn or a property."""

from copy import deepcopy
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn import metrics

from benchmarks.many_inputs import apart
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
    load,
)
from tidegate.engine import Engine
from tidegate.models.codings import best_threshold
from tidegate.models.description import schema
from tidegate.models.measures import binary_measures, label_measures, ordinal_measures

QUICK: dict[str, Any] = {"cell": "gru", "hidden_size": 4, "max_epochs": 3, "random_state": 0, "dropout": 0.0}
rng = np.random.default_rng(0)
N = 80
X = rng.normal(size=(N, 2))
STATIC = {"x": Numeric(role="static")}


def test_thresholds_are_learnt_on_the_validation_part() -> None:
    y = X[:, 0] + rng.normal(size=N) > 0.5
    tags = np.stack([y, ~y], axis=1).astype(int)
    part, held_out = ({"x": X[half], "y": y[half], "tags": tags[half]} for half in (slice(40), slice(40, N)))
    targets = {"y": Binary(threshold="validation"), "tags": MultiLabel()}
    model = SequenceModel(STATIC, targets, validation=held_out, **QUICK).fit(part)

    def best(data: dict[str, Any]) -> list[float]:
        chances = model.predict_proba(data)["tags"]
        return [best_threshold(own.astype(bool), of_one) for own, of_one in zip(data["tags"].T, chances.T)]

    assert model.codings_["y"].thresholds == (best_threshold(y[40:], model.predict_proba(held_out)["y"]),)
    assert list(model.codings_["tags"].thresholds) == best(held_out) != best(part)


def test_balanced_weights_are_negatives_over_positives_and_bounded() -> None:
    rare = np.arange(N) % 8 == 0
    tags = np.stack([rare, ~rare, np.arange(N) == 3], axis=1).astype(int)
    targets = {
        "y": Binary(positive=True, positive_weight="balanced"),
        "tags": MultiLabel(label_weight="balanced"),
    }
    model = SequenceModel(STATIC, targets, validation=None, **QUICK).fit({"x": X, "y": rare, "tags": tags})
    assert model.codings_["y"].weights == (7.0,)
    assert model.codings_["tags"].weights == (7.0, pytest.approx(1 / 7), 20.0)


def test_measures_are_those_of_scikit_learn() -> None:
    y = rng.random((50, 4)) < [0.1, 0.3, 0.5, 0.9]
    chances = rng.random((50, 4))
    found = label_measures(y, chances, chances > 0.5)
    assert found["micro_f1"] == metrics.f1_score(y, chances > 0.5, average="micro")
    assert found["macro_f1"] == metrics.f1_score(y, chances > 0.5, average="macro")
    assert found["macro_average_precision"] == metrics.average_precision_score(y, chances)
    assert found["hamming_loss"] == metrics.hamming_loss(y, chances > 0.5)
    one, chance = y[:, 1], chances[:, 1]
    found = binary_measures(one, chance, 0.4)
    assert found["f1"] == metrics.f1_score(one, chance >= 0.4)
    assert found["roc_auc"] == metrics.roc_auc_score(one, chance)
    assert found["average_precision"] == metrics.average_precision_score(one, chance)
    assert found["log_loss"] == pytest.approx(metrics.log_loss(one, chance))
    true, answered = rng.integers(0, 4, 50), rng.integers(0, 4, 50)
    found = ordinal_measures(true, answered, np.full((50, 4), 0.25))
    assert found["kappa"] == metrics.cohen_kappa_score(true, answered, weights="quadratic")
    assert found["mae"] == np.abs(true - answered).mean()


@pytest.mark.parametrize(
    ("record", "answers"),
    [
        (MultiClass(), ["a", "b", "c"]),
        (MultiLabel(), [("a",), ("b",), ("a", "b")]),
        (Ordinal(), [0, 1, 2]),
        (Binary(), [False, True, True]),
        (Quantiles(), [0.0, 1.0, 2.5]),
        (Regression(), [0.0, 1.0, 2.5]),
    ],
)
def test_a_missing_answer_of_one_target_weighs_nothing(record: Any, answers: list[Any]) -> None:
    """The weights are the same whatever the inputs of these sequences are."""
    absent = np.arange(N) % 4 == 1
    nothing = np.nan if isinstance(record, Quantiles | Regression) else None
    y = [nothing if out else answers[i % 3] for i, out in enumerate(absent)]
    inputs = {"x": Numeric(role="static", standardize=False)}
    found = []
    for fill in (-3.0, 5.0):
        model = SequenceModel(inputs, {"y": record}, validation=None, batch_size=N, **QUICK)
        model.fit({"x": np.where(absent[:, np.newaxis], fill, X), "y": y})
        found.append(np.concatenate([value.ravel() for value in model.parameters_.values()]))
    np.testing.assert_array_equal(*found)


class Tensor:
    """Like PyTorch's: an array whose entries are such too, told apart by where they are in memory."""

    def __init__(self, values: Any) -> None:
        self.array = np.asarray(values)
        self.shape = self.array.shape

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self.array.astype(self.array.dtype if dtype is None else dtype)

    def __len__(self) -> int:
        return len(self.array)

    def __iter__(self) -> Any:
        return map(Tensor, self.array)

    def __contains__(self, value: Any) -> bool:
        return bool((self.array == value).any())

    def __float__(self) -> float:
        return float(self.array)


def torch_tensor(values: Any) -> Any:
    import torch

    return torch.tensor(np.asarray(values).tolist())


TENSORS = {"alike": Tensor, "torch": torch_tensor}
_ones = rng.integers(0, 2, N)
LABELS: dict[str, tuple[Any, Any]] = {
    "binary": (Binary(positive=0), _ones),
    "classes": (MultiClass(), rng.integers(0, 3, N)),
    "booleans": (MultiClass(), _ones > 0),
    "scale": (Ordinal(order=tuple(np.array([2, 0, 1]))), rng.integers(0, 3, N)),
    "labels": (MultiLabel(labels=tuple(np.array([4, 7]))), np.stack([_ones, 1 - _ones], axis=1)),
    "numbers": (Regression(), np.float32(X[:, 0])),
    "quantiles": (Quantiles(), np.float32(X[:, 1])),
    "classes of steps": (MultiClass(per="step"), rng.integers(0, 3, (N, 4))),
}


@pytest.mark.parametrize("of", ["whole", "entries"])
@pytest.mark.parametrize("kind", ["alike", pytest.param("torch", marks=pytest.mark.torch)])
@pytest.mark.parametrize("case", LABELS)
def test_tensors_of_labels_are_their_numbers(case: str, kind: str, of: str, tmp_path: Any) -> None:
    (record, labels), tensor = LABELS[case], TENSORS[kind]
    site = rng.integers(0, 4, N)
    data = {"x": rng.normal(size=(N, 4, 1)), "site": site, "y": labels}
    given = {name: tensor(data[name]) for name in ("site", "y")}
    if of == "entries":
        given = {name: list(values) for name, values in given.items()}
    inputs = {"x": Numeric(), "site": Category(role="static")}
    plain, model = (
        SequenceModel(inputs, {"y": record}, **QUICK).fit(one) for one in (data, {**data, **given})
    )
    model.save(tmp_path / "model.safetensors")
    loaded = load(tmp_path / "model.safetensors")
    assert loaded.classes("y") == plain.classes("y")
    assert loaded.encoders_["site"].units == plain.encoders_["site"].units == (0, 1, 2, 3)
    np.testing.assert_array_equal(loaded.predict(data)["y"], model.predict({**data, **given})["y"])
    np.testing.assert_array_equal(loaded.predict(data)["y"], plain.predict(data)["y"])
    assert loaded.evaluate({**data, **given}) == plain.evaluate(data)


@pytest.mark.parametrize(
    ("record", "labels", "message"),
    [
        (MultiClass(), [Tensor([1, 0])] * N, r"data\['y'\] expects one label each; got list"),
        (MultiLabel(), Tensor(_ones), r"data\['y'\]\[0\] expects a collection of labels; got [01]:"),
        (MultiLabel(), list(Tensor(_ones)), r"data\['y'\]\[0\] expects a collection of labels"),
    ],
)
def test_tensors_that_are_no_labels_are_refused(record: Any, labels: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SequenceModel(STATIC, {"y": record}, **QUICK).fit({"x": X, "y": labels})


def test_a_category_never_seen_says_nothing() -> None:
    kind = rng.integers(0, 3, N)
    model = SequenceModel({"shade": Category(role="static")}, {"kind": MultiClass()}, **QUICK)
    model.fit({"shade": kind, "kind": kind})
    np.testing.assert_array_equal(model.parameters_["weight_shade.table"][0], 0.0)
    assert model.predict_proba({"shade": ["never", 0]})["kind"].shape == (2, 3)


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame])
def test_the_columns_of_a_frame_of_zeros_and_ones_are_its_labels(kind: Any) -> None:
    ones = rng.integers(0, 2, (N, 3))
    frame = kind({name: ones[:, index] for index, name in enumerate(("wet", "cold", "dark"))})
    frames = SequenceModel(STATIC, {"y": MultiLabel()}, **QUICK).fit({"x": X, "y": frame})
    arrays = SequenceModel(STATIC, {"y": MultiLabel()}, **QUICK).fit({"x": X, "y": ones})
    assert frames.classes("y") == ("wet", "cold", "dark")
    np.testing.assert_array_equal(frames.predict_proba({"x": X})["y"], arrays.predict_proba({"x": X})["y"])
    expected = arrays.evaluate({"x": X, "y": ones})
    assert frames.evaluate({"x": X, "y": frame[["dark", "wet", "cold"]]}) == expected
    with pytest.raises(ValueError, match="expects the labels wet, cold, dark; got wet, cold: pass the same"):
        frames.evaluate({"x": X, "y": frame[["wet", "cold"]]})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model, data: model.predict(data), "data expects a value for 'site'; got 'x' alone: pass"),
        (
            lambda model, data: model.predict({**data, "sites": [1]}),
            "data expects a value for 'site'; got 'x', 'sites' alone: is it 'sites'",
        ),
        (
            lambda model, data: model.stream().step({"x": X[0]}),
            "data expects a value for 'site'; got 'x' alone: pass",
        ),
        (lambda model, data: model.stream().step("abc"), "data expects a mapping .*; got str: pass a dict"),
        (
            lambda model, data: model.stream().step({"x": "abc", "site": ["a"]}),
            r"data\['x'\] expects numbers; got str: pass an array",
        ),
    ],
)
def test_an_input_left_out_is_named(call: Any, message: str) -> None:
    data = {"x": rng.normal(size=(N, 3, 2)), "site": [["a", "b", "a"]] * N, "y": X[:, 0]}
    options = {**QUICK, "bidirectional": False, "pooling": "last", "max_epochs": 1}
    model = SequenceModel({"x": Numeric(), "site": Category()}, {"y": Regression()}, **options).fit(data)
    with pytest.raises(ValueError, match=message):
        call(model, {"x": data["x"]})


@pytest.mark.parametrize("role", ["static", "step"])
@pytest.mark.parametrize(
    ("seen", "given", "refused"),
    [
        ([0, 1, 2], ["0", "1"], "int; got str, '0' for instance"),
        (["0", "1", "2"], [0, 3], "str; got int, 0 for instance"),
        ([0, 1, "2"], [b"0", b"1"], "int or str; got bytes, b'0' for instance"),
        ([0, 1, 2], ["0", 1], None),
        ([0, 1, 2], [7, True], None),
        ([0, 1, 2], [7.5, 8.0], None),
        ([0, 1, "2"], ["never"], None),
        ([0, 1, 2], [None, None], None),
    ],
)
def test_categories_of_another_type_than_fit_saw_are_refused(
    role: str, seen: list[Any], given: list[Any], refused: str | None
) -> None:
    labels: Any = (seen * N)[:N]
    if role == "step":
        labels, given = [[label] * 3 for label in labels], [[label] * 2 for label in given]
    model = SequenceModel({"site": Category(role=role)}, {"y": Regression()}, **QUICK)
    model.fit({"site": labels, "y": X[:, 0]})
    if refused is None:
        assert np.isfinite(model.predict({"site": given})["y"]).all()
        return
    with pytest.raises(ValueError, match=rf"inputs\['site'\] expects .* that fit saw, {refused}.*: convert"):
        model.predict({"site": given})


def test_sparse_vectors_are_never_made_dense(monkeypatch: pytest.MonkeyPatch) -> None:
    def dense(self: Any, *arguments: Any, **options: Any) -> Any:
        raise AssertionError("made dense")

    for kind in (sparse.csr_matrix, sparse.csr_array, sparse.csc_matrix, sparse.coo_matrix):
        monkeypatch.setattr(kind, "toarray", dense)
        monkeypatch.setattr(kind, "todense", dense)
    steps = [sparse.random(5, 10_000, 0.001, "csr", rng=rng) for _ in range(N)]
    bag = sparse.random(N, 10_000, 0.001, "csr", rng=rng)
    inputs = {"steps": Vector(), "bag": Vector(role="static")}
    data = {"steps": steps, "bag": bag, "y": X[:, 0]}
    model = SequenceModel(inputs, {"y": Regression()}, **QUICK).fit(data)
    assert model.predict(data)["y"].shape == (N,)


def test_ten_thousand_sparse_channels_need_less_than_a_gigabyte() -> None:
    _, gigabytes = apart(10_000, 200_000)
    assert gigabytes < 1.0


def test_an_epoch_of_many_inputs_is_one_native_call(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    epoch = Engine.epoch

    def counted(self: Engine, *arguments: Any, **options: Any) -> Any:
        calls.append(1)
        return epoch(self, *arguments, **options)

    monkeypatch.setattr(Engine, "epoch", counted)
    inputs = {"x": STATIC["x"], "steps": Numeric(), "note": Text(), "kind": Category(role="static")}
    kind = np.arange(N) % 3
    data = {"x": X, "steps": [X[:5]] * N, "note": ["abc"] * N, "kind": kind, "y": X[:, 0], "group": kind}
    SequenceModel(inputs, {"y": Regression(), "group": MultiClass()}, **QUICK).fit(data)
    assert len(calls) == QUICK["max_epochs"]


def test_the_schema_refuses_unknown_keys_as_the_file_does() -> None:
    forms = [schema(), *(form for form in schema()["$defs"].values() if form.get("type") == "object")]
    assert len(forms) > 10
    assert all(form["additionalProperties"] is False for form in forms)


def test_a_step_reads_an_aligned_stream_up_to_its_time_and_no_further() -> None:
    times = np.array([0.5, 1.0, 1.5, 2.5])
    main = Sequences.from_any([np.zeros((2, 1))] * N, times=[np.array([1.0, 2.0])] * N)
    data = {
        "main": main,
        "y": list(rng.normal(size=(N, 2))),
        "other": Sequences.from_any(list(rng.normal(size=(N, 4, 1))), times=[times] * N),
    }
    inputs = {
        "main": Numeric(standardize=False),
        "other": Numeric(stream="other", align=True, standardize=False),
    }
    model = SequenceModel(inputs, {"y": Regression(per="step")}, bidirectional=False, **QUICK).fit(data)

    def answers(*values: float) -> Any:
        other = Sequences.from_any([np.array(values)[:, np.newaxis]] * N, times=[times] * N)
        return model.predict({"main": main, "other": other})["y"][0]

    before = answers(1, 1, 1, 1)
    assert (answers(1, 1, 1, 9) == before).all()  # at 2.5, after both steps
    assert (answers(1, 1, 9, 1) != before).tolist() == [False, True]  # at 1.5
    assert (answers(1, 9, 1, 1) != before).all()  # at 1.0, the first step's own time


def test_what_is_missing_is_answered_by_the_learnt_row_alone() -> None:
    gone = np.arange(N) % 3 == 0
    fast = [None if out else rng.normal(size=(5, 2)) for out in gone]
    data = {"fast": fast, "number": np.where(gone, np.nan, X[:, 0]), "y": X[:, 1]}
    inputs = {"fast": Numeric(), "number": Numeric(role="static")}
    model = SequenceModel(inputs, {"y": Regression()}, **QUICK).fit(data)
    rows = [name for name in model.parameters_ if name.endswith("_gated")]
    assert len(rows) >= 2
    before = model.predict(data)["y"]
    for name in rows:
        other = deepcopy(model)
        other.parameters_[name] += 1.0
        np.testing.assert_array_equal(other.predict(data)["y"] != before, gone, name)


@pytest.mark.parametrize("align", [False, True])
def test_a_stream_with_time_stamps_may_be_missing(align: bool) -> None:
    """The values of others beside it change nothing."""
    gone = np.arange(N) % 3 == 0
    times = [np.array([0.5, 1.5, 2.5])] * N
    main = Sequences.from_any([np.zeros((2, 1))] * N, times=[np.array([1.0, 2.0])] * N)
    other = Sequences.from_any(list(rng.normal(size=(N, 3, 1))), times=times)
    given = [None if out else other[i : i + 1] for i, out in enumerate(gone)]
    inputs = {"main": Numeric(), "other": Numeric(stream="other", align=align)}
    model = SequenceModel(inputs, {"y": Regression()}, bidirectional=False, **QUICK)
    model.fit({"main": main, "other": given, "y": X[:, 0]})
    answers = model.predict({"main": main, "other": given})["y"]
    assert len(set(answers[gone])) == 1 < len(set(answers[~gone]))
    np.testing.assert_array_equal(answers[~gone], model.predict({"main": main, "other": other})["y"][~gone])
    with pytest.raises(ValueError, match="expects Sequences of one sequence each"):
        model.predict({"main": main, "other": [other[:2], *given[1:]]})
    with pytest.raises(ValueError, match="expects time stamps of all sequences or none"):
        model.predict({"main": main, "other": [Sequences.from_any([np.ones((3, 1))]), *given[1:]]})
    dated = Sequences.from_any(np.ones((1, 3, 1)), times=np.array([[0, 1, 2]], "M8[s]"))
    with pytest.raises(ValueError, match="expects time stamps of one kind; got dates and numbers: make all"):
        model.predict({"main": main, "other": [dated, *given[1:]]})


def test_sparse_rows_of_sequences_may_be_missing() -> None:
    bag = sparse.random(N, 30, 0.2, "csr", rng=rng)
    gone = np.arange(N) % 3 == 0
    given = [None if out else bag[i : i + 1] for i, out in enumerate(gone)]
    model = SequenceModel({"bag": Vector(role="static")}, {"y": Regression()}, **QUICK)
    model.fit({"bag": given, "y": X[:, 0]})
    answers = model.predict({"bag": given})["y"]
    assert len(set(answers[gone])) == 1
    np.testing.assert_array_equal(answers[~gone], model.predict({"bag": bag})["y"][~gone])
    with pytest.raises(ValueError, match=r"data\['bag'\] expects one row a sequence; got 2"):
        model.predict({"bag": [bag[:2]]})


@pytest.mark.parametrize(
    ("inputs", "target", "data", "message"),
    [
        (
            STATIC,
            MultiClass(),
            {"x": X, "y": [["a", "b"], ["c"]] * (N // 2)},
            r"data\['y'\] expects one label each",
        ),
        (
            {"note": Text(level="word")},
            Regression(),
            {"note": ["!", "?"] * (N // 2), "y": X[:, 0]},
            r"inputs\['note'\] expects some value .* leave it out, or take level='character'",
        ),
    ],
)
def test_what_cannot_be_learnt_is_named_with_the_remedy(
    inputs: Any, target: Any, data: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        SequenceModel(inputs, {"y": target}, **QUICK).fit(data)


@pytest.mark.parametrize("method", ["temperature", "isotonic"])
def test_answers_are_calibrated(method: str) -> None:
    kind = (X[:, 0] + rng.normal(size=N) > 0).astype(int)
    options = {**QUICK, "max_epochs": 30, "validation": None}
    data = {"x": X, "kind": kind}
    model = SequenceModel(STATIC, {"kind": MultiClass(calibration=method)}, **options).fit(data)
    plain = SequenceModel(STATIC, {"kind": MultiClass()}, **options).fit(data).predict_proba(data)["kind"]
    calibration = model.codings_["kind"].calibration
    assert calibration is not None
    found = model.predict_proba(data)["kind"]
    np.testing.assert_allclose(found, calibration.probabilities(np.log(plain), True), atol=1e-6)
    assert np.abs(found - plain).max() > 1e-3


def test_the_mean_of_a_text_is_a_mean() -> None:
    notes = [["low", "high"][i % 2] for i in range(N)]
    inputs = {"note": Text(level="word", encoder="mean")}
    model = SequenceModel(inputs, {"y": Regression()}, **QUICK).fit({"note": notes, "y": X[:, 0]})
    one, two = model.predict({"note": ["low", "low low"]})["y"]
    assert one == pytest.approx(two, abs=1e-6)


@pytest.mark.parametrize("enters", ["end", "step", "state"])
@pytest.mark.parametrize(
    "record", [Text(level="word"), Text(level="word", encoder="mean"), Category(role="static")]
)
def test_what_a_sequence_is_said_to_be_enters_where_it_is_wanted(record: Any, enters: str) -> None:
    """It alone informs; sequences without it are answered too."""
    said = [["low", "high"][i % 2] for i in range(N)]
    data = {
        "steps": [np.zeros((4, 1))] * N,
        "said": [None if i % 10 == 0 else one for i, one in enumerate(said)],
        "y": said,
    }
    inputs = {"steps": Numeric(), "said": type(record)(**{**vars(record), "enters": enters})}
    options = {**QUICK, "hidden_size": 8, "max_epochs": 60, "validation": None, "pooling": "last"}
    model = SequenceModel(inputs, {"y": MultiClass()}, **options).fit(data)
    assert model.evaluate(data)["y"]["accuracy"] > 0.85
    kinds = [node.kind for node in model.network_.nodes]
    assert ("repeat" in kinds) == (enters == "step")
    begun = [node for node in model.network_.nodes if getattr(node, "beginnings", ())]
    assert bool(begun) == (enters == "state")
