"""The usual network for sequences: a recurrent stack, a pool, dense layers, one output with its loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
    """Input "x" and layers "l0", "l0_reverse", "l1", ...; dropout stands between the layers, input_dropout
    before the first.

    variational_dropout: both drop the same columns at all steps of a sequence. recurrent_dropout: of what
    weight_hh reads, likewise (Gal & Ghahramani 2016). zoneout: the rate (Krueger et al. 2017) of every state,
    or of those named; a cell without such a state has none. padding_gate: with the input "padding", one
    column, 1 at a step that is padding and else 0; every layer learns how far such a step moves its states.
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
    if padding_gate:
        nodes.append(Input("padding", 1))

    def dropped(names: tuple[str, ...], rate: float) -> tuple[str, ...]:
        """The nodes of these names after dropout."""
        if not rate:
            return names
        nodes.extend(Dropout(f"{name}_dropout", (name,), rate, variational_dropout) for name in names)
        return tuple(f"{name}_dropout" for name in names)

    below = dropped(tuple(f"x_decay{way}" for way in ways) if decay else ("x",), input_dropout)
    for layer in range(integer("num_layers", num_layers, 1, MAX_LAYERS)):
        if layer:
            below = dropped(below, dropout)
        names = tuple(f"l{layer}{way}" for way in ways)
        for index, (name, way) in enumerate(zip(names, ways)):
            of, multipliers = below, tuple[str, ...]()
            if decay:
                of = below if layer else (below[index],)
                nodes.append(StateDecay(f"{name}_decay", (f"elapsed{way}",), hidden_size))
                multipliers = (f"{name}_decay",) * len(cells.get(cell).states)
            updates, acting = _updates(name, cell, hidden_size, zoneout, padding_gate)
            nodes += acting
            mask = f"{name}_mask" if recurrent_dropout else None
            if mask:
                nodes.append(DropoutMask(mask, hidden_size, recurrent_dropout))
            nodes.append(Recurrent(name, of, cell, hidden_size, bool(way), multipliers, updates, mask))
        below = names
    return tuple(nodes)


def _updates(
    layer: str, cell: str, hidden_size: int, zoneout: float | Mapping[str, float], padding_gate: bool
) -> tuple[tuple[str | None, ...], list[Node]]:
    """The updates of a layer, and the nodes they need."""
    states = cells.get(cell).states
    nodes: list[Node] = [PaddingGate(f"{layer}_gate", ("padding",), hidden_size)] if padding_gate else []
    gate = tuple(node.name for node in nodes)
    updates: list[str | None] = []
    for state in states:
        rate = zoneout.get(state, 0.0) if isinstance(zoneout, Mapping) else zoneout
        if rate:
            nodes.append(Zoneout(f"{layer}_zoneout_{state}", gate, hidden_size, rate))
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
    top: tuple[str, ...] = (last, f"{last}_reverse") if bidirectional else (last,)
    if pooling is not None:
        choice("pooling", pooling, POOLINGS)
        nodes.extend(Pool(f"{name}_pool", (name,), pooling, num_steps) for name in top)
        top = tuple(f"{name}_pool" for name in top)
    if dropout:
        nodes.extend(Dropout(f"{name}_dropout", (name,), dropout, variational_dropout) for name in top)
        top = tuple(f"{name}_dropout" for name in top)
    for index, (size, activation) in enumerate(dense):
        nodes.append(Dense(f"dense{index}", top, size, activation))
        top = (f"dense{index}",)
    nodes.append(Dense("output", top, output_size))
    nodes.append(Loss("loss", ("output",), loss, delta))
    return Network(tuple(nodes))
