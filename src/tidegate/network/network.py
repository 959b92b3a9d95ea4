"""A network: nodes in the order they are computed, wired by name. From it come parameters, the engine's plan
and the file format."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from tidegate.checks import choice
from tidegate.network.nodes import (
    NODES,
    Dropout,
    DropoutMask,
    Input,
    InputDecay,
    Loss,
    Node,
    PaddingGate,
    Pool,
    Recurrent,
    Shapes,
    Zoneout,
)


@dataclass(frozen=True)
class Network:
    """Nodes in an order in which each reads only earlier ones. ValueError names the node that is wired
    wrongly."""

    nodes: tuple[Node, ...]

    def __post_init__(self) -> None:
        seen: dict[str, Node] = {}
        per_step: dict[str, bool] = {}
        widths: dict[str, int] = {}
        for node in self.nodes:
            if node.name in seen:
                raise ValueError(
                    f"nodes expects names of their own; {node.name!r} is there twice: rename one"
                )
            for source in node.of:
                choice(f"node {node.name!r}: of", source, seen)
            if not node.of and not isinstance(node, Input | DropoutMask | Zoneout):
                raise ValueError(
                    f"node {node.name!r}: of is empty; it expects at least one earlier node: name it"
                )
            kinds = {per_step[source] for source in node.of}
            if len(kinds) > 1:
                raise ValueError(
                    f"node {node.name!r} reads values per step and per sequence together; expected one kind: "
                    "pool the first"
                )
            if isinstance(node, InputDecay) and len({widths[source] for source in node.of}) > 1:
                raise ValueError(
                    f"node {node.name!r} ({node.kind}) expects three nodes of as many columns; got "
                    f"{[widths[source] for source in node.of]}: give them the same"
                )
            if isinstance(node, Recurrent | Pool | InputDecay | Zoneout | PaddingGate) and kinds == {False}:
                raise ValueError(
                    f"node {node.name!r} ({node.kind}) expects a value per step; got one per sequence: "
                    "move it before the pool"
                )
            if isinstance(node, Pool | Dropout | Loss | Zoneout | PaddingGate) and len(node.of) > 1:
                raise ValueError(
                    f"node {node.name!r} ({node.kind}) reads one node; got {len(node.of)}: give each its own"
                )
            columns = {Zoneout: getattr(node, "size", 0), PaddingGate: 1}.get(type(node))
            if columns is not None and any(widths[source] != columns for source in node.of):
                raise ValueError(
                    f"node {node.name!r} ({node.kind}) expects to read {columns} columns; got "
                    f"{widths[node.of[0]]}: give it a node of as many"
                )
            if isinstance(node, Recurrent):
                for option, name in ((o, n) for o, names in node.state_nodes.items() for n in names):
                    choice(f"node {node.name!r}: {option}", name, seen)
                    if not per_step[name] or widths[name] != node.hidden_size:
                        raise ValueError(
                            f"node {node.name!r}: {option} expects {node.hidden_size} columns a step; got "
                            f"{widths[name]} of {name!r}: give it one column a hidden unit"
                        )
            seen[node.name] = node
            widths[node.name] = node.width(sum(widths[source] for source in node.of))
            per_step[node.name] = not node.of or (not isinstance(node, Pool) and kinds == {True})

    @cached_property
    def widths(self) -> dict[str, int]:
        """Columns of each node's value."""
        widths: dict[str, int] = {}
        for node in self.nodes:
            widths[node.name] = node.width(sum(widths[source] for source in node.of))
        return widths

    def input_size(self, node: Node) -> int:
        """Columns a node reads."""
        return sum(self.widths[source] for source in node.of)

    def is_per_step(self, name: str) -> bool:
        """Whether the node's value has a row for each time step (else one for each sequence)."""
        node = next(node for node in self.nodes if node.name == name)
        if not node.of:
            return True
        return not isinstance(node, Pool) and self.is_per_step(node.of[0])

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
            for name in {"of", "multipliers", "updates"} & fields.keys():
                fields[name] = tuple(fields[name])
            try:
                nodes.append(kind(**fields))
            except TypeError as error:
                raise ValueError(
                    f"nodes[{index}] is not a {kind.kind} node: {error}: write the file again"
                ) from None
        return cls(tuple(nodes))
