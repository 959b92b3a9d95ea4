"""What a user passes for one input or target, as rows: one a sequence, or one a step of the sequences that
have some.

N sequences, S steps of all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.data import Sequences
from tidegate.data.arrays import is_array
from tidegate.data.ragged import steps_of

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Rows:
    """values: (N, ...) one row a sequence, or (S, ...) one a step: an array, or a scipy CSR matrix. lengths:
    (N,) steps of each sequence, 0 where it is missing; None where there is a row a sequence. present: (N,)
    False where nothing is there. times: (S,) when each step was, or None. padding: (S,) which steps are
    padding, or None. time_kind: what times are, as Sequences have it."""

    values: Any
    lengths: Integers | None
    present: NDArray[np.bool_]
    times: NDArray[np.float64] | None = None
    padding: NDArray[np.bool_] | None = None
    time_kind: str | None = None

    @classmethod
    def of(cls, X: Sequences) -> Rows:
        """The steps of sequences of which none is missing."""
        rows = cls(X.values, X.lengths, np.ones(len(X), dtype=bool), X.times, X.padding, X.time_kind)
        vars(rows).update(offsets=X.offsets, sequences=X)  # computed already
        return rows

    def __len__(self) -> int:
        return len(self.present)

    @cached_property
    def offsets(self) -> Integers:
        """(N + 1,) where each sequence begins among the steps."""
        assert self.lengths is not None
        return np.concatenate(([0], np.cumsum(self.lengths)))

    @property
    def of_sequences(self) -> Integers:
        """(R,) the sequence of each row."""
        numbers = np.arange(len(self), dtype=np.int64)
        return numbers if self.lengths is None else np.repeat(numbers, self.lengths)

    def take(self, indices: Integers) -> Rows:
        """The rows of these sequences."""
        if self.lengths is None:
            return Rows(self.values[indices], None, self.present[indices])
        rows = steps_of(self.offsets, indices)
        times = None if self.times is None else self.times[rows]
        padding = None if self.padding is None else self.padding[rows]
        there = self.present[indices]
        return Rows(self.values[rows], self.lengths[indices], there, times, padding, self.time_kind)

    @cached_property
    def sequences(self) -> Sequences | None:
        """The steps as Sequences of those that are there; None where none is."""
        assert self.lengths is not None
        if not self.present.any():
            return None
        offsets = np.concatenate(([0], np.cumsum(self.lengths[self.present])))
        return Sequences._trusted(self.values, offsets, None, self.times, self.padding, self.time_kind)


def column_names(given: Sequence[str] | None) -> tuple[str, ...] | None:
    """The columns of a record; None: the one of its name."""
    if given is None:
        return None
    if isinstance(given, str) or not given:
        raise ValueError(f"columns expects names of columns; got {given!r}: pass a list of one or more")
    return tuple(given)


def numbers_of_sequences(argument: str, given: Any) -> Rows:
    """(N,) or (N, K) numbers, NaN or None where one is missing, as (N, K) float64."""
    try:
        values = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f"{argument} expects numbers, one row a sequence; got {_described(given)}: pass an array (N,) or "
            "(N, K), or give the input another type"
        ) from None
    values = values[:, np.newaxis] if values.ndim == 1 else values
    if values.ndim != 2 or not values.shape[1]:
        raise ValueError(
            f"{argument} expects one row a sequence, (N,) or (N, K); got shape {values.shape}: pass such, or "
            "role='step' for numbers of each step"
        )
    if np.isinf(values).any():
        raise ValueError(f"{argument} expects finite numbers; got infinity: mend it, or pass NaN")
    return Rows(values, None, np.asarray(~np.isnan(values).all(axis=1)))


def numbers_of_steps(argument: str, given: Any, keep_padding: bool = False) -> Rows:
    """What Sequences.from_any takes, and a list with None where a sequence has none, of arrays or, with time
    stamps, of Sequences of one each; keep_padding: with the steps that are marked as padding."""
    if isinstance(given, Rows):
        return given
    if isinstance(given, Sequences) or is_array(given):
        X = Sequences.from_any(given, argument=argument)
        rows = Rows.of(X if keep_padding else X.without_padding())
        assert rows.lengths is not None
        return replace(rows, present=rows.lengths > 0)
    items = list(_listed(argument, given))
    present = np.array([item is not None and len(item) > 0 for item in items], dtype=bool)
    if not present.any():
        return Rows(np.zeros((0, 0)), np.zeros(len(items), dtype=np.int64), present)
    X = _together(argument, [item for item, there in zip(items, present) if there])
    lengths = np.zeros(len(items), dtype=np.int64)
    lengths[present] = X.lengths
    return Rows(X.values, lengths, present, X.times, time_kind=X.time_kind)


def _together(argument: str, items: list[Any]) -> Sequences:
    if not any(isinstance(item, Sequences) for item in items):
        return Sequences.from_any(items, argument=argument)
    if not all(isinstance(item, Sequences) and len(item) == 1 and item.padding is None for item in items):
        raise ValueError(
            f"{argument} expects Sequences of one sequence each, without padding, or None, where one of them "
            "is such; got others: pass X[i : i + 1]"
        )
    stamps = [item.times for item in items]
    timed = [own for own in stamps if own is not None]
    if timed and len(timed) < len(items):
        raise ValueError(f"{argument} expects time stamps of all sequences or none; got some: add the others")
    kinds = sorted({str(item.time_kind) for item in items})
    if len(kinds) > 1:
        raise ValueError(
            f"{argument} expects time stamps of one kind; got {' and '.join(kinds)}: make all of one kind"
        )
    X = Sequences.from_any([item.values for item in items], times=timed or None, argument=argument)
    return Sequences._trusted(X.values, X.offsets, None, X.times, None, items[0].time_kind)


def labels_of_sequences(argument: str, given: Any) -> Rows:
    """(N,) labels of any kind as objects, None where one is missing."""
    labels = _labels(argument, given)
    return Rows(labels, None, np.array([label is not None for label in labels], dtype=bool))


def labels_of_steps(argument: str, given: Any) -> Rows:
    """A list of (T_i,) labels, None for a sequence without, as (S,) objects."""
    items = [None if item is None else _labels(argument, item) for item in _listed(argument, given)]
    lengths = np.array([0 if item is None else len(item) for item in items], dtype=np.int64)
    there = [item for item in items if item is not None]
    values = np.concatenate(there) if there else np.empty(0, dtype=object)
    return Rows(values, lengths, lengths > 0)


def texts(argument: str, given: Any) -> Rows:
    """(N,) texts, None or NaN where one is missing."""
    labels = _labels(argument, given)
    for index, text in enumerate(labels):
        if isinstance(text, bytes):
            raise ValueError(
                f"{argument} expects text; got bytes in row {index}, whose encoding is not known: decode them"
            )
        if text is not None and not isinstance(text, str):
            raise ValueError(
                f"{argument} expects text; got {type(text).__name__} in row {index}: pass strings, and None "
                "where one is missing"
            )
    return Rows(labels, None, np.array([bool(text) for text in labels], dtype=bool))


def is_sparse(value: Any) -> bool:
    """Whether it is a matrix of scipy's, which is not imported to find out."""
    return hasattr(value, "tocsr") and hasattr(value, "nnz")


def vectors_of_sequences(argument: str, given: Any) -> Rows:
    """(N, D) numbers; a scipy sparse matrix of as many rows; or a list of such of one row each, None where a
    sequence has none."""
    if is_sparse(given):
        return Rows(_csr(argument, given), None, np.ones(given.shape[0], dtype=bool))
    if isinstance(given, np.ndarray) or not any(map(is_sparse, _listed(argument, given))):
        return numbers_of_sequences(argument, given)
    from scipy import sparse

    rows = vectors_of_steps(argument, given)
    assert rows.lengths is not None
    if (rows.lengths > 1).any():
        raise ValueError(
            f"{argument} expects one row a sequence; got {rows.lengths.max()}: pass such, or role='step'"
        )
    entries = np.zeros(len(rows.present), dtype=np.int64)
    entries[rows.present] = np.diff(rows.values.indptr)
    matrix = rows.values.data, rows.values.indices, np.concatenate(([0], np.cumsum(entries)))
    shape = len(rows.present), rows.values.shape[1]
    return Rows(sparse.csr_matrix(matrix, shape=shape), None, rows.present)


def vectors_of_steps(argument: str, given: Any) -> Rows:
    """What numbers_of_steps takes, or a list of scipy sparse matrices (T_i, D), None where there is none."""
    if isinstance(given, Sequences) or is_array(given):
        return numbers_of_steps(argument, given)
    items = list(_listed(argument, given))
    first = next((item for item in items if item is not None), None)
    if not is_sparse(first):
        return numbers_of_steps(argument, items)
    from scipy import sparse

    there = [_csr(f"{argument}[{index}]", item) for index, item in enumerate(items) if item is not None]
    widths = {item.shape[1] for item in there}
    if len(widths) > 1:
        raise ValueError(
            f"{argument} expects matrices of as many columns; got {sorted(widths)}: give them the same"
        )
    lengths = np.array([0 if item is None else item.shape[0] for item in items], dtype=np.int64)
    return Rows(sparse.vstack(there, format="csr"), lengths, lengths > 0)


def _csr(argument: str, given: Any) -> Any:
    if not is_sparse(given):
        raise ValueError(f"{argument} expects a scipy sparse matrix; got {_described(given)}: pass one")
    matrix = given.tocsr()
    if matrix.dtype.kind not in "fiub" or not np.isfinite(matrix.data).all():
        raise ValueError(f"{argument} expects finite numbers; got others: leave them out")
    return matrix


def _labels(argument: str, given: Any) -> NDArray[Any]:
    """(n,) objects, None where one is missing."""
    values = as_array(_listed(argument, given), dtype=object)  # dates stay dates
    if not isinstance(values, np.ndarray):
        values = list(values)
    if isinstance(values, np.ndarray) and values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if isinstance(values, np.ndarray) and values.dtype.kind != "O":
        is_flat = values.ndim == 1
    else:
        is_flat = not any(
            isinstance(value, list | tuple | set) or getattr(value, "shape", ()) for value in values
        )
    if not is_flat:
        raise ValueError(
            f"{argument} expects one label each; got {_described(given)}: pass (N,) labels, or role='step' "
            "(of a target per='step') for a list of (T_i,)"
        )
    plain = values.tolist() if isinstance(values, np.ndarray) else values
    labels = np.empty(len(plain), dtype=object)
    for index, value in enumerate(plain):
        labels[index] = plain_label(value)
    return labels


def as_array(given: Any, dtype: Any = None) -> Any:
    """A tensor or a series, whose entries may be no labels themselves, as the array that it is; anything else
    as it is."""
    if isinstance(given, np.ndarray) or not hasattr(given, "__array__"):
        return given
    return np.asarray(given, dtype=dtype)


def plain_label(value: Any) -> Any:
    """A label as Python has it, of NumPy's scalars and tensors of one number too; None where it is
    missing."""
    value = np.asarray(value).item() if hasattr(value, "__array__") else value
    return None if value is None or value != value else value


def _listed(argument: str, given: Any) -> Any:
    if given is None or isinstance(given, str | bytes) or not hasattr(given, "__len__"):
        raise ValueError(
            f"{argument} expects one entry a sequence; got {_described(given)}: pass a list or an array"
        )
    return given


def _described(given: Any) -> str:
    if isinstance(given, np.ndarray):
        return f"{given.dtype} of shape {given.shape}"
    return type(given).__name__
