"""Several streams, values per sequence, sparse rows and several losses: outputs against NumPy, every gradient by
differences in float64."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

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
    states = ("first",) * len(Recurrent("_", ("_",), cell, 5).beginnings or Engine_states(cell))
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


def Engine_states(cell: str) -> tuple[str, ...]:
    from tidegate.cells import get

    return get(cell).states


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
