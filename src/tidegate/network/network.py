"""A network: nodes in the order they are computed, wired by name. From it come parameters, the engine's plan
and the file format."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from tidegate.checks import choice
from tidegate.network.nodes import (
    NODES,
    Align,
    Dense,
    DropoutMask,
    Embedding,
    Gate,
    Input,
    InputDecay,
    Loss,
    Node,
    PaddingGate,
    Pool,
    Recurrent,
    Repeat,
    Shapes,
    SparseInput,
    StateDecay,
    Thresholds,
    Zoneout,
)


@dataclass(frozen=True)
class Network:
    """Nodes in an order in which each reads only earlier ones. ValueError names the node that is wired
    wrongly."""

    nodes: tuple[Node, ...]

    def __post_init__(self) -> None:
        seen: dict[str, Node] = {}
        streams: dict[str, int | None] = {}
        widths: dict[str, int] = {}
        for node in self.nodes:
            if node.name in seen:
                raise ValueError(
                    f"nodes expects names of their own; {node.name!r} is there twice: rename one"
                )
            for source in node.of:
                choice(f"node {node.name!r}: of", source, seen)
            if not node.of and not isinstance(node, Input | SparseInput | DropoutMask | Zoneout):
                raise ValueError(
                    f"node {node.name!r}: of is empty; it expects at least one earlier node: name it"
                )
            read = {streams[source] for source in node.of}
            if len({stream is None for stream in read}) > 1:
                raise ValueError(
                    f"node {node.name!r} reads values per step and per sequence together; expected one kind: "
                    "pool the first"
                )
            read_streams = sorted(stream for stream in read if stream is not None)
            if len(read) > 1 and not isinstance(node, Align):
                raise ValueError(
                    f"node {node.name!r} reads steps of streams {', '.join(map(str, read_streams))} "
                    "together; expected one: align the others"
                )
            if isinstance(node, InputDecay) and len({widths[source] for source in node.of}) > 1:
                raise ValueError(
                    f"node {node.name!r} ({node.kind}) expects three nodes of as many columns; got "
                    f"{[widths[source] for source in node.of]}: give them the same"
                )
            if read == {None} and isinstance(
                node, Recurrent | Pool | InputDecay | Align | Zoneout | PaddingGate
            ):
                raise ValueError(
                    f"node {node.name!r} ({node.kind}) expects a value per step; got one per sequence: "
                    "move it before the pool"
                )
            num_read = 2 if isinstance(node, Align | Gate) else 1
            of_many = isinstance(node, Recurrent | Dense | InputDecay | StateDecay)
            if node.of and not of_many and len(node.of) != num_read:
                raise ValueError(
                    f"node {node.name!r} ({node.kind}) reads {'one node' if num_read == 1 else 'two nodes'}; "
                    f"got {len(node.of)}: give each its own"
                )
            for place, source in enumerate(node.of):
                if isinstance(seen[source], Loss):
                    raise ValueError(
                        f"node {node.name!r} ({node.kind}) expects a node with a value; got {source!r}, a "
                        "loss: name what the loss reads"
                    )
                sparse = isinstance(node, Embedding) or (isinstance(node, Align) and place == 1)
                if isinstance(seen[source], SparseInput) != sparse:
                    raise ValueError(
                        f"node {node.name!r} ({node.kind}) expects "
                        f"{'a sparse' if sparse else 'another'} input "
                        f"than {source!r}, which is a {seen[source].kind}: "
                        f"{'name one' if sparse else 'put an embedding between'}"
                    )
            one_column = {Gate: 1, Thresholds: 0}.get(type(node))
            if one_column is not None and widths[node.of[one_column]] != 1:
                raise ValueError(
                    f"node {node.name!r} ({node.kind}) expects one column of {node.of[one_column]!r}; got "
                    f"{widths[node.of[one_column]]}: give it one"
                )
            if isinstance(node, Repeat):
                choice(f"node {node.name!r}: like", node.like, seen)
                if read != {None} or streams[node.like] is None:
                    raise ValueError(
                        f"node {node.name!r} (repeat) expects a value per sequence and the steps of another "
                        f"node; got {node.of[0]!r} and {node.like!r}: name such"
                    )
            if isinstance(node, Align) and widths[node.of[0]] != node.size:
                raise ValueError(
                    f"node {node.name!r} (align) expects size={widths[node.of[0]]}, the columns of "
                    f"{node.of[0]!r}; got {node.size}: pass that"
                )
            columns = {Zoneout: getattr(node, "size", 0), PaddingGate: 1}.get(type(node))
            if columns is not None and any(widths[source] != columns for source in node.of):
                raise ValueError(
                    f"node {node.name!r} ({node.kind}) expects to read {columns} columns; got "
                    f"{widths[node.of[0]]}: give it a node of as many"
                )
            if isinstance(node, Recurrent):
                acting = [(option, name) for option, own in node.state_nodes.items() for name in own]
                begins = [("beginnings", name) for name in node.beginnings if name is not None]
                for option, name in (*acting, *begins):
                    choice(f"node {node.name!r}: {option}", name, seen)
                    per, wanted = ("sequence", {None}) if option == "beginnings" else ("step", read)
                    if streams[name] not in wanted or widths[name] != node.hidden_size:
                        stream = streams[name]
                        rows = "a row a sequence" if stream is None else f"the steps of stream {stream}"
                        raise ValueError(
                            f"node {node.name!r}: {option} expects {node.hidden_size} columns a {per}; got "
                            f"{widths[name]} of {name!r}, which has {rows}: give it one column a hidden unit"
                        )
            seen[node.name] = node
            widths[node.name] = node.width(sum(widths[source] for source in node.of))
            streams[node.name] = _stream_of(node, streams)

    @cached_property
    def widths(self) -> dict[str, int]:
        """Columns of each node's value."""
        widths: dict[str, int] = {}
        for node in self.nodes:
            widths[node.name] = node.width(sum(widths[source] for source in node.of))
        return widths

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs, in the order of Steps.inputs."""
        return tuple(node.name for node in self.nodes if isinstance(node, Input))

    @cached_property
    def sparse_inputs(self) -> tuple[str, ...]:
        """Likewise of Steps.sparse."""
        return tuple(node.name for node in self.nodes if isinstance(node, SparseInput))

    @cached_property
    def is_bidirectional(self) -> bool:
        """Whether a layer reads the steps from the end."""
        return any(isinstance(node, Recurrent) and node.reverse for node in self.nodes)

    @cached_property
    def most_steps(self) -> int | None:
        """Steps that pooling="steps" has weights for; None where nothing pools so."""
        pools = (node.num_steps for node in self.nodes if isinstance(node, Pool))
        return next(filter(None, pools), None)

    def input_size(self, node: Node) -> int:
        """Columns a node reads."""
        return sum(self.widths[source] for source in node.of)

    @cached_property
    def streams(self) -> dict[str, int | None]:
        """Whose steps each node's value has a row for; None where it has a row for each sequence."""
        streams: dict[str, int | None] = {}
        for node in self.nodes:
            streams[node.name] = _stream_of(node, streams)
        return streams

    def is_per_step(self, name: str) -> bool:
        """Whether the node's value has a row for each time step (else one for each sequence)."""
        return self.streams[name] is not None

    @cached_property
    def parameter_shapes(self) -> Shapes:
        """Shape of each parameter in the order of the flat parameter vector, named as in PyTorch: the
        parameter, an underscore, the node ("weight_ih_l0_reverse", "bias_output")."""
        return {
            f"{parameter}_{node.name}": shape
            for node in self.nodes
            for parameter, shape in node.parameter_shapes(self.input_size(node)).items()
        }

    @cached_property
    def num_parameters(self) -> int:
        return sum(math.prod(shape) for shape in self.parameter_shapes.values())

    def to_records(self) -> list[dict[str, Any]]:
        """The nodes as plain dictionaries, for JSON."""
        return [{"kind": node.kind, **asdict(node)} for node in self.nodes]

    @classmethod
    def from_records(cls, records: list[dict[str, Any]]) -> Network:
        """The network that `to_records` described; ValueError where a record is not a node."""
        nodes = []
        for index, record in enumerate(records):
            fields = dict(record)
            kind = NODES[choice(f"nodes[{index}].kind", fields.pop("kind", None), NODES)]
            for name in {"of", "multipliers", "updates", "beginnings", "columns"} & fields.keys():
                fields[name] = tuple(fields[name])
            try:
                nodes.append(kind(**fields))
            except TypeError as error:
                raise ValueError(
                    f"nodes[{index}] is not a {kind.kind} node: {error}: write the file again"
                ) from None
        return cls(tuple(nodes))


def _stream_of(node: Node, streams: Mapping[str, int | None]) -> int | None:
    match node:
        case Input() | SparseInput() | DropoutMask() | Zoneout(of=()):
            return node.stream
        case Pool():
            return None
        case Repeat():
            return streams[node.like]
        case Align():
            return streams[node.of[1]]
        case _:
            return streams[node.of[0]]
