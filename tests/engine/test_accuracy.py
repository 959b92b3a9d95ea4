"""The vectors' tanh, sigmoid and decay against NumPy's, through layers that compute nothing else."""

import numpy as np
import numpy.typing as npt
import pytest

from tidegate.engine import Engine, Steps
from tidegate.network import Input, Network, StateDecay
from tidegate.recurrent import Recurrent

UNITS_IN_THE_LAST_PLACE = 4.0


def points(dtype: str) -> npt.NDArray[np.float64]:
    """Numbers of dtype, both signs, from the smallest that is not flushed to far beyond saturation."""
    smallest = np.log10(float(np.finfo(dtype).tiny)) + 2
    magnitudes = np.concatenate([np.logspace(smallest, 3, 4000), np.linspace(0, 90, 4000)])
    return np.concatenate([-magnitudes, magnitudes]).astype(dtype).astype(np.float64)


def relative_error(got: npt.ArrayLike, expected: npt.NDArray[np.float64], dtype: str) -> float:
    known = np.abs(expected) > float(np.finfo(dtype).tiny) * 100
    error = np.abs(np.asarray(got, np.float64) - expected)[known] / np.abs(expected[known])
    return float(error.max() / np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tanh(dtype: str) -> None:
    x = points(dtype)
    layers = Recurrent("rnn", 1, 1, dtype=dtype)
    for name, value in layers.parameters.items():
        value[...] = 1.0 if name == "weight_ih_l0" else 0.0
    output, _ = layers.forward(x.reshape(-1, 1, 1))
    assert relative_error(output.ravel(), np.tanh(x), dtype) < UNITS_IN_THE_LAST_PLACE


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sigmoid(dtype: str) -> None:
    # f = 1, i = 0 and c_0 = 60 leave h = o * tanh(60) = o = sigmoid(x).
    x = points(dtype)
    x = x[x > -80]
    layers = Recurrent("lstm", 1, 1, dtype=dtype)
    for value in layers.parameters.values():
        value[...] = 0.0
    layers.parameters["bias_l0"][:2] = [-200.0, 200.0]
    layers.parameters["weight_ih_l0"][3] = 1.0
    states = {"h": np.zeros((1, x.size, 1)), "c": np.full((1, x.size, 1), 60.0)}
    output, _ = layers.forward(x.reshape(-1, 1, 1), states=states)
    assert relative_error(output.ravel(), 1 / (1 + np.exp(-x)), dtype) < UNITS_IN_THE_LAST_PLACE


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_decay(dtype: str) -> None:
    x = points(dtype)
    x = x[x < 80]
    engine = Engine(Network((Input("x", 1), StateDecay("decay", ("x",), 1))), dtype=dtype)
    engine.parameters["weight_decay"] = [[1.0]]
    engine.forward(Steps.of(x[:, np.newaxis], [0, x.size], dtype))
    got = engine.value("decay").ravel()
    assert relative_error(got, np.exp(-np.maximum(0.0, x)), dtype) < UNITS_IN_THE_LAST_PLACE
    assert (got[x <= 0] == 1.0).all()
