"""Updates of the tables of embeddings: those of the rows that the batch reads, as lazy updates in NumPy and
PyTorch's SparseAdam make them, and nothing at all in the others."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tidegate.engine import Diverged, Engine, Optimizer, SparseRows, Steps, Target
from tidegate.network import Dense, Embedding, Input, Loss, Network, Recurrent, SparseInput

Array = npt.NDArray[Any]
ROWS, KINDS = 60, 5
TABLES = ("weight_words", "weight_kinds")
LENGTHS = np.array([4, 9, 0, 7, 3, 12], np.int64)
STARTS = np.cumsum([0, *LENGTHS[:-1]]).astype(np.int64)
OPTIMIZERS = [
    Optimizer("adam", weight_decay=0.03),
    Optimizer("adam", clip_norm=0.05),
    Optimizer("adamw", weight_decay=0.1, clip_value=0.01),
    Optimizer("rmsprop", momentum=0.7, weight_decay=0.02, clip_value=0.02, clip_norm=0.06),
    Optimizer("rmsprop"),
    Optimizer("sgd", momentum=0.9, weight_decay=0.1, clip_norm=0.1),
]


def network() -> Network:
    """Tables of sizes that are no whole vectors, between other parameters."""
    return Network(
        (
            Input("x", 2),
            SparseInput("word", ROWS),
            SparseInput("kind", KINDS),
            Dense("first", ("x",), 3, "tanh"),
            Embedding("words", ("word",), 11),
            Embedding("kinds", ("kind",), 17),
            Recurrent("r", ("words", "kinds", "first"), "gru", 4),
            Dense("output", ("r",), 2),
            Loss("loss", ("output",), "mse"),
        )
    )


def words(rng: np.random.Generator, columns: int, most: int = 3, dtype: str = "float64") -> SparseRows:
    counts = rng.integers(0, most + 1, int(LENGTHS.sum()))
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    entries = rng.integers(0, columns, offsets[-1]).astype(np.int32)
    return SparseRows(offsets, entries, rng.normal(size=len(entries)).astype(dtype))


def data(seed: int = 0, dtype: str = "float64") -> tuple[Steps, Target]:
    rng, rows = np.random.default_rng(seed), int(LENGTHS.sum())
    x, y = rng.normal(size=(rows, 2)).astype(dtype), rng.normal(size=(rows, 2)).astype(dtype)
    sparse = (words(rng, ROWS // 2, dtype=dtype), words(rng, KINDS, 1, dtype))
    return Steps((x,), STARTS, LENGTHS, sparse), Target(y)


def engine_of(network: Network, dtype: str = "float64", num_threads: int = 1) -> Engine:
    engine = Engine(network, dtype=dtype, num_threads=num_threads)
    engine.flat[:] = 0.4 * np.random.default_rng(7).normal(size=network.num_parameters)
    return engine


def rows_read(steps: Steps, sequences: Array) -> dict[str, Array]:
    """Of each table, whether the batch reads the row."""
    read = {}
    for name, rows, count in zip(TABLES, steps.sparse, (ROWS, KINDS)):
        read[name] = np.zeros(count, bool)
        for i in sequences:
            entries = slice(rows.offsets[STARTS[i]], rows.offsets[STARTS[i] + LENGTHS[i]])
            read[name][rows.columns[entries]] = True
    return read


class Lazy:
    """Each method as its paper has it, in NumPy, with an update of the given rows alone."""

    def __init__(self, parameters: dict[str, Array], optimizer: Optimizer) -> None:
        self.parameters, self.optimizer, self.step = parameters, optimizer, 0
        self.first = {name: np.zeros_like(value) for name, value in parameters.items()}
        self.second = {name: np.zeros_like(value) for name, value in parameters.items()}

    def update(self, gradients: dict[str, Array], read: dict[str, Array], rate: float) -> None:
        o = self.optimizer
        self.step += 1
        if o.clip_value is not None:
            gradients = {name: np.clip(g, -o.clip_value, o.clip_value) for name, g in gradients.items()}
        norm = np.sqrt(sum((g**2).sum() for g in gradients.values()))
        if o.clip_norm is not None and norm > o.clip_norm:
            gradients = {name: g * o.clip_norm / (norm + 1e-6) for name, g in gradients.items()}
        for name, value in self.parameters.items():
            at = read.get(name, slice(None))
            p, g, m, v = value[at], gradients[name][at], self.first[name][at], self.second[name][at]
            if o.name == "adamw":
                p = p - rate * o.weight_decay * p
            else:
                g = g + o.weight_decay * p
            if o.name in ("adam", "adamw"):
                m = o.beta1 * m + (1 - o.beta1) * g
                v = o.beta2 * v + (1 - o.beta2) * g**2
                unbiased = m / (1 - o.beta1**self.step), v / (1 - o.beta2**self.step)
                p = p - rate * unbiased[0] / (np.sqrt(unbiased[1]) + o.epsilon)
            else:
                if o.name == "rmsprop":
                    v = o.rho * v + (1 - o.rho) * g**2
                    g = g / (np.sqrt(v) + o.epsilon)
                m = o.momentum * m + g
                p = p - rate * m
            value[at], self.first[name][at], self.second[name][at] = p, m, v


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda one: f"{one.name}-{one.clip_norm}")
def test_an_epoch_is_a_lazy_update_of_the_rows_read_for_each_batch(optimizer: Optimizer) -> None:
    steps, target = data()
    engine, other = engine_of(network()), engine_of(network())
    lazy = Lazy(dict(other.parameters), optimizer)
    rates = np.array([0.01, 0.02, 0.005])
    for epoch in range(3):
        order = np.random.default_rng(epoch).permutation(len(LENGTHS)).astype(np.int64)
        engine.epoch(steps, target, order, 2, rates, optimizer)
        for rate, batch in zip(rates, order.reshape(3, 2)):
            some = Steps(steps.inputs, STARTS[batch], LENGTHS[batch], steps.sparse)
            other.forward(some, target=target, training=True)
            other.backward()
            read = rows_read(steps, batch)
            assert not all(rows.all() for rows in read.values())
            lazy.update({name: g.copy() for name, g in other.gradients.items()}, read, rate)
    for name, value in engine.parameters.items():
        np.testing.assert_allclose(value, other.parameters[name], rtol=0, atol=1e-12, err_msg=name)
    for state, expected in (("first", lazy.first), ("second", lazy.second)):
        flat = np.concatenate([value.ravel() for value in expected.values()])
        np.testing.assert_allclose(engine.optimizer_state[state], flat, rtol=0, atol=1e-12)


@pytest.mark.parametrize("through_time", [{}, {"bptt_steps": 4}, {"recompute": True}], ids=str)
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda one: f"{one.name}-{one.clip_norm}")
def test_rows_that_no_step_reads_are_not_visited(optimizer: Optimizer, through_time: Any) -> None:
    """What stands in such rows, in the weights, the gradients and the optimiser's state, neither changes nor
    counts: not a number, which would spread."""
    steps, target = data()
    order = np.array([1, 3, 5, 0], np.int64)  # of a batch each two; the others read rows of their own
    engine, clean = engine_of(network()), engine_of(network())
    unread = {name: ~rows for name, rows in rows_read(steps, order).items()}
    vectors = {"parameters": engine.flat} | engine.optimizer_state
    assert unread["weight_words"].sum() > ROWS / 2
    at = np.zeros(engine.network.num_parameters, bool)
    first = 0
    for name, shape in engine.network.parameter_shapes.items():
        if name in unread:
            at[first : first + np.prod(shape)] = unread[name].repeat(shape[1])
            engine.gradients[name][unread[name]] = np.nan
        first += int(np.prod(shape))
    for vector in vectors.values():
        vector[at] = np.nan
    rates = np.full(sum(engine.updates_of_batches(LENGTHS, order, 2, through_time.get("bptt_steps"))), 0.01)
    for _ in range(2):
        result = engine.epoch(steps, target, order, 2, rates, optimizer, **through_time)
        assert result == clean.epoch(steps, target, order, 2, rates, optimizer, **through_time)
    for vector, expected in zip(vectors.values(), (clean.flat, *clean.optimizer_state.values())):
        assert np.isnan(vector[at]).all()
        np.testing.assert_array_equal(vector[~at], expected[~at])
    for name, rows in unread.items():
        assert np.isnan(engine.gradients[name][rows]).all()


@pytest.mark.parametrize("through_time", [{}, {"bptt_steps": 4}, {"recompute": True}], ids=str)
def test_another_engine_goes_on_with_the_same_bits_on_other_threads(through_time: Any) -> None:
    """From the parameters, the optimiser's state and the position that the first one left."""
    steps, target = data(dtype="float32")
    order = np.array([5, 0, 3, 1, 4, 2], np.int64)
    whole = engine_of(network(), "float32")
    rates = np.full(sum(whole.updates_of_batches(LENGTHS, order, 2, through_time.get("bptt_steps"))), 0.01)
    arguments = (steps, target, order, 2, rates, Optimizer(clip_norm=0.1))
    for _ in range(2):
        expected = whole.epoch(*arguments, **through_time)
    before = engine_of(network(), "float32", num_threads=2)
    before.epoch(*arguments, **through_time)
    before.epoch(*arguments, max_updates=2, **through_time)
    after = engine_of(network(), "float32", num_threads=3)
    after.flat[:] = before.flat
    for name, state in before.optimizer_state.items():
        after.optimizer_state[name][:] = state
    after.num_updates = before.num_updates
    assert after.epoch(*arguments, position=before.reached, **through_time) == expected
    np.testing.assert_array_equal(after.flat, whole.flat)


def test_a_gradient_of_a_table_that_is_not_finite_is_no_update() -> None:
    steps, target = data()
    engine = engine_of(network())
    engine.parameters["weight_words"] = np.zeros((ROWS, 11))
    sparse = steps.sparse[0]
    assert sparse.values is not None
    huge = SparseRows(sparse.offsets, sparse.columns, np.full(len(sparse.columns), 1e200))
    before = engine.flat.copy()
    with pytest.raises(Diverged, match="update 1 of 1 in this epoch met gradients whose norm overflows"):
        engine.epoch(
            Steps(steps.inputs, STARTS, LENGTHS, (huge, steps.sparse[1])),
            target,
            np.arange(len(LENGTHS)),
            len(LENGTHS),
            np.array([0.01]),
            Optimizer(),
        )
    np.testing.assert_array_equal(engine.flat, before)


@pytest.mark.torch
def test_adam_updates_a_table_as_pytorchs_sparse_adam_does() -> None:
    import torch
    from torch.nn import functional

    rng, columns, size, batches = np.random.default_rng(0), 40, 9, 5
    counts = rng.integers(1, 4, 4 * batches)
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    rows = SparseRows(
        offsets, rng.integers(0, columns, offsets[-1]).astype(np.int32), rng.normal(size=offsets[-1])
    )
    y = rng.normal(size=(4 * batches, size))
    engine = engine_of(
        Network((SparseInput("s", columns, None), Embedding("e", ("s",), size), Loss("loss", ("e",), "mse")))
    )
    # SparseAdam adds epsilon before the bias correction of the second moment, Adam after it.
    epsilon, rates = 1e-30, np.array([0.1, 0.03, 0.01, 0.02, 0.05])
    table = torch.tensor(engine.parameters["weight_e"].copy(), requires_grad=True)
    optimizer = torch.optim.SparseAdam([table], eps=epsilon)
    nothing = np.zeros(4 * batches, np.int64)
    for epoch in range(3):
        order = np.random.default_rng(epoch).permutation(4 * batches).astype(np.int64)
        engine.epoch(
            Steps((), nothing, nothing, (rows,)), Target(y), order, 4, rates, Optimizer(epsilon=epsilon)
        )
        for rate, batch in zip(rates, order.reshape(batches, 4)):
            entries = np.concatenate([np.arange(offsets[i], offsets[i + 1]) for i in batch])
            optimizer.param_groups[0]["lr"] = rate
            optimizer.zero_grad()
            output = functional.embedding_bag(
                torch.tensor(rows.columns[entries], dtype=torch.long),
                table,
                torch.tensor(np.cumsum([0, *counts[batch][:-1]])),
                mode="sum",
                sparse=True,
                per_sample_weights=torch.tensor(rows.values[entries]),
            )
            ((output - torch.tensor(y[batch])) ** 2).mean().backward()
            assert table.grad is not None
            assert table.grad.is_sparse
            optimizer.step()
    np.testing.assert_allclose(engine.parameters["weight_e"], table.detach().numpy(), rtol=0, atol=1e-12)
