"""A model's answers as the columns of a table."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.data.dataset import Dataset

Rows = dict[str, NDArray[Any]]


def predictions(model: Any, dataset: Dataset) -> Rows:
    """Columns by name: what names the row, the prediction, and the probability of each class."""
    per_step = model.network_.is_per_step("output")
    rows = _names(dataset, per_step)
    answers = model.predict(dataset.X)
    if per_step:
        answers = np.concatenate(answers)
    if answers.ndim == 1:
        rows[_free("prediction", rows)] = answers
    else:
        columns = vars(model).get("columns_")
        targets = columns.target if columns else tuple(map(str, range(answers.shape[1])))
        for index, target in enumerate(targets):
            rows[_free(f"prediction_{target}", rows)] = answers[:, index]
    if hasattr(model, "predict_proba"):
        probabilities = model.predict_proba(dataset.X)
        if per_step:
            probabilities = np.concatenate(probabilities)
        for index, label in enumerate(model.classes_.tolist()):
            rows[_free(f"probability_{label}", rows)] = probabilities[:, index]
    return rows


def _names(dataset: Dataset, per_step: bool) -> Rows:
    """The id of each sequence, or its number; with a row a step, the time of each, or its number, too."""
    ids = dataset.X.ids
    if ids is None:
        rows = {"sequence": np.arange(len(dataset.X))}
    elif ids.dtype.names is None:
        rows = {dataset.id[0] if dataset.id else "id": ids}
    else:
        rows = {name: ids[name] for name in ids.dtype.names}
    if not per_step:
        return rows
    lengths = dataset.X.lengths
    rows = {name: np.repeat(values, lengths) for name, values in rows.items()}
    if dataset.times is None or dataset.time is None:
        starts = np.repeat(dataset.X.offsets[:-1], lengths)
        rows[_free("step", rows)] = np.arange(dataset.X.total_steps) - starts
    else:
        rows[dataset.time] = stamps_as_given(dataset.times, dataset.types[dataset.time] == "time")
    return rows


def stamps_as_given(times: NDArray[np.float64], are_dates: bool) -> NDArray[Any]:
    """Times as they were: dates, whole numbers or numbers."""
    if are_dates:
        return np.round(times * 1e6).astype("datetime64[us]")
    whole = (times == np.floor(times)).all() and np.abs(times).max() < 2**53
    return times.astype(np.int64) if whole else times


def _free(name: str, rows: Rows) -> str:
    """The name, with an underscore where a column has it already."""
    while name in rows:
        name += "_"
    return name
