"""Hidden sizes under which cells are compared: each its own, the same one, or as many parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tidegate.comparison.parts import Part
from tidegate.data import Sequences
from tidegate.estimators.examples import Examples
from tidegate.estimators.gaps import Gaps
from tidegate.estimators.model import SequenceEstimator
from tidegate.estimators.padding import Padding
from tidegate.network import Network

MATCHES = ("hidden", "parameters")


def networks(
    kind: type[SequenceEstimator],
    options: Mapping[str, dict[str, Any]],
    part: Part,
    *,
    match_parameters: bool,
) -> dict[str, Network]:
    """The network each candidate is trained as: of the hidden size in its options; with match_parameters the
    first of that, the others of the hidden size with the nearest number of parameters."""
    reference, *others = options
    examples = Examples.of(part.X, part.y)
    gaps = Gaps(options[reference]["missing"], options[reference]["fill"])
    outputs = kind(**options[reference])._learn(examples, examples, None).num_outputs

    def network(name: str, hidden_size: int) -> Network:
        model = kind(**options[name] | {"hidden_size": hidden_size})
        columns = gaps.num_columns(part.X.num_features)
        gates, longest = Padding(model.padding).gates, int(examples.X.lengths.max())
        return model._network(columns, outputs, examples.per_step, gaps.missing == "decay", gates, longest)

    first = network(reference, options[reference]["hidden_size"])
    if not match_parameters:
        return {name: network(name, own["hidden_size"]) for name, own in options.items()}

    def size(name: str) -> int:
        return nearest(first.num_parameters, lambda hidden: network(name, hidden).num_parameters)

    return {reference: first} | {name: network(name, size(name)) for name in others}


def as_read(X: Sequences, options: Mapping[str, Any]) -> Sequences:
    """The sequences as networks of these options read them, where all of them are trained on."""
    return Padding.learnt(options["padding"], X).read(X)


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
