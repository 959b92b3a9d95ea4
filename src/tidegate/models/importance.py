"""What a fitted model's scores lose where an input's values are those of others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tidegate.checks import integer
from tidegate.models.measures import leading
from tidegate.models.model import SequenceModel
from tidegate.models.reading import read
from tidegate.models.rows import Rows


def permutation_importance(
    model: SequenceModel, data: Mapping[str, Any], repeats: int, random_state: int
) -> dict[str, dict[str, float]]:
    """By input and target; SequenceModel.permutation_importance says what."""
    rows = read(model.inputs, model.targets, data, "data", [*model.inputs, *model.targets])
    rng = np.random.default_rng(random_state)
    before = _scores(model, rows, rows)
    streams = [record.stream for record in model.inputs.values() if record.is_step]
    per_step = any(target.is_step for target in model.targets.values())
    importance: dict[str, dict[str, float]] = {}
    for name, record in model.inputs.items():
        alone = streams.count(record.stream) == 1 and not record.align
        whole = not record.is_step or (alone and not (per_step and record.stream == model.main_stream))
        drops = [
            _scores(model, {**rows, name: permuted(rows[name], rng, whole)}, rows)
            for _ in range(integer("repeats", repeats))
        ]
        importance[name] = {
            target: float(np.mean([before[target] - one[target] for one in drops])) for target in before
        }
    return importance


def permuted(rows: Rows, rng: np.random.Generator, whole: bool) -> Rows:
    """The rows with another sequence's values in the place of each one's; whole=False: each step with those
    of another step, for inputs whose steps must stay as many."""
    if whole or rows.lengths is None:
        return rows.take(rng.permutation(len(rows)))
    values = rows.values[rng.permutation(rows.values.shape[0])]
    return Rows(values, rows.lengths, rows.present, rows.times, time_kind=rows.time_kind)


def _scores(model: SequenceModel, given: Mapping[str, Rows], answers: Mapping[str, Rows]) -> dict[str, float]:
    """Of each target."""
    outputs = model._outputs_of(given)
    return {
        name: leading(coding.measures(f"data[{name!r}]", answers[name], outputs[name]))
        for name, coding in model.codings_.items()
    }
