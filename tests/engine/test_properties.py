"""What must hold of the engine for any sizes: agreement with the reference, and bits that do not depend on
batch mates, chunks, padding or threads."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.cells import CELLS
from tidegate.engine import Engine, Optimizer, Steps, Target
from tidegate.network import Input, Network, sequence_network
from tidegate.network import Recurrent as Layer
from tidegate.recurrent import Recurrent
from tidegate.reference import run_stack

Array = npt.NDArray[Any]
cell_names = st.sampled_from(sorted(CELLS))
dtypes = st.sampled_from(["float32", "float64"])


def drawn(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


def with_random_parameters(layers: Recurrent, seed: int) -> Recurrent:
    for index, value in enumerate(layers.parameters.values()):
        value[...] = 0.5 * drawn(seed + index, *value.shape)
    return layers


@settings(deadline=None, max_examples=60)
@given(
    cell=cell_names,
    input_size=st.integers(1, 40),
    hidden_size=st.integers(1, 70),
    num_layers=st.integers(1, 2),
    bidirectional=st.booleans(),
    lengths=st.lists(st.integers(1, 7), min_size=1, max_size=40),
    seed=st.integers(0, 1000),
)
def test_agrees_with_the_reference(
    cell: str,
    input_size: int,
    hidden_size: int,
    num_layers: int,
    bidirectional: bool,
    lengths: list[int],
    seed: int,
) -> None:
    layers = Recurrent(cell, input_size, hidden_size, num_layers, bidirectional, dtype="float64")
    with_random_parameters(layers, seed)
    x = drawn(seed, len(lengths), max(lengths), input_size)
    shape = (num_layers * (1 + bidirectional), len(lengths), hidden_size)
    initial = {state: drawn(seed + 1, *shape) for state in layers.cell.states}
    output, final = layers.forward(x, lengths, initial)
    expected = run_stack(layers.cell, layers.parameters, x, initial, lengths)
    np.testing.assert_allclose(output, expected.output, rtol=0, atol=1e-10)
    for state, value in expected.final.items():
        np.testing.assert_allclose(final[state], value, rtol=0, atol=1e-10)


@settings(deadline=None, max_examples=30)
@given(
    cell=cell_names,
    dtype=dtypes,
    hidden_size=st.integers(1, 70),
    lengths=st.lists(st.integers(1, 9), min_size=2, max_size=30),
    seed=st.integers(0, 1000),
)
def test_batch_mates_and_padding_change_no_bit(
    cell: str, dtype: str, hidden_size: int, lengths: list[int], seed: int
) -> None:
    layers = with_random_parameters(Recurrent(cell, 3, hidden_size, 2, True, dtype=dtype), seed)
    x = drawn(seed, len(lengths), 12, 3)
    together, final = layers.forward(x, lengths)
    for index, length in enumerate(lengths):
        alone, final_alone = layers.forward(x[index : index + 1, :length])
        np.testing.assert_array_equal(together[index, :length], alone[0])
        np.testing.assert_array_equal(together[index, length:], 0)
        for state, value in final.items():
            np.testing.assert_array_equal(value[:, index], final_alone[state][:, 0])


@settings(deadline=None, max_examples=30)
@given(cell=cell_names, dtype=dtypes, cut=st.integers(1, 8), seed=st.integers(0, 1000))
def test_chunks_and_single_steps_change_no_bit(cell: str, dtype: str, cut: int, seed: int) -> None:
    layers = with_random_parameters(Recurrent(cell, 4, 21, 2, dtype=dtype), seed)
    x = drawn(seed, 5, 9, 4)
    whole, final = layers.forward(x)
    first, states = layers.forward(x[:, :cut])
    second, states = layers.forward(x[:, cut:], states=states)
    np.testing.assert_array_equal(np.concatenate([first, second], axis=1), whole)
    stepped: dict[str, Array] | None = None
    for t in range(9):
        output, stepped = layers.step(x[:, t], stepped)
        np.testing.assert_array_equal(output, whole[:, t])
    for state, value in final.items():
        np.testing.assert_array_equal(states[state], value)
        np.testing.assert_array_equal(stepped[state], value)  # type: ignore[index]


@settings(deadline=None, max_examples=40)
@given(
    cell=cell_names,
    hidden_size=st.sampled_from([3, 20, 300]),  # the last: inputs multiplied a chunk at a time
    lengths=st.lists(st.integers(1, 90), min_size=1, max_size=40),
    window=st.sampled_from([None, 7]),
    seed=st.integers(0, 1000),
)
def test_a_prediction_has_the_bits_of_a_pass_that_is_kept(
    cell: str, hidden_size: int, lengths: list[int], window: int | None, seed: int
) -> None:
    directions = [False, True] if window is None else [False]
    layers = [Layer(f"l{int(reverse)}", ("x",), cell, hidden_size, reverse=reverse) for reverse in directions]
    above = Layer("above", tuple(layer.name for layer in layers), cell, 5)
    engine = Engine(Network((Input("x", 3), *layers, above)))
    engine.flat[:] = 0.2 * drawn(seed, engine.flat.size)
    rows = drawn(seed + 1, sum(lengths), 3).astype(np.float32)
    steps = Steps.of(rows, np.cumsum([0, *lengths]))
    predicted = engine.values(["above"], steps, window=window)[0]
    engine.forward(steps)
    np.testing.assert_array_equal(predicted, engine.value("above"))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_threads_change_no_bit(cell: str, dtype: str) -> None:
    # 24 sequences of about 30 steps are enough work that the team has all its threads
    network = sequence_network(
        cell, 20, 40, 5, "softmax_cross_entropy", num_layers=2, bidirectional=True, dropout=0.3, pooling="max"
    )
    lengths = np.random.default_rng(1).integers(20, 40, 60)
    steps = Steps.of(drawn(2, lengths.sum(), 20), np.concatenate([[0], np.cumsum(lengths)]), dtype)
    target = Target(np.random.default_rng(3).integers(0, 5, 60).astype(np.int32))
    results = []
    for num_threads in (1, 2, 3):
        engine = Engine(network, dtype=dtype, num_threads=num_threads)
        engine.flat[:] = 0.2 * drawn(4, engine.flat.size)
        for epoch in range(2):
            order = np.random.default_rng(epoch).permutation(60)
            engine.epoch(steps, target, order, 24, np.full(3, 0.01), Optimizer(clip_norm=1.0), seed=epoch)
        results.append((engine.flat.copy(), engine.predict(steps)))
    for flat, predicted in results[1:]:
        np.testing.assert_array_equal(flat, results[0][0])
        np.testing.assert_array_equal(predicted, results[0][1])


@pytest.mark.parametrize("cell", CELLS)
def test_threads_that_share_the_units_of_a_step_change_no_bit(cell: str) -> None:
    # few sequences and many units: the work of a step is cut by units, not by sequences
    lengths, hidden_size = [9, 7, 7, 2], 200
    x = drawn(1, 4, 9, 30)
    mask = np.random.default_rng(2).random((4, 9)) < 0.8
    results = []
    for num_threads in (1, 2, 3):
        layers = Recurrent(cell, 30, hidden_size, bidirectional=True, num_threads=num_threads)
        for index, value in enumerate(layers.parameters.values()):
            value[...] = 0.1 * drawn(index, *value.shape)
        multiplier = {state: 0.5 + 0.1 * drawn(3, 2, 4, 9, hidden_size) for state in layers.cell.states}
        output, final = layers.forward(x, lengths, mask=mask, multiplier=multiplier)
        gradients = layers.backward(drawn(4, *output.shape), {"h": drawn(5, *final["h"].shape)})
        results.append(
            [
                *(output, *final.values(), gradients.x, *gradients.states.values()),
                *(*gradients.parameters.values(), *gradients.multiplier.values()),
            ]
        )
    for result in results[1:]:
        for ours, alone in zip(result, results[0]):
            np.testing.assert_array_equal(ours, alone)


def test_threads_change_no_bit_where_a_multiplier_is_also_the_input() -> None:
    # its gradient is added to from both sides
    nodes = (Input("x", 128, needs_gradient=True), Layer("l", ("x",), "lstm", 128, multipliers=("x", "x")))
    steps = Steps.of(drawn(1, 8 * 300, 128), np.arange(9) * 300)
    results = []
    for num_threads in (1, 2):
        engine = Engine(Network(nodes), num_threads=num_threads)
        engine.flat[:] = 0.1 * drawn(2, engine.flat.size)
        for _ in range(5):
            engine.forward(steps, training=True)
            engine.backward({"l": drawn(3, 8 * 300, 128).astype(np.float32)})
            results.append(engine.input_gradient())
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_of_many_sequences_and_many_steps(cell: str) -> None:
    # several groups of sequences and several chunks of steps, against the slope of the loss in one direction
    network = sequence_network(cell, 2, 5, 1, "mse", bidirectional=True, pooling=None)
    lengths = np.concatenate([[600, 333], np.random.default_rng(1).integers(1, 40, 48)])
    steps = Steps.of(drawn(2, lengths.sum(), 2), np.concatenate([[0], np.cumsum(lengths)]), "float64")
    target = Target(drawn(3, lengths.sum(), 1))
    engine = Engine(network, dtype="float64", num_threads=2)
    engine.flat[:] = start = 0.4 * drawn(4, engine.flat.size)
    engine.forward(steps, target=target, training=True)
    engine.backward()
    gradient = np.concatenate([value.ravel() for value in engine.gradients.values()])
    direction, width = drawn(5, engine.flat.size), 1e-6
    ends = []
    for sign in (1, -1):
        engine.flat[:] = start + sign * width * direction
        ends.append(engine.forward(steps, target=target).loss)
    np.testing.assert_allclose((ends[0] - ends[1]) / (2 * width), gradient @ direction, rtol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_masked_steps_are_as_if_they_were_not_there(cell: str) -> None:
    layers = with_random_parameters(Recurrent(cell, 3, 11, bidirectional=True, dtype="float64"), 5)
    x = drawn(6, 2, 8, 3)
    mask = np.random.default_rng(7).random((2, 8)) < 0.6
    mask[:, 3] = True
    x[~mask] = np.nan
    output, final = layers.forward(x, mask=mask)
    for index in range(2):
        kept = x[index, mask[index]][np.newaxis]
        alone, final_alone = layers.forward(kept)
        np.testing.assert_array_equal(output[index, mask[index]], alone[0])
        np.testing.assert_array_equal(final["h"][:, index], final_alone["h"][:, 0])


@pytest.mark.parametrize("cell", CELLS)
def test_a_sequence_of_masked_steps_alone_has_the_initial_states(cell: str) -> None:
    layers = with_random_parameters(Recurrent(cell, 3, 9, dtype="float64"), 1)
    initial = {state: drawn(2, 1, 2, 9) for state in layers.cell.states}
    mask = np.array([[True] * 5, [False] * 5])
    output, final = layers.forward(np.full((2, 5, 3), 7.0), states=initial, mask=mask)
    np.testing.assert_array_equal(output[1], np.repeat(initial["h"][0, 1:], 5, axis=0))
    for state, value in final.items():
        np.testing.assert_array_equal(value[0, 1], initial[state][0, 1])
        assert (value[0, 0] != initial[state][0, 0]).any()


@pytest.mark.parametrize("pooling", ["last", "mean", "max", None])
def test_dropout_gradient(pooling: str | None) -> None:
    network = sequence_network(
        "lstm", 2, 5, 1, "mse", num_layers=2, bidirectional=True, dropout=0.4, pooling=pooling
    )
    engine = Engine(network, dtype="float64")
    engine.flat[:] = 0.5 * drawn(1, engine.flat.size)
    steps = Steps.of(drawn(2, 9, 2), [0, 4, 9], "float64")
    target = Target(drawn(3, 2 if pooling else 9, 1))

    def loss(training: bool, seed: int) -> float:
        return engine.forward(steps, target=target, training=training, seed=seed).loss

    assert loss(True, 1) == loss(True, 1)
    assert len({loss(True, seed) for seed in range(5)}) == 5
    assert loss(False, 1) == loss(False, 2)
    loss(True, 11)
    engine.backward()
    gradient = np.concatenate([value.ravel() for value in engine.gradients.values()])
    direction = drawn(4, engine.flat.size)
    start, width = engine.flat.copy(), 1e-6
    ends = []
    for sign in (1, -1):
        engine.flat[:] = start + sign * width * direction
        ends.append(loss(True, 11))
    np.testing.assert_allclose((ends[0] - ends[1]) / (2 * width), gradient @ direction, rtol=1e-6)


def test_dropout_keeps_the_mean() -> None:
    network = sequence_network("rnn", 1, 400, 1, "mse", dropout=0.25)
    engine = Engine(network, dtype="float64")
    engine.flat[:] = drawn(1, engine.flat.size)
    steps = Steps.of(drawn(2, 50, 1), np.arange(51), "float64")
    engine.forward(steps, training=True, seed=3)
    before, after = engine.value("l0_pool"), engine.value("l0_pool_dropout")
    dropped = after == 0
    assert abs(dropped.mean() - 0.25) < 5 * np.sqrt(0.25 * 0.75 / dropped.size)
    np.testing.assert_allclose(after[~dropped], before[~dropped] / 0.75)
    np.testing.assert_array_less(np.abs(np.corrcoef(dropped[:20])[np.triu_indices(20, 1)]), 0.3)


@pytest.mark.parametrize("loss", ["mse", "softmax_cross_entropy"])
@pytest.mark.parametrize("weighted", [False, True])
def test_an_epoch_is_the_sum_of_its_steps(loss: str, weighted: bool) -> None:
    network = sequence_network("gru", 3, 6, 4, loss)
    lengths = np.array([3, 1, 5, 2, 4, 4, 1])
    steps = Steps.of(drawn(1, lengths.sum(), 3), np.concatenate([[0], np.cumsum(lengths)]), "float64")
    values = drawn(2, 7, 4) if loss == "mse" else np.array([0, 3, 1, 2, 2, 0, 1], np.int32)
    weights = np.array([1.0, 0.0, 2.0, 0.5, 1.0, 3.0, 1.0]) if weighted else None
    engine = Engine(network, dtype="float64")
    engine.flat[:] = start = 0.5 * drawn(3, engine.flat.size)
    order, rates = np.array([5, 0, 3, 2, 6, 1]), np.array([0.1, 0.2])
    result = engine.epoch(steps, Target(values, weights), order, 4, rates, Optimizer("sgd"))
    assert result.position.update == engine.num_updates == 2

    alone = Engine(network, dtype="float64")
    alone.flat[:] = start
    total = weight_sum = 0.0
    for batch, rate in zip((order[:4], order[4:]), rates):
        chosen = Target(values[batch], None if weights is None else weights[batch])
        part = Steps(steps.inputs, steps.starts[batch], steps.lengths[batch])
        loss_value = alone.forward(part, target=chosen, training=True).loss
        alone.backward()
        weight = len(batch) if weights is None else weights[batch].sum()
        total, weight_sum = total + loss_value * weight, weight_sum + weight
        alone.flat[:] -= rate * np.concatenate([value.ravel() for value in alone.gradients.values()])
    np.testing.assert_allclose(engine.flat, alone.flat, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(result.loss, total / weight_sum, rtol=1e-12)


@settings(deadline=None, max_examples=20)
@given(batch_size=st.integers(1, 9), seed=st.integers(0, 100))
def test_predictions_do_not_depend_on_batches(batch_size: int, seed: int) -> None:
    network = sequence_network("lstm", 2, 9, 3, "mse", bidirectional=True, pooling=None, dense=[(4, "relu")])
    lengths = np.random.default_rng(seed).integers(1, 6, 8)
    steps = Steps.of(drawn(seed, lengths.sum(), 2), np.concatenate([[0], np.cumsum(lengths)]))
    engine = Engine(network)
    engine.flat[:] = drawn(seed, engine.flat.size)
    np.testing.assert_array_equal(engine.predict(steps, batch_size), engine.predict(steps, 8))


@settings(deadline=None, max_examples=20)
@given(pieces=st.lists(st.integers(0, 4), max_size=8), seed=st.integers(0, 100))
def test_an_epoch_in_pieces_has_the_same_bits(pieces: list[int], seed: int) -> None:
    network = sequence_network("gru", 2, 9, 1, "mse", dropout=0.3, pooling="mean")
    steps = Steps.of(drawn(seed, 60, 2), np.arange(0, 61, 3))
    target = Target(drawn(seed, 20, 1).astype(np.float32))
    order, rates, optimizer = (
        np.random.default_rng(seed).permutation(20),
        np.linspace(0.01, 0.02, 7),
        Optimizer(),
    )
    engines = [Engine(network), Engine(network)]
    for engine in engines:
        engine.flat[:] = drawn(seed, engine.flat.size)
    whole = engines[0].epoch(steps, target, order, 3, rates, optimizer, seed=seed)
    result = engines[1].epoch(steps, target, order, 3, rates, optimizer, seed=seed, max_updates=0)
    for count in [*pieces, None]:
        result = engines[1].epoch(
            steps, target, order, 3, rates, optimizer, seed=seed, position=result.position, max_updates=count
        )
    assert result == whole
    np.testing.assert_array_equal(engines[0].flat, engines[1].flat)
    assert engines[1].num_updates == 7
