"""Hidden sizes under which cells are compared: the same one, or as many parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tidegate.checks import choice
from tidegate.comparison.parts import Part
from tidegate.estimators.examples import Examples
from tidegate.estimators.gaps import Gaps
from tidegate.estimators.model import SequenceModel
from tidegate.network import Network

MATCHES = ("hidden", "parameters")


def networks(
    kind: type[SequenceModel], cells: tuple[str, ...], options: dict[str, Any], part: Part, match: str
) -> dict[str, Network]:
    """The network each cell is trained as. match="hidden": of the hidden size in options. "parameters": the
    first cell of that, the others of the hidden size with the nearest number of parameters."""
    choice("match", match, MATCHES)
    examples = Examples.of(part.X, part.y)
    gaps = Gaps(options["missing"], options["fill"])
    outputs = kind(**options)._learn(examples, examples, None).num_outputs

    def network(cell: str, hidden_size: int) -> Network:
        model = kind(**options | {"cell": cell, "hidden_size": hidden_size})
        columns = gaps.num_columns(part.X.num_features)
        return model._network(columns, outputs, examples.per_step, gaps.missing == "decay")

    first = network(cells[0], options["hidden_size"])
    if match == "hidden":
        return {cell: network(cell, options["hidden_size"]) for cell in cells}

    def size(cell: str) -> int:
        return nearest(first.num_parameters, lambda hidden: network(cell, hidden).num_parameters)

    return {cells[0]: first} | {cell: network(cell, size(cell)) for cell in cells[1:]}


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
