"""The engine against what PyTorch computed in float64: outputs to 1e-10, gradients to 1e-8 relative."""

import numpy as np
import numpy.typing as npt
import pytest
from oracle import cases

from tidegate.engine import Engine, Optimizer, Steps, Target
from tidegate.network import Dense, Input, Loss, Network, Pool, sequence_network
from tidegate.recurrent import Recurrent

Array = npt.NDArray[np.float64]


def close(got: npt.ArrayLike, expected: Array, relative: float) -> None:
    scale = max(np.abs(expected).max(initial=0.0), 1e-3)
    np.testing.assert_allclose(got, expected, rtol=0, atol=relative * scale)


def steps_of(values: Array, lengths: npt.NDArray[np.int64]) -> Steps:
    return Steps.of(values, np.concatenate([[0], np.cumsum(lengths)]), "float64")


def target_of(loss: str, targets: Array, weights: Array | None) -> Target:
    return Target(targets.astype(np.int32) if loss == "softmax_cross_entropy" else targets, weights)


@pytest.mark.parametrize("num_threads", [1, 2])
@pytest.mark.parametrize("case", cases.load(), ids=lambda case: case.name)
def test_layers(case: cases.RecurrentCase, num_threads: int) -> None:
    layers = Recurrent(
        case.cell,
        case.input_size,
        case.hidden_size,
        case.num_layers,
        case.bidirectional,
        dtype="float64",
        num_threads=num_threads,
    )
    assert set(layers.parameters) == set(case.parameters)
    for name, value in case.parameters.items():
        layers.parameters[name][...] = value
    output, final = layers.forward(case.x, case.lengths, case.initial, case.mask, case.multiplier)
    close(output, case.output, 1e-10)
    for state, value in case.final.items():
        close(final[state], value, 1e-10)

    gradients = layers.backward(case.output_gradient, case.final_gradient)
    close(gradients.x, case.x_gradient, 1e-8)
    for name, value in case.parameter_gradients.items():
        close(gradients.parameters[name], value, 1e-8)
    for state, value in case.initial_gradients.items():
        close(gradients.states[state], value, 1e-8)
    for state, value in case.multiplier_gradients.items():
        close(gradients.multiplier[state], value, 1e-8)


@pytest.mark.parametrize("case", cases.load(), ids=lambda case: case.name)
def test_float32_agrees(case: cases.RecurrentCase) -> None:
    layers = Recurrent(case.cell, case.input_size, case.hidden_size, case.num_layers, case.bidirectional)
    for name, value in case.parameters.items():
        layers.parameters[name][...] = value
    output, _ = layers.forward(case.x, case.lengths, case.initial, case.mask, case.multiplier)
    close(output, case.output, 1e-5)
    gradients = layers.backward(case.output_gradient, case.final_gradient)
    close(gradients.x, case.x_gradient, 1e-4)
    for name, value in case.parameter_gradients.items():
        close(gradients.parameters[name], value, 1e-4)


@pytest.mark.parametrize("case", cases.load_losses(), ids=lambda case: case.name)
def test_losses(case: cases.LossCase) -> None:
    num_rows, num_outputs = case.predictions.shape
    nodes = (
        Input("x", num_outputs, needs_gradient=True),
        Pool("last", ("x",), "last"),
        Loss("loss", ("last",), case.loss, case.delta),
    )
    engine = Engine(Network(nodes), dtype="float64")
    steps = steps_of(case.predictions, np.ones(num_rows, np.int64))
    result = engine.forward(steps, target=target_of(case.loss, case.targets, case.weights), training=True)
    close(result.loss, np.array(case.value), 1e-12)
    engine.backward()
    close(engine.input_gradient(), case.gradient, 1e-12)


@pytest.mark.parametrize("case", cases.load_optimizers(), ids=lambda case: case.name)
def test_optimizers(case: cases.OptimizerCase) -> None:
    # With x = 0 the output is the bias p; the gradient of mean((p - y)^2) is g where y = p - g * size / 2.
    size = len(case.parameters)
    nodes = (
        Input("x", 1),
        Pool("last", ("x",), "last"),
        Dense("output", ("last",), size),
        Loss("loss", ("output",), "mse"),
    )
    engine = Engine(Network(nodes), dtype="float64")
    bias = engine.parameters["bias_output"]
    bias[:] = case.parameters
    steps = steps_of(np.zeros((1, 1)), np.ones(1, np.int64))
    for rate, gradient, after in zip(case.learning_rates, case.gradients, case.after, strict=True):
        target = Target((bias - gradient * size / 2)[np.newaxis].copy())
        engine.epoch(steps, target, np.zeros(1, np.int64), 1, np.array([rate]), Optimizer(**case.options))
        close(bias, after, 1e-12)


@pytest.mark.parametrize("num_threads", [1, 2])
@pytest.mark.parametrize("case", cases.load_networks(), ids=lambda case: case.name)
def test_networks(case: cases.NetworkCase, num_threads: int) -> None:
    network = sequence_network(**case.arguments)
    engine = Engine(network, dtype="float64", num_threads=num_threads)
    for name, value in case.parameters.items():
        engine.parameters[name][...] = value
    steps = steps_of(case.values, case.lengths)
    target = target_of(case.arguments["loss"], case.targets, case.weights)
    close(engine.predict(steps, batch_size=2), case.predictions, 1e-10)
    close(engine.forward(steps, target=target, training=True).loss, np.array(case.loss), 1e-10)
    engine.backward()
    assert set(engine.gradients) == set(case.gradients)
    for name, value in case.gradients.items():
        close(engine.gradients[name], value, 1e-8)
