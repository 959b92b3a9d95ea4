"""The options for long sequences, in the estimators, compare and the command line: what they change, what
they leave, what they refuse."""

from typing import Any

import numpy as np
import pytest

import tidegate
from tidegate import SequenceClassifier, SequenceRegressor
from tidegate.training.settings import TrainingSettings

RNG = np.random.default_rng(0)
X = [RNG.normal(size=(length, 2)) for length in [130, 90, 40, 3, 70, 100, 5, 64]]
LAST = [float(x[-1, 0]) for x in X]
STEPS = [np.cumsum(x[:, 0]) / 10 for x in X]
CLASSES = ["up" if x[:, 0].sum() > 0 else "down" for x in X]
OPTIONS: dict[str, Any] = {
    "cell": "gru", "hidden_size": 6, "max_epochs": 3, "validation": None, "batch_size": 3, "random_state": 0,
}  # fmt: skip


def regressor(y: Any = STEPS, **options: Any) -> SequenceRegressor:
    return SequenceRegressor(**OPTIONS | options).fit(X, y)


def classifier(**options: Any) -> SequenceClassifier:
    return SequenceClassifier(**OPTIONS | {"bidirectional": False} | options).fit(X, CLASSES)


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("y", [LAST, STEPS], ids=["sequence", "step"])
def test_recomputation_trains_the_same_model(y: Any, dropout: float) -> None:
    plain, recomputing = (regressor(y, recompute=on, dropout=dropout, num_layers=2) for on in (False, True))
    np.testing.assert_allclose(recomputing.history_["loss"], plain.history_["loss"], rtol=1e-4)
    assert recomputing.num_updates_ == plain.num_updates_ == 9
    for name, value in plain.parameters_.items():
        np.testing.assert_allclose(recomputing.parameters_[name], value, atol=1e-4)


def test_with_a_target_a_step_each_window_has_an_update() -> None:
    """Of batches of three sequences; a window beyond the longest is none."""
    windows = regressor(bptt_steps=50)
    assert 3 * 5 <= windows.num_updates_ <= 3 * 7  # 130 steps are 3 windows, 3 or 5 steps alone 1
    assert windows.num_updates_ != regressor().num_updates_
    assert regressor(bptt_steps=1000).num_updates_ == regressor().num_updates_
    np.testing.assert_allclose(
        regressor(bptt_steps=1000).history_["loss"], regressor().history_["loss"], rtol=1e-5
    )


def test_with_a_target_a_sequence_a_batch_has_one_update_of_another_gradient() -> None:
    cut, plain = regressor(LAST, bptt_steps=2, pooling="mean"), regressor(LAST, pooling="mean")
    assert cut.num_updates_ == plain.num_updates_
    assert abs(cut.history_["loss"][-1] - plain.history_["loss"][-1]) > 1e-6


@pytest.mark.parametrize("option", [{"bptt_steps": 7}, {"recompute": True}])
def test_predictions_do_not_depend_on_it(option: dict[str, Any], tmp_path: Any) -> None:
    for model in (regressor(num_layers=2), classifier(pooling="mean"), classifier(pooling="last")):
        expected = model.predict(X)
        model.set_params(**option)
        for got in (model.predict(X), model.predict(X[3:])):
            for one, other in zip(reversed(list(got)), reversed(list(expected))):
                np.testing.assert_array_equal(one, other)
        model.save(tmp_path / "model")
        assert tidegate.load(tmp_path / "model").get_params()["bptt_steps"] == option.get("bptt_steps")


@pytest.mark.parametrize("option", [{"bptt_steps": 7}, {"recompute": True}])
def test_both_directions_are_refused_before_anything_is_trained(option: dict[str, Any]) -> None:
    message = f"{next(iter(option))} expects layers in one direction; got .*: pass bidirectional=False"
    with pytest.raises(ValueError, match=message):
        SequenceClassifier(**option).fit(X, CLASSES)
    with pytest.raises(ValueError, match=message):
        tidegate.compare(X, CLASSES, cells="gru", validation=None, **option)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bptt_steps": 0}, "bptt_steps expects"),
        ({"bptt_steps": 2.5}, "bptt_steps expects"),
        ({"recompute": "yes"}, "recompute expects True or False; got 'yes'"),
        ({"recompute": True, "bptt_steps": 5}, "recompute expects False beside bptt_steps=5"),
    ],
)
def test_other_values_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TrainingSettings(**options)
    with pytest.raises(ValueError, match=message):
        regressor(**options)


def test_a_fit_in_windows_has_the_same_bits_with_a_checkpoint(tmp_path: Any) -> None:
    whole = regressor(bptt_steps=9, max_epochs=4)
    in_pieces = SequenceRegressor(**OPTIONS | {"bptt_steps": 9, "max_epochs": 4})
    in_pieces.fit(X, STEPS, checkpoint=tmp_path / "state")
    for name, value in whole.parameters_.items():
        np.testing.assert_array_equal(in_pieces.parameters_[name], value)


def test_compare_takes_them_and_says_what_memory_they_need(tmp_path: Any) -> None:
    y = [0.1 * value for value in LAST]
    common = {
        "cells": "gru",
        "seeds": 2,
        "progress": False,
        "max_epochs": 1,
        "hidden_size": 40,
        "batch_size": 8,
    }
    plain = tidegate.compare(X, y, **common, validation=None)
    recomputing = tidegate.compare(X, y, **common, validation=None, recompute=True)
    windows = tidegate.compare(X, y, **common, validation=None, bptt_steps=10)
    assert recomputing.settings["recompute"] is True
    assert windows.settings["bptt_steps"] == 10
    np.testing.assert_allclose(
        recomputing["gru"].test_score.median, plain["gru"].test_score.median, atol=1e-4
    )
    assert windows["gru"].test_score.median != plain["gru"].test_score.median
    assert recomputing["gru"].memory_bytes < plain["gru"].memory_bytes


def test_the_command_line_refuses_them_in_its_own_words(run: Any, folder: Any) -> None:
    columns = ["--id", "utterance", "--time", "step", "--target", "speaker"]
    code, _, err = run("fit", "speakers.csv", *columns, "--bptt-steps", 5, "--output", "m.safetensors")
    assert code == 2
    assert "--bptt-steps expects layers in one direction; got --bidirectional" in err
    assert err.rstrip().endswith("pass --one-direction")
    code, _, err = run(
        "fit",
        "speakers.csv",
        *columns,
        "--one-direction",
        "--recompute",
        "--bptt-steps",
        5,
        "--output",
        "m.st",
    )
    assert code == 2
    assert "--recompute expects False beside --bptt-steps 5" in err
