"""When steps were: numbers, dates or durations as float64, rising within each sequence.

S steps of all sequences, T_i steps of sequence i.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.data.arrays import Integers, borders, is_array, place_of
from tidegate.data.times import has_zone, parse_dates

Stamps = NDArray[np.float64]

KINDS = ("numbers", "dates", "durations")
ZONED = "dates with a time zone"


def kind_of(dtype: np.dtype[Any]) -> str:
    """Of KINDS, what stamps of a NumPy type are."""
    return {"M": "dates", "m": "durations"}.get(dtype.kind, "numbers")


def whatever_zone(kind: str) -> str:
    """Of KINDS, what `as_seconds` told: once in UTC, dates are dates."""
    return "dates" if kind == ZONED else kind


def as_stamps(argument: str, got: Any, offsets: Integers) -> tuple[Stamps, str]:
    """Stamps laid out as the sequences are, (N, T) or a list of (T_i,), or (S,), as (S,), and which of KINDS
    they are; ValueError names the sequence and the step where one is missing or no later than the one before,
    and a sequence whose stamps are of another kind, or zone, than those of the others."""
    num_steps, lengths = int(offsets[-1]), np.diff(offsets)
    if is_array(got):
        stamps, kind = as_seconds(argument, got)
        rectangle = (len(lengths), lengths[0])
        fits = stamps.shape == (num_steps,) or (stamps.shape == rectangle and (lengths == lengths[0]).all())
        if not fits:
            raise ValueError(
                f"{argument} expects one stamp for each of {num_steps} steps; got shape {stamps.shape}: pass "
                "them in the layout of X, without its features"
            )
        stamps = stamps.reshape(-1)
    else:
        read = [as_seconds(f"{argument}[{index}]", item) for index, item in enumerate(got)]
        items, kinds = [item for item, _ in read], [own for _, own in read]
        if len(items) != len(lengths):
            raise ValueError(
                f"{argument} expects the stamps of {len(lengths)} sequences; got {len(items)}: pass as many"
            )
        for index, (item, length) in enumerate(zip(items, lengths)):
            if item.shape != (length,):
                raise ValueError(
                    f"{argument}[{index}] expects one stamp for each of {length} steps; got shape "
                    f"{item.shape}: pass as many"
                )
        stamps, kind = np.concatenate(items), _one_kind(argument, kinds, lengths)
    check_stamps(argument, stamps, offsets)
    return stamps, whatever_zone(kind)


def _one_kind(argument: str, kinds: Sequence[str], lengths: Integers) -> str:
    """The kind of the stamps of all sequences, of those that have some."""
    first, *others = np.flatnonzero(lengths).tolist() or [0]
    for index in others:
        if kinds[index] != kinds[first]:
            raise ValueError(
                f"{argument}[{index}] expects {kinds[first]}, as {argument}[{first}] has; got "
                f"{kinds[index]}: make all of one kind"
            )
    return kinds[first]


def as_seconds(argument: str, got: Any) -> tuple[Stamps, str]:
    """Numbers as they are, dates and durations as seconds, since 1970 where they are dates; and what they
    were, one of KINDS or ZONED. ValueError where text is no date in ISO 8601."""
    stamps = given = np.asarray(got)
    kind = kind_of(stamps.dtype)
    if stamps.dtype.kind in "UO":
        try:
            stamps = parse_dates(stamps.ravel()).reshape(stamps.shape)
            kind = ZONED if has_zone(given) else "dates"
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{argument} expects numbers or dates in ISO 8601; got {_neither(given) or error}: mend it"
            ) from None
    if stamps.dtype.kind in "mM":
        since = stamps - np.datetime64(0, "s") if stamps.dtype.kind == "M" else stamps
        return np.asarray(since / np.timedelta64(1, "s")), kind  # NaT becomes NaN
    if stamps.dtype.kind not in "fiu":
        raise ValueError(f"{argument} expects numbers or dates; got {stamps.dtype}: convert it")
    return stamps.astype(np.float64), kind


def _neither(stamps: NDArray[Any]) -> str:
    """The first that is no date, and where it is; "" where each alone is one."""
    for place in np.ndindex(stamps.shape):
        try:
            parse_dates(np.array([stamps[place]], dtype=object))
        except (TypeError, ValueError):
            *sequence, step = place
            of = f"sequence {sequence[0]} at " if sequence else ""
            return f"{str(stamps[place])!r:.60} in {of}step {step}"
    return ""


def check_stamps(argument: str, stamps: Stamps, offsets: Integers) -> None:
    """ValueError where a stamp is none, or no later than that of the step before."""
    unknown = ~np.isfinite(stamps)
    if unknown.any():
        step = int(unknown.argmax())
        raise ValueError(
            f"{argument} expects a finite number or a date for each step; got {stamps[step]} in "
            f"{place_of(step, offsets)}: fill it in or leave the step out"
        )
    late = stamps[1:] <= stamps[:-1]
    late[borders(offsets) - 1] = False
    if late.any():
        step = int(late.argmax()) + 1
        before, now = stamps[step - 1], stamps[step]
        got = f"{now} twice" if now == before else f"{now} after {before}"
        remedy = "leave one of the steps out" if now == before else "put the steps in order of time"
        raise ValueError(
            f"{argument} expects stamps that rise within a sequence; got {got} in {place_of(step, offsets)}: "
            f"{remedy}"
        )
