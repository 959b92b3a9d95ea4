"""Rows of a model's inputs as the engine reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.engine import SparseRows, Steps
from tidegate.estimators.gaps import with_gaps_of_others
from tidegate.models.encoders import DTYPE, Encoder, NumericEncoder, TableEncoder
from tidegate.models.plan import aligned_streams, stream_names, stream_of
from tidegate.models.rows import Rows
from tidegate.network import Input, Network, SparseInput


def steps_of(
    rows: Mapping[str, Rows], encoders: Mapping[str, Encoder], network: Network, both_directions: bool
) -> Steps:
    """As the engine reads them."""
    arrays: dict[str, Any] = {}
    lengths: dict[str, NDArray[np.int64]] = {}
    present: dict[str, NDArray[np.bool_]] = {}
    for name, encoder in encoders.items():
        arrays |= encoder.arrays(f"inputs[{name!r}]", name, rows[name], both_directions)
        stream = stream_of(name, encoder)
        if stream is None:
            present[f"{name}.present"] = rows[name].present
            continue
        own = rows[name].lengths if encoder.record.is_step else None
        if own is None:
            assert isinstance(encoder, TableEncoder)
            own = encoder.lengths(rows[name])
        lengths[stream] = own
        present[f"{stream}/present"] = own > 0
    streams = stream_names(encoders)
    for stream in aligned_streams(encoders):
        arrays[f"{stream}/index"] = _index(rows, encoders, streams[0], stream)
    num_sequences = len(next(iter(rows.values())))
    nothing = np.zeros(num_sequences, np.int64)
    places = [(_starts(own), own) for own in (lengths[stream] for stream in streams)] or [(nothing, nothing)]
    arrays |= {name: there[:, np.newaxis].astype(DTYPE) for name, there in present.items()}
    return Steps(
        tuple(arrays[node.name] for node in network.nodes if isinstance(node, Input)),
        *places[0],
        tuple(arrays[node.name] for node in network.nodes if isinstance(node, SparseInput)),
        tuple(places[1:]),
    )


def with_gaps_drawn(
    steps: Steps,
    rows: Mapping[str, Rows],
    encoders: Mapping[str, Encoder],
    network: Network,
    both_directions: bool,
    gap_dropout: float | None,
) -> Callable[[np.random.Generator], Steps] | None:
    """What draws the steps of an epoch, in which inputs of steps lack more; None where none has gaps."""
    rates = {
        name: encoder.gaps.dropout(gap_dropout)
        for name, encoder in encoders.items()
        if isinstance(encoder, NumericEncoder)
        and encoder.record.is_step
        and np.isnan(rows[name].values).any()
    }
    if not any(rates.values()):
        return None

    def drawn(rng: np.random.Generator) -> Steps:
        arrays: dict[str, Any] = {}
        for name, rate in rates.items():
            sequences = rows[name].sequences()
            assert sequences is not None
            more = replace(rows[name], values=with_gaps_of_others(sequences, rate, rng).values)
            arrays |= encoders[name].arrays(f"inputs[{name!r}]", name, more, both_directions)
        names = [node.name for node in network.nodes if isinstance(node, Input)]
        inputs = tuple(arrays.get(name, values) for name, values in zip(names, steps.inputs))
        return replace(steps, inputs=inputs)

    return drawn


def _index(rows: Mapping[str, Rows], encoders: Mapping[str, Encoder], main: str, other: str) -> SparseRows:
    """For each step of the main stream the last one of the other that is not later; none before the first."""
    of: dict[str, Rows | None] = {main: None, other: None}
    for name, encoder in encoders.items():
        if encoder.record.is_step and encoder.record.stream in of and rows[name].times is not None:
            of[encoder.record.stream] = rows[name]
    for stream, one in of.items():
        if one is None:
            raise ValueError(
                f"align expects time stamps of stream {stream!r}; got none: pass tidegate.Sequences "
                "with times"
            )
    first, second = of[main], of[other]
    assert first is not None
    assert second is not None
    assert first.times is not None
    assert second.times is not None
    found = np.full(len(first.times), -1, dtype=np.int64)
    for a, b, c, d in zip(first.offsets[:-1], first.offsets[1:], second.offsets[:-1], second.offsets[1:]):
        found[a:b] = np.searchsorted(second.times[c:d], first.times[a:b], side="right") - 1
    offsets = np.concatenate(([0], np.cumsum(found >= 0))).astype(np.int64)
    return SparseRows(offsets, found[found >= 0].astype(np.int32))


def _starts(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate(([0], np.cumsum(lengths)[:-1])).astype(np.int64)
