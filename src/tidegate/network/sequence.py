"""The usual network for sequences: a recurrent stack, a pool, dense layers, one output with its loss."""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.checks import choice, integer
from tidegate.network.network import Network
from tidegate.network.nodes import POOLINGS, Dense, Dropout, Input, Loss, Node, Pool, Recurrent

MAX_LAYERS = 200


def recurrent_stack(
    cell: str,
    input_size: int,
    hidden_size: int,
    num_layers: int = 1,
    bidirectional: bool = False,
    dropout: float = 0.0,
) -> tuple[Node, ...]:
    """Input "x" and layers "l0", "l0_reverse", "l1", ...; dropout stands between the layers."""
    nodes: list[Node] = [Input("x", input_size)]
    below: tuple[str, ...] = ("x",)
    for layer in range(integer("num_layers", num_layers, 1, MAX_LAYERS)):
        if layer and dropout:
            nodes.extend(Dropout(f"{name}_dropout", (name,), dropout) for name in below)
            below = tuple(f"{name}_dropout" for name in below)
        names = (f"l{layer}", f"l{layer}_reverse") if bidirectional else (f"l{layer}",)
        nodes.extend(Recurrent(name, below, cell, hidden_size, name.endswith("_reverse")) for name in names)
        below = names
    return tuple(nodes)


def sequence_network(
    cell: str,
    input_size: int,
    hidden_size: int,
    output_size: int,
    loss: str,
    *,
    num_layers: int = 1,
    bidirectional: bool = False,
    dropout: float = 0.0,
    pooling: str | None = "last",
    dense: Sequence[tuple[int, str]] = (),
    delta: float = 1.0,
) -> Network:
    """The network of the estimators. pooling=None keeps every step: the output is one row a step.

    Dropout stands between the recurrent layers and before the first dense layer.
    """
    nodes = list(recurrent_stack(cell, input_size, hidden_size, num_layers, bidirectional, dropout))
    last = nodes[-1].name.removesuffix("_reverse")
    top: tuple[str, ...] = (last, f"{last}_reverse") if bidirectional else (last,)
    if pooling is not None:
        choice("pooling", pooling, POOLINGS)
        nodes.extend(Pool(f"{name}_pool", (name,), pooling) for name in top)
        top = tuple(f"{name}_pool" for name in top)
    if dropout:
        nodes.extend(Dropout(f"{name}_dropout", (name,), dropout) for name in top)
        top = tuple(f"{name}_dropout" for name in top)
    for index, (size, activation) in enumerate(dense):
        nodes.append(Dense(f"dense{index}", top, size, activation))
        top = (f"dense{index}",)
    nodes.append(Dense("output", top, output_size))
    nodes.append(Loss("loss", ("output",), loss, delta))
    return Network(tuple(nodes))
