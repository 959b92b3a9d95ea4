"""How well a model predicts, as JSON has it and as a table."""

from __future__ import annotations

import json
import math
import warnings
from typing import Any

import numpy as np

from tidegate.cli.predictions import Rows
from tidegate.data.dataset import Dataset
from tidegate.data.targets import there

# Of more classes than these the largest confusions are listed, not the matrix.
_WIDEST_MATRIX = 12
_MOST_CONFUSIONS = 10


def measures(model: Any, dataset: Dataset) -> dict[str, Any]:
    """The measures by name, of the rows that have a target, and how many have none; None where a measure is
    not defined, as R2 of one row."""
    rows = np.concatenate(dataset.y) if isinstance(dataset.y, list) else np.asarray(dataset.y)
    per_step = model.network_.is_per_step("output")
    if per_step != dataset.has_step_targets:
        expected, got = ("step", "sequence") if per_step else ("sequence", "step")
        raise ValueError(
            f"the target expects one value a {expected}, as the model predicts; got one a {got}: name "
            "another column"
        )
    known = there(rows)
    if not known.any():
        raise ValueError("the target expects a value at some step; got none: name another column")
    found = {
        "data": dataset.source,
        "sequences": len(dataset.X),
        "rows": int(known.sum()),
        "row": "step" if per_step else "sequence",
        "missing": int((~known).sum()),
    }
    measure = _of_classes if hasattr(model, "classes_") else _of_numbers
    return found | measure(model, dataset, rows[known], known)


def _known(dataset: Dataset, answers: Any, known: Any) -> Any:
    """Of a model's answers those of the rows with a target, one below the other."""
    return (np.concatenate(answers) if dataset.has_step_targets else answers)[known]


def _of_classes(model: Any, dataset: Dataset, rows: Any, known: Any) -> dict[str, Any]:
    from sklearn.metrics import balanced_accuracy_score, confusion_matrix, f1_score, log_loss

    probabilities = _known(dataset, model.predict_proba(dataset.X), known)
    true = model._coded("y", rows)
    answered = model._coded("y", _known(dataset, model.predict(dataset.X), known))
    num_classes = len(model.classes_)
    with warnings.catch_warnings():
        # Classes that the data lack have no recall; the mean is over the others.
        warnings.filterwarnings("ignore", "y_pred contains classes not in y_true")
        balanced = balanced_accuracy_score(true, answered)
    return {
        "accuracy": float((true == answered).mean()),
        "balanced_accuracy": float(balanced),
        "macro_f1": float(f1_score(true, answered, average="macro", zero_division=0.0)),
        "log_loss": float(log_loss(true, probabilities, labels=range(num_classes))),
        "classes": model.classes_.tolist(),
        "confusion": confusion_matrix(true, answered, labels=range(num_classes)).tolist(),
    }


def _of_numbers(model: Any, dataset: Dataset, rows: Any, known: Any) -> dict[str, Any]:
    from sklearn.metrics import r2_score

    true = model._coded("y", rows)
    predicted = _known(dataset, model.predict(dataset.X), known).reshape(true.shape)
    errors = predicted - true
    return {
        "r2": float(r2_score(true, predicted)) if len(true) > 1 else None,
        "rmse": math.sqrt(float(np.square(errors).mean())),
        "mae": float(np.abs(errors).mean()),
    }


def as_json(found: dict[str, Any]) -> str:
    return json.dumps(found, indent=2, allow_nan=False) + "\n"


def as_row(found: dict[str, Any]) -> Rows:
    """One row with a column a measure; classes and their confusions, which are no numbers, are left out."""
    return {
        name: np.array([math.nan if value is None else value])
        for name, value in found.items()
        if name not in ("classes", "confusion")
    }


def print_measures(found: dict[str, Any]) -> None:
    steps = f", {found['rows']:,} steps" if found["row"] == "step" else ""
    without = f", {found['missing']:,} more have no target" if found["missing"] else ""
    print(f"{found['data']}: {found['sequences']:,} sequences{steps}{without}")
    for name, title in (
        ("accuracy", "accuracy"),
        ("balanced_accuracy", "balanced accuracy"),
        ("macro_f1", "macro F1"),
        ("log_loss", "log loss"),
        ("r2", "R2"),
        ("rmse", "RMSE"),
        ("mae", "MAE"),
    ):
        if name in found:
            value = found[name]
            print(f"{title:18}{'not defined for one row' if value is None else f'{value:.4g}'}")
    if "confusion" in found:
        _print_confusion(found["classes"], np.array(found["confusion"]))


def _print_confusion(classes: list[Any], confusion: Any) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    wrong = confusion - np.diag(np.diag(confusion))
    if not wrong.any():
        print("no confusions")
    elif len(classes) <= _WIDEST_MATRIX:
        table = Table(
            box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, title="true, down; predicted, across"
        )
        table.add_column("", overflow="fold")
        for label in classes:
            table.add_column(str(label), justify="right", overflow="fold")
        for label, row in zip(classes, confusion.tolist()):
            table.add_row(str(label), *(str(count) if count else "·" for count in row))
        Console().print(table, highlight=False)
    else:
        order = np.argsort(wrong, axis=None)[::-1][:_MOST_CONFUSIONS]
        for true, predicted in zip(*np.unravel_index(order, wrong.shape)):
            if wrong[true, predicted]:
                print(f"{wrong[true, predicted]:6}  {classes[true]} predicted as {classes[predicted]}")
