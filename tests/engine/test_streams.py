"""Several streams, values per sequence, sparse rows and several losses: outputs against NumPy, every
gradient by differences in float64."""

import gc
import weakref
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate import cells
from tidegate.engine import Engine, Optimizer, SparseRows, Steps, Target
from tidegate.network import (
    Align,
    Dense,
    Dropout,
    Embedding,
    Gate,
    Input,
    Loss,
    Network,
    Pool,
    Recurrent,
    Repeat,
    SparseInput,
    Thresholds,
)

Array = npt.NDArray[Any]
NUM_SEQUENCES = 6
MAIN, OTHER = np.array([4, 1, 0, 3, 6, 2]), np.array([0, 5, 2, 7, 1, 3])


def starts_of(lengths: Array) -> Array:
    return np.cumsum([0, *lengths[:-1]]).astype(np.int64)


def sparse(
    rng: np.random.Generator, rows: int, columns: int, valued: bool = True, most: int = 4
) -> SparseRows:
    counts = rng.integers(0, most + 1, rows)
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    entries = rng.integers(0, columns, offsets[-1]).astype(np.int32)
    return SparseRows(offsets, entries, rng.normal(size=len(entries)) if valued else None)


def indices(rng: np.random.Generator) -> SparseRows:
    """For each step of MAIN one of OTHER's, or none."""
    steps = [
        rng.integers(0, o) if o and rng.random() < 0.8 else -1 for m, o in zip(MAIN, OTHER) for _ in range(m)
    ]
    offsets = np.concatenate(([0], np.cumsum(np.array(steps) >= 0))).astype(np.int64)
    return SparseRows(offsets, np.array([step for step in steps if step >= 0], dtype=np.int32))


def everything(cell: str = "lstm", dropout: float = 0.0) -> Network:
    """All kinds of nodes in one network."""
    states = ("first",) * len(cells.get(cell).states)
    return Network(
        (
            Input("x", 3),
            Input("static", 2, stream=None),
            Input("present", 1, stream=None),
            SparseInput("words", 7, stream=1),
            SparseInput("kind", 4, stream=None),
            SparseInput("index", 9, stream=0),
            Embedding("words_table", ("words",), 4),
            Embedding("kind_table", ("kind",), 3),
            Recurrent("other", ("words_table",), cell, 4),
            Pool("other_pool", ("other",), "max"),
            Gate("other_gate", ("other_pool", "present")),
            Align("other_aligned", ("other", "index"), 4),
            Dense("first", ("static", "kind_table"), 5, "tanh"),
            Repeat("kind_steps", ("kind_table",), "x"),
            Recurrent("main", ("x", "other_aligned", "kind_steps"), cell, 5, beginnings=states),
            Pool("main_pool", ("main",), "last"),
            Dropout("top", ("main_pool",), dropout),
            Dense("a", ("top", "other_gate"), 3),
            Dense("b", ("main",), 2),
            Dense("score", ("top",), 1),
            Thresholds("c", ("score",), 3),
            Loss("loss_a", ("a",), "softmax_cross_entropy", weight=0.7, focal=1.5),
            Loss("loss_b", ("b",), "sigmoid_cross_entropy", weight=2.0, columns=(1.0, 3.0)),
            Loss("loss_c", ("c",), "ordinal"),
        )
    )


def data(seed: int = 0, dtype: str = "float64") -> Steps:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(int(MAIN.sum()), 3)).astype(dtype)
    static = rng.normal(size=(NUM_SEQUENCES, 2)).astype(dtype)
    present = (OTHER > 0).astype(dtype)[:, np.newaxis]
    rows = (sparse(rng, int(OTHER.sum()), 7), sparse(rng, NUM_SEQUENCES, 4, valued=False), indices(rng))
    as_dtype = tuple(
        SparseRows(one.offsets, one.columns, None if one.values is None else one.values.astype(dtype))
        for one in rows
    )
    return Steps(
        (x, static, present),
        starts_of(MAIN),
        MAIN.astype(np.int64),
        as_dtype,
        ((starts_of(OTHER), OTHER.astype(np.int64)),),
    )


def targets(seed: int = 1, dtype: str = "float64") -> list[Target]:
    rng = np.random.default_rng(seed)
    return [
        Target(rng.integers(0, 3, NUM_SEQUENCES).astype(np.int32), rng.random(NUM_SEQUENCES).astype(dtype)),
        Target((rng.random((int(MAIN.sum()), 2)) < 0.5).astype(dtype)),
        Target(rng.integers(0, 4, NUM_SEQUENCES).astype(np.int32), np.array([1, 0, 1, 1, 0, 1], dtype)),
    ]


def engine_of(network: Network, dtype: str = "float64", num_threads: int = 1, scale: float = 0.5) -> Engine:
    engine = Engine(network, dtype=dtype, num_threads=num_threads)
    engine.flat[: network.num_parameters] = scale * np.random.default_rng(7).normal(
        size=network.num_parameters
    )
    return engine


@pytest.mark.parametrize("cell", ["lstm", "gru", "gru_reset_before"])
def test_every_gradient_is_the_difference_quotient(cell: str) -> None:
    network = everything(cell)
    engine, steps, wanted = engine_of(network), data(), targets()
    result = engine.forward(steps, target=wanted, training=True)
    assert result.loss == pytest.approx(
        0.7 * result.parts[0][0] + 2.0 * result.parts[1][0] + result.parts[2][0], abs=1e-12
    )
    engine.backward()
    gradients = {name: value.copy() for name, value in engine.gradients.items()}
    for name, value in engine.parameters.items():
        for at in np.ndindex(value.shape):
            before, step = value[at], 1e-5
            value[at] = before + step
            above = engine.forward(steps, target=wanted).loss
            value[at] = before - step
            below = engine.forward(steps, target=wanted).loss
            value[at] = before
            assert gradients[name][at] == pytest.approx((above - below) / (2 * step), abs=2e-8), (name, at)


def test_whole_epochs_have_the_same_bits_on_any_number_of_threads() -> None:
    network = everything("gru", dropout=0.2)
    steps, wanted = data(dtype="float32"), targets(dtype="float32")
    order = np.array([3, 0, 5, 1, 4, 2], dtype=np.int64)
    flats, first = [], 0.0
    for num_threads in (1, 2, 3):
        engine = engine_of(network, "float32", num_threads, scale=0.3)
        for epoch in range(15):
            result = engine.epoch(
                steps, wanted, order, 4, np.full(2, 0.01), Optimizer(clip_norm=1.0), seed=epoch
            )
            first = result.loss if epoch == 0 else first
        assert result.loss < first
        flats.append(engine.flat.copy())
    np.testing.assert_array_equal(flats[0], flats[1])
    np.testing.assert_array_equal(flats[0], flats[2])


def test_an_epoch_in_pieces_has_the_sums_of_each_loss() -> None:
    network, order = everything("gru"), np.arange(NUM_SEQUENCES, dtype=np.int64)
    whole, pieces = engine_of(network), engine_of(network)
    arguments = (data(), targets(), order, 2, np.full(3, 0.01), Optimizer())
    expected = whole.epoch(*arguments)
    result = pieces.epoch(*arguments, max_updates=1)
    while result.position.update < 3:
        result = pieces.epoch(*arguments, position=pieces.reached, max_updates=1)
    assert result == expected
    assert len(result.parts) == 3
    np.testing.assert_array_equal(whole.flat, pieces.flat)


def test_outputs_do_not_depend_on_the_batch_mates() -> None:
    network, steps = everything("lstm"), data()
    engine = engine_of(network)
    names = ["a", "b", "c"]
    together = engine.values(names, steps)
    for batch_size in (1, 2, 5):
        for got, expected in zip(engine.values(names, steps, batch_size), together):
            np.testing.assert_array_equal(got, expected)


def test_backward_reads_rows_that_no_one_else_holds() -> None:
    network, expected = everything("gru"), engine_of(everything("gru"))
    steps = data()
    expected.forward(steps, target=targets(), training=True)
    expected.backward()
    engine = engine_of(network)
    columns = weakref.ref(steps.sparse[0].columns)
    engine.forward(steps, target=targets(), training=True)
    del steps
    gc.collect()
    assert columns() is not None
    engine.backward()
    for name, gradient in engine.gradients.items():
        np.testing.assert_array_equal(gradient, expected.gradients[name])


def test_a_stream_without_any_steps_leaves_its_weights_without_gradient() -> None:
    network, full = everything("gru"), data()
    nothing = np.zeros(NUM_SEQUENCES, np.int64)
    no_rows = SparseRows(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0))
    no_index = SparseRows(np.zeros(int(MAIN.sum()) + 1, np.int64), np.zeros(0, np.int32))
    absent = Steps(
        (*full.inputs[:2], np.zeros((NUM_SEQUENCES, 1))),
        full.starts,
        full.lengths,
        (no_rows, full.sparse[1], no_index),
        ((nothing, nothing),),
    )
    engine = engine_of(network)
    engine.forward(full, target=targets(), training=True)
    engine.backward()
    assert engine.gradients["weight_hh_other"].any()
    engine.forward(absent, target=targets(), training=True)
    engine.backward()
    for name in ("weight_ih_other", "weight_hh_other", "bias_other", "weight_words_table"):
        assert not engine.gradients[name].any(), name
    assert engine.gradients["weight_other_gate"].any()
    np.testing.assert_array_equal(
        engine.value("other_gate"), np.tile(engine.parameters["weight_other_gate"], (NUM_SEQUENCES, 1))
    )


BAD_SPARSE = {
    "rows": (
        lambda one: SparseRows(one.offsets[:-1].copy(), one.columns, one.values),
        "offsets from 0 to its",
    ),
    "columns": (
        lambda one: SparseRows(one.offsets, one.columns + np.int32(7), one.values),
        "columns from 0 and below 7",
    ),
    "negative": (
        lambda one: SparseRows(one.offsets, one.columns - np.int32(9), one.values),
        "columns from 0",
    ),
    "falling": (lambda one: SparseRows(np.flip(one.offsets).copy(), one.columns, one.values), "offsets"),
    "values": (lambda one: SparseRows(one.offsets, one.columns, one.values[:-1].copy()), "a value for each"),
}


@pytest.mark.parametrize("case", BAD_SPARSE)
def test_sparse_rows_that_do_not_fit_are_refused(case: str) -> None:
    change, message = BAD_SPARSE[case]
    steps = data()
    bad = Steps(
        steps.inputs, steps.starts, steps.lengths, (change(steps.sparse[0]), *steps.sparse[1:]), steps.others
    )
    with pytest.raises(ValueError, match=message):
        engine_of(everything()).forward(bad)


def test_wiring_that_does_not_fit_is_refused() -> None:
    x, slow = Input("x", 2), Input("slow", 2, stream=1)
    words, static = SparseInput("words", 5), Input("static", 3, stream=None)
    cases = {
        "streams 0, 1 together": (x, slow, Dense("d", ("x", "slow"), 1)),
        "put an embedding between": (words, Dense("d", ("words",), 1)),
        "expects a sparse input": (x, Embedding("e", ("x",), 3)),
        "reads two nodes; got 1": (x, Gate("g", ("x",))),
        "one column of 'static'; got 3": (static, Input("s", 2, stream=None), Gate("g", ("s", "static"))),
        "expects a value per sequence and the steps": (x, Repeat("r", ("x",), "x")),
        "beginnings expects 4 columns a sequence; got 3 of 'static'": (
            x,
            static,
            Recurrent("l", ("x",), "gru", 4, beginnings=("static",)),
        ),
        "got 'l', a loss": (x, Loss("l", ("x",), "mse"), Dense("d", ("l",), 1)),
        "expects size=2": (x, SparseInput("i", 9, 1), Align("a", ("x", "i"), 3)),
    }
    for message, nodes in cases.items():
        with pytest.raises(ValueError, match=message):
            Network(nodes)
    with pytest.raises(ValueError, match="focal expects 0 with loss='mse'"):
        Loss("l", ("x",), "mse", focal=1.0)
    with pytest.raises(ValueError, match="columns expects the levels of pinball"):
        Loss("l", ("x",), "pinball")


def test_a_file_of_records_gives_the_same_network() -> None:
    network = everything()
    assert Network.from_records(network.to_records()) == network


@pytest.mark.torch
def test_outputs_losses_and_gradients_are_those_of_pytorch() -> None:
    import torch
    from torch.nn import functional

    network, steps, wanted = everything("lstm"), data(), targets()
    engine = engine_of(network)
    p = {name: torch.tensor(value.copy(), requires_grad=True) for name, value in engine.parameters.items()}
    x, static, present = (torch.tensor(array) for array in steps.inputs)
    tables = []
    for rows, name in zip(steps.sparse, ("words_table", "kind_table")):
        values = np.ones(len(rows.columns)) if rows.values is None else rows.values
        tables.append(
            functional.embedding_bag(
                torch.tensor(rows.columns, dtype=torch.long),
                p[f"weight_{name}"],
                torch.tensor(rows.offsets[:-1]),
                mode="sum",
                per_sample_weights=torch.tensor(values),
            )
        )
    words, kind = tables

    def lstm(name: str, rows: Any, begins: Any = None) -> Any:
        size = p[f"weight_hh_{name}"].shape[1]
        layer = torch.nn.LSTM(rows.shape[1], size, dtype=torch.float64)
        weights = {"weight_ih_l0": p[f"weight_ih_{name}"], "weight_hh_l0": p[f"weight_hh_{name}"]}
        weights |= {"bias_ih_l0": p[f"bias_{name}"], "bias_hh_l0": torch.zeros(4 * size, dtype=torch.float64)}
        initial = () if begins is None else ((begins, begins),)
        return torch.func.functional_call(layer, weights, (rows, *initial))[0]

    def linear(name: str, rows: Any) -> Any:
        return functional.linear(rows, p[f"weight_{name}"], p[f"bias_{name}"])

    first = torch.tanh(linear("first", torch.cat([static, kind], 1)))
    index = steps.sparse[2]
    a, b, at_main, at_other = [], [], 0, 0
    for i in range(NUM_SEQUENCES):
        m, o = int(MAIN[i]), int(OTHER[i])
        other = (
            lstm("other", words[at_other : at_other + o]) if o else torch.zeros((0, 4), dtype=torch.float64)
        )
        gate = other.max(0).values if present[i, 0] else p["weight_other_gate"]
        aligned = [
            other[index.columns[index.offsets[row]]] if index.offsets[row] < index.offsets[row + 1]
            else torch.zeros(4, dtype=torch.float64)
            for row in range(at_main, at_main + m)
        ]  # fmt: skip
        pooled = torch.zeros(5, dtype=torch.float64)
        if m:
            rows = torch.cat([x[at_main : at_main + m], torch.stack(aligned), kind[i].expand(m, -1)], 1)
            main = lstm("main", rows, first[i : i + 1])
            pooled = main[-1]
            b.append(linear("b", main))
        a.append((pooled, torch.cat([pooled, gate])))
        at_main, at_other = at_main + m, at_other + o
    output_a = linear("a", torch.stack([both for _, both in a]))
    output_b = torch.cat(b)
    at = torch.cumsum(torch.cat([p["weight_c"][:1], torch.exp(p["weight_c"][1:])]), 0)
    output_c = linear("score", torch.stack([pooled for pooled, _ in a])) - at

    classes, weights = torch.tensor(wanted[0].values, dtype=torch.long), torch.tensor(wanted[0].weights)
    log_p = functional.log_softmax(output_a, 1)[torch.arange(NUM_SEQUENCES), classes]
    loss_a = (weights * -((1 - log_p.exp()) ** 1.5) * log_p).sum() / weights.sum()
    labels = torch.tensor(wanted[1].values)
    loss_b = functional.binary_cross_entropy_with_logits(
        output_b, labels, pos_weight=torch.tensor([1.0, 3.0])
    )
    ends = torch.ones((NUM_SEQUENCES, 1), dtype=torch.float64)
    chances = -torch.diff(torch.cat([ends, torch.sigmoid(output_c), 0 * ends], 1), dim=1)
    grades, known = torch.tensor(wanted[2].values, dtype=torch.long), torch.tensor(wanted[2].weights)
    loss_c = (known * -torch.log(chances[torch.arange(NUM_SEQUENCES), grades])).sum() / known.sum()
    loss = 0.7 * loss_a + 2.0 * loss_b + loss_c
    loss.backward()

    result = engine.forward(steps, target=wanted, training=True)
    for name, expected in (("a", output_a), ("b", output_b), ("c", output_c)):
        np.testing.assert_allclose(engine.value(name), expected.detach().numpy(), rtol=0, atol=1e-12)
    assert result.loss == pytest.approx(loss.item(), abs=1e-12)
    engine.backward()
    for name, gradient in engine.gradients.items():
        grad = p[name].grad
        expected = np.zeros(gradient.shape) if grad is None else grad.numpy()
        np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-12, err_msg=name)


def test_pinball_loss_is_least_at_the_quantile() -> None:
    """And its slope that of its definition."""
    levels = (0.1, 0.5, 0.9)
    network = Network(
        (Input("x", 3, needs_gradient=True, stream=None), Loss("l", ("x",), "pinball", columns=levels))
    )
    engine, rng = Engine(network, dtype="float64"), np.random.default_rng(0)
    y, x = rng.normal(size=(101, 1)).repeat(3, axis=1), rng.normal(size=(101, 3))
    nothing = np.zeros(101, np.int64)

    def loss(x: Array) -> float:
        return engine.forward(Steps((x,), nothing, nothing), target=Target(y), training=True).loss

    error = y - x
    expected = np.maximum(np.array(levels) * error, (np.array(levels) - 1) * error).mean()
    assert loss(x) == pytest.approx(expected, abs=1e-14)
    engine.backward()
    slopes = np.where(error > 0, -np.array(levels), 1 - np.array(levels)) / x.size
    np.testing.assert_allclose(engine.input_gradient("x"), slopes, atol=1e-15)
    best = np.quantile(y[:, 0], levels)
    for step in (-0.1, 0.1):
        assert loss(np.tile(best, (101, 1))) < loss(np.tile(best + step, (101, 1)))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 12),
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(0, 1000),
    st.booleans(),
    st.integers(1, 3),
)
def test_an_embedding_is_the_product_with_scipys_matrix(
    rows: int, columns: int, size: int, seed: int, valued: bool, num_threads: int
) -> None:
    """And its gradient the product with the transposed one."""
    from scipy.sparse import csr_matrix

    rng = np.random.default_rng(seed)
    one = sparse(rng, rows, columns, valued)
    network = Network(
        (SparseInput("s", columns), Embedding("e", ("s",), size), Input("present", 1, stream=None))
    )
    engine = engine_of(network, num_threads=num_threads)
    lengths = np.array([rows // 2, rows - rows // 2], np.int64)
    steps = Steps((np.zeros((2, 1)),), starts_of(lengths), lengths, (one,))
    values = np.ones(len(one.columns)) if one.values is None else one.values
    matrix = csr_matrix((values, one.columns, one.offsets), shape=(rows, columns))
    engine.forward(steps, training=True)
    np.testing.assert_allclose(engine.value("e"), matrix @ engine.parameters["weight_e"], atol=1e-12)
    gradient = rng.normal(size=(rows, size))
    for _ in range(2):  # what the first pass left does not add up
        engine.forward(steps, training=True)
        engine.backward({"e": gradient})
    np.testing.assert_allclose(engine.gradients["weight_e"], matrix.T @ gradient, atol=1e-12)


def test_an_embedding_goes_through_windows_of_time() -> None:
    """And what the windows summed up does not add to the pass that follows."""
    network = Network(
        (
            SparseInput("s", 50),
            Embedding("e", ("s",), 3),
            Recurrent("r", ("e",), "gru", 4),
            Dense("output", ("r",), 2),
            Loss("loss", ("output",), "mse"),
        )
    )
    rng = np.random.default_rng(0)
    lengths = np.array([7, 30, 12], np.int64)
    rows = int(lengths.sum())
    steps = Steps((), starts_of(lengths), lengths, (sparse(rng, rows, 50),))
    target = Target(rng.normal(size=(rows, 2)))
    whole, windows = engine_of(network), engine_of(network)
    whole.forward(steps, target=target, training=True)
    whole.backward()
    windows.differentiate(steps, target=target, window=5)
    for name, expected in whole.gradients.items():
        np.testing.assert_allclose(windows.gradients[name], expected, atol=1e-14)
    windows.forward(steps, target=target, training=True)
    windows.backward()
    for name, expected in whole.gradients.items():
        np.testing.assert_array_equal(windows.gradients[name], expected)
