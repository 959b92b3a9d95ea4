"""What the engine tells of every step: gates and states against the reference, recorded gradients."""

import numpy as np
import pytest

from tidegate import cells
from tidegate.engine import Engine, Steps
from tidegate.network import Input, Network
from tidegate.network import Recurrent as Layer
from tidegate.recurrent import Recurrent
from tidegate.reference import run


@pytest.mark.parametrize("cell", cells.CELLS)
@pytest.mark.parametrize("reverse", [False, True])
def test_the_engines_trace_obeys_masks_multipliers_and_initial_states(cell: str, reverse: bool) -> None:
    spec = cells.get(cell)
    rng = np.random.default_rng(3)
    factors = tuple(f"factor_{state}" for state in spec.states)
    nodes = (
        Input("x", 3),
        *(Input(name, 11) for name in factors),
        Layer("l0", ("x",), cell, 11, reverse, factors),
    )
    engine = Engine(Network(nodes), dtype="float64")
    engine.flat[:] = 0.5 * rng.normal(size=engine.flat.shape)
    batch, time = 4, 6
    x, mask = rng.normal(size=(batch, time, 3)), rng.random((batch, time)) < 0.7
    multiplier = {state: rng.random((batch, time, 11)) for state in spec.states}
    initial = {state: rng.normal(size=(batch, 11)) for state in spec.states}
    lengths = np.array([6, 4, 5, 1])
    arrays = (x, *multiplier.values())
    steps = Steps(
        tuple(np.ascontiguousarray(array.reshape(batch * time, -1)) for array in arrays),
        np.arange(batch) * time,
        lengths,
    )
    engine.forward(
        steps, initial={"l0": np.stack(list(initial.values()))}, mask=mask.reshape(-1).astype(np.uint8)
    )
    parameters = {name.removesuffix("_l0"): value for name, value in engine.parameters.items()}
    expected = run(spec, parameters, x, initial, lengths, reverse, mask, multiplier).trace
    for name, rows in engine.trace("l0").items():
        np.testing.assert_allclose(rows.reshape(expected[name].shape), expected[name], rtol=0, atol=1e-12)


@pytest.mark.parametrize("num_threads", [1, 2])
def test_what_is_recorded_is_the_gradient_of_a_sequence_that_ends_there(num_threads: int) -> None:
    # Weights of this size are computed unit by unit: recording happens in shares of units.
    layers = Recurrent("lstm", 2, 250, dtype="float64", random_state=0)
    engine = Engine(layers.network, dtype="float64", num_threads=num_threads)
    for name, value in layers.parameters.items():
        engine.parameters[name] = value
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 2)), rng.normal(size=(5, 250))
    engine.forward(Steps.of(x, [0, 5], "float64"), training=True)
    engine.backward({"l0": y}, record=True)
    recorded = engine.state_gradients("l0")
    # After the last step h has the gradient of its output and nothing reads c. A sequence that ends earlier,
    # its final states given what was recorded there, has the same gradients before.
    np.testing.assert_array_equal(recorded["h"][4], y[4])
    assert (recorded["c"][4] == 0).all()
    assert (recorded["c"][:4] != 0).all()
    tail = np.stack([recorded[state][2] for state in "hc"])
    tail[0] -= y[2]
    engine.forward(Steps.of(x[:3].copy(), [0, 3], "float64"), training=True)
    engine.backward({"l0": y[:3].copy()}, {"l0": tail[:, np.newaxis].copy()}, record=True)
    for state, values in engine.state_gradients("l0").items():
        np.testing.assert_allclose(values, recorded[state][:3], rtol=1e-10, atol=1e-12)


def test_what_is_not_there_is_refused() -> None:
    engine = Engine(Recurrent("gru", 3, 4).network, dtype="float64")
    steps = Steps.of(np.ones((5, 3)), [0, 5], "float64")
    with pytest.raises(ValueError, match="trace expects forward"):
        engine.trace("l0")
    engine.forward(steps, training=True)
    with pytest.raises(ValueError, match="record=True"):
        engine.state_gradients("l0")
    with pytest.raises(ValueError, match="name expects one of l0; got 'x'"):
        engine.trace("x")
    engine.backward()
    with pytest.raises(ValueError, match="record=True"):
        engine.state_gradients("l0")
    with pytest.raises(ValueError, match="trace expects forward"):
        engine.trace("l0")
    engine.forward(steps, training=True)
    engine.backward(record=True)
    assert (engine.state_gradients("l0")["h"] == 0).all()
