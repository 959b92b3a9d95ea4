"""The pieces of which networks for sequences are made, recurrent layers and what reads them, and the usual
network: one input, one output with its loss."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tidegate import cells
from tidegate.checks import choice, integer
from tidegate.network.network import Network
from tidegate.network.nodes import (
    POOLINGS,
    Dense,
    Dropout,
    DropoutMask,
    Input,
    InputDecay,
    Loss,
    Node,
    PaddingGate,
    Pool,
    Recurrent,
    StateDecay,
    Zoneout,
)

MAX_LAYERS = 200

Names = tuple[str, ...]


def recurrent_layers(
    cell: str,
    hidden_size: int,
    below: Sequence[Names],
    num_layers: int = 1,
    dropout: float = 0.0,
    *,
    input_dropout: float = 0.0,
    recurrent_dropout: float = 0.0,
    variational_dropout: bool = False,
    zoneout: float | Mapping[str, float] = 0.0,
    elapsed: Sequence[Names] = ((), ()),
    beginnings: Names = (),
    padding: str | None = None,
    prefix: str = "",
    stream: int = 0,
) -> tuple[list[Node], Names]:
    """Layers "l0", "l0_reverse", "l1", ... after a prefix, and the names of the last; dropout stands between
    the layers, input_dropout before the first.

    below: what the first layer of each direction reads, nodes of that stream; of one direction or two.
    variational_dropout: both drop the same columns at all steps of a sequence. recurrent_dropout: of what
    weight_hh reads, likewise (Gal & Ghahramani 2016). zoneout: the rate (Krueger et al. 2017) of every state,
    or of those named; a cell without such a state has none. padding: a node of one column, 1 at a step that
    is padding and else 0; every layer learns how far such a step moves its states. elapsed: of each
    direction, nodes of the times since values were seen: every state of every layer decays with them (Che et
    al. 2018), of an LSTM c, which is what it remembers, and h, which its gates read and which is as old, by
    the same factor. beginnings: nodes per sequence of which a dense layer makes the states that each layer
    begins with.
    """
    ways = ("", "_reverse")[: len(below)]
    states = cells.get(cell).states
    nodes: list[Node] = []

    def dropped(given: Sequence[Names], rate: float) -> list[Names]:
        own, after = dropout_of(dict.fromkeys(name for names in given for name in names), rate, per_sequence)
        nodes.extend(own)
        return [tuple(after[name] for name in names) for names in given]

    per_sequence = variational_dropout
    below = dropped(below, input_dropout)
    names: Names = ()
    for layer in range(integer("num_layers", num_layers, 1, MAX_LAYERS)):
        if layer:
            below = dropped([names] * len(ways), dropout)
        names = tuple(f"{prefix}l{layer}{way}" for way in ways)
        for index, name in enumerate(names):
            multipliers: Names = ()
            if elapsed[index]:
                nodes.append(StateDecay(f"{name}_decay", elapsed[index], hidden_size))
                multipliers = (f"{name}_decay",) * len(states)
            begins = tuple(f"{name}_{state}_0" for state in states) if beginnings else ()
            # h is what a tanh gave; other states are not bounded.
            nodes += [
                Dense(begin, beginnings, hidden_size, "tanh" if state == "h" else "none")
                for begin, state in zip(begins, states)
            ]
            updates, acting = _updates(name, cell, hidden_size, zoneout, padding, stream)
            nodes += acting
            mask = f"{name}_mask" if recurrent_dropout else None
            if mask:
                nodes.append(DropoutMask(mask, hidden_size, recurrent_dropout, stream))
            nodes.append(
                Recurrent(
                    name, below[index], cell, hidden_size, bool(index), multipliers, updates, mask, begins
                )
            )
    return nodes, names


def dropout_of(names: Iterable[str], rate: float, per_sequence: bool) -> tuple[list[Node], dict[str, str]]:
    """A Dropout of each node, none where the rate is 0, and by its name that of the node to read."""
    if not rate:
        return [], {name: name for name in names}
    after = {name: f"{name}_dropout" for name in names}
    return [Dropout(after[name], (name,), rate, per_sequence) for name in after], after


def top_layers(
    names: Iterable[str],
    dropout: float,
    variational_dropout: bool,
    dense: Sequence[tuple[int, str]],
    suffix: str = "",
) -> tuple[list[Node], Names]:
    """Dropout of these nodes, then layers "dense0", "dense1", ... of (width, activation), and the names of
    what the outputs read."""
    nodes, after = dropout_of(names, dropout, variational_dropout)
    top = tuple(after.values())
    for index, (size, activation) in enumerate(dense):
        nodes.append(Dense(f"dense{index}{suffix}", top, size, activation))
        top = (f"dense{index}{suffix}",)
    return nodes, top


def recurrent_stack(
    cell: str,
    input_size: int,
    hidden_size: int,
    num_layers: int = 1,
    bidirectional: bool = False,
    dropout: float = 0.0,
    decay: bool = False,
    *,
    input_dropout: float = 0.0,
    recurrent_dropout: float = 0.0,
    variational_dropout: bool = False,
    zoneout: float | Mapping[str, float] = 0.0,
    padding_gate: bool = False,
) -> tuple[Node, ...]:
    """Input "x" and recurrent_layers of it.

    padding_gate: with the input "padding". decay: GRU-D's (Che et al. 2018), with the inputs "elapsed" and
    "observed" beside x, and of the first two one more for the other direction, "x_reverse" and
    "elapsed_reverse". The first layer reads the decayed values and which were observed.
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
    if padding_gate:
        nodes.append(Input("padding", 1))
    layers, _ = recurrent_layers(
        cell,
        hidden_size,
        [(f"x_decay{way}" if decay else "x",) for way in ways],
        num_layers,
        dropout,
        input_dropout=input_dropout,
        recurrent_dropout=recurrent_dropout,
        variational_dropout=variational_dropout,
        zoneout=zoneout,
        elapsed=[(f"elapsed{way}",) if decay else () for way in ways],
        padding="padding" if padding_gate else None,
    )
    return (*nodes, *layers)


def _updates(
    layer: str,
    cell: str,
    hidden_size: int,
    zoneout: float | Mapping[str, float],
    padding: str | None,
    stream: int,
) -> tuple[tuple[str | None, ...], list[Node]]:
    """The updates of a layer, and the nodes they need."""
    states = cells.get(cell).states
    nodes: list[Node] = []
    if padding is not None:
        nodes.append(PaddingGate(f"{layer}_gate", (padding,), hidden_size))
    gate = tuple(node.name for node in nodes)
    updates: list[str | None] = []
    for state in states:
        rate = zoneout.get(state, 0.0) if isinstance(zoneout, Mapping) else zoneout
        if rate:
            nodes.append(Zoneout(f"{layer}_zoneout_{state}", gate, hidden_size, rate, stream))
        updates.append(nodes[-1].name if rate else next(iter(gate), None))
    return tuple(updates) if any(updates) else (), nodes


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
    input_dropout: float = 0.0,
    recurrent_dropout: float = 0.0,
    variational_dropout: bool = False,
    zoneout: float | Mapping[str, float] = 0.0,
    padding_gate: bool = False,
    num_steps: int | None = None,
) -> Network:
    """The network of the estimators. pooling=None keeps every step: the output is one row a step; "steps"
    puts the first num_steps side by side. decay and what follows: as recurrent_stack has it.

    Dropout stands between the recurrent layers and before the first dense layer.
    """
    nodes = list(
        recurrent_stack(
            cell,
            input_size,
            hidden_size,
            num_layers,
            bidirectional,
            dropout,
            decay,
            input_dropout=input_dropout,
            recurrent_dropout=recurrent_dropout,
            variational_dropout=variational_dropout,
            zoneout=zoneout,
            padding_gate=padding_gate,
        )
    )
    last = nodes[-1].name.removesuffix("_reverse")
    top: Names = (last, f"{last}_reverse") if bidirectional else (last,)
    if pooling is not None:
        choice("pooling", pooling, POOLINGS)
        nodes.extend(Pool(f"{name}_pool", (name,), pooling, num_steps) for name in top)
        top = tuple(f"{name}_pool" for name in top)
    layers, top = top_layers(top, dropout, variational_dropout, dense)
    output: tuple[Node, ...] = (Dense("output", top, output_size), Loss("loss", ("output",), loss, delta))
    return Network((*nodes, *layers, *output))
