"""Sequences of different lengths: all steps in one array and the offsets between them, as in Arrow's lists.

Axis letters as in shapes.py: N sequences, S steps of all of them, T_i steps of sequence i, I features.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from types import EllipsisType
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tidegate.checks import choice, integer
from tidegate.data.arrays import (
    Floats,
    Integers,
    as_floats,
    contiguous,
    first_infinite,
    first_missing_value,
    is_array,
    place_of,
    ragged_from_array,
    ragged_from_list,
)
from tidegate.data.padded import as_padding, offsets_without, real_steps
from tidegate.data.stamps import KINDS, as_stamps, check_stamps
from tidegate.shapes import mask_from_lengths


@dataclass(frozen=True, eq=False, repr=False)
class Sequences:
    """N sequences: sequence i is `values[offsets[i] : offsets[i + 1]]`, (T_i, I).

    values: (S, I) float32 or float64, contiguous; (S,) is one feature; integers and booleans become float64.
    NaN is a missing value. offsets: (N + 1,) int64, from 0 to S, rising: no sequence is empty, unless
    `from_padded` was asked to keep such. ids: (N,) names or numbers, optional. times: (S,) when each step
    was, optional: numbers, dates or durations, kept as float64 (dates as seconds since 1970, durations as
    seconds), rising within a sequence. time_kind: which of these times are, "numbers", "dates" or
    "durations", by their type where it is not said; numbers that are such seconds may be said to be.
    padding: (S,) booleans, True at steps that are padding, None where none is told from others; no sequence
    is padding alone, with the same exception, and what stands in padding is 0, its time stamp NaN.

    `sequences[i]` is a (T_i, I) view. A slice, a boolean mask or an array of positions gives Sequences, with
    their ids, times and padding, and so do scikit-learn's splitters; consecutive positions share memory with
    the original, others are copied. ValueError where a part does not
    fit the others, a value is infinite, or a time stamp is no later than the one before.
    """

    values: Floats
    offsets: Integers
    ids: NDArray[Any] | None = None
    times: NDArray[np.float64] | None = None
    padding: NDArray[np.bool_] | None = None
    time_kind: str | None = None

    def __post_init__(self) -> None:
        values = as_floats("values", self.values)
        if values.ndim == 1:
            values = values[:, None]
        if values.ndim != 2 or values.shape[1] == 0:
            raise ValueError(
                f"values expects shape (steps, features); got {values.shape}: "
                "stack the steps of all sequences"
            )
        offsets = _offsets(self.offsets, len(values))
        values = contiguous("values", values)
        ids, given = _ids(self.ids, len(offsets) - 1), None if self.times is None else np.asarray(self.times)
        if self.padding is None:
            _check_not_infinite("values", values, offsets)
            times, kind = (None, None) if given is None else as_stamps("times", given, offsets)
            self._set(values, offsets, ids, times, None, _time_kind(self.time_kind, kind))
            return
        padding = as_padding(self.padding, offsets)
        real = Sequences(
            values[~padding],
            offsets_without(padding, offsets),
            times=_at(given, ~padding),
            time_kind=self.time_kind,
        )
        values = np.where(padding[:, np.newaxis], values.dtype.type(0), values)
        times = None
        if real.times is not None:
            times = np.full(len(padding), np.nan)
            times[~padding] = real.times
        self._set(values, offsets, ids, times, padding if padding.any() else None, real.time_kind)

    @classmethod
    def from_any(
        cls, X: Any, *, ids: Any = None, observed: Any = None, times: Any = None, argument: str = "X"
    ) -> Sequences:
        """Sequences from an (N, T, I) array, an (N, T) array (one feature), a list of (T_i, I) or (T_i,)
        arrays, or Sequences, which are returned as they are.

        float32 and float64 are kept, without a copy where memory already lies in order; integers and booleans
        become float64. ids: (N,), optional. observed: booleans in the layout of X, False where a value is
        missing, whatever stands there; NaN is missing in any case. times: when each step was, in the layout
        of X without its features, numbers, dates or durations, all of one kind. `argument` is what errors
        call X.
        """
        if isinstance(X, cls):
            if not len(X):
                raise ValueError(f"{argument} expects at least one sequence; got none: pass some")
            if ids is None and observed is None and times is None:
                return X
            if X.padding is not None:
                raise ValueError(
                    f"{argument} expects sequences without padding, where ids, observed or times are given "
                    "beside them; got some with: pass these to from_padded"
                )
            values, offsets, ids = X.values, X.offsets, X.ids if ids is None else ids
        elif is_array(X):
            values, offsets = ragged_from_array(argument, X)
        else:
            values, offsets = ragged_from_list(argument, X)
        if observed is not None:
            values = _with_gaps(values, _observed(observed, argument, values, offsets))
        _check_not_infinite(argument, values, offsets)
        stamps, kind = (X.times, X.time_kind) if isinstance(X, cls) else (None, None)
        if times is not None:
            stamps, kind = as_stamps("times", times, offsets)
        return cls._trusted(values, offsets, _ids(ids, len(offsets) - 1), stamps, None, kind)

    @classmethod
    def from_padded(
        cls,
        x: Any,
        lengths: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        padding_value: float | None = None,
        time_major: bool = False,
        *,
        padding: str = "skip",
        empty: str = "refuse",
        ids: Any = None,
        observed: ArrayLike | None = None,
        times: ArrayLike | None = None,
    ) -> Sequences:
        """Sequences from an array with padding: (N, T, I) or (N, T), or with time_major (T, N, I) or (T, N).

        Padding is told by at least one of lengths, (N,), the real steps of each sequence, which stand first;
        mask, booleans of the first two axes of x, True at a real step, wherever that stands; and
        padding_value, which all features of the steps at the end or at the beginning of a sequence have (NaN
        too; a step between real steps is real whatever it holds). Those that are given must agree. What
        stands in padding is never looked at further.
        padding: "skip" takes padding out, as if it were not there; "keep" leaves it in and marks it, so that
        `padding=` of an estimator can say what becomes of it; "input" leaves it in as steps of zeros, to be
        read like others. empty: what becomes of a sequence of padding alone: "refuse", or "keep", which makes
        it one without steps, for which a model answers from its initial states. ids: (N,), optional.
        observed: booleans of the shape of x, False where a value of a real step is missing, as NaN is. times:
        of the first two axes of x, when each real step was; with "input", each step. ValueError where they
        disagree, or with empty="refuse" a sequence has no real step.
        """
        values, offsets, stamps, kind, told = real_steps(
            x, lengths, mask, padding_value, time_major, padding, empty, observed, times
        )
        _check_not_infinite("x", values, offsets)
        if stamps is not None and told is None:
            check_stamps("times", stamps, offsets)
        elif stamps is not None and told is not None:
            check_stamps("times", stamps[~told], offsets_without(told, offsets))
        return cls._trusted(values, offsets, _ids(ids, len(offsets) - 1), stamps, told, kind)

    def to_padded(self, padding_value: float = 0.0, time_major: bool = False) -> tuple[Floats, Integers]:
        """An array (N, T, I), or with time_major (T, N, I), T the steps of the longest sequence, with
        padding_value after the steps of each; and their lengths, (N,)."""
        lengths = self.lengths
        real = mask_from_lengths(lengths, int(lengths.max(initial=0)))
        x = np.full((*real.shape, self.num_features), padding_value, dtype=self.dtype)
        x[real] = self.values
        return (np.ascontiguousarray(x.swapaxes(0, 1)) if time_major else x), lengths

    def without_padding(self) -> Sequences:
        """The same without the steps that are padding."""
        if self.padding is None:
            return self
        real = ~self.padding
        offsets = offsets_without(self.padding, self.offsets)
        return self._trusted(
            self.values[real], offsets, self.ids, _at(self.times, real), None, self.time_kind
        )

    def with_padding(self, num_steps: int) -> Sequences:
        """The same with steps of padding, marked as such, after those of each sequence that has fewer than
        num_steps."""
        lengths = self.lengths
        counts = np.maximum(lengths, num_steps)
        if (counts == lengths).all():
            return self
        starts = np.cumsum(counts) - counts
        own = np.arange(self.total_steps) + np.repeat(starts - self.offsets[:-1], lengths)
        total = int(counts.sum())
        values = np.zeros((total, self.num_features), self.dtype)
        values[own] = self.values
        padding = np.ones(total, dtype=bool)
        padding[own] = False if self.padding is None else self.padding
        times = None if self.times is None else np.full(total, np.nan)
        if times is not None:
            times[own] = self.times
        return self._trusted(values, np.append(starts, total), self.ids, times, padding, self.time_kind)

    def frames(self, length: int, hop: int) -> Sequences:
        """The same in frames: step k holds the `length` steps from step k * hop on, one after the other,
        length * I values. Steps at the end that fill no frame fall away; a frame's time stamp is that of its
        last step.

        ValueError where a sequence is shorter than a frame, or has steps of padding.
        """
        length, hop = integer("length", length), integer("hop", hop)
        self._check_steps("frames", "length", length, length)
        counts = (self.lengths - length) // hop + 1
        offsets = np.concatenate(([0], np.cumsum(counts)))
        first = hop * np.arange(offsets[-1]) + np.repeat(self.offsets[:-1] - hop * offsets[:-1], counts)
        steps = first[:, np.newaxis] + np.arange(length)
        values = self.values[steps].reshape(len(steps), -1)
        return self._trusted(values, offsets, self.ids, _at(self.times, steps[:, -1]), None, self.time_kind)

    def differences(self, lag: int = 1) -> Sequences:
        """How values change: step k holds step k + lag less step k, with the time stamp of the later one.
        Each sequence has `lag` steps fewer.

        ValueError where a sequence has no more steps than that, or steps of padding.
        """
        lag = integer("lag", lag)
        self._check_steps("differences", "lag", lag, lag + 1)
        later = np.arange(self.total_steps) - np.repeat(self.offsets[:-1], self.lengths) >= lag
        values = self.values[later] - self.values[np.flatnonzero(later) - lag]
        return Sequences(
            values,
            offsets_without(~later, self.offsets),
            self.ids,
            _at(self.times, later),
            time_kind=self.time_kind,
        )

    def _check_steps(self, method: str, argument: str, got: int, needed: int) -> None:
        """ValueError where there is padding, or a sequence of fewer steps than an argument needs."""
        if self.padding is not None:
            raise ValueError(
                f"{method} expects sequences without padding; got some: call without_padding() first"
            )
        short = np.flatnonzero(self.lengths < needed)
        if len(short):
            fits = "at most" if got == needed else "less than"
            raise ValueError(
                f"{argument} expects {fits} the steps of the shortest sequence; got {got}, and sequence "
                f"{short[0]} has {self.lengths[short[0]]}: pass fewer"
            )

    @classmethod
    def _trusted(
        cls,
        values: Floats,
        offsets: Integers,
        ids: NDArray[Any] | None,
        times: NDArray[np.float64] | None,
        padding: NDArray[np.bool_] | None = None,
        time_kind: str | None = None,
    ) -> Sequences:
        """Sequences from parts already checked."""
        sequences = object.__new__(cls)
        sequences._set(values, offsets, ids, times, padding, time_kind)
        return sequences

    def _set(
        self,
        values: Floats,
        offsets: Integers,
        ids: NDArray[Any] | None,
        times: NDArray[np.float64] | None,
        padding: NDArray[np.bool_] | None = None,
        time_kind: str | None = None,
    ) -> None:
        # Read-only: native code trusts the offsets to stay inside the values.
        offsets.flags.writeable = False
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "offsets", offsets)
        object.__setattr__(self, "ids", ids)
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "padding", padding)
        object.__setattr__(self, "time_kind", time_kind)

    @property
    def observed(self) -> NDArray[np.bool_]:
        """Which values are there, (S, I)."""
        return ~np.isnan(self.values)

    def with_gaps(self, missing: NDArray[np.bool_]) -> Sequences:
        """The same without the values where missing, (S, I), is True."""
        values = _with_gaps(self.values, ~missing)
        return self._trusted(values, self.offsets, self.ids, self.times, self.padding, self.time_kind)

    @cached_property
    def first_gap(self) -> tuple[int, int] | None:
        """Step, counted over all sequences, and feature of the first missing value; None where all are
        there."""
        return first_missing_value(self.values)

    @property
    def has_gaps(self) -> bool:
        """Whether a value is missing."""
        return self.first_gap is not None

    @property
    def lengths(self) -> Integers:
        """Steps of each sequence, (N,)."""
        return np.diff(self.offsets)

    @property
    def num_features(self) -> int:
        return int(self.values.shape[1])

    @property
    def total_steps(self) -> int:
        return len(self.values)

    @property
    def dtype(self) -> np.dtype[np.floating[Any]]:
        return self.values.dtype

    @property
    def shape(self) -> tuple[int]:
        """(N,): with a shape scikit-learn asks for many positions at once, not for one sequence after the
        other."""
        return (len(self),)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __iter__(self) -> Iterator[Floats]:
        return (self.values[start:stop] for start, stop in zip(self.offsets[:-1], self.offsets[1:]))

    @overload
    def __getitem__(self, key: int | np.integer[Any]) -> Floats: ...
    @overload
    def __getitem__(self, key: slice | list[int] | NDArray[Any] | tuple[Any, EllipsisType]) -> Sequences: ...
    def __getitem__(self, key: Any) -> Floats | Sequences:
        if isinstance(key, tuple) and len(key) == 2 and key[1] is Ellipsis:
            return self[key[0]]  # as scikit-learn writes it
        if isinstance(key, slice):
            return self.take(np.arange(len(self))[key])
        positions = np.asarray(key)
        if positions.ndim == 0 and positions.dtype.kind in "iu":
            index = range(len(self))[int(positions)]
            return self.values[self.offsets[index] : self.offsets[index + 1]]
        if positions.dtype == bool:
            if positions.shape != (len(self),):
                raise IndexError(
                    f"a mask over {len(self)} sequences expects shape ({len(self)},); got {positions.shape}"
                )
            return self.take(np.flatnonzero(positions))
        return self.take(positions)

    def take(self, indices: Any) -> Sequences:
        """The sequences at these positions, in this order; negative positions count from the end."""
        given = np.asarray(indices)
        if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
            raise IndexError(f"positions of sequences expect a list of whole numbers; got {indices!r}")
        # Integer indexing checks the range and resolves negative positions.
        chosen = np.arange(len(self))[given.astype(np.int64)]
        ids = None if self.ids is None else self.ids[chosen]
        offsets = np.concatenate(([0], np.cumsum(self.lengths[chosen])))
        if len(chosen) and (np.diff(chosen) == 1).all():
            first = self.offsets[chosen[0]]
            rows: Any = slice(first, first + offsets[-1])
        else:
            rows = steps_of(self.offsets, chosen)
        times, padding = _at(self.times, rows), _at(self.padding, rows)
        return self._trusted(self.values[rows], offsets, ids, times, padding, self.time_kind)

    def __repr__(self) -> str:
        features = _counted(self.num_features, "feature")
        if not len(self):
            return f"Sequences(none, {features}, {self.dtype})"
        shortest, longest = int(self.lengths.min()), int(self.lengths.max())
        steps = _counted(longest, "step") if shortest == longest else f"{shortest} to {longest} steps"
        if self.padding is not None:
            steps += f", {self.padding.mean():.0%} of them padding"
        return f"Sequences({_counted(len(self), 'sequence')} of {steps}, {features}, {self.dtype})"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def steps_of(offsets: Integers, indices: Integers) -> Integers:
    """Rows of the values that hold the sequences at `indices`, in that order."""
    lengths = np.diff(offsets)[indices]
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    rows: Integers = np.arange(total) + np.repeat(offsets[indices] - (ends - lengths), lengths)
    return rows


def _at(own: NDArray[Any] | None, rows: Any) -> Any:
    return None if own is None else own[rows]


def _time_kind(said: str | None, found: str | None) -> str | None:
    """The kind of times, found by their type (None: there are none), which numbers may be said to be."""
    if said is None:
        return found
    choice("time_kind", said, KINDS)
    if found not in (said, "numbers"):
        raise ValueError(f"time_kind expects {found or 'None, without times'}; got {said!r}: leave it out")
    return said


def _offsets(got: Any, num_steps: int) -> Integers:
    given = np.asarray(got)
    if given.ndim != 1 or given.dtype.kind not in "iu":
        raise ValueError(
            f"offsets expects N + 1 whole numbers; got {given.dtype} of shape {given.shape}: pass the step "
            "at which each sequence begins and, last, the number of steps"
        )
    if len(given) < 2:
        raise ValueError(
            f"offsets expects at least one sequence, two entries; got {len(given)}: pass some sequences"
        )
    if given.dtype.kind == "u" and given.max() > np.iinfo(np.int64).max:
        raise ValueError(f"offsets expects entries that fit int64; got {given.max()}: pass smaller ones")
    offsets: Integers = given.astype(np.int64)
    if offsets[0] != 0 or offsets[-1] != num_steps:
        raise ValueError(
            f"offsets expects to run from 0 to the {num_steps} steps of values; got {offsets[0]} to "
            f"{offsets[-1]}: pass the step at which each sequence begins and, last, the number of steps"
        )
    falling = np.flatnonzero(offsets[1:] <= offsets[:-1])
    if len(falling):
        index = falling[0]
        problem = "an empty sequence" if offsets[index] == offsets[index + 1] else "a fall"
        raise ValueError(
            f"offsets expects to rise; got {problem} at sequence {index}, {offsets[index]} to "
            f"{offsets[index + 1]}: leave empty sequences out"
        )
    return offsets


def _ids(got: Any, num_sequences: int) -> NDArray[Any] | None:
    if got is None:
        return None
    ids = np.array(got)
    if ids.shape != (num_sequences,):
        raise ValueError(
            f"ids expects one entry for each of {num_sequences} sequences; got shape {ids.shape}: "
            "pass as many"
        )
    return ids


def _check_not_infinite(argument: str, values: Floats, offsets: Integers) -> None:
    place = first_infinite(values)
    if place is not None:
        raise ValueError(
            f"{argument} expects finite numbers; got infinity in {place_of(place[0], offsets)}, feature "
            f"{place[1]}: mend it, or pass NaN if it is missing"
        )


def _observed(got: Any, argument: str, values: Floats, offsets: Integers) -> NDArray[np.bool_]:
    """Booleans in the layout of X as (S, I); ValueError where they have another shape."""
    if is_array(got):
        flags = np.asarray(got)
        by_sequence = flags.shape[:2] == (len(offsets) - 1, *np.unique(np.diff(offsets)))
        fits = flags.size == values.size and (by_sequence or flags.shape == values.shape)
    else:
        items = [np.asarray(item) for item in got]
        for index, (item, length) in enumerate(zip(items, np.diff(offsets))):
            if item.size != length * values.shape[1] or len(item) != length:
                raise ValueError(
                    f"observed[{index}] expects the shape of {argument}[{index}], ({length}, "
                    f"{values.shape[1]}); got {item.shape}: pass one boolean a value"
                )
        fits = len(items) == len(offsets) - 1
        flags = np.concatenate([item.reshape(-1, values.shape[1]) for item in items])
    if not fits or flags.dtype != bool:
        raise ValueError(
            f"observed expects booleans in the shape of {argument}, {len(values)} steps of "
            f"{values.shape[1]} features; got {flags.dtype} of shape {flags.shape}: pass True where a value "
            "is there"
        )
    return flags.reshape(values.shape)


def _with_gaps(values: Floats, observed: NDArray[np.bool_]) -> Floats:
    return np.where(observed, values, values.dtype.type(np.nan))
