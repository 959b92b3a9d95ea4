"""Hidden sizes under which cells are compared: each its own, the same one, or as many parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tidegate.comparison.parts import Part
from tidegate.data import Sequences
from tidegate.estimators.model import ONLY, SequenceEstimator
from tidegate.models.codings import learn
from tidegate.models.encoders import NumericEncoder
from tidegate.models.gaps import Gaps
from tidegate.models.padding import Padding
from tidegate.models.plan import network_of
from tidegate.models.scaling import Scaling
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
    first_of = kind(**options[reference])
    rows = first_of._examples("y", *first_of._read(part.X, part.y)).targets[ONLY]
    record = first_of._target(rows.lengths is not None)
    codings = {ONLY: learn("y", record, rows, rows)}
    longest = int(part.X.lengths.max())

    def network(name: str, hidden_size: int) -> Network:
        model = kind(**options[name] | {"hidden_size": hidden_size})
        model._training_settings()
        read = model._record(has_gaps=False)
        gaps, padding = Gaps(options[reference]["missing"], model.fill), Padding(model.padding)
        encoder = NumericEncoder(read, Scaling.identity(part.X.num_features), gaps, (), padding)
        return network_of({ONLY: encoder}, codings, model._network_settings(), longest=longest)

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
