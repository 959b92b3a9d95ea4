"""Nodes that act on a layer's states (multipliers, updates, a product multiplier) against the reference in
float64: outputs, final states and traces, and every gradient by differences."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tidegate import cells
from tidegate.engine import Engine, Steps
from tidegate.network import Input, Network, Recurrent
from tidegate.reference import LayerRun, run

Array = npt.NDArray[np.float64]
BATCH, TIME, INPUT_SIZE = 4, 6, 3
LENGTHS = np.array([6, 4, 5, 1])


class Layer:
    """One layer with every kind of node, each with values of its own, and a loss: the sum of its output and
    final states times drawn weights."""

    def __init__(self, cell: str, hidden_size: int, reverse: bool, dtype: str, num_threads: int) -> None:
        self.spec, self.reverse = cells.get(cell), reverse
        multipliers = tuple(f"m_{state}" for state in self.spec.states)
        updates = tuple(f"p_{state}" for state in self.spec.states)
        acting = (*multipliers, *updates, "q")
        x = Input("x", INPUT_SIZE, needs_gradient=True)
        layer = Recurrent("l", ("x",), cell, hidden_size, reverse, multipliers, updates, "q")
        inputs = (Input(name, hidden_size, needs_gradient=True) for name in acting)
        self.engine = Engine(Network((x, *inputs, layer)), dtype=dtype, num_threads=num_threads)
        rng = np.random.default_rng(3)
        self.values: dict[str, Array] = {"x": rng.normal(size=(BATCH, TIME, INPUT_SIZE))}
        self.values |= {name: rng.uniform(0.2, 1.2, (BATCH, TIME, hidden_size)) for name in acting}
        scale = 1 / np.sqrt(hidden_size)
        for name, parameter in self.engine.parameters.items():
            self.values[name] = rng.normal(scale=scale, size=parameter.shape).astype(dtype)
            parameter[...] = self.values[name]
        self.initial = {state: rng.normal(size=(BATCH, hidden_size)) for state in self.spec.states}
        self.mask = rng.random((BATCH, TIME)) < 0.8
        self.weights = rng.normal(size=(BATCH, TIME, hidden_size))
        self.final_weights = rng.normal(size=(len(self.spec.states), BATCH, hidden_size))
        self.acting, self.dtype = acting, dtype

    def expected(self) -> LayerRun:
        return run(
            self.spec,
            {name.removesuffix("_l"): self.values[name] for name in self.engine.parameters},
            self.values["x"],
            self.initial,
            LENGTHS,
            self.reverse,
            self.mask,
            {state: self.values[f"m_{state}"] for state in self.spec.states},
            {state: self.values[f"p_{state}"] for state in self.spec.states},
            self.values["q"],
        )

    def loss(self) -> float:
        result = self.expected()
        final = np.stack(list(result.final.values()))
        return float((result.output * self.weights).sum() + (final * self.final_weights).sum())

    def forward(self) -> None:
        rows = (self.values[name].reshape(BATCH * TIME, -1) for name in ("x", *self.acting))
        arrays = tuple(np.ascontiguousarray(array, self.dtype) for array in rows)
        self.engine.forward(
            Steps(arrays, np.arange(BATCH) * TIME, LENGTHS),
            initial={"l": np.stack(list(self.initial.values())).astype(self.dtype)},
            mask=self.mask.reshape(-1).astype(np.uint8),
            training=True,
        )

    def gradients(self) -> dict[str, Array]:
        self.engine.backward(
            {"l": self.weights.reshape(BATCH * TIME, -1).astype(self.dtype)},
            {"l": self.final_weights.astype(self.dtype)},
        )
        found: dict[str, Any] = {
            name: self.engine.input_gradient(name).reshape(BATCH, TIME, -1) for name in ("x", *self.acting)
        }
        found |= dict(self.engine.gradients)
        initial = self.engine.initial_state_gradients("l")
        return found | {f"initial {state}": initial[s] for s, state in enumerate(self.spec.states)}


# Weights of 250 units are computed unit by unit, by both threads.
PATHS = [(11, 1, "float64"), (250, 2, "float64"), (37, 1, "float32"), (250, 2, "float32")]


@pytest.mark.parametrize(("hidden_size", "num_threads", "dtype"), PATHS)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("cell", cells.CELLS)
def test_a_layer_with_nodes_that_act_on_its_states_is_the_reference(
    cell: str, reverse: bool, hidden_size: int, num_threads: int, dtype: str
) -> None:
    layer = Layer(cell, hidden_size, reverse, dtype, num_threads)
    layer.forward()
    expected = layer.expected()
    within = {"rtol": 0, "atol": 1e-12} if dtype == "float64" else {"rtol": 1e-5, "atol": 2e-5}
    output = layer.engine.value("l").reshape(expected.output.shape)
    np.testing.assert_allclose(output, expected.output, **within)
    for name, rows in layer.engine.trace("l").items():
        np.testing.assert_allclose(rows.reshape(output.shape), expected.trace[name], **within)
    final = layer.engine.final_states("l")
    np.testing.assert_allclose(final, np.stack(list(expected.final.values())), **within)

    gradients, step = layer.gradients(), 1e-5
    rng = np.random.default_rng(5)
    for name, gradient in gradients.items():
        values = layer.initial[name.split()[1]] if name.startswith("initial") else layer.values[name]
        before = values.copy()
        if name.startswith("initial") or name not in layer.values or values.ndim != 3:
            way = rng.normal(size=values.shape)
        else:  # gradients in padding are zero, and nothing is read there
            way = rng.normal(size=values.shape) * (np.arange(TIME) < LENGTHS[:, np.newaxis])[..., np.newaxis]
        store = layer.initial if name.startswith("initial") else layer.values
        key = name.split()[1] if name.startswith("initial") else name
        store[key] = before + step * way
        above = layer.loss()
        store[key] = before - step * way
        below = layer.loss()
        store[key] = before
        slope = (above - below) / (2 * step)
        size = float(np.abs(gradient * way).sum())
        found = float((gradient.astype(np.float64) * way).sum())
        assert found == pytest.approx(slope, abs=(1e-8 if dtype == "float64" else 2e-5) * (1 + size)), name


@pytest.mark.parametrize("cell", cells.CELLS)
def test_an_update_of_one_changes_no_bit_and_one_of_zero_keeps_the_state(cell: str) -> None:
    states = cells.get(cell).states
    nodes = (Input("x", 3), Input("p", 20), Recurrent("l", ("x",), cell, 20, updates=("p",) * len(states)))
    updated = Engine(Network(nodes))
    plain = Engine(Network((nodes[0], Recurrent("l", ("x",), cell, 20))))
    rng = np.random.default_rng(0)
    plain.flat[:] = updated.flat[:] = rng.normal(size=plain.flat.size)
    x = rng.normal(size=(60, 3)).astype(np.float32)
    initial = {"l": rng.normal(size=(len(states), 6, 20)).astype(np.float32)}
    offsets = np.arange(7) * 10
    plain.forward(Steps.of(x, offsets), initial=initial)
    for p, expected in ((1, plain.final_states("l")), (0, initial["l"])):
        steps = Steps((x, np.full((60, 20), p, np.float32)), offsets[:-1], np.full(6, 10))
        updated.forward(steps, initial=initial)
        np.testing.assert_array_equal(updated.final_states("l"), expected)


def test_nodes_that_do_not_fit_are_refused() -> None:
    x, narrow = Input("x", 4), Input("narrow", 3)
    with pytest.raises(ValueError, match="updates expects one node for each of the 2 states of lstm"):
        Recurrent("l", ("x",), "lstm", 4, updates=("x",))
    for option in ({"updates": ("narrow",)}, {"product_multiplier": "narrow"}):
        with pytest.raises(ValueError, match=f"'l': {next(iter(option))} expects 4 columns a step; got 3"):
            Network((x, narrow, Recurrent("l", ("x",), "gru", 4, **option)))
