"""The usual network for sequences: a recurrent stack, a pool, dense layers, one output with its loss."""

from __future__ import annotations

from collections.abc import Sequence

from tidegate import cells
from tidegate.checks import choice, integer
from tidegate.network.network import Network
from tidegate.network.nodes import (
    POOLINGS,
    Dense,
    Dropout,
    Input,
    InputDecay,
    Loss,
    Node,
    Pool,
    Recurrent,
    StateDecay,
)

MAX_LAYERS = 200


def recurrent_stack(
    cell: str,
    input_size: int,
    hidden_size: int,
    num_layers: int = 1,
    bidirectional: bool = False,
    dropout: float = 0.0,
    decay: bool = False,
) -> tuple[Node, ...]:
    """Input "x" and layers "l0", "l0_reverse", "l1", ...; dropout stands between the layers.

    decay: GRU-D's (Che et al. 2018), with the inputs "elapsed" and "observed" beside x, and of the first two
    one more for the other direction, "x_reverse" and "elapsed_reverse". The first layer reads the decayed
    values and which were observed. Every state of every layer decays: of an LSTM c, which is what it
    remembers, and h, which its gates read and which is as old, by the same factor.
    """
    ways = ("", "_reverse") if bidirectional else ("",)
    nodes: list[Node] = []
    if decay:
        nodes.append(Input("observed", input_size))
    for way in ways if decay else ("",):
        nodes.append(Input(f"x{way}", input_size))
        if decay:
            nodes.append(Input(f"elapsed{way}", input_size))
            nodes.append(InputDecay(f"x_decay{way}", (f"x{way}", "observed", f"elapsed{way}")))
    below: tuple[str, ...] = ("x",)
    for layer in range(integer("num_layers", num_layers, 1, MAX_LAYERS)):
        if layer and dropout:
            nodes.extend(Dropout(f"{name}_dropout", (name,), dropout) for name in below)
            below = tuple(f"{name}_dropout" for name in below)
        names = tuple(f"l{layer}{way}" for way in ways)
        for name, way in zip(names, ways):
            of, multipliers = below, tuple[str, ...]()
            if decay:
                of = below if layer else (f"x_decay{way}", "observed")
                nodes.append(StateDecay(f"{name}_decay", (f"elapsed{way}",), hidden_size))
                multipliers = (f"{name}_decay",) * len(cells.get(cell).states)
            nodes.append(Recurrent(name, of, cell, hidden_size, bool(way), multipliers))
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
    decay: bool = False,
    num_steps: int | None = None,
) -> Network:
    """The network of the estimators. pooling=None keeps every step: the output is one row a step; "steps"
    puts the first num_steps side by side. decay: as recurrent_stack has it.

    Dropout stands between the recurrent layers and before the first dense layer.
    """
    nodes = list(recurrent_stack(cell, input_size, hidden_size, num_layers, bidirectional, dropout, decay))
    last = nodes[-1].name.removesuffix("_reverse")
    top: tuple[str, ...] = (last, f"{last}_reverse") if bidirectional else (last,)
    if pooling is not None:
        choice("pooling", pooling, POOLINGS)
        nodes.extend(Pool(f"{name}_pool", (name,), pooling, num_steps) for name in top)
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
