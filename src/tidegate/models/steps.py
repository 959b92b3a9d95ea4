"""Rows of a model's inputs as the engine reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.engine import SparseRows, Steps
from tidegate.models.encoders import Encoder, NumericEncoder, TableEncoder, in_stream, named
from tidegate.models.gaps import with_gaps_of_others
from tidegate.models.plan import aligned_streams, is_text_stream, stream_names, stream_of
from tidegate.models.rows import Rows
from tidegate.network import Network
from tidegate.training.settings import TrainingSettings

Place = tuple[NDArray[np.int64], NDArray[np.int64]]


def steps_of(
    rows: Mapping[str, Rows],
    encoders: Mapping[str, Encoder],
    network: Network,
    argument: Callable[[str], str],
    dtype: str,
) -> Steps:
    """As the engine reads them; argument: what errors call an input."""
    arrays: dict[str, Any] = {}
    read: dict[str, Rows] = {}
    places: dict[str, Place] = {}
    for name, encoder in encoders.items():
        read[name] = own = encoder.read(rows[name])
        arrays |= encoder.arrays(argument(name), name, own, network.is_bidirectional, dtype)
        stream = stream_of(name, encoder)
        if stream is not None and stream not in places:
            places[stream] = _place(encoder, own)
    if len(arrays) < len(network.inputs) + len(network.sparse_inputs):
        arrays |= _presence(read, encoders, dtype)
        main = next(iter(stream_names(encoders)), "")
        for stream in aligned_streams(encoders):
            arrays[in_stream(stream, "index")] = _index(rows, encoders, main, stream)
    if network.most_steps is not None:
        longest = max(int(lengths.max()) for _, lengths in places.values())
        check_longest(argument(next(iter(encoders))), longest, network.most_steps)
    if not places:
        nothing = np.zeros(len(next(iter(rows.values()))), np.int64)
        places[""] = nothing, nothing
    elif len(places) > 1:
        places = {stream: places[stream] for stream in stream_names(encoders)}
    main_place, *others = places.values()
    return Steps(
        tuple([arrays[name] for name in network.inputs]),
        *main_place,
        tuple([arrays[name] for name in network.sparse_inputs]),
        tuple(others),
    )


def _place(encoder: Encoder, rows: Rows) -> Place:
    """Starts and lengths of the sequences of a stream."""
    if encoder.record.is_step:
        assert rows.lengths is not None
        return rows.offsets[:-1].copy(), rows.lengths
    lengths = lengths_of(encoder, rows)
    return np.cumsum(lengths) - lengths, lengths


def _presence(rows: Mapping[str, Rows], encoders: Mapping[str, Encoder], dtype: str) -> dict[str, Any]:
    """By the names of the inputs that may ask for it, (N, 1) whether a sequence has what they are of."""
    found = {}
    for name, encoder in encoders.items():
        stream = stream_of(name, encoder)
        of = named(name, "present") if stream is None else in_stream(stream, "present")
        found[of] = presence(encoder, rows[name])[:, np.newaxis].astype(dtype)
    return found


def lengths_of(encoder: Encoder, rows: Rows) -> NDArray[np.int64]:
    """(N,) steps of the stream that an input is of, as its encoder reads them."""
    if encoder.record.is_step:
        assert rows.lengths is not None
        return rows.lengths
    assert isinstance(encoder, TableEncoder)
    return encoder.lengths(rows)


def presence(encoder: Encoder, rows: Rows) -> NDArray[np.bool_]:
    """(N,) whether a sequence has the input; of a text that is a stream, whether any unit of it is read."""
    return lengths_of(encoder, rows) > 0 if is_text_stream(encoder) else rows.present


def check_longest(argument: str, longest: int, most: int) -> None:
    """ValueError where a sequence has more steps than pooling="steps" has weights for."""
    if longest > most:
        raise ValueError(
            f"{argument} expects at most {most} steps a sequence, as fit saw and pooling='steps' has weights "
            f"for; got {longest}: shorten it, or fit with another pooling"
        )


def drawn_inputs(
    rows: Mapping[str, Rows], encoders: Mapping[str, Encoder], settings: TrainingSettings
) -> dict[str, float]:
    """Of the inputs that an epoch of training reads with noise, or with more gaps than there are: the rate at
    which a sequence then lacks also what another one lacks."""
    drawn = {}
    for name, encoder in encoders.items():
        if not isinstance(encoder, NumericEncoder):
            continue
        has_gaps = encoder.record.is_step and np.isnan(rows[name].values).any()
        rate = encoder.gaps.dropout(settings.gap_dropout) if has_gaps else 0.0
        if rate or settings.input_noise:
            drawn[name] = rate
    return drawn


def steps_drawn(
    steps: Steps,
    rows: Mapping[str, Rows],
    encoders: Mapping[str, Encoder],
    network: Network,
    settings: TrainingSettings,
    argument: Callable[[str], str],
    dtype: str,
) -> Callable[[np.random.Generator], Steps] | None:
    """What draws the steps of an epoch, with noise and more gaps; None where there are neither."""
    rates = drawn_inputs(rows, encoders, settings)
    if not rates:
        return None

    def drawn(rng: np.random.Generator) -> Steps:
        arrays: dict[str, Any] = {}
        for name, rate in rates.items():
            encoder = encoders[name]
            assert isinstance(encoder, NumericEncoder)
            own = encoder.read(rows[name])
            if rate:
                assert own.sequences is not None
                own = replace(own, values=with_gaps_of_others(own.sequences, rate, rng).values)
            if settings.input_noise:
                own = encoder.with_noise(own, settings.input_noise, rng)
            arrays |= encoder.arrays(argument(name), name, own, network.is_bidirectional, dtype)
        inputs = tuple(arrays.get(name, values) for name, values in zip(network.inputs, steps.inputs))
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
    if first.time_kind != second.time_kind:
        raise ValueError(
            f"align expects time stamps of one kind; got {first.time_kind} of stream {main!r} and "
            f"{second.time_kind} of stream {other!r}: make both of one kind"
        )
    found = np.full(len(first.times), -1, dtype=np.int64)
    for a, b, c, d in zip(first.offsets[:-1], first.offsets[1:], second.offsets[:-1], second.offsets[1:]):
        found[a:b] = np.searchsorted(second.times[c:d], first.times[a:b], side="right") - 1
    offsets = np.concatenate(([0], np.cumsum(found >= 0))).astype(np.int64)
    return SparseRows(offsets, found[found >= 0].astype(np.int32))
