"""Settings refuse what cannot be, and reach the engine."""

from dataclasses import fields
from fractions import Fraction

import numpy as np
import pytest

from tidegate import Cosine, MultiClass, Optimizer, ReduceOnPlateau, SequenceRegressor, load
from tidegate.network.nodes import Dropout, DropoutMask, Loss, Zoneout
from tidegate.training.settings import NetworkSettings, TrainingSettings


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("optimizer", "adm", "did you mean 'adam'"),
        ("optimizer", Optimizer(clip_norm=1.0), "pass it as clip_norm beside the optimizer"),
        ("learning_rate", -1.0, "learning_rate expects a finite number"),
        ("learning_rate", float("nan"), "learning_rate expects a finite number"),
        ("schedule", "linear", "schedule expects one of"),
        ("batch_size", 0, "batch_size expects a whole number from 1"),
        ("batch_size", 2**31, "batch_size expects a whole number from 1"),
        ("max_epochs", 1.5, "max_epochs expects a whole number"),
        ("patience", 0, "patience expects a whole number from 1"),
        ("min_delta", -0.1, "min_delta expects a finite number"),
        ("validation", 1.0, "validation expects a finite number above 0 to 0.9"),
        ("validation", 0.0, "validation expects a finite number above 0"),
        ("clip_norm", 0.0, "clip_norm expects a finite number above 0"),
    ],
)
def test_training_settings_refuse(option, value, message):
    with pytest.raises(ValueError, match=message):
        TrainingSettings(**{option: value})


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("cell", "lstmm", "did you mean 'lstm'"),
        ("hidden_size", 0, "hidden_size expects a whole number from 1"),
        ("num_layers", -1, "num_layers expects a whole number from 1"),
        ("bidirectional", "yes", "bidirectional expects True or False"),
        ("dropout", 1.0, "dropout expects a finite number from 0 to 0.99"),
        ("input_dropout", 1.0, "input_dropout expects a finite number from 0 to 0.99"),
        ("recurrent_dropout", -0.1, "recurrent_dropout expects a finite number from 0 to 0.99"),
        ("variational_dropout", 1, "variational_dropout expects True or False"),
        ("zoneout", {"h": 1.0}, "zoneout expects a finite number from 0 to 0.99"),
        ("zoneout", {"i": 0.1}, "zoneout expects one of h, c; got 'i'"),
        ("pooling", "first", "pooling expects one of last, mean, max"),
        ("dense", "tanh", "dense expects a list of"),
        ("dense", [(10,)], "dense expects a list of"),
        ("dense", 10, "dense expects a list of"),
        ("dense", [10], "dense expects a list of"),
    ],
)
def test_network_settings_refuse(option, value, message):
    with pytest.raises(ValueError, match=message):
        NetworkSettings(**{option: value})


@pytest.mark.parametrize("dense", [[(10, "tan")], [(0, "tanh")]])
def test_dense_layers_are_checked_when_the_network_is_built(dense):
    with pytest.raises(ValueError, match=r"activation expects .* 'tanh'|size expects a whole number"):
        SequenceRegressor(dense=dense, validation=None).fit(np.ones((2, 3, 1)), [0.0, 1.0])


def test_networks_that_overflow_are_refused_before_anything_is_allocated():
    with pytest.raises(
        ValueError, match=r"hidden_size=100000 with num_layers=3 makes \d+ parameters; expected at most"
    ):
        SequenceRegressor(hidden_size=100_000, num_layers=3).fit(np.ones((2, 3, 1)), [0.0, 1.0])


def test_the_engines_optimizer_has_clip_norm():
    assert TrainingSettings(optimizer="sgd", clip_norm=2.5).engine_optimizer() == Optimizer(
        "sgd", momentum=0.9, clip_norm=2.5
    )
    given = Optimizer("rmsprop", rho=0.9)
    assert TrainingSettings(optimizer=given, clip_norm=None, schedule=Cosine()).engine_optimizer() == given


RECORDS = {
    NetworkSettings: {},
    TrainingSettings: {},
    Optimizer: {},
    Cosine: {},
    ReduceOnPlateau: {},
    MultiClass: {},
    Dropout: {"name": "d", "of": ("x",)},
    DropoutMask: {"name": "d", "size": 1},
    Zoneout: {"name": "z", "of": ("x",), "size": 1},
    Loss: {"name": "l", "of": ("x",), "loss": "softmax_cross_entropy"},
}
REALS = [
    (record, field.name)
    for record in RECORDS
    for field in fields(record)
    if str(field.type).split(" | ")[0] == "float"
]
ABOVE_0 = ("epsilon", "factor", "clip_norm", "clip_value", "delta")
WHOLE, BROKEN = (int, np.int64, np.uint8), (np.float16, np.float32, np.float64, Fraction)


@pytest.mark.parametrize(
    ("record", "name", "kind"),
    # No whole number is a share.
    [(*one, kind) for one in REALS for kind in (BROKEN if one[1] == "validation" else (*WHOLE, *BROKEN))],
)
def test_a_number_of_any_type_is_held_as_pythons(record, name, kind):
    value = kind(name in ABOVE_0) if kind in WHOLE else kind(0.25)
    held = getattr(record(**RECORDS[record], **{name: value}), name)
    assert (type(held), held) == (float, float(value))


def test_the_rates_of_states_are_held_as_pythons():
    held = NetworkSettings(zoneout={"h": np.float32(0.25), "c": 0}).zoneout
    assert held == {"h": 0.25, "c": 0.0}
    assert set(map(type, held.values())) == {float}


OPTIONS = {
    **{name: 0.25 for record, name in REALS if record in (NetworkSettings, TrainingSettings)},
    "learning_rate": 1.0,
    "clip_norm": 1.0,
    "gap_dropout": 0.0,
    "optimizer": "sgd",
    "hidden_size": 3,
    "max_epochs": 2,
    "batch_size": 4,
    "patience": 2,
    "missing": "decay",
    "num_layers": 2,
    "num_threads": 1,
    "random_state": 0,
}


@pytest.mark.parametrize(("real", "whole"), [(np.float32, np.int64), (np.float64, np.uint8), (Fraction, int)])
def test_options_of_any_type_train_the_same_model(real, whole, tmp_path):
    X, y = np.random.default_rng(0).normal(size=(12, 4, 2)), np.arange(12.0)
    given = {
        name: whole(value) if value == int(value) else real(value)
        for name, value in OPTIONS.items()
        if isinstance(value, int | float)
    }
    expected = SequenceRegressor(**OPTIONS).fit(X, y).predict(X)
    model = SequenceRegressor(**{**OPTIONS, **given}).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), expected)
    if real is not Fraction:
        model.save(tmp_path / "model.safetensors")
        np.testing.assert_array_equal(load(tmp_path / "model.safetensors").predict(X), expected)
