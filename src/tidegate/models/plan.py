"""The network of a model: an encoder for each stream, what is per sequence beside them, and a head a
target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tidegate import cells
from tidegate.models.codings import Coding
from tidegate.models.encoders import Encoder, Sources, TableEncoder
from tidegate.models.inputs import Text
from tidegate.network import (
    Align,
    Dense,
    Dropout,
    Gate,
    Input,
    Network,
    Node,
    Pool,
    Recurrent,
    Repeat,
    SparseInput,
    StateDecay,
)
from tidegate.training.settings import NetworkSettings

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
    encoders: Mapping[str, Encoder], codings: Mapping[str, Coding], settings: NetworkSettings
) -> Network:
    """The nodes of input NAME begin with "NAME.", of stream NAME with "NAME/", of target NAME with "NAME."; a
    stream and an input that may be missing has the input "....present" of one column."""
    streams = stream_names(encoders)
    aligned = aligned_streams(encoders)
    nodes: list[Node] = []
    read: dict[str, list[Sources]] = {stream: [] for stream in streams}
    first_input: dict[str, str] = {}
    end: list[str] = []
    at_steps: list[str] = []
    as_state: list[str] = []
    for name, encoder in encoders.items():
        stream = stream_of(name, encoder)
        number = None if stream is None else streams.index(stream)
        own, sources = encoder.nodes(name, number, settings.bidirectional)
        nodes += own
        if stream is not None:
            read[stream].append(sources)
            first_input.setdefault(stream, own[0].name)
            continue
        nodes += _gated(f"{name}.present", sources.read[0])
        gated = [f"{source}.gated" for source in sources.read[0]]
        {"end": end, "step": at_steps, "state": as_state}[encoder.record.enters].extend(gated)
    tops: dict[str, tuple[str, ...]] = {}
    main = streams[0] if streams else None
    for stream in (*streams[1:], *streams[:1]):  # what is aligned comes before the main one
        own_settings = settings
        if stream.startswith("text:"):
            record = encoders[stream.removeprefix("text:")].record
            assert isinstance(record, Text)
            own_settings = replace(settings, hidden_size=record.hidden_size or settings.hidden_size)
        sources_of = read[stream]
        beginnings: tuple[str, ...] = ()
        if stream == main:
            for other in aligned:
                nodes.append(SparseInput(f"{other}/index", MOST_STEPS, 0))
                for state in tops[other]:
                    nodes.append(Align(f"{state}.aligned", (state, f"{other}/index"), settings.hidden_size))
                    sources_of.append(Sources.of(f"{state}.aligned"))
            for name in at_steps:
                nodes.append(Repeat(f"{name}.steps", (name,), first_input[stream]))
                sources_of.append(Sources.of(f"{name}.steps"))
            beginnings = tuple(as_state)
        own, tops[stream] = _recurrent(stream, sources_of, own_settings, beginnings)
        nodes += own
    of_sequence: list[str] = []
    of_steps: list[str] = []
    pooled: list[str] = []
    for stream in streams:
        if stream in aligned:
            continue
        names = [f"{state}.pool" for state in tops[stream]]
        wanted = stream != main or any(not coding.record.is_step for coding in codings.values())
        if wanted:
            nodes += [Pool(f"{state}.pool", (state,), settings.pooling) for state in tops[stream]]
            nodes += _gated(f"{stream}/present", names)
            pooled += [f"{name}.gated" for name in names]
    main_pooled = 0 if main is None else len(tops[main])
    if any(not coding.record.is_step for coding in codings.values()):
        of_sequence = [*pooled, *end]
    else:
        main_pooled = 0
    if any(coding.record.is_step for coding in codings.values()):
        assert main is not None
        beside = [*pooled[main_pooled:], *end]
        nodes += [Repeat(f"{name}.beside", (name,), first_input[main]) for name in beside]
        of_steps = [*tops[main], *(f"{name}.beside" for name in beside)]
    heads: dict[bool, tuple[str, ...]] = {}
    for per_step, names_read in ((False, of_sequence), (True, of_steps)):
        top: tuple[str, ...] = tuple(names_read)
        if top and settings.dropout:
            suffix = ".dropped_steps" if per_step else ".dropped"
            nodes += [Dropout(f"{name}{suffix}", (name,), settings.dropout) for name in top]
            top = tuple(f"{name}{suffix}" for name in top)
        for index, (size, activation) in enumerate(settings.dense if top else ()):
            layer = f"dense{index}{'_steps' if per_step else ''}"
            nodes.append(Dense(layer, top, size, activation))
            top = (layer,)
        heads[per_step] = top
    for name, coding in codings.items():
        nodes += coding.nodes(name, heads[coding.record.is_step])
    return Network(tuple(nodes))


def _gated(present: str, names: list[str] | tuple[str, ...]) -> list[Node]:
    return [Input(present, 1, stream=None), *(Gate(f"{name}.gated", (name, present)) for name in names)]


def _recurrent(
    stream: str, sources: list[Sources], settings: NetworkSettings, beginnings: tuple[str, ...]
) -> tuple[list[Node], tuple[str, ...]]:
    """The layers "STREAM/l0", "STREAM/l0_reverse", ... of a stream, and the names of the last."""
    nodes: list[Node] = []
    ways = ("", "_reverse") if settings.bidirectional else ("",)
    states = cells.get(settings.cell).states
    below = [tuple(name for one in sources for name in one.read[way]) for way in range(2)]
    elapsed = [tuple(name for one in sources for name in one.elapsed[way]) for way in range(2)]
    names: tuple[str, ...] = ()
    for layer in range(settings.num_layers):
        if layer and settings.dropout:
            nodes += [Dropout(f"{name}.dropped", (name,), settings.dropout) for name in names]
            below = [tuple(f"{name}.dropped" for name in names)] * 2
        elif layer:
            below = [names, names]
        names = tuple(f"{stream}/l{layer}{way}" for way in ways)
        for index, name in enumerate(names):
            multipliers: tuple[str, ...] = ()
            if elapsed[index]:
                nodes.append(StateDecay(f"{name}.decay", elapsed[index], settings.hidden_size))
                multipliers = (f"{name}.decay",) * len(states)
            begins: tuple[str, ...] = ()
            if beginnings:
                begins = tuple(f"{name}.{state}_0" for state in states)
                # h is what a tanh gave; other states are not bounded.
                nodes += [
                    Dense(begin, beginnings, settings.hidden_size, "tanh" if state == "h" else "none")
                    for begin, state in zip(begins, states)
                ]
            nodes.append(
                Recurrent(
                    name,
                    below[index],
                    settings.cell,
                    settings.hidden_size,
                    bool(index),
                    multipliers,
                    beginnings=begins,
                )
            )
    return nodes, names
