"""The values that a model's parameters begin with."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tidegate.models.codings import Coding
from tidegate.models.encoders import Encoder, NumericEncoder, TableEncoder, named
from tidegate.network import Dense, Dropout, Network, Recurrent, StateDecay
from tidegate.network.initializers import Initializers, Matrix, initialize


def start(
    network: Network,
    initializers: Initializers,
    rng: np.random.Generator,
    encoders: Mapping[str, Encoder],
    codings: Mapping[str, Coding],
    longest: int,
) -> dict[str, Matrix]:
    """Drawn by the initializers, but for what the data say: embeddings of what was never seen are zero, and
    so are weights of what is read beside values of steps, for when something was seen counts for nothing
    until training finds that it does; where steps have time stamps, the intervals from which on states decay
    lie evenly from none to the usual one, since gradients reach no shorter ones; an ordinal's thresholds give
    the classes' frequencies."""
    values = initialize(network, initializers, rng, longest=longest)
    num_values: dict[str, int] = {}
    timed: set[str] = set()
    for name, encoder in encoders.items():
        if isinstance(encoder, TableEncoder) and not encoder.has_rare:
            values[f"weight_{named(name, 'table')}"][0] = 0.0
        if isinstance(encoder, NumericEncoder) and encoder.record.is_step:
            ends = (f"x{part}{way}" for part in ("", "_decay") for way in ("", "_reverse"))
            num_values |= {named(name, end): encoder.num_values for end in ends}
            if encoder.gaps.interval is not None:
                timed |= {named(name, f"elapsed{way}") for way in ("", "_reverse")}
    for node in network.nodes:
        if isinstance(node, Dropout) and node.of[0] in num_values:
            num_values[node.name] = num_values[node.of[0]]
        if isinstance(node, StateDecay) and not timed.isdisjoint(node.of):
            values[f"bias_{node.name}"] *= np.linspace(0.0, 1.0, node.size)
        if not isinstance(node, Recurrent | Dense):
            continue
        weight = values[f"{'weight_ih' if isinstance(node, Recurrent) else 'weight'}_{node.name}"]
        begin = 0
        for source in node.of:
            width = network.widths[source]
            weight[:, begin + num_values.get(source, width) : begin + width] = 0.0
            begin += width
    for name, coding in codings.items():
        if coding.frequencies is not None:
            above = np.clip(1.0 - np.cumsum(coding.frequencies)[:-1], 1e-3, 1.0 - 1e-3)
            at = np.log((1.0 - above) / above)
            gaps = np.log(np.maximum(np.diff(at), 1e-2))
            values[f"weight_{named(name, 'output')}"][:] = np.concatenate((at[:1], gaps))
    return values
