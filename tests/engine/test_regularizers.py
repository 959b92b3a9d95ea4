"""Zoneout and dropout once a sequence: the drawn masks at their rates, and given them the equations."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tidegate.cells import CELLS, get
from tidegate.engine import Engine, Optimizer, Steps, Target
from tidegate.network import Network, Recurrent, sequence_network
from tidegate.reference import run

Array = npt.NDArray[Any]
EVERYTHING: dict[str, Any] = {
    "dropout": 0.3,
    "input_dropout": 0.2,
    "recurrent_dropout": 0.4,
    "variational_dropout": True,
    "zoneout": {"h": 0.1, "c": 0.5},
    "padding_gate": True,
}
HIDDEN = 50


def engine_of(network: Network, dtype: str = "float64", num_threads: int = 1) -> Engine:
    engine = Engine(network, dtype=dtype, num_threads=num_threads)
    engine.flat[:] = 0.3 * np.random.default_rng(1).normal(size=engine.flat.size)
    return engine


def some_steps(network: Network, lengths: Array, dtype: str = "float64") -> Steps:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(lengths.sum(), 3)).astype(dtype)
    padding = (rng.random((len(x), 1)) < 0.3).astype(dtype)
    inputs = {"x": x, "padding": padding}
    names = [node.name for node in network.nodes if node.kind == "input"]
    starts = np.cumsum([0, *lengths[:-1]])
    return Steps(tuple(inputs[name] for name in names), starts, np.array(lengths))


def close_to(share: float, count: int) -> Any:
    """A mean of so many draws, within five standard deviations."""
    return pytest.approx(share, abs=5 * np.sqrt(share * (1 - share) / count))


@pytest.mark.parametrize("cell", CELLS)
def test_a_layer_with_drawn_masks_is_the_reference_given_them(cell: str) -> None:
    network = sequence_network(
        cell, 3, HIDDEN, 1, "mse", bidirectional=True, pooling=None, recurrent_dropout=0.3, zoneout=0.2
    )
    engine, steps = engine_of(network), some_steps(network, np.array([20] * 7))
    for training in (True, False):
        engine.forward(steps, training=training, seed=5)
        for layer in (node for node in network.nodes if isinstance(node, Recurrent)):
            drawn = {name: engine.value(name).reshape(7, 20, HIDDEN) for name in (*layer.updates, "l0_mask")}
            mask = engine.value(f"{layer.name}_mask").reshape(7, 20, HIDDEN)
            expected = run(
                get(cell),
                {
                    name.removesuffix(f"_{layer.name}"): value
                    for name, value in engine.parameters.items()
                    if name.endswith(f"_{layer.name}")
                },
                steps.inputs[0].reshape(7, 20, 3),
                reverse=layer.reverse,
                update={state: drawn[name] for state, name in zip(get(cell).states, layer.updates)},
                product_multiplier=mask,
            )
            output = engine.value(layer.name).reshape(7, 20, HIDDEN)
            np.testing.assert_allclose(output, expected.output, rtol=0, atol=1e-12)
            if not training:
                assert (mask == 1).all()
                assert all((drawn[name] == 0.8).all() for name in layer.updates)
                continue
            assert (mask == mask[:, :1]).all()
            assert set(np.unique(mask)) == {0.0, 1 / 0.7}
            assert (mask[:, 0] == 0).mean() == close_to(0.3, 7 * HIDDEN)
            for name in layer.updates:
                assert set(np.unique(drawn[name])) == {0.0, 1.0}
                assert drawn[name].mean() == close_to(0.8, drawn[name].size)
    engine.forward(steps, training=True, seed=5)
    masks = [engine.value(name) for name in ("l0_mask", "l0_reverse_mask", *layer.updates)]
    assert all((masks[0] != other).any() for other in masks[1:])
    if len(layer.updates) == 2:  # states are kept apart from one another
        assert (masks[2] != masks[3]).mean() == close_to(2 * 0.2 * 0.8, masks[2].size)


def test_rates_are_those_of_each_state() -> None:
    network = sequence_network("lstm", 3, HIDDEN, 1, "mse", zoneout={"h": 0.05, "c": 0.5})
    engine, steps = engine_of(network), some_steps(network, np.array([60] * 5))
    engine.forward(steps, training=True)
    for state, rate in (("h", 0.05), ("c", 0.5)):
        kept = engine.value(f"l0_zoneout_{state}") == 0
        assert kept.mean() == close_to(rate, kept.size)
    only_c = sequence_network("lstm", 3, 4, 1, "mse", zoneout={"c": 0.5})
    layer = next(node for node in only_c.nodes if isinstance(node, Recurrent))
    assert layer.updates == (None, "l0_zoneout_c")
    assert sequence_network("gru", 3, 4, 1, "mse", zoneout={"c": 0.5}) == sequence_network(
        "gru", 3, 4, 1, "mse"
    )


@pytest.mark.parametrize("variational", [False, True])
def test_dropout_of_inputs_and_between_layers(variational: bool) -> None:
    network = sequence_network(
        "gru",
        3,
        HIDDEN,
        1,
        "mse",
        num_layers=2,
        dropout=0.4,
        input_dropout=0.25,
        variational_dropout=variational,
    )
    engine, steps = engine_of(network), some_steps(network, np.array([40] * 30))
    engine.forward(steps, training=True)
    for name, rate in (("x", 0.25), ("l0", 0.4)):
        before, after = engine.value(name), engine.value(f"{name}_dropout")
        kept = (after != 0).reshape(30, 40, -1)
        np.testing.assert_allclose(after, np.where(after != 0, before / (1 - rate), 0), rtol=1e-12)
        count = kept[:, 0].size if variational else kept.size
        assert kept.mean() == close_to(1 - rate, count)
        assert (kept == kept[:, :1]).all() == variational
        assert (kept[0] != kept[1]).any()
    engine.forward(steps)
    np.testing.assert_array_equal(engine.value("l0_dropout"), engine.value("l0"))


def test_what_is_drawn_follows_from_the_sequence_and_its_step_alone() -> None:
    network = sequence_network("lstm", 3, 20, 1, "mse", pooling=None, dropout=0.3, zoneout=0.3)
    lengths = np.array([5, 9, 2, 9, 7])
    engine, steps = engine_of(network), some_steps(network, lengths)
    engine.forward(steps, training=True, seed=3)
    drawn = {name: engine.value(name) for name in ("l0_zoneout_h", "l0_dropout")}
    # Without its last steps, and beside sequences that are shorter or longer, it draws the same.
    shorter = Steps(steps.inputs, steps.starts, np.array([1, 9, 2, 4, 3]))
    engine.forward(shorter, training=True, seed=3)
    for name, values in drawn.items():
        for start, length in zip(shorter.starts, shorter.lengths):
            rows = slice(start, start + length)
            np.testing.assert_array_equal(engine.value(name)[rows], values[rows])


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_are_those_of_the_loss_with_the_same_draws(cell: str) -> None:
    network = sequence_network(cell, 3, 9, 1, "mse", num_layers=2, bidirectional=True, **EVERYTHING)
    engine, steps = engine_of(network), some_steps(network, np.array([4, 6, 1, 5]))
    target = Target(np.random.default_rng(4).normal(size=(4, 1)))

    def loss(seed: int | None) -> float:
        return engine.forward(steps, target=target, training=True, seed=seed).loss

    assert loss(1) == loss(1)
    assert len({loss(seed) for seed in range(5)}) == 5
    assert loss(None) == engine.forward(steps, target=target).loss
    for seed in (11, None):
        loss(seed)
        engine.backward()
        for name, gradient in engine.gradients.items():
            way, width = np.random.default_rng(6).normal(size=gradient.shape), 1e-6
            start, ends = engine.parameters[name].copy(), []
            for sign in (1, -1):
                engine.parameters[name] = start + sign * width * way
                ends.append(loss(seed))
            engine.parameters[name] = start
            slope = (ends[0] - ends[1]) / (2 * width)
            assert (gradient * way).sum() == pytest.approx(slope, rel=1e-6, abs=1e-9), (name, seed)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "gru_reset_before"])
def test_threads_change_no_bit(cell: str, dtype: str) -> None:
    network = sequence_network(cell, 3, 40, 1, "mse", num_layers=2, bidirectional=True, **EVERYTHING)
    lengths = np.random.default_rng(3).integers(20, 40, 60)
    steps, target = (
        some_steps(network, lengths, dtype),
        Target(np.random.default_rng(4).normal(size=(60, 1)).astype(dtype)),
    )
    flats = []
    for num_threads in (1, 3):
        engine = engine_of(network, dtype, num_threads)
        for epoch in range(2):
            order = np.random.default_rng(epoch).permutation(60)
            engine.epoch(steps, target, order, 24, np.full(3, 0.01), Optimizer(clip_norm=1.0), seed=epoch)
        flats.append(engine.flat.copy())
    np.testing.assert_array_equal(*flats)
    assert engine.num_rows == 2 * 2 * 2 * lengths.sum()  # epochs, layers, directions


@pytest.mark.parametrize("cell", CELLS)
def test_a_padding_gate_moves_the_states_at_padding_as_far_as_its_sigmoid(cell: str) -> None:
    network = sequence_network(cell, 3, HIDDEN, 1, "mse", pooling=None, padding_gate=True)
    engine, steps = engine_of(network), some_steps(network, np.array([20] * 7))
    engine.forward(steps)
    padding = steps.inputs[1]
    gate = np.where(padding > 0, 1 / (1 + np.exp(-engine.parameters["bias_l0_gate"])), 1.0)
    np.testing.assert_allclose(engine.value("l0_gate"), gate, rtol=1e-14)
    expected = run(
        get(cell),
        {k.removesuffix("_l0"): v for k, v in engine.parameters.items() if k.endswith("_l0")},
        steps.inputs[0].reshape(7, 20, 3),
        update=dict.fromkeys(get(cell).states, gate.reshape(7, 20, HIDDEN)),
    )
    np.testing.assert_allclose(engine.value("l0").reshape(7, 20, HIDDEN), expected.output, rtol=0, atol=1e-12)
