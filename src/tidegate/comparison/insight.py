"""What a trained replica did on a few test sequences: its gates, and how far back its gradients reached."""

from __future__ import annotations

from typing import Any

import numpy as np

from tidegate.comparison.parts import Part
from tidegate.estimators.model import SequenceEstimator
from tidegate.inspection import Trace, gates, gradient_flow
from tidegate.inspection.traces import Array

NUM_GATES, NUM_GRADIENTS = 2, 8  # sequences
# All of them together, so that no memory is asked for that training did without.
MOST_STEPS = 10_000
# Of a map in the result and its page; of more units a regular selection, of more steps means of neighbours.
MOST_UNITS, MOST_COLUMNS, MOST_POINTS = 32, 100, 100


def insight(model: SequenceEstimator, part: Part) -> dict[str, Any]:
    """`gates` and `gradients` as report/result.py documents them, of the last layer (going forward) on the
    first sequences of a part that have steps; empty where they are too long."""
    part = part.take(np.flatnonzero(part.X.without_padding().lengths))
    ends = np.cumsum(part.X.lengths[:NUM_GRADIENTS])
    few = part.take(np.arange(np.searchsorted(ends, MOST_STEPS, side="right")))
    if not len(few.X):
        return {"gates": [], "gradients": []}
    names = range(len(few.X)) if few.X.ids is None else few.X.ids.tolist()
    shown = gates(model, few.X[:NUM_GATES])
    flows = gradient_flow(model, few.X, few.y)
    return {
        "gates": [_gates(str(name), trace) for name, trace in zip(names, shown)],
        "gradients": [_gradients([_last(flow)["h"] for flow in flows])],
    }


def _last(trace: Trace) -> dict[str, Array]:
    return trace[[name for name in trace if not name.endswith("_reverse")][-1]]


def _gates(sequence: str, trace: Trace) -> dict[str, Any]:
    matrices = _last(trace)
    once = {name: rows for name, rows in matrices.items() if name == "h" or (rows != matrices["h"]).any()}
    num_steps, num_units = matrices["h"].shape
    return {
        "sequence": f"test sequence {sequence}",
        "num_steps": num_steps,
        "num_units": num_units,
        "gates": {name: np.round(_small(rows), 2).T.tolist() for name, rows in once.items()},
    }


def _small(rows: Array) -> Array:
    """(T, H) with no more steps and units than a map has room for."""
    num_steps, num_units = rows.shape
    units = np.argsort(rows.mean(axis=0), kind="stable")
    chosen = units[np.linspace(0, num_units - 1, min(num_units, MOST_UNITS)).astype(np.int64)]
    each = -(-num_steps // MOST_COLUMNS)
    starts = np.arange(0, num_steps, each)
    counts = np.diff(np.append(starts, num_steps))
    means: Array = np.add.reduceat(rows[:, chosen], starts, axis=0) / counts[:, np.newaxis]
    return means


def _gradients(norms: list[Array]) -> dict[str, Any]:
    """Geometric mean, smallest and largest of the norms so many steps back; None where one is zero."""
    longest = max(map(len, norms))
    steps = np.unique(np.linspace(0, longest - 1, min(longest, MOST_POINTS)).astype(np.int64))
    there = [np.array([own[back] for own in norms if back < len(own)]) for back in steps]
    return {
        "steps_back": steps.tolist(),
        "norm": [_digits(np.exp(np.log(own).mean())) if own.all() else None for own in there],
        "low": [_digits(own.min()) for own in there],
        "high": [_digits(own.max()) for own in there],
    }


def _digits(value: float) -> float | None:
    return float(f"{value:.3g}") if value > 0.0 else None
