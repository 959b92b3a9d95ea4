"""Hidden sizes under which cells are compared: each its own, the same one, or as many parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tidegate.comparison.parts import Part
from tidegate.estimators.examples import Examples
from tidegate.estimators.gaps import Gaps
from tidegate.estimators.model import SequenceEstimator
from tidegate.network import Network

MATCHES = ("hidden", "parameters")


def networks(
    kind: type[SequenceEstimator],
    options: Mapping[str, dict[str, Any]],
    part: Part,
    *,
    match_parameters: bool,
) -> dict[str, Network]:
    """The network each cell is trained as: of the hidden size in its options; with match_parameters the first
    cell of that, the others of the hidden size with the nearest number of parameters."""
    reference, *others = options
    examples = Examples.of(part.X, part.y)
    gaps = Gaps(options[reference]["missing"], options[reference]["fill"])
    outputs = kind(**options[reference])._learn(examples, examples, None).num_outputs

    def network(cell: str, hidden_size: int) -> Network:
        model = kind(**options[cell] | {"cell": cell, "hidden_size": hidden_size})
        columns = gaps.num_columns(part.X.num_features)
        return model._network(columns, outputs, examples.per_step, gaps.missing == "decay")

    first = network(reference, options[reference]["hidden_size"])
    if not match_parameters:
        return {cell: network(cell, own["hidden_size"]) for cell, own in options.items()}

    def size(cell: str) -> int:
        return nearest(first.num_parameters, lambda hidden: network(cell, hidden).num_parameters)

    return {reference: first} | {cell: network(cell, size(cell)) for cell in others}


def nearest(target: int, count: Callable[[int], int]) -> int:
    """The size, from 1, whose count, which rises with it, is nearest the target; of two the smaller."""
    above = 1
    while count(above) < target:
        above *= 2
    low = above // 2
    while above - low > 1:
        middle = (low + above) // 2
        low, above = (middle, above) if count(middle) < target else (low, middle)
    return above if low < 1 or count(above) - target < target - count(low) else low
