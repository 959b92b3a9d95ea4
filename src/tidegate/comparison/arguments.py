"""What compare was asked for, checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from typing import Any

from tidegate import cells as known_cells
from tidegate.checks import choice, integer
from tidegate.comparison.parts import Part
from tidegate.estimators import SequenceClassifier, SequenceRegressor
from tidegate.models.padding import PADDINGS

TASKS = {"classification": SequenceClassifier, "regression": SequenceRegressor}
# What compare sets itself, and where the user says it instead.
_OWN = {
    "cell": "cells",
    "random_state": "seeds",
    "num_threads": "num_threads of compare",
    "verbose": "progress",
    "warm_start": "nothing: every replica starts afresh",
}


def validation_of(options: dict[str, Any]) -> Part | None:
    """The part given to validate with."""
    own = options["validation"]
    is_pair = isinstance(own, tuple | list) and len(own) == 2
    return Part.of(*own) if is_pair else None


def cells_of(cells: str | Iterable[str]) -> tuple[str, ...]:
    names = (cells,) if isinstance(cells, str) else tuple(cells)
    for name in names:
        choice("cells", name, known_cells.CELLS)
    if not names or len(set(names)) < len(names):
        raise ValueError(f"cells expects at least one cell, each once; got {names}: leave repeated ones out")
    return names


def candidates_of(cells: tuple[str, ...], options: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The settings of what is compared, by its name: each cell, or with several ways of padding each cell
    with each of them, "lstm-gate"."""
    given = options["padding"]
    ways = (given,) if isinstance(given, str) else tuple(given)
    for way in ways:
        choice("padding", way, PADDINGS)
    if not ways or len(set(ways)) < len(ways):
        raise ValueError(f"padding expects one way or several, each once; got {given!r}: name each once")
    return {
        cell if len(ways) == 1 else f"{cell}-{way}": options | {"cell": cell, "padding": way}
        for cell in cells
        for way in ways
    }


def seeds_of(seeds: int | Iterable[int]) -> tuple[int, ...]:
    if isinstance(seeds, Iterable):
        chosen = tuple(integer("seeds", seed, 0, 2**32 - 1) for seed in seeds)
    else:
        chosen = tuple(range(integer("seeds", seeds, 1, 10_000)))
    if not chosen or len(set(chosen)) < len(chosen):
        raise ValueError(f"seeds expects at least one seed, each once; got {chosen}: leave repeated ones out")
    return chosen


def task_of(training: Part) -> str:
    dtype = training.all_targets().dtype
    if dtype.kind not in "USOiubf":
        raise ValueError(f"y expects labels or numbers; got {dtype}: convert it")
    return "regression" if dtype.kind == "f" else "classification"


def options_of(task: str, settings: dict[str, Any]) -> dict[str, Any]:
    """All settings of the estimator but those that compare sets itself."""
    defaults = {
        name: value for name, value in TASKS[task]().get_params(deep=False).items() if name not in _OWN
    }
    for name in settings:
        if name in _OWN:
            raise ValueError(
                f"{name} is not a setting of compare, which sets it for each replica: use {_OWN[name]}"
            )
        choice("settings", name, defaults)
    return defaults | settings


def test_of(test: Any, training: Part, task: str) -> Part:
    if not isinstance(test, tuple | list) or len(test) != 2:
        raise ValueError(f"test expects a pair (X_test, y_test); got {type(test).__name__}: pass both")
    X_test, y_test = test
    testing = Part.of(X_test, y_test, suffix="_test")
    if testing.X.num_features != training.X.num_features:
        raise ValueError(
            f"X_test expects the {training.X.num_features} features of X; got {testing.X.num_features}: "
            "pass the same features"
        )
    kinds = training.X.time_kind, testing.X.time_kind
    if None not in kinds and kinds[0] != kinds[1]:
        raise ValueError(
            f"X_test expects time stamps that are {kinds[0]}, as X has; got {kinds[1]}: make both of one kind"
        )
    unseen = set(testing.all_targets().tolist()) - set(training.all_targets().tolist())
    if task == "classification" and unseen:
        raise ValueError(
            f"y_test expects classes that y has; got {min(unseen, key=str)!r}, which it does not: "
            "leave such sequences out of the test part"
        )
    ids = testing.X.ids
    if ids is not None and len(set(ids.tolist())) < len(ids):
        testing = replace(testing, groups=ids)
    return testing


def plain(value: Any) -> Any:
    """A setting as JSON has it: records become dictionaries, given validation data a word."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else type(value).__name__
