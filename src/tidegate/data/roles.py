"""What each column of a table is taken for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from tidegate.checks import choice
from tidegate.data.column import TYPES
from tidegate.data.sources import Source

_NUMBERED = re.compile(r"(.*?)(\d+)")
# From how many numbered columns on a table without id and time looks as if its columns were steps.
_MANY_STEPS = 8


@dataclass(frozen=True)
class Roles:
    """id: columns that name the sequence; time: the one that orders its steps; target: what is to be
    predicted;
    features: the rest, or those chosen."""

    id: tuple[str, ...]
    time: str | None
    target: tuple[str, ...]
    features: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.id, *filter(None, [self.time]), *self.target, *self.features)))


def choose(source: Source, id: Any, time: Any, target: Any, features: Any) -> Roles:
    """Roles of the columns of a table; ValueError where one is missing or is given two."""
    ids = columns_named("id", id, source)
    times = columns_named("time", time, source)
    if len(times) > 1:
        raise ValueError(
            f"time expects one column; got {', '.join(map(repr, times))}: pass the one that orders"
        )
    targets = columns_named("target", target, source)
    taken: dict[str, str] = {}
    for role, names in (("id", ids), ("time", times), ("target", targets)):
        for name in names:
            if name in taken:
                raise ValueError(
                    f"{role} expects a column of its own; got {name!r}, which is {taken[name]} too: pass "
                    "another"
                )
            taken[name] = role
    if features is None:
        chosen = tuple(name for name in source.names if name not in taken)
    else:
        chosen = columns_named("features", features, source)
        both = [name for name in chosen if taken.get(name) in ("id", "target")]
        if both:
            raise ValueError(
                f"features expects other columns than {taken[both[0]]} has; got {both[0]!r}: leave it out of "
                "one"
            )
    if not chosen:
        raise ValueError(
            f"features expects at least one column; got none: {source.title} has no others than "
            f"{', '.join(map(repr, taken)) or 'none'}"
        )
    return Roles(ids, times[0] if times else None, targets, chosen)


def columns_named(argument: str, got: Any, source: Source) -> tuple[str, ...]:
    """The columns that an argument names, one or several; ValueError with the nearest where there is none."""
    if got is None:
        return ()
    given = [got] if isinstance(got, str | int) else list(got)
    names = [str(name) for name in given]
    known = set(source.names)
    for index, name in enumerate(names):
        if name not in known:
            in_index = name in getattr(source, "index_names", ())
            raise ValueError(
                f"{argument} expects a column of {source.title}; got {name!r}: "
                + ("it is in the index: reset_index() first" if in_index else _nearest(name, source.names))
            )
        if name in names[:index]:
            raise ValueError(f"{argument} expects each column once; got {name!r} twice: leave one out")
    return tuple(names)


def check_types(types: Mapping[str, str] | None, names: Sequence[str]) -> Mapping[str, str]:
    """Types by column; ValueError for a column or a type that there is not."""
    given = dict(types or {})
    for name, kind in given.items():
        if name not in names:
            raise ValueError(
                f"types expects columns that are there; got {name!r}: {_nearest(str(name), names)}"
            )
        choice(f"types[{name!r}]", kind, TYPES)
    return given


def _nearest(name: str, names: Sequence[str]) -> str:
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    listed = ", ".join(map(repr, names[:12]))
    return f"pass one of {listed}" + (f", ... ({len(names)} of them)" if len(names) > 12 else "")


def numbered_like_steps(names: Sequence[str]) -> bool:
    """Whether names count: t0, t1, t2, ... or 1, 2, 3, ..."""
    if len(names) < _MANY_STEPS:
        return False
    matches = [_NUMBERED.fullmatch(name) for name in names]
    if not all(matches):
        return False
    parts = [match.groups() for match in matches if match]
    first = int(parts[0][1])
    return all(
        prefix == parts[0][0] and int(number) == first + at for at, (prefix, number) in enumerate(parts)
    )
