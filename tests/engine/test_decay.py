"""Decay of inputs and states against NumPy: outputs, and every gradient by differences in float64."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tidegate.cells import CELLS, get
from tidegate.engine import Engine, Optimizer, Steps, Target
from tidegate.network import Input, InputDecay, Network, Recurrent, StateDecay, sequence_network
from tidegate.reference import run

Array = npt.NDArray[Any]
LENGTHS = np.array([4, 1, 6, 3])
INPUT_SIZE, HIDDEN_SIZE, NUM_OUTPUTS = 3, 5, 2
ROWS = int(LENGTHS.sum())
STARTS = np.cumsum([0, *LENGTHS[:-1]])


def drawn(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


def inputs(network: Network, seed: int) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    kinds = {"x": lambda s: rng.normal(size=s), "e": lambda s: rng.exponential(size=s)}
    kinds["o"] = lambda s: (rng.random(s) < 0.5).astype(float)
    return {
        node.name: kinds[node.name[0]]((ROWS, INPUT_SIZE))
        for node in network.nodes
        if isinstance(node, Input)
    }


def decay(weight: Array, elapsed: Array, bias: Array) -> Array:
    product = elapsed * weight if weight.ndim == 1 else elapsed @ weight.T
    return np.exp(-np.maximum(0.0, product + bias))


def padded(rows: Array) -> Array:
    out = np.zeros((len(LENGTHS), LENGTHS.max(), rows.shape[1]))
    for index, (start, length) in enumerate(zip(STARTS, LENGTHS)):
        out[index, :length] = rows[start : start + length]
    return out


def expected_outputs(network: Network, parameters: dict[str, Array], given: dict[str, Array]) -> Array:
    """The output node's rows, one a step, by NumPy and the reference run."""
    values = dict(given)
    real = np.arange(LENGTHS.max()) < LENGTHS[:, np.newaxis]
    for node in network.nodes:
        if isinstance(node, InputDecay):
            x, m, d = (values[name] for name in node.of)
            factor = decay(parameters[f"weight_{node.name}"], d, parameters[f"bias_{node.name}"])
            values[node.name] = np.concatenate([m * x + (1 - m) * factor * x, m], axis=1)
        elif isinstance(node, StateDecay):
            elapsed = np.concatenate([values[name] for name in node.of], axis=1)
            name = node.name
            values[name] = decay(parameters[f"weight_{name}"], elapsed, parameters[f"bias_{name}"])
        elif isinstance(node, Recurrent):
            cell, below = get(node.cell), np.concatenate([values[name] for name in node.of], axis=1)
            own = {key: parameters[f"{key}_{node.name}"] for key in node.parameter_shapes(below.shape[1])}
            multiplier = {s: padded(values[m]) for s, m in zip(cell.states, node.multipliers) if m}
            update = {s: padded(values[p]) for s, p in zip(cell.states, node.updates) if p}
            run_of_layer = run(
                cell,
                own,
                padded(below),
                lengths=LENGTHS,
                reverse=node.reverse,
                multiplier=multiplier,
                update=update,
            )
            values[node.name] = run_of_layer.output[real]
    output = next(node for node in network.nodes if node.name == "output")
    below = np.concatenate([values[name] for name in output.of], axis=1)
    return below @ parameters["weight_output"].T + parameters["bias_output"]


def engine_of(network: Network, dtype: str = "float64", num_threads: int = 1) -> Engine:
    engine = Engine(network, dtype=dtype, num_threads=num_threads)
    for index, name in enumerate(engine.parameters):
        engine.parameters[name] = 0.5 * drawn(100 + index, *engine.parameters[name].shape)
        if "decay" in name:  # some beyond the bend of max(0, .) and some before
            engine.parameters[name] = np.abs(engine.parameters[name]) - 0.1
    return engine


def steps_of(network: Network, given: dict[str, Array], dtype: str = "float64") -> Steps:
    names = [node.name for node in network.nodes if isinstance(node, Input)]
    arrays = tuple(np.ascontiguousarray(given[name], dtype) for name in names)
    return Steps(arrays, STARTS.astype(np.int64), LENGTHS.astype(np.int64))


def network_of(cell: str, num_layers: int = 1, bidirectional: bool = False) -> Network:
    return sequence_network(
        cell,
        INPUT_SIZE,
        HIDDEN_SIZE,
        NUM_OUTPUTS,
        "mse",
        num_layers=num_layers,
        bidirectional=bidirectional,
        pooling=None,
        decay=True,
    )


@pytest.mark.parametrize(("num_layers", "bidirectional"), [(1, False), (2, True)])
@pytest.mark.parametrize("cell", CELLS)
def test_outputs_and_gradients_are_those_of_the_equations(
    cell: str, num_layers: int, bidirectional: bool
) -> None:
    check_outputs_and_gradients(network_of(cell, num_layers, bidirectional))


def test_a_decay_that_is_read_beside_the_state_it_multiplies_has_both_gradients() -> None:
    nodes = network_of("lstm").nodes
    check_outputs_and_gradients(
        Network(tuple(replace(n, of=(*n.of, "l0_decay")) if n.name == "output" else n for n in nodes))
    )


def test_a_decay_that_says_too_how_far_a_step_moves_the_states_has_both_gradients() -> None:
    nodes = network_of("lstm").nodes
    check_outputs_and_gradients(
        Network(tuple(replace(n, updates=n.multipliers) if isinstance(n, Recurrent) else n for n in nodes))
    )


def test_a_decay_of_the_states_of_two_layers_has_the_gradients_of_both() -> None:
    nodes = (node for node in network_of("lstm", num_layers=2).nodes if node.name != "l1_decay")
    shared = ("l0_decay",) * 2
    check_outputs_and_gradients(
        Network(tuple(replace(n, multipliers=shared) if isinstance(n, Recurrent) else n for n in nodes))
    )


@pytest.mark.parametrize("cell", CELLS)
def test_states_are_read_as_they_were_before_they_decayed(cell: str) -> None:
    network = network_of(cell)
    engine = engine_of(network)
    engine.forward(steps_of(network, inputs(network, 1)))
    x, factor = (padded(engine.value(name)) for name in ("x_decay", "l0_decay"))
    named = engine.parameters.items()
    own = {name.removesuffix("_l0"): value for name, value in named if name.endswith("_l0")}
    expected = run(get(cell), own, x, lengths=LENGTHS, multiplier=dict.fromkeys(get(cell).states, factor))
    real = np.arange(LENGTHS.max()) < LENGTHS[:, np.newaxis]
    for state, rows in engine.trace("l0").items():
        np.testing.assert_allclose(rows, expected.trace[state][real], rtol=0, atol=1e-12)


def check_outputs_and_gradients(network: Network) -> None:
    engine, given = engine_of(network), inputs(network, 1)
    target = drawn(2, ROWS, NUM_OUTPUTS)
    parameters = {name: value.copy() for name, value in engine.parameters.items()}

    def loss() -> float:
        return float(np.square(expected_outputs(network, parameters, given) - target).mean())

    result = engine.forward(steps_of(network, given), target=Target(target), training=True)
    np.testing.assert_allclose(
        engine.value("output"), expected_outputs(network, parameters, given), rtol=0, atol=1e-12
    )
    assert result.loss == pytest.approx(loss(), abs=1e-12)
    engine.backward()
    rng = np.random.default_rng(0)
    for name, gradient in engine.gradients.items():
        places = list(np.ndindex(gradient.shape))
        for place in rng.permutation(len(places))[: None if "decay" in name else 6]:
            at, step = places[place], 1e-5
            before = parameters[name][at]
            parameters[name][at] = before + step
            above = loss()
            parameters[name][at] = before - step
            below = loss()
            parameters[name][at] = before
            assert gradient[at] == pytest.approx((above - below) / (2 * step), abs=1e-8), (name, at)


def test_inputs_have_gradients_too() -> None:
    decayed = InputDecay("decayed", ("x", "observed", "elapsed"))
    names = ("x", "observed", "elapsed")
    network = Network((*(Input(name, INPUT_SIZE, needs_gradient=True) for name in names), decayed))
    engine, given = engine_of(network), inputs(network, 4)
    weights = drawn(5, ROWS, 2 * INPUT_SIZE)
    engine.forward(steps_of(network, given), training=True)
    engine.backward({"decayed": weights})

    def total() -> float:
        factor = decay(
            engine.parameters["weight_decayed"], given["elapsed"], engine.parameters["bias_decayed"]
        )
        m, x = given["observed"], given["x"]
        return float((weights * np.concatenate([m * x + (1 - m) * factor * x, m], axis=1)).sum())

    for name in names:
        gradient = engine.input_gradient(name)
        for at in np.ndindex(gradient.shape):
            before, step = given[name][at], 1e-6
            given[name][at] = before + step
            above = total()
            given[name][at] = before - step
            below = total()
            given[name][at] = before
            assert gradient[at] == pytest.approx((above - below) / (2 * step), abs=1e-7), (name, at)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1, 7, 16, 33])
def test_whole_epochs_have_the_same_bits_on_any_number_of_threads(size: int, dtype: str) -> None:
    network = sequence_network("gru", size, 20, 1, "mse", decay=True)
    rng = np.random.default_rng(3)
    lengths = rng.integers(1, 20, 40)
    rows = int(lengths.sum())
    observed = (rng.random((rows, size)) < 0.5).astype(dtype)
    arrays = {"x": rng.normal(size=(rows, size)), "elapsed": rng.exponential(size=(rows, size))}
    arrays = {name: value.astype(dtype) for name, value in arrays.items()} | {"observed": observed}
    names = [node.name for node in network.nodes if isinstance(node, Input)]
    steps = Steps(tuple(arrays[name] for name in names), np.cumsum([0, *lengths[:-1]]), lengths)
    target = Target(rng.normal(size=(40, 1)).astype(dtype))
    flats = []
    for num_threads in (1, 3):
        engine = engine_of(network, dtype, num_threads)
        order = np.arange(40, dtype=np.int64)
        first = engine.epoch(steps, target, order, 20, np.full(2, 0.01), Optimizer())
        for _ in range(10):
            last = engine.epoch(steps, target, order, 20, np.full(2, 0.01), Optimizer())
        assert last.loss < first.loss
        flats.append(engine.flat.copy())
    np.testing.assert_array_equal(*flats)


def test_what_was_seen_does_not_decay_and_a_gap_of_no_time_forgets_nothing() -> None:
    network = network_of("lstm")
    engine, given = engine_of(network), inputs(network, 6)
    engine.parameters["bias_x_decay"] = np.zeros(INPUT_SIZE)
    given["elapsed"][:] = 0.0
    engine.forward(steps_of(network, given), training=True)
    np.testing.assert_array_equal(engine.value("x_decay")[:, :INPUT_SIZE], given["x"])
    given["elapsed"][:] = 1e6
    engine.parameters["weight_x_decay"] = np.ones(INPUT_SIZE)
    engine.forward(steps_of(network, given), training=True)
    seen = given["x"] * given["observed"]
    np.testing.assert_allclose(engine.value("x_decay")[:, :INPUT_SIZE], seen, atol=1e-300)


def test_decay_that_is_wired_wrongly_is_refused() -> None:
    x, narrow = Input("x", 2), Input("narrow", 1)
    with pytest.raises(ValueError, match="three nodes, values, observed and elapsed; got 1"):
        InputDecay("decayed", ("x",))
    with pytest.raises(ValueError, match=r"three nodes of as many columns; got \[2, 2, 1\]"):
        Network((x, narrow, InputDecay("decayed", ("x", "x", "narrow"))))
