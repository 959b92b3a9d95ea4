"""Weight noise: an update's gradient is that at the weights plus what a NumPy twin of the generator draws."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tidegate.cells import CELLS
from tidegate.engine import Engine, Optimizer, Position, SparseRows, Steps, Target
from tidegate.network import Dense, Embedding, Input, Loss, Network, Recurrent, SparseInput, sequence_network

Array = npt.NDArray[Any]
DEVIATION, SEED, RATE = 0.075, 7, 0.1
SGD = Optimizer("sgd")


def mix(x: Array) -> Array:
    """splitmix64's finaliser."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def seed_of(update: int) -> int:
    """Of what is drawn for an update of an epoch."""
    return (int(mix(np.array([SEED], np.uint64))[0]) + update) % 2**64


def noise(update: int, count: int) -> Array:
    places = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    bits = mix(mix(np.array([seed_of(update)], np.uint64)) + places)
    ones = np.unpackbits((bits >> np.uint64(16)).view(np.uint8)).reshape(count, 64).sum(axis=1)
    spread = ((bits & np.uint64(0xFFFF)).astype(np.float64) + 0.5) / 2**16 - 0.5
    return DEVIATION * (ones.astype(np.float64) - 24 + spread) / np.sqrt(12 + 1 / 12)


def engine_of(network: Network, dtype: str = "float64", num_threads: int = 1) -> Engine:
    engine = Engine(network, dtype=dtype, num_threads=num_threads)
    engine.flat[:] = 0.3 * np.random.default_rng(1).normal(size=engine.flat.size)
    return engine


def data_of(network: Network, lengths: list[int], dtype: str = "float64") -> tuple[Steps, Target]:
    rng, offsets = np.random.default_rng(2), np.concatenate([[0], np.cumsum(lengths)])
    rows = offsets[-1] if network.is_per_step("output") else len(lengths)
    x = rng.normal(size=(offsets[-1], 3))
    return Steps.of(x, offsets, dtype), Target(rng.normal(size=(rows, 2)).astype(dtype))


def epoch(engine: Engine, steps: Steps, target: Target, **options: Any) -> Any:
    """Of batches of 4 sequences."""
    order = np.arange(len(steps.lengths))
    counts = engine.updates_of_batches(steps.lengths, order, 4, options.get("bptt_steps"))
    rates = np.full(sum(counts), options.pop("rate", RATE))
    options = {"weight_noise": DEVIATION, "seed": SEED} | options
    return engine.epoch(steps, target, order, 4, rates, SGD, **options)


def gradient_at(network: Network, flat: Array, steps: Steps, target: Target, update: int = 0) -> Array:
    """With the dropout of that update."""
    engine = engine_of(network)
    engine.flat[:] = flat
    engine.forward(steps, target=target, training=True, seed=seed_of(update))
    engine.backward()
    return np.concatenate([gradient.ravel() for gradient in engine.gradients.values()])


def gradients_of(engine: Engine) -> Array:
    return np.concatenate([gradient.ravel() for gradient in engine.gradients.values()])


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("recompute", [False, True])
def test_an_update_takes_the_gradient_at_noisy_weights_to_the_clean_ones(cell: str, recompute: bool) -> None:
    network = sequence_network(
        cell, 3, 9, 2, "mse", num_layers=2, pooling="mean", dense=[(5, "tanh")], dropout=0.3
    )
    engine, (steps, target) = engine_of(network), data_of(network, [40, 35, 12, 1])
    before = engine.flat.copy()
    epoch(engine, steps, target, recompute=recompute)
    expected = gradient_at(network, before + noise(0, len(before)), steps, target)
    np.testing.assert_allclose(gradients_of(engine), expected, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(engine.flat, before - RATE * expected, rtol=1e-12, atol=1e-13)


def test_each_update_of_windows_has_noise_of_its_own() -> None:
    network = sequence_network("lstm", 3, 9, 2, "mse", pooling=None)
    engine, (whole, target) = engine_of(network), data_of(network, [20, 20, 20])
    before = engine.flat.copy()
    by_hand, position, states = engine_of(network), Position(), np.zeros((2, 3, 9))
    for window in range(2):
        position = epoch(
            engine, whole, target, rate=0.0, bptt_steps=10, max_updates=1, position=position
        ).position
        rows = np.arange(60).reshape(3, 2, 10)[:, window].ravel()
        by_hand.flat[:] = before + noise(window, len(before))
        by_hand.forward(
            Steps.of(whole.inputs[0][rows], [0, 10, 20, 30], "float64"),
            initial={"l0": states},
            target=Target(target.values[rows]),
            training=True,
        )
        states = by_hand.final_states("l0")
        by_hand.backward()
        np.testing.assert_allclose(gradients_of(engine), gradients_of(by_hand), rtol=1e-10, atol=1e-13)
    np.testing.assert_array_equal(engine.flat, before)


def test_tables_have_none() -> None:
    network = Network(
        (
            Input("x", 3),
            SparseInput("word", 30),
            Embedding("words", ("word",), 5),
            Recurrent("r", ("words", "x"), "gru", 4),
            Dense("output", ("r",), 2),
            Loss("loss", ("output",), "mse"),
        )
    )
    engine, (steps, target) = engine_of(network), data_of(network, [9, 8, 7])
    rows = np.arange(25, dtype=np.int64)
    words = SparseRows(rows, (rows[:-1] % 30).astype(np.int32), None)
    steps = Steps(steps.inputs, steps.starts, steps.lengths, (words,))
    before, drawn = engine.flat.copy(), noise(0, engine.flat.size)
    drawn[: engine.parameters["weight_words"].size] = 0.0
    epoch(engine, steps, target)
    expected = gradient_at(network, before + drawn, steps, target)
    np.testing.assert_allclose(gradients_of(engine), expected, rtol=1e-10, atol=1e-13)


def test_it_is_close_to_normal() -> None:
    count = 200_000
    drawn = noise(0, count) / DEVIATION
    assert drawn.mean() == pytest.approx(0.0, abs=5 / np.sqrt(count))
    assert drawn.var() == pytest.approx(1.0, abs=5 * np.sqrt(2 / count))
    assert (drawn**3).mean() == pytest.approx(0.0, abs=5 * np.sqrt(15 / count))
    assert (drawn**4).mean() == pytest.approx(2.96, abs=5 * np.sqrt(96 / count))
    for other in (noise(1, count), np.roll(noise(0, count), 1)):
        assert (drawn * other).mean() / DEVIATION == pytest.approx(0.0, abs=5 / np.sqrt(count))


def test_threads_and_pieces_change_no_bit() -> None:
    network = sequence_network("gru", 3, 100, 2, "mse", pooling=None)
    steps, target = data_of(network, [60] * 12, "float32")
    found = []
    for num_threads, pieces in ((1, 1), (3, 1), (1, 3)):
        engine, position = engine_of(network, "float32", num_threads), Position()
        for _ in range(pieces):
            position = epoch(engine, steps, target, max_updates=3 // pieces, position=position).position
        found.append(engine.flat.copy())
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_evaluation_has_none() -> None:
    network = sequence_network("gru", 3, 9, 2, "mse")
    engine, (steps, target) = engine_of(network), data_of(network, [9, 8, 7])
    before = engine.evaluate(steps, target)
    assert epoch(engine, steps, target, rate=0.0).loss != pytest.approx(before.loss, rel=1e-3)
    assert engine.evaluate(steps, target) == before


@pytest.mark.parametrize("wrong", [-0.1, float("nan"), True])
def test_it_is_a_standard_deviation(wrong: float) -> None:
    network = sequence_network("gru", 3, 9, 2, "mse")
    engine, (steps, target) = engine_of(network), data_of(network, [9])
    with pytest.raises(ValueError, match="weight_noise expects a finite number from 0"):
        epoch(engine, steps, target, weight_noise=wrong)
