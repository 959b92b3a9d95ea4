"""What the commands read: sequences with targets, like those a model or another file was read as."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.checks import choice
from tidegate.cli.options import DataOptions, InputOptions
from tidegate.data.bundled import load_japanese_vowels
from tidegate.data.dataset import Dataset
from tidegate.data.reading import read
from tidegate.data.sources import ARRAY_ENDINGS, ending, open_table, readable
from tidegate.data.targets import there
from tidegate.estimators.columns import Columns

TASKS = ("classification", "regression")


def bundled(part: str) -> Dataset:
    """The "training" or "test" part of Japanese Vowels."""
    vowels = load_japanese_vowels()
    X, y = (vowels.X, vowels.y) if part == "training" else (vowels.X_test, vowels.y_test)
    features = tuple(f"coefficient_{index}" for index in range(X.num_features))
    return Dataset(X, y, features, source=f"{vowels.name}, {part} part")


def labelled(path: Path, options: DataOptions) -> Dataset:
    """A file with its targets."""
    columns = options.columns()
    if _is_table(path) and options.target is None and options.targets is None:
        names = open_table("source", path, options.encoding).names
        listed = ", ".join(names[:12]) + (f", ... ({len(names)} of them)" if len(names) > 12 else "")
        raise ValueError(f"--target expects a column of {path}; got none: name one of {listed}")
    dataset = read(path, **columns, targets=options.targets, encoding=options.encoding)
    return _with_targets(dataset, path)


def columns_of(dataset: Dataset, options: DataOptions) -> Columns | None:
    """The columns that were taken for what; None where there are none to name."""
    if not dataset.types:
        return None
    others = {*dataset.id, dataset.time, *dataset.target}
    wide = options.layout == "wide"
    features = tuple(name for name in dataset.types if name not in others) if wide else dataset.features
    asked = options.columns().get("types", {})
    found = {name: dataset.types[name] for name in (*features, *dataset.target)}
    return Columns(features, dataset.id, dataset.time, dataset.target, found | asked, options.layout)


def like(
    columns: Columns | None,
    path: Path,
    options: InputOptions,
    per_step: bool | None = None,
    *,
    argument: str = "DATA",
) -> Dataset:
    """A file read as another was, with its targets where the options have such; what the options say goes
    before. per_step: one target a step, or one a sequence."""
    readable(argument, path)
    given = options.columns()
    with_targets = isinstance(options, DataOptions)
    second = options.targets if isinstance(options, DataOptions) else None
    if columns is not None and _is_table(path):
        given = {"id": columns.id or None, "time": columns.time, "features": columns.features} | given
        given.setdefault("layout", columns.layout)
        if with_targets:
            given.setdefault("target", columns.target)
        used = {given["time"]}.union(*(given.get(role) or () for role in ("id", "features", "target")))
        known = {name: kind for name, kind in columns.types.items() if name in used}
        given["types"] = known | given.get("types", {})
    if with_targets and second is None and per_step is not None and _is_table(path):
        given.setdefault("target_per", "step" if per_step else "sequence")
    dataset = read(path, **given, targets=second, encoding=options.encoding)
    return _with_targets(dataset, path) if with_targets else dataset


def _with_targets(dataset: Dataset, path: Path) -> Dataset:
    if dataset.y is None:
        raise ValueError(
            f"{path} expects targets beside its sequences; got none: add them, or pass --targets"
        )
    return dataset


def _is_table(path: Path) -> bool:
    return ending(readable("source", path)) not in ARRAY_ENDINGS


def check_apart(first: Dataset, second: Dataset, option: str) -> None:
    """ValueError where a sequence of one id is in both."""
    if first.X.ids is None or second.X.ids is None:
        return
    both = set(first.X.ids.tolist()) & set(second.X.ids.tolist())
    if both:
        raise ValueError(
            f"{option} expects sequences that DATA does not have; got id {min(both, key=str)!r} in both"
            f"{f', and {len(both) - 1} more' if len(both) > 1 else ''}: take them out of one, or pass "
            "--own-ids if each file counts its own"
        )


def check_seen(first: Dataset, second: Dataset, option: str) -> None:
    """ValueError where the second has classes that the first does not."""
    unseen = set(_all_targets(second).ravel().tolist()) - set(_all_targets(first).ravel().tolist())
    if unseen:
        raise ValueError(
            f"{option} expects classes that DATA has; got {min(unseen, key=str)!r}, which it does not: leave "
            "such sequences out, or add some to DATA"
        )


def task_of(dataset: Dataset, asked: str | None) -> str:
    """What is asked for; else regression where the targets are floats."""
    kind = _all_targets(dataset).dtype.kind
    if asked is None:
        return "regression" if kind == "f" else "classification"
    if choice("--task", asked, TASKS) == "regression" and kind not in "fiub":
        raise ValueError("--task regression expects a target of numbers; got text: leave it out")
    return asked


def check_can_split(dataset: Dataset, otherwise: str) -> None:
    """ValueError where there is one sequence; otherwise: how to do without a split."""
    if len(dataset.X) == 1:
        remedy = "" if dataset.id else "name the column that tells them apart by --id, or "
        raise ValueError(
            f"{dataset.source} expects at least two sequences, one for each side of a split; got one: "
            f"{remedy}{otherwise}"
        )


def check_classes(dataset: Dataset, splits: bool) -> str:
    """The classes in words; ValueError where there is one, or one with a member where the data are to be
    split."""
    targets = _all_targets(dataset)
    if targets.ndim > 1:
        raise ValueError(
            f"--target expects one column of classes; got {targets.shape[1]} columns of whole numbers: name "
            "one, or pass --task regression"
        )
    if targets.dtype.kind == "f" and (targets != np.floor(targets)).any():
        raise ValueError(
            f"--task classification expects labels, text or whole numbers; got "
            f"{targets[targets != np.floor(targets)][0]}: pass --task regression"
        )
    counts = Counter(targets.tolist())
    rarest = min(counts, key=lambda label: counts[label])
    if len(counts) == 1:
        raise ValueError(
            f"the target expects at least two classes; got {rarest!r} in every row: add sequences of another"
        )
    if splits and not dataset.has_step_targets and counts[rarest] == 1:
        numbers = " --task regression predicts numbers;" if targets.dtype.kind in "iu" else ""
        raise ValueError(
            f"the target expects at least two sequences of each class, one for each side of a split; got one "
            f"of {rarest!r}:{numbers} add sequences of the class or leave it out"
        )
    least, most = counts[rarest], max(counts.values())
    unit = "steps" if dataset.has_step_targets else "sequences"
    return f"{len(counts)} classes of {least if least == most else f'{least} to {most}'} {unit}"


def _all_targets(dataset: Dataset) -> NDArray[Any]:
    """Those that are there; whole numbers are integers again, which a missing one had made floats."""
    assert dataset.y is not None
    rows = np.concatenate(dataset.y) if isinstance(dataset.y, list) else dataset.y
    known = rows[there(rows)]
    was_whole = len(known) < len(rows) and bool((known == np.floor(known)).all())
    return known.astype(np.int64) if was_whole else known
