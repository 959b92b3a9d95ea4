"""A fitted model in words: its layers, and how training went."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tidegate.network import (
    Dense,
    Dropout,
    DropoutMask,
    InputDecay,
    Loss,
    Network,
    Node,
    PaddingGate,
    Pool,
    Recurrent,
    StateDecay,
    Zoneout,
)

if TYPE_CHECKING:
    from tidegate.models.base import Model


def summary(model: Model) -> str:
    loss = f", loss {model.loss}" if hasattr(model, "loss") else ""
    heading = f"{type(model).__name__}, {model.num_parameters_:,} parameters{loss}"
    return "\n".join([heading, *table(model.network_), outcome(model)])


def table(network: Network) -> list[str]:
    """The layers, a line each."""
    rows = [("layer", "what", "reads", "output", "parameters")]
    rows += [_row(network, node) for node in network.nodes if not isinstance(node, Loss)]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return [
        "  ".join(
            cell.rjust(width) if column == 4 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths))
        )
        for row in rows
    ]


def outcome(model: Model) -> str:
    """How training went."""
    last = {
        name: values[model.best_epoch_ - 1]
        for name, values in model.history_.items()
        if math.isfinite(values[model.best_epoch_ - 1])
    }
    return (
        f"{len(model.history_['loss'])} epochs, {model.num_updates_:,} updates in {model.seconds_:.2f} s: "
        f"{model.stopped_}\nepoch {model.best_epoch_}: "
        + ", ".join(f"{name} {value:.4g}" for name, value in last.items())
    )


def _row(network: Network, node: Node) -> tuple[str, str, str, str, str]:
    rows = "T_i" if network.is_per_step(node.name) else "1"
    num_parameters = sum(
        math.prod(shape) for shape in node.parameter_shapes(network.input_size(node)).values()
    )
    return (
        node.name,
        _what(node),
        ", ".join(node.of),
        f"({rows}, {network.widths[node.name]})",
        f"{num_parameters:,}",
    )


def _what(node: Node) -> str:
    match node:
        case Recurrent():
            return node.cell + (", from the last step to the first" if node.reverse else "")
        case Pool():
            return f"{node.pooling} over the steps" if node.num_steps is None else "steps side by side"
        case Dropout():
            return f"dropout {node.rate:g}" + (", the same at all steps" if node.per_sequence else "")
        case DropoutMask():
            return f"dropout {node.rate:g} of what weight_hh reads"
        case Zoneout():
            return f"zoneout {node.rate:g}"
        case PaddingGate():
            return "how far padding moves the state"
        case InputDecay():
            return "missing values decay to the mean"
        case StateDecay():
            return "decay of the state"
        case Dense():
            return "dense" if node.activation == "none" else f"dense, {node.activation}"
        case _:
            return node.kind
