"""The network of a model: an encoder for each stream, what is per sequence beside them, and a head a
target."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from tidegate.models.codings import Coding
from tidegate.models.encoders import Encoder, Sources, TableEncoder, in_stream, named
from tidegate.models.inputs import Text
from tidegate.network import (
    Align,
    Gate,
    Input,
    Network,
    Node,
    Pool,
    Repeat,
    SparseInput,
)
from tidegate.network.sequence import Names, top_layers
from tidegate.training.settings import NetworkSettings

MAX_PARAMETERS = 2**31 - 1
# Any step of another stream.
MOST_STEPS = 2**31 - 1


def stream_names(encoders: Mapping[str, Encoder]) -> tuple[str, ...]:
    """The streams in the network's order, the main one first: of steps, by name, then of texts,
    "text:NAME"."""
    of_steps = [encoder.record.stream for encoder in encoders.values() if encoder.record.is_step]
    of_texts = [f"text:{name}" for name, encoder in encoders.items() if is_text_stream(encoder)]
    return tuple(dict.fromkeys([*of_steps, *of_texts]))


def is_text_stream(encoder: Encoder) -> bool:
    return isinstance(encoder, TableEncoder) and encoder.is_ragged


def stream_of(name: str, encoder: Encoder) -> str | None:
    """The name of the stream that an input is of; None where it has a row a sequence."""
    if encoder.record.is_step:
        return encoder.record.stream
    return f"text:{name}" if is_text_stream(encoder) else None


def aligned_streams(encoders: Mapping[str, Encoder]) -> tuple[str, ...]:
    """Those that are read at the steps of the main stream."""
    main = stream_names(encoders)[:1]
    wanted = [e.record.stream for e in encoders.values() if e.record.is_step and e.record.align]
    return tuple(name for name in dict.fromkeys(wanted) if name not in main)


def network_of(
    encoders: Mapping[str, Encoder],
    codings: Mapping[str, Coding],
    settings: NetworkSettings,
    *,
    gated: Collection[str] = (),
    longest: int | None = None,
) -> Network:
    """The nodes of input NAME begin with "NAME.", of stream NAME with "NAME/", of target NAME with "NAME.";
    without a name they have no such beginning. gated: the streams that a sequence may be without; these, and
    inputs per sequence, have the input "....present" of one column. longest: steps of the longest sequence,
    as many as pooling="steps" reads."""
    streams = stream_names(encoders)
    aligned = aligned_streams(encoders)
    nodes: list[Node] = []
    read: dict[str, list[Sources]] = {stream: [] for stream in streams}
    first_input: dict[str, str] = {}
    end: list[str] = []
    at_steps: list[str] = []
    as_state: list[str] = []
    places = {"end": end, "step": at_steps, "state": as_state}
    entering: dict[str, list[str]] = {}  # where what is pooled of a text goes, if that is not the end
    for name, encoder in encoders.items():
        stream = stream_of(name, encoder)
        number = None if stream is None else streams.index(stream)
        own, sources = encoder.nodes(name, number, settings.bidirectional)
        nodes += own
        if stream is not None:
            read[stream].append(sources)
            first_input.setdefault(stream, own[0].name)
            if encoder.record.enters != "end":
                entering[stream] = places[encoder.record.enters]
            continue
        gates = _gates(named(name, "present"), sources.read[0])
        nodes += gates
        places[encoder.record.enters].extend(gate.name for gate in gates[1:])
    tops: dict[str, Names] = {}
    main = streams[0] if streams else None
    for stream in (*streams[1:], *streams[:1]):  # what is aligned comes before the main one
        where: dict[str, Any] = {}
        if stream.startswith("text:"):
            record = encoders[stream.removeprefix("text:")].record
            assert isinstance(record, Text)
            where["hidden_size"] = record.hidden_size or settings.hidden_size
        sources_of = read[stream]
        if stream == main:
            for other in aligned:
                index = in_stream(other, "index")
                nodes.append(SparseInput(index, MOST_STEPS, 0))
                for state in tops[other]:
                    nodes.append(Align(f"{state}_aligned", (state, index), settings.hidden_size))
                    sources_of.append(Sources.of(f"{state}_aligned"))
            for name in at_steps:
                nodes.append(Repeat(f"{name}_steps", (name,), first_input[stream]))
                sources_of.append(Sources.of(f"{name}_steps"))
            where["beginnings"] = tuple(as_state)
        ways = range(1 + settings.bidirectional)
        layers, tops[stream] = settings.layers(
            [tuple(name for one in sources_of for name in one.read[way]) for way in ways],
            elapsed=[tuple(name for one in sources_of for name in one.elapsed[way]) for way in ways],
            padding=next((one.padding for one in sources_of if one.padding), None),
            prefix=in_stream(stream, ""),
            stream=streams.index(stream),
            **where,
        )
        nodes += layers
        if stream in entering:
            own, names = _pooled(stream, tops[stream], settings, None, stream in gated)
            nodes += own
            entering[stream].extend(names)
    kinds = {coding.record.is_step for coding in codings.values()}
    pooled: dict[str, Names] = {}
    for stream in streams:
        if stream in aligned or stream in entering or (stream == main and False not in kinds):
            continue
        steps = longest if settings.pooling == "steps" else None
        own, pooled[stream] = _pooled(stream, tops[stream], settings, steps, stream in gated)
        nodes += own
    tops_of: dict[bool, list[str]] = {
        False: [*(name for names in pooled.values() for name in names), *end] if False in kinds else []
    }
    if True in kinds:
        assert main is not None
        beside = [*(name for stream, names in pooled.items() if stream != main for name in names), *end]
        nodes += [Repeat(f"{name}_beside", (name,), first_input[main]) for name in beside]
        tops_of[True] = [*tops[main], *(f"{name}_beside" for name in beside)]
    heads: dict[bool, Names] = {}
    for per_step, names_read in tops_of.items():
        layers, heads[per_step] = top_layers(
            names_read,
            settings.dropout,
            settings.variational_dropout,
            settings.dense if names_read else (),
            "_steps" if per_step and False in kinds else "",
        )
        nodes += layers
    for name, coding in codings.items():
        nodes += coding.nodes(name, heads[coding.record.is_step])
    network = Network(tuple(nodes))
    if network.num_parameters > MAX_PARAMETERS:
        raise ValueError(
            f"hidden_size={settings.hidden_size} with num_layers={settings.num_layers} makes "
            f"{network.num_parameters} parameters; expected at most {MAX_PARAMETERS}: choose smaller ones"
        )
    return network


def _pooled(
    stream: str, tops: Names, settings: NetworkSettings, num_steps: int | None, is_gated: bool
) -> tuple[list[Node], Names]:
    """What is kept of a stream's steps for each sequence: the nodes, and the names of the last ones."""
    nodes: list[Node] = [Pool(f"{state}_pool", (state,), settings.pooling, num_steps) for state in tops]
    names = tuple(node.name for node in nodes)
    if not is_gated:
        return nodes, names
    gates = _gates(in_stream(stream, "present"), names)
    return [*nodes, *gates], tuple(gate.name for gate in gates[1:])


def _gates(present: str, names: Iterable[str]) -> list[Node]:
    """Its input, and a gate of each node."""
    return [Input(present, 1, stream=None), *(Gate(f"{name}_gated", (name, present)) for name in names)]
