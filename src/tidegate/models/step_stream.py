"""A fitted model of any inputs of steps, whose steps arrive one at a time.

N sequences, I features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from tidegate.checks import integer
from tidegate.data.stamps import as_seconds, whatever_zone
from tidegate.engine import Engine, Floats, Steps
from tidegate.engine.stream import StateLayout, fitting_state, mark_of, states_in, with_states
from tidegate.models.encoders import Encoder, NumericEncoder, named
from tidegate.models.reading import given_for
from tidegate.models.rows import Rows
from tidegate.network import Network

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Kept:
    """What a stream knows of the steps so far. states: (states, N, H) by layer. last, seen: (N, I) of each
    input with gaps the values seen last, NaN where there is none, and when. now: (N,) the stamps of the last
    step, or its number; time_kind: what they are. begun: whether there was a step."""

    states: dict[str, Floats]
    last: dict[str, Floats]
    seen: dict[str, Doubles]
    now: Doubles
    time_kind: str = ""
    begun: bool = False


class StepStream:
    """N sequences side by side: the next step of each input in, the values of the network's outputs after
    these steps out.

    It keeps, beside the states, of an input with gaps the value of each feature that was seen last, and when.
    argument: what errors call an input. The parameters are those of the moment it was made.
    """

    def __init__(
        self,
        network: Network,
        parameters: Mapping[str, Floats],
        encoders: Mapping[str, Encoder],
        num_sequences: int,
        argument: Callable[[str], str],
        dtype: str,
    ) -> None:
        self._engine = Engine(network, dtype=dtype)
        for name, value in parameters.items():
            self._engine.parameters[name] = value
        self._network = network
        self._layout = StateLayout.of(network, num_sequences, dtype)
        self._encoders, self._argument, self._dtype = encoders, argument, dtype
        self._count = integer("num_sequences", num_sequences)
        self._gappy = {
            name: encoder
            for name, encoder in encoders.items()
            if isinstance(encoder, NumericEncoder) and encoder.gaps.missing in ("mask", "decay")
        }
        self._timed = [encoder.gaps for encoder in self._gappy.values() if encoder.gaps.interval is not None]
        self.reset()

    def reset(self) -> None:
        """Begin new sequences."""
        shapes = {name: (self._count, encoder.num_values) for name, encoder in self._gappy.items()}
        zeros = self._layout.zeros
        self._kept = _Kept(
            self._layout.by_layer({}, zeros),
            {name: np.full(shape, np.nan, self._dtype) for name, shape in shapes.items()},
            {name: np.zeros(shape) for name, shape in shapes.items()},
            np.full(self._count, -1.0),
        )

    @property
    def states(self) -> dict[str, Floats]:
        """A copy of the states, name -> (layers, N, H)."""
        return self._layout.by_name(self._kept.states.__getitem__)

    @states.setter
    def states(self, states: Mapping[str, npt.ArrayLike]) -> None:
        self._kept = replace(self._kept, states=self._layout.by_layer(states, self.states))

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """All that it knows of the steps so far, arrays by name."""
        kept = self._kept
        return {
            "model": self._mark,
            **with_states(self.states),
            **{named(name, "last"): own.copy() for name, own in kept.last.items()},
            **{named(name, "seen"): own.copy() for name, own in kept.seen.items()},
            "now": kept.now.copy(),
            "time_kind": np.array(kept.time_kind),
            "begun": np.array(kept.begun),
        }

    def restore(self, state: Mapping[str, npt.ArrayLike]) -> None:
        """Go on from what `state` of a stream gave. ValueError, and all as it was, where it does not fit."""
        given = fitting_state(state, self.state())
        self._kept = _Kept(
            self._layout.by_layer(states_in(given), self.states),
            {name: given[named(name, "last")].astype(self._dtype) for name in self._gappy},
            {name: given[named(name, "seen")].astype(np.float64) for name in self._gappy},
            given["now"].astype(np.float64),
            str(given["time_kind"]),
            bool(given["begun"]),
        )

    @cached_property
    def _mark(self) -> npt.NDArray[np.uint8]:
        learnt: list[npt.ArrayLike] = []
        for name, encoder in self._gappy.items():
            learnt += [name, repr(encoder.gaps), encoder.scaling.mean, encoder.scaling.scale]
        return mark_of(self._engine, *learnt)

    def step(self, given: Mapping[str, Any], times: Any = None) -> Callable[[str], Floats]:
        """Take the next step of each input, by name; the value of a node after it. times: (N,) or one stamp,
        where fit had some. ValueError, and all as it was, where something does not fit."""
        for name in self._encoders:
            given_for("data", name, given)
        now, kind = self._stamps(times)
        arrays: dict[str, Any] = {}
        begun, last, seen = self._kept.begun, dict(self._kept.last), dict(self._kept.seen)
        for name, encoder in self._encoders.items():
            argument = self._argument(name)
            if not isinstance(encoder, NumericEncoder):
                rows = encoder.record.read(argument, _steps_of_one(argument, given[name], self._count))
                arrays |= encoder.arrays(argument, name, rows, False, self._dtype)
                continue
            values = self._values(argument, encoder, given[name])
            if name not in self._gappy:
                rows = Rows(values, np.ones(self._count, np.int64), np.ones(self._count, dtype=bool))
                arrays |= encoder.arrays(argument, name, rows, False, self._dtype)
                continue
            gaps, scaling = encoder.gaps, encoder.scaling
            read = gaps.as_read(scaling.apply(argument, values, self._dtype), scaling)
            observed, at = ~np.isnan(read), now[:, np.newaxis]
            since = at - seen[name] if begun else np.zeros(values.shape)
            last[name] = np.where(observed, read, last[name])
            seen[name] = np.where(observed | (not begun), at, seen[name])
            columns = gaps.columns(read, gaps.in_intervals(since), last[name], scaling)
            arrays |= {named(name, part): np.ascontiguousarray(own) for part, own in columns.items()}
        steps = Steps(
            tuple(arrays[name] for name in self._network.inputs),
            np.arange(self._count),
            np.ones(self._count, np.int64),
            tuple(arrays[name] for name in self._network.sparse_inputs),
        )
        self._engine.forward(steps, initial=self._kept.states)
        states = {name: np.array(self._engine.final_states(name)) for name in self._layout.layers}
        self._kept = _Kept(states, last, seen, now, kind, True)
        return self._engine.value

    def steps(self, given: Mapping[str, Any], times: Any, names: Iterable[str]) -> dict[str, Floats]:
        """Take the next steps of each input, one after the other; the values of these nodes, (N, steps, K),
        or (N, K) after the last of them where a node has one row a sequence. times: (N, steps), or (steps,)
        of all sequences. ValueError, and all as it was, where something does not fit."""
        for name in self._encoders:
            given_for("data", name, given)
        pieces = {name: self._cut(name, given[name]) for name in self._encoders}
        count = len(next(iter(pieces.values())))
        for name, piece in pieces.items():
            if len(piece) != count:
                raise ValueError(
                    f"{self._argument(name)} expects {count} steps, as the first input has; got "
                    f"{len(piece)}: pass as many"
                )
        stamps = None if times is None else np.asarray(times)
        if stamps is not None and stamps.shape not in ((count,), (self._count, count)):
            raise ValueError(
                f"times expects shape ({count},) or ({self._count}, {count}); got {stamps.shape}: pass one "
                "stamp a step"
            )
        found: dict[str, list[Floats]] = {name: [] for name in names}
        before = self._kept
        try:
            for step in range(count):
                own = {name: piece[step] for name, piece in pieces.items()}
                value = self.step(own, None if stamps is None else stamps[..., step])
                for name, values in found.items():
                    values.append(np.array(value(name)))
        except BaseException:
            self._kept = before
            raise
        return {
            name: np.stack(values, axis=1) if self._network.is_per_step(name) else values[-1]
            for name, values in found.items()
        }

    def _cut(self, name: str, given: Any) -> Sequence[Any]:
        """Steps of an input as `step` takes them, one after the other."""
        argument, encoder = self._argument(name), self._encoders[name]
        if not isinstance(encoder, NumericEncoder):
            return _cut_lists(argument, given, self._count)
        try:
            values = np.asarray(given, np.float64)
        except ValueError:
            raise ValueError(
                f"{argument} expects numbers, as many steps of each sequence; got others: pass the next "
                "steps of each"
            ) from None
        if self._count == 1 and values.ndim == 2:
            values = values[np.newaxis]
        if values.ndim != 3 or values.shape[::2] != (self._count, encoder.num_values) or not values.size:
            one = f", or (steps, {encoder.num_values})" if self._count == 1 else ""
            raise ValueError(
                f"{argument} expects shape ({self._count}, steps, {encoder.num_values}){one}, of at least "
                f"one step; got {values.shape}: pass the next steps of each sequence"
            )
        return list(values.swapaxes(0, 1))

    def _values(self, argument: str, encoder: NumericEncoder, given: Any) -> Doubles:
        """(N, I) numbers of one step, NaN where the encoder takes gaps."""
        shape = (self._count, encoder.num_values)
        values = step_numbers(argument, given)
        if values.shape != shape and (shape[0] > 1 or values.shape != shape[1:]):
            raise ValueError(
                f"{argument} expects shape {shape}; got {values.shape}: pass one step of each sequence"
            )
        values = values.reshape(shape)
        gappy = encoder.gaps.missing in ("mask", "decay")
        wrong = np.isinf(values) if gappy else ~np.isfinite(values)
        if wrong.any():
            sequence, feature = np.argwhere(wrong)[0]
            got = "infinity" if np.isinf(values[sequence, feature]) else "NaN"
            raise ValueError(
                f"{argument} expects finite numbers{', or NaN' * gappy}; got {got} in sequence {sequence}, "
                f"feature {feature}: mend it{', or pass NaN' * gappy}"
            )
        return values

    def _stamps(self, times: Any) -> tuple[Doubles, str]:
        """(N,) of this step, what was given or its number; and of which kind."""
        if (times is None) == bool(self._timed):
            expected, got = ("a time stamp", "none") if self._timed else ("None", "some")
            raise ValueError(f"times expects {expected}, as fit saw; got {got}: pass the same")
        if times is None:
            return self._kept.now + 1.0, ""
        stamps, kind = as_seconds("times", times)
        for gaps in self._timed:
            gaps.check_kind("times", whatever_zone(kind))
        kept = self._kept
        if kept.begun and kind != kept.time_kind:
            raise ValueError(
                f"times expects {kept.time_kind}, as the step before had; got {kind}: pass the same"
            )
        if stamps.shape not in ((), kept.now.shape):
            raise ValueError(
                f"times expects one stamp, or shape {kept.now.shape}; got {stamps.shape}: pass one for each"
            )
        now = np.broadcast_to(stamps, kept.now.shape)
        late = ~np.isfinite(now) | (now <= kept.now if kept.begun else False)
        if late.any():
            at = int(late.argmax())
            raise ValueError(
                f"times expects finite stamps that rise from step to step; got {now[at]} after "
                f"{kept.now[at]} in sequence {at}: put the steps in order of time"
            )
        return now, kind


def _cut_lists(argument: str, given: Any, count: int) -> list[Any]:
    """What `_steps_of_one` takes of each step, of N lists of labels or matrices of as many steps."""
    items = list(given) if hasattr(given, "__iter__") and not isinstance(given, str) else []
    lengths = {own.shape[0] if hasattr(own, "shape") else len(own) for own in items if np.ndim(own) or own}
    if len(items) != count or len(lengths) != 1 or not max(lengths):
        raise ValueError(
            f"{argument} expects {count} lists of as many steps, one a sequence; got "
            f"{sorted(lengths) or 'no'} steps in {len(items)}: pass the next steps of each sequence"
        )
    if not hasattr(items[0], "tocsr"):
        return [[own[step] for own in items] for step in range(lengths.pop())]
    from scipy import sparse

    matrices = [own.tocsr() for own in items]
    return [sparse.vstack([own[at : at + 1] for own in matrices], "csr") for at in range(lengths.pop())]


def step_numbers(argument: str, given: Any) -> Doubles:
    """The numbers of a step, or of several."""
    try:
        return np.asarray(given, np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f"{argument} expects numbers; got {type(given).__name__}: pass an array of them"
        ) from None


def _steps_of_one(argument: str, given: Any, count: int) -> list[Any]:
    """One entry a sequence as sequences of one step each."""
    if not hasattr(given, "__len__") and not hasattr(given, "shape"):
        raise ValueError(f"{argument} expects one entry a sequence; got {given!r}: pass {count} of them")
    num_given = given.shape[0] if hasattr(given, "shape") else len(given)
    if isinstance(given, str) or num_given != count:
        raise ValueError(f"{argument} expects {count} entries, one a sequence; got {num_given}: pass as many")
    if hasattr(given, "tocsr"):
        return [given[index : index + 1] for index in range(count)]
    return [[own] if np.ndim(own) == 0 else np.asarray(own)[np.newaxis] for own in given]
