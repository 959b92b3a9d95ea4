"""A batch in windows of time: the values of the pass as a whole, its gradients where they are computed again
on the way back, and what is truncated where they are not."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.cells import CELLS
from tidegate.engine import Engine, Optimizer, Steps, Target
from tidegate.engine.engine import recomputed_steps
from tidegate.network import Dense, Input, Loss, Network, Pool, Recurrent, Repeat, sequence_network
from tidegate.network.initializers import Initializers, initialize

Array = npt.NDArray[Any]
TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
SGD = Optimizer("sgd")


def network_of(cell: str, pooling: str | None = None, **options: Any) -> Network:
    """Two outputs, a sequence or a step, and the gradient of the inputs."""
    options = {"num_layers": 2, "dropout": 0.3, "dense": [(5, "tanh")]} | options
    network = sequence_network(cell, 3, options.pop("hidden_size", 7), 2, "mse", pooling=pooling, **options)
    return Network(
        tuple(replace(n, needs_gradient=True) if isinstance(n, Input) else n for n in network.nodes)
    )


def engine_of(network: Network, dtype: str = "float64", seed: int = 0) -> Engine:
    engine = Engine(network, dtype=dtype, num_threads=2)
    rng = np.random.default_rng(seed)
    for name, value in initialize(network, Initializers(), rng, longest=20).items():
        engine.parameters[name] = value + 0.1 * rng.normal(size=value.shape)
    return engine


def data_of(network: Network, lengths: list[int], dtype: str, seed: int = 1) -> tuple[Steps, Target]:
    rng = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    sizes = [node.size for node in network.nodes if isinstance(node, Input)]
    inputs = tuple(rng.normal(size=(offsets[-1], size)).astype(dtype) for size in sizes)
    rows = offsets[-1] if network.is_per_step("output") else len(lengths)
    target = Target(rng.normal(size=(rows, 2)).astype(dtype), rng.uniform(size=rows).astype(dtype))
    return Steps(inputs, offsets[:-1].copy(), np.array(lengths, np.int64)), target


def relative(got: Array, expected: Array) -> float:
    return float(np.abs(got - expected).max(initial=0) / np.abs(expected).max(initial=1e-30))


def assert_same_gradients(got: Engine, expected: Engine, dtype: str) -> None:
    worst = {
        name: relative(gradient, expected.gradients[name]) for name, gradient in got.gradients.items()
    } | {
        node.name: relative(got.input_gradient(node.name), expected.input_gradient(node.name))
        for node in got.network.nodes
        if isinstance(node, Input)
    }
    assert max(worst.values()) < TOLERANCE[dtype], worst


cell_names = st.sampled_from(sorted(CELLS))
dtypes = st.sampled_from(["float32", "float64"])
poolings = st.sampled_from([None, "last", "mean", "max"])
ragged = st.lists(st.integers(0, 40), min_size=1, max_size=30)


@settings(deadline=None, max_examples=60)
@given(
    cell=cell_names,
    dtype=dtypes,
    pooling=poolings,
    num_layers=st.integers(1, 3),
    lengths=ragged,
    window=st.integers(1, 45),
    decay=st.booleans(),
    batch_size=st.integers(1, 30),
)
def test_values_have_the_bits_of_the_whole_pass(
    cell: str,
    dtype: str,
    pooling: str | None,
    num_layers: int,
    lengths: list[int],
    window: int,
    decay: bool,
    batch_size: int,
) -> None:
    network = network_of(cell, pooling, num_layers=num_layers, decay=decay)
    engine = engine_of(network, dtype)
    steps, target = data_of(network, lengths, dtype)
    assert np.array_equal(engine.predict(steps, batch_size, window=window), engine.predict(steps, batch_size))
    whole = engine.evaluate(steps, target, batch_size=batch_size)
    cut = engine.evaluate(steps, target, batch_size=batch_size, window=window)
    np.testing.assert_allclose([cut.loss, cut.score], [whole.loss, whole.score], rtol=1e-14)


@settings(deadline=None, max_examples=60)
@given(
    dtype=dtypes,
    pooling=poolings,
    lengths=ragged,
    window=st.integers(1, 45),
    decay=st.booleans(),
    seed=st.integers(0, 99),
)
@pytest.mark.parametrize("cell", sorted(CELLS))
def test_recomputed_gradients_are_those_of_the_whole_pass(
    cell: str, dtype: str, pooling: str | None, lengths: list[int], window: int, decay: bool, seed: int
) -> None:
    network = network_of(cell, pooling, decay=decay)
    steps, target = data_of(network, lengths, dtype, seed)
    rng = np.random.default_rng(seed)
    mask = (rng.uniform(size=len(steps.inputs[0])) < 0.8).astype(np.uint8)
    states = {
        name: rng.normal(size=(len(CELLS[cell].states), len(lengths), 7)).astype(dtype)
        for name in ("l0", "l1")
    }
    final = {"l1": states["l0"]}
    outputs = {"l0": rng.normal(size=(len(mask), 7)).astype(dtype)}
    whole, cut = engine_of(network, dtype), engine_of(network, dtype)
    result = whole.forward(steps, target=target, initial=states, mask=mask, training=True, seed=seed)
    last = whole.final_states("l1")
    value = whole.value("output")
    whole.backward(outputs, final)
    got = cut.differentiate(
        steps, outputs, final, target=target, initial=states, mask=mask, seed=seed, window=window
    )
    np.testing.assert_allclose([got.loss, got.score], [result.loss, result.score], rtol=1e-14)
    assert np.array_equal(cut.final_states("l1"), last)
    if pooling is not None:
        assert np.array_equal(cut.value("output"), value)
    assert_same_gradients(cut, whole, dtype)
    for name in states:
        initial = whole.initial_state_gradients(name)
        assert relative(cut.initial_state_gradients(name), initial) < TOLERANCE[dtype]


def test_the_windows_of_recomputation_are_of_about_the_square_root() -> None:
    assert recomputed_steps(10**6) == 1000
    assert recomputed_steps(10**6 + 1) == 1001
    assert recomputed_steps(10) == 32


def trained(network: Network, lengths: list[int], **options: Any) -> tuple[Engine, Any]:
    engine = engine_of(network)
    steps, target = data_of(network, lengths, "float64")
    order, batch_size = np.arange(len(lengths)), 4
    updates = sum(engine.updates_of_batches(steps.lengths, order, batch_size, options.get("bptt_steps")))
    rates = options.pop("rates", np.full(updates, 0.1))
    return engine, engine.epoch(steps, target, order, batch_size, rates, SGD, seed=5, **options)


LENGTHS = [70, 3, 33, 32, 1, 50, 64, 90, 12]


@pytest.mark.parametrize("pooling", [None, "last", "mean", "max"])
def test_an_epoch_that_recomputes_ends_where_the_plain_one_does(pooling: str | None) -> None:
    network = network_of("lstm", pooling)
    plain, expected = trained(network, LENGTHS)
    cut, got = trained(network, LENGTHS, recompute=True)
    assert relative(cut.flat, plain.flat) < 1e-12
    np.testing.assert_allclose(got.loss, expected.loss, rtol=1e-13)
    assert cut.num_updates == plain.num_updates == 3


@pytest.mark.parametrize("pooling", [None, "last", "mean", "max"])
def test_windows_longer_than_the_sequences_truncate_nothing(pooling: str | None) -> None:
    network = network_of("gru", pooling)
    plain, _ = trained(network, LENGTHS)
    cut, _ = trained(network, LENGTHS, bptt_steps=90)
    assert relative(cut.flat, plain.flat) < 1e-12


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_a_truncated_gradient_is_that_of_each_window_from_states_taken_as_given(cell: str) -> None:
    """With a target a step: windows cut by hand, the states carried by hand, an update after each."""
    network, lengths, k = network_of(cell, dropout=0.0), [9, 5, 4, 2], 4
    cut, _ = trained(network, lengths, bptt_steps=k)
    expected = engine_of(network)
    steps, target = data_of(network, lengths, "float64")
    states = {name: np.zeros((len(CELLS[cell].states), len(lengths), 7)) for name in ("l0", "l1")}
    for window in range(3):
        going = steps.lengths > window * k
        starts = steps.starts[going] + window * k
        some = Steps(steps.inputs, starts, np.minimum(steps.lengths[going] - window * k, k))
        initial = {name: np.ascontiguousarray(value[:, going]) for name, value in states.items()}
        expected.forward(some, target=target, initial=initial, training=True)
        for name, value in states.items():
            value[:, going] = expected.final_states(name)
        expected.backward()
        for name, value in expected.gradients.items():
            expected.parameters[name] -= 0.1 * value
    assert cut.num_updates == 3
    assert relative(cut.flat, expected.flat) < 1e-12


def test_the_gradient_of_a_sequence_s_answer_ends_where_its_window_begins() -> None:
    """With one target a sequence: states carried, and the last layer's final state differentiated as the
    sequence's own last window alone; one update a batch."""
    network, lengths, k = network_of("lstm", "last", dropout=0.0), [9, 5, 4, 2], 4
    cut, _ = trained(network, lengths, bptt_steps=k)
    expected = engine_of(network)
    steps, target = data_of(network, lengths, "float64")
    first = (steps.lengths - 1) // k * k
    initial = {name: np.zeros((2, 4, 7)) for name in ("l0", "l1")}
    for index in np.flatnonzero(first):
        before = Steps(steps.inputs, steps.starts[[index]], first[[index]])
        expected.forward(before)
        for name, value in initial.items():
            value[:, [index]] = expected.final_states(name)
    last = Steps(steps.inputs, steps.starts + first, steps.lengths - first)
    expected.forward(last, target=target, initial=initial, training=True)
    expected.backward()
    for name, value in expected.gradients.items():
        expected.parameters[name] -= 0.1 * value
    assert cut.num_updates == 1
    assert relative(cut.flat, expected.flat) < 1e-12


@pytest.mark.parametrize("pooling", [None, "mean"])
@pytest.mark.parametrize("at_a_time", [1, 2, 3, 7])
def test_an_epoch_in_pieces_has_the_bits_of_one_call(pooling: str | None, at_a_time: int) -> None:
    """Also where another engine goes on, from the position, the parameters and the optimiser's state."""
    network = network_of("lstm", pooling)
    whole, expected = trained(network, LENGTHS, bptt_steps=16)
    engine, options = engine_of(network), {}
    steps, target = data_of(network, LENGTHS, "float64")
    order = np.arange(len(LENGTHS))
    rates = np.full(sum(engine.updates_of_batches(steps.lengths, order, 4, 16)), 0.1)
    for _ in range(0, len(rates), at_a_time):
        after = engine_of(network)
        after.flat[:], after.num_updates = engine.flat, engine.num_updates
        for name, values in engine.optimizer_state.items():
            after.optimizer_state[name][:] = values
        result = after.epoch(
            steps, target, order, 4, rates, SGD, seed=5, max_updates=at_a_time, bptt_steps=16, **options
        )
        engine, options = after, {"position": after.reached}
    assert np.array_equal(engine.flat, whole.flat)
    assert (result.loss, engine.reached.update) == (expected.loss, len(rates))
    assert len(rates) == (5 + 6 + 1 if pooling is None else 3)


def test_an_update_by_window_has_a_rate_of_its_own() -> None:
    network = network_of("gru")
    rates = np.zeros(12)
    rates[6] = 0.1
    one, _ = trained(network, LENGTHS, bptt_steps=16, rates=rates)
    none, _ = trained(network, LENGTHS, bptt_steps=16, rates=np.zeros(12))
    assert not np.array_equal(one.flat, none.flat)
    with pytest.raises(ValueError, match="learning_rates expects one for each of 12 updates; got 3"):
        trained(network, LENGTHS, bptt_steps=16, rates=np.zeros(3))


def test_what_windows_cannot_do_is_refused() -> None:
    both_ways = network_of("gru", "max", bidirectional=True)
    for options in ({"bptt_steps": 4}, {"recompute": True}):
        with pytest.raises(ValueError, match=f"{next(iter(options))} expects layers in one direction"):
            trained(both_ways, [5], **options)
    with pytest.raises(ValueError, match="recompute expects False beside bptt_steps"):
        trained(network_of("gru"), [5], bptt_steps=4, recompute=True)
    engine = engine_of(network_of("gru"))
    steps, target = data_of(engine.network, [5], "float64")
    engine.differentiate(steps, target=target, window=2)
    with pytest.raises(ValueError, match="value expects a pass that keeps every step; got one in windows"):
        engine.value("l0")
    with pytest.raises(ValueError, match="trace expects"):
        engine.trace("l0")
    engine.epoch(steps, target, np.arange(1), 1, np.zeros(3), SGD, bptt_steps=2, max_updates=1)
    position = replace(engine.reached, states=np.zeros(3))
    with pytest.raises(ValueError, match="position expects 14 states within a batch; got 3"):
        engine.epoch(steps, target, np.arange(1), 1, np.zeros(3), SGD, bptt_steps=2, position=position)


@pytest.mark.parametrize("way", ["repeat", "beginnings"])
def test_steps_that_read_the_whole_sequence_are_refused(way: str) -> None:
    """In windows, and one at a time: a pool is complete once all steps have passed."""
    own = {"of": ("x", "repeated")} if way == "repeat" else {"of": ("x",), "beginnings": ("pool",)}
    network = Network(
        (
            Input("x", 3),
            Recurrent("l0", ("x",), "gru", 4),
            Pool("pool", ("l0",), "mean"),
            *([Repeat("repeated", ("pool",), "x")] if way == "repeat" else []),
            Recurrent("l1", cell="gru", hidden_size=4, **own),
            Dense("output", ("l1",), 2),
            Loss("loss", ("output",), "mse"),
        )
    )
    engine = engine_of(network)
    steps, target = data_of(network, [9, 5], "float64")
    assert np.isfinite(engine.forward(steps, target=target).loss)
    with pytest.raises(ValueError, match=r"window expects .* steps that read values per sequence"):
        engine.differentiate(steps, target=target, window=4)
    with pytest.raises(ValueError, match=r"window expects .* steps that read values per sequence"):
        engine.predict(steps, window=4)
    with pytest.raises(ValueError, match=r"steps one at a time expect .* read no value per sequence"):
        engine.begin_steps("output", 1)
