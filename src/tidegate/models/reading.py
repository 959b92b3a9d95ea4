"""A mapping from names to values as rows of each input and target, checked against one another."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np

from tidegate.models.inputs import InputRecord
from tidegate.models.rows import Rows
from tidegate.models.targets import TargetRecord


def read(
    inputs: Mapping[str, InputRecord],
    targets: Mapping[str, TargetRecord],
    data: Any,
    argument: str,
    names: list[str],
) -> dict[str, Rows]:
    """The rows of these inputs and targets, as many of each; ValueError names the one that is wrong."""
    if not isinstance(data, Mapping):
        raise ValueError(
            f"{argument} expects a mapping from names to values; got {type(data).__name__}: pass a dict with "
            f"{', '.join(map(repr, names))}"
        )
    rows: dict[str, Rows] = {}
    records = {**inputs, **targets}
    for name in names:
        given_for(argument, name, data)
        if isinstance(data[name], Rows):
            rows[name] = data[name]
            continue
        rows[name] = records[name].read(f"{argument}[{name!r}]", data[name])
    sizes = {name: len(one) for name, one in rows.items()}
    if len(set(sizes.values())) > 1 or not all(sizes.values()):
        listed = ", ".join(f"{name!r} {size}" for name, size in sizes.items())
        raise ValueError(
            f"{argument} expects as many entries of each, at least one; got {listed}: pass as many"
        )
    _check_steps(inputs, targets, rows)
    return rows


def given_for(argument: str, name: str, data: Mapping[str, Any]) -> Any:
    """What data have for an input or a target; ValueError where they have nothing, with the nearest name."""
    if not isinstance(data, Mapping):
        raise ValueError(
            f"{argument} expects a mapping from names to values; got {type(data).__name__}: pass a dict with "
            f"{name!r}"
        )
    if name in data:
        return data[name]
    near = get_close_matches(name, map(str, data), n=1, cutoff=0.6)
    hint = f"is it {near[0]!r}? " if near else ""
    got = ", ".join(map(repr, data)) or "nothing"
    raise ValueError(f"{argument} expects a value for {name!r}; got {got} alone: {hint}pass {name!r} too")


def _check_steps(
    inputs: Mapping[str, InputRecord], targets: Mapping[str, TargetRecord], rows: dict[str, Rows]
) -> None:
    """ValueError where inputs of one stream, or targets per step, have other lengths."""
    first: dict[str, str] = {}
    for name, record in inputs.items():
        if not record.is_step:
            continue
        other = first.setdefault(record.stream, name)
        _check_lengths(name, rows[name], other, rows[other], "give it a stream of its own, or pass as many")
    main = next(iter(first.values()), None)
    for name, target in targets.items():
        if target.is_step and name in rows:
            assert main is not None
            own, steps = rows[name], rows[main]
            assert own.lengths is not None
            if (own.lengths == 0).any():
                rows[name] = _with_missing_steps(own, steps, target)
            _check_lengths(name, rows[name], main, steps, "pass one answer a step")


def _check_lengths(name: str, own: Rows, other: str, others: Rows, remedy: str) -> None:
    assert own.lengths is not None
    assert others.lengths is not None
    wrong = np.flatnonzero(own.lengths != others.lengths)
    if len(wrong):
        at = int(wrong[0])
        raise ValueError(
            f"data[{name!r}] expects {others.lengths[at]} steps in sequence {at}, as "
            f"data[{other!r}] has; got "
            f"{own.lengths[at]}: {remedy}"
        )


def _with_missing_steps(own: Rows, steps: Rows, target: TargetRecord) -> Rows:
    """A target per step with an answer missing at each step of the sequences that have none."""
    assert own.lengths is not None
    assert steps.lengths is not None
    missing = own.lengths == 0
    lengths = np.where(missing, steps.lengths, own.lengths)
    known = np.repeat(~missing, lengths)
    if own.values.dtype == object:
        values = np.full((int(lengths.sum()), *own.values.shape[1:]), None, dtype=object)
    else:
        values = np.full((int(lengths.sum()), *own.values.shape[1:]), np.nan)
    values[known] = own.values
    return Rows(values, lengths, own.present)
