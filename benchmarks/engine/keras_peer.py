"""Keras on TensorFlow, for the article's example as it is printed there, compiled."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import tensorflow as tf

from benchmarks.engine.timing import fastest
from benchmarks.engine.work import LEARNING_RATE, ArticleData, Built, Results, Task, Unsupported

NUM_EPOCHS = 5  # of 100; an update costs the same in each
ORDER = {"lstm": "ifgo", "gru": "zrn"}
OURS = {"lstm": "ifgo", "gru": "rzn"}


def versions() -> dict[str, str]:
    return {"keras": keras.__version__, "tensorflow": tf.__version__}


def build(task: Task, num_threads: int) -> Built:
    if task.kind != "article" or task.cell not in ORDER:
        raise Unsupported(task.kind)
    data = ArticleData(task.cell)
    a_call = {"steps_per_execution": data.NUM_SEQUENCES}
    models = {
        name: _model(data, keras.optimizers.Adam(LEARNING_RATE, epsilon=1e-8), **compilation)
        for name, compilation in {
            "jit_compile": {"jit_compile": True},
            "jit_compile, an epoch a call": {"jit_compile": True, **a_call},
            "graph, an epoch a call": {"jit_compile": False, **a_call},
        }.items()
    }

    def fit(model: keras.Model) -> None:
        model.fit(data.x, data.y, batch_size=1, epochs=NUM_EPOCHS, verbose=0)

    runs = {name: (lambda model=model: fit(model)) for name, model in models.items()}
    variant = fastest(runs)

    def results() -> Results:
        model = _model(data, keras.optimizers.SGD(1.0), jit_compile=True)
        model.fit(data.x[:1], data.y[:1], batch_size=1, epochs=1, verbose=0)
        found = _parameters(model, task.cell)
        return {f"{name}, one step down the gradient": value for name, value in found.items()}

    return Built(runs[variant], results, variant, scale=data.NUM_EPOCHS / NUM_EPOCHS)


def _model(data: ArticleData, optimizer: keras.Optimizer, **compilation: object) -> keras.Model:
    layer = {
        "lstm": lambda: keras.layers.LSTM(data.NUM_UNITS),
        "gru": lambda: keras.layers.GRU(data.NUM_UNITS, reset_after=True),
    }[data.cell]()
    layers = [keras.Input((data.NUM_STEPS, 1)), layer, keras.layers.Dense(10, "tanh"), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile(optimizer, "mse", **compilation)
    model.set_weights(_weights(data))
    return model


def _reordered(array: np.ndarray, given: str, wanted: str) -> np.ndarray:
    blocks = dict(zip(given, np.split(array, len(given))))
    return np.concatenate([blocks[gate] for gate in wanted])


def _weights(data: ArticleData) -> list[np.ndarray]:
    p, given, wanted = data.parameters, OURS[data.cell], ORDER[data.cell]
    bias = _reordered(p["bias_l0"], given, wanted)
    if data.cell == "gru":
        second = np.zeros_like(bias)
        second[-data.NUM_UNITS :] = p["bias_hn_l0"]
        bias = np.stack([bias, second])
    return [
        _reordered(p["weight_ih_l0"], given, wanted).T,
        _reordered(p["weight_hh_l0"], given, wanted).T,
        bias,
        p["weight_dense0"].T,
        p["bias_dense0"],
        p["weight_output"].T,
        p["bias_output"],
    ]


def _parameters(model: keras.Model, cell: str) -> Results:
    """By our names. What is compared is one step down the gradient: Keras's Adam adds its epsilon elsewhere,
    and its GRU has two biases for every gate, which are left out."""
    weight_ih, weight_hh, bias, dense, dense_bias, output, output_bias = model.get_weights()
    given, wanted = ORDER[cell], OURS[cell]
    found = {
        "weight_ih_l0": _reordered(weight_ih.T, given, wanted),
        "weight_hh_l0": _reordered(weight_hh.T, given, wanted),
        "weight_dense0": dense.T,
        "bias_dense0": dense_bias,
        "weight_output": output.T,
        "bias_output": output_bias,
    }
    return found if cell == "gru" else found | {"bias_l0": _reordered(bias, given, wanted)}
