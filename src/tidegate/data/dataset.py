"""What was read, and what was taken for what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.data.ragged import Sequences

# One target a sequence, (N,) or (N, K), or a list with one a step, (T_i,) or (T_i, K) each.
Answers = NDArray[Any] | list[NDArray[Any]]

_SHOWN = 8


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Sequences with their targets, as `read` found them; `describe()` says in words what was taken for what.

    X: the sequences, with their ids.
    y: one target a sequence, (N,), or K of them, (N, K), or (N, 1, K) where each sequence has K steps too;
    or a list of arrays with one a step, (T_i,) or (T_i, K); None where there are none. Strings, booleans,
    integers and floats keep their type.
    features: their names.
    types: of each column used, "numeric", "boolean", "category", "text" or "time".
    id, time, target: the columns taken for these. source: what was read.
    notes: what else a careful reader wants to know, a sentence each.
    """

    X: Sequences
    y: Answers | None
    features: tuple[str, ...]
    types: Mapping[str, str] = field(default_factory=dict)
    id: tuple[str, ...] = ()
    time: str | None = None
    target: tuple[str, ...] = ()
    source: str = ""
    notes: tuple[str, ...] = ()

    @property
    def times(self) -> NDArray[np.float64] | None:
        """(S,) time stamps of the steps, those of X: seconds since 1970 in UTC or the column's own numbers;
        None where there are none."""
        return self.X.times

    @property
    def has_step_targets(self) -> bool:
        """Whether y has one target a step."""
        return isinstance(self.y, list)

    def describe(self) -> str:
        """In a few lines: what was read, which column was taken for what, what was copied or put in order."""
        shape = repr(self.X).removeprefix("Sequences(").removesuffix(")")
        lines = [
            f"{self.source}: {shape}",
            f"id: {self._columns(self.id)}" if self.id else "",
            f"time: {self._columns([self.time])}" if self.time else "",
            f"target: {self._target()}",
            f"features: {self._columns(self.features)}",
            *self.notes,
        ]
        return "\n  ".join(line for line in lines if line)

    def _columns(self, names: Sequence[str]) -> str:
        shown = [
            f"{name!r} ({self.types[name]})" if name in self.types else repr(name) for name in names[:_SHOWN]
        ]
        return ", ".join(shown) + (f", ... {len(names)} in all" if len(names) > _SHOWN else "")

    def _target(self) -> str:
        if self.y is None:
            return "none"
        named = f"{self._columns(self.target)}, " if self.target else ""
        rows = np.concatenate(self.y) if isinstance(self.y, list) else self.y
        return f"{named}one a {'step' if self.has_step_targets else 'sequence'}: {_range(rows)}"

    def __repr__(self) -> str:
        return self.describe()


def _range(rows: NDArray[Any]) -> str:
    """What values there are."""
    if rows.ndim > 1:
        return f"{rows.shape[1]} values each"
    if rows.dtype.kind == "f":
        there = rows[~np.isnan(rows)]
        found = f"{there.min():g} to {there.max():g}" if len(there) else "none"
        return f"{found}, {len(rows) - len(there)} missing" if len(there) < len(rows) else found
    values = np.unique(rows).tolist()
    listed = ", ".join(map(str, values[:_SHOWN]))
    return listed if len(values) <= _SHOWN else f"{listed}, ... {len(values)} values"
