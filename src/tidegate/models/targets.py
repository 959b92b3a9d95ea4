"""What a model answers, as records.

R rows: sequences, or steps of all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np

from tidegate.checks import choice, hold, real
from tidegate.models.rows import (
    Rows,
    as_array,
    column_names,
    labels_of_sequences,
    labels_of_steps,
    numbers_of_sequences,
    numbers_of_steps,
    plain_label,
)

CALIBRATIONS = ("temperature", "isotonic")


@dataclass(frozen=True)
class _Target:
    """per: "sequence", or "step" of the main stream. weight: of its loss in the sum that is minimised.
    columns: of a table; None: the one of the target's name."""

    _: KW_ONLY
    per: str = "sequence"
    weight: float = 1.0
    columns: tuple[str, ...] | None = None

    kind: ClassVar[str]

    def __post_init__(self) -> None:
        choice("per", self.per, ("sequence", "step"))
        hold(self, real, "weight")
        object.__setattr__(self, "columns", column_names(self.columns))

    @property
    def is_step(self) -> bool:
        return self.per == "step"

    def read(self, argument: str, given: Any) -> Rows:
        return labels_of_steps(argument, given) if self.is_step else labels_of_sequences(argument, given)


@dataclass(frozen=True)
class Numbers(_Target):
    def read(self, argument: str, given: Any) -> Rows:
        return numbers_of_steps(argument, given) if self.is_step else numbers_of_sequences(argument, given)


@dataclass(frozen=True)
class Regression(Numbers):
    """One number, (N,), or several, (N, K); NaN where it is missing. loss: "mse", "mae" or "huber".
    standardize: the targets are standardised for training, and losses are in that unit."""

    kind: ClassVar[str] = "regression"
    LOSSES: ClassVar[tuple[str, ...]] = ("mse", "mae", "huber")

    _: KW_ONLY
    loss: str = "mse"
    standardize: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        choice("loss", self.loss, self.LOSSES)
        if not isinstance(self.standardize, bool):
            raise ValueError(f"standardize expects True or False; got {self.standardize!r}: pass one of them")


@dataclass(frozen=True)
class Quantiles(Numbers):
    """Quantiles of one number at `levels`, rising; predictions are sorted, so that none cross."""

    kind: ClassVar[str] = "quantiles"

    _: KW_ONLY
    levels: tuple[float, ...] = (0.1, 0.5, 0.9)

    def __post_init__(self) -> None:
        super().__post_init__()
        levels = tuple(real("levels", level, 0.0, 1.0 - 1e-12, above=True) for level in self.levels)
        if not levels or list(levels) != sorted(set(levels)):
            raise ValueError(f"levels expects rising numbers; got {self.levels!r}: sort them")
        object.__setattr__(self, "levels", levels)


@dataclass(frozen=True)
class Classes(_Target):
    """focal: the power of a factor that takes weight from rows that are answered well (Lin et al. 2017).
    calibration: "temperature" or "isotonic", of the probabilities, on the validation part; None: none."""

    _: KW_ONLY
    focal: float = 0.0
    calibration: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        hold(self, real, "focal", maximum=100.0)
        if self.calibration is not None:
            choice("calibration", self.calibration, CALIBRATIONS)


@dataclass(frozen=True)
class MultiClass(Classes):
    """One of two or more classes; None where it is missing. loss: "softmax_cross_entropy", or
    "sigmoid_cross_entropy" (one output for two classes, else one class against the rest each, probabilities
    divided by their sum). class_weight: None, "balanced" (every class weighs the same in the loss) or weights
    by class."""

    kind: ClassVar[str] = "multi_class"
    LOSSES: ClassVar[tuple[str, ...]] = ("softmax_cross_entropy", "sigmoid_cross_entropy")

    _: KW_ONLY
    loss: str = "softmax_cross_entropy"
    class_weight: str | Mapping[Any, float] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        choice("loss", self.loss, self.LOSSES)
        if self.calibration is not None and self.is_sigmoid:
            raise ValueError(
                f"calibration expects loss='softmax_cross_entropy'; got {self.loss!r}: leave one of them out"
            )

    @property
    def is_sigmoid(self) -> bool:
        return self.loss == "sigmoid_cross_entropy"


@dataclass(frozen=True)
class Binary(Classes):
    """One of two classes, of which `positive` (None: the greater) is the positive one. positive_weight:
    what it weighs in the loss, or "balanced", as much as the other class together. threshold: the
    probability from which it is predicted, or "validation", the one with the best F1 on the validation
    part."""

    kind: ClassVar[str] = "binary"

    _: KW_ONLY
    positive: Any = None
    positive_weight: float | str | None = None
    threshold: float | str = 0.5


@dataclass(frozen=True)
class MultiLabel(Classes):
    """Any number of labels: (N, L) zeros and ones, a data frame of such whose columns are the labels, or a
    collection of labels each; None where it is missing.

    labels: their names; None: those found, or the columns' numbers. label_weight: None, "balanced", a
    positive one of each label weighing as much as its negative ones (at most 20 times), or weights by
    label. threshold: the probability from which a label is predicted, or "validation", for each the one
    with the best F1 on the validation part. separator: between the labels in a table's one column.
    """

    kind: ClassVar[str] = "multi_label"

    _: KW_ONLY
    labels: tuple[Any, ...] | None = None
    label_weight: str | Mapping[Any, float] | None = None
    threshold: float | str = "validation"
    separator: str = ","

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.separator, str) or not self.separator:
            raise ValueError(f"separator expects text; got {self.separator!r}: pass ',' for instance")

    def read(self, argument: str, given: Any) -> Rows:
        return _label_rows(argument, given, self.is_step)


@dataclass(frozen=True)
class Ordinal(_Target):
    """Classes on a scale: the cumulative logits of one score (McCullagh 1980). order: the classes from low to
    high; None: sorted."""

    kind: ClassVar[str] = "ordinal"

    _: KW_ONLY
    order: tuple[Any, ...] | None = None


TargetRecord = Regression | Quantiles | MultiClass | Binary | MultiLabel | Ordinal
TARGETS: dict[str, type[TargetRecord]] = {
    kind.kind: kind for kind in (Regression, Quantiles, Binary, MultiClass, MultiLabel, Ordinal)
}


def _label_rows(argument: str, given: Any, per_step: bool) -> Rows:
    """Rows of (R,) objects: each an array of zeros and ones, a dictionary of them by label, a tuple of
    labels, or None."""
    values = as_array(given)
    given = [dict(zip(given.columns, row)) for row in values] if hasattr(given, "columns") else values
    if not per_step:
        items = list(given)
        values = np.empty(len(items), dtype=object)
        for index, item in enumerate(items):
            values[index] = _one_row(f"{argument}[{index}]", item)
        return Rows(values, None, np.array([value is not None for value in values], dtype=bool))
    sequences = [
        None if item is None else _label_rows(f"{argument}[{at}]", item, False)
        for at, item in enumerate(given)
    ]
    lengths = np.array([0 if rows is None else len(rows) for rows in sequences], dtype=np.int64)
    there = [rows.values for rows in sequences if rows is not None]
    return Rows(np.concatenate(there) if there else np.empty(0, dtype=object), lengths, lengths > 0)


def _one_row(argument: str, item: Any) -> Any:
    item = as_array(item)
    if isinstance(item, np.ndarray) and not item.ndim:
        item = item.item()
    if item is None:
        return None
    if isinstance(item, Mapping):
        ones = _one_row(argument, np.asarray(list(item.values()), np.float64))
        return None if ones is None else dict(zip(map(plain_label, item), ones.tolist()))
    if isinstance(item, np.ndarray) and item.dtype.kind in "fiub":
        if item.dtype.kind == "f" and np.isnan(item).any():
            return None
        if not np.isin(item, (0, 1)).all():
            raise ValueError(
                f"{argument} expects zeros and ones; got {item[~np.isin(item, (0, 1))][0]}: pass such"
            )
        return item.astype(bool)
    if isinstance(item, str):
        raise ValueError(
            f"{argument} expects a collection of labels; got the string {item!r}: pass [{item!r}]"
        )
    if (
        isinstance(item, Sequence)
        and item
        and all(isinstance(value, bool | int | np.bool_ | np.integer) for value in item)
    ):
        return _one_row(argument, np.asarray(item))
    if not isinstance(item, Collection):
        raise ValueError(f"{argument} expects a collection of labels; got {item!r}: pass [{item!r}]")
    # A set's order is another in each process.
    return tuple(map(plain_label, sorted(item, key=repr) if isinstance(item, Set) else item))
