"""input_noise: what is drawn is Gaussian and leaves the rest as it is; in a linear network it is ridge
regression."""

from typing import Any

import numpy as np
import pytest

from tidegate import Category, Cosine, Numeric, Regression, SequenceClassifier, SequenceModel, Sequences
from tidegate.engine import Engine

QUICK: dict[str, Any] = {"hidden_size": 4, "max_epochs": 3, "random_state": 0, "validation": None}


def inputs_of_epochs(monkeypatch: pytest.MonkeyPatch, model: Any, *data: Any) -> list[dict[str, Any]]:
    """What each epoch of a fit reads, by the names of the network's inputs."""
    epoch, read = Engine.epoch, []

    def watched(self: Any, steps: Any, *others: Any, **options: Any) -> Any:
        names = [*self.network.inputs, *self.network.sparse_inputs]
        values = [*steps.inputs, *(rows.columns for rows in steps.sparse)]
        read.append(dict(zip(names, values, strict=True)))
        return epoch(self, steps, *others, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "epoch", watched)
        model.fit(*data)
    return read


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("standardize", [True, False])
def test_noise_is_gaussian_in_the_unit_that_the_network_reads(monkeypatch, dtype, standardize):
    rng = np.random.default_rng(0)
    X = Sequences((rng.normal(size=(6000, 2)) * [1.0, 50.0]).astype(dtype), np.arange(0, 6001, 100))
    y = np.arange(60) % 2
    options = {**QUICK, "standardize": standardize, "num_threads": 1}
    (plain, *_), noisy = (
        inputs_of_epochs(monkeypatch, SequenceClassifier("gru", input_noise=deviation, **options), X, y)
        for deviation in (0.0, 0.4)
    )
    drawn = np.stack([read["x"] - plain["x"] for read in noisy]) / 0.4  # (epochs, S, I)
    numbers = drawn[0].size
    np.testing.assert_allclose(drawn.mean(axis=(1, 2)), 0.0, atol=5 / numbers**0.5)
    np.testing.assert_allclose(drawn.std(axis=1), 1.0, atol=5 / numbers**0.5)
    np.testing.assert_allclose((drawn**4).mean(axis=(1, 2)), 3.0, atol=5 * (96 / numbers) ** 0.5)
    # Neither epochs, nor steps, nor channels share it.
    for one, other in ((drawn[0], drawn[1]), (drawn[:, 1:], drawn[:, :-1]), (drawn[..., 0], drawn[..., 1])):
        assert abs((one * other).mean()) < 5 / numbers**0.5


def test_noise_leaves_gaps_and_categories_as_they_are(monkeypatch):
    rng = np.random.default_rng(1)
    values = np.where(rng.random((20, 6, 2)) < 0.3, np.nan, rng.normal(size=(20, 6, 2)))
    data = {
        "gappy": list(values),
        "number": rng.normal(size=20),
        "shade": np.array(["dark", "grey"])[np.arange(20) % 2],
        "y": rng.normal(size=20),
    }
    inputs = {
        "gappy": Numeric(missing="mask"),
        "number": Numeric(role="static"),
        "shade": Category(role="static"),
    }
    (plain, *_), (noisy, *_) = (
        inputs_of_epochs(
            monkeypatch,
            SequenceModel(inputs, {"y": Regression()}, input_noise=deviation, gap_dropout=0.0, **QUICK),
            data,
        )
        for deviation in (0.0, 0.3)
    )
    assert {name for name in plain if np.any(plain[name] != noisy[name])} == {"gappy.x", "number.x"}
    assert (plain["number.x"] != noisy["number.x"]).all()
    before, after = plain["gappy.x"], noisy["gappy.x"]  # values, observed, log(1 + elapsed)
    np.testing.assert_array_equal(before[:, :2] != after[:, :2], before[:, 2:4] == 1)
    np.testing.assert_array_equal(before[:, 2:], after[:, 2:])


def test_a_linear_network_with_noise_is_ridge_regression():
    """Of standardised, uncorrelated inputs the best weights under noise of deviation s are 1 / (1 + s^2) of
    those without (Bishop 1995)."""
    rng = np.random.default_rng(2)
    x = np.linalg.qr(np.concatenate([np.ones((400, 1)), rng.normal(size=(400, 3))], axis=1))[0][:, 1:] * 20
    weights = np.array([1.0, -2.0, 0.5])
    y = x @ weights
    for deviation in (0.0, 0.5, 1.0):
        model = SequenceModel(
            {"x": Numeric(role="static")},
            {"y": Regression()},
            dropout=0.0,
            input_noise=deviation,
            optimizer="sgd",
            learning_rate=0.02,
            schedule=Cosine(),
            max_epochs=100,
            patience=None,
            validation=None,
            clip_norm=None,
            random_state=0,
        ).fit({"x": x, "y": y})
        found = np.linalg.lstsq(x, np.asarray(model.predict({"x": x})["y"]))[0]
        np.testing.assert_allclose(found, weights / (1 + deviation**2), atol=0.1)
