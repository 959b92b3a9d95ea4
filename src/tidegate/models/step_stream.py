"""A fitted model of any inputs of steps, whose steps arrive one at a time.

N sequences, I features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tidegate.checks import integer
from tidegate.data.stamps import as_seconds
from tidegate.engine import Engine, Floats, Steps
from tidegate.models.encoders import Encoder, NumericEncoder, named
from tidegate.models.reading import given_for
from tidegate.models.rows import Rows
from tidegate.network import Network, Recurrent

Doubles = npt.NDArray[np.float64]


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
        self._layers = [node.name for node in network.nodes if isinstance(node, Recurrent)]
        self._encoders, self._argument, self._dtype = encoders, argument, dtype
        self._count = integer("num_sequences", num_sequences)
        self._gappy = {
            name: encoder
            for name, encoder in encoders.items()
            if isinstance(encoder, NumericEncoder) and encoder.gaps.missing in ("mask", "decay")
        }
        self._timed = any(encoder.gaps.interval is not None for encoder in self._gappy.values())
        self.reset()

    def reset(self) -> None:
        """Begin new sequences."""
        self._states: dict[str, Floats] | None = None
        shapes = {name: (self._count, encoder.num_values) for name, encoder in self._gappy.items()}
        self._last = {name: np.full(shape, np.nan, self._dtype) for name, shape in shapes.items()}
        self._seen = {name: np.zeros(shape) for name, shape in shapes.items()}
        self._now = np.full(self._count, -1.0)

    def step(self, given: Mapping[str, Any], times: Any = None) -> Callable[[str], Floats]:
        """Take the next step of each input, by name; the value of a node after it. times: (N,) or one stamp,
        where fit had some. ValueError, and all as it was, where something does not fit."""
        for name in self._encoders:
            given_for("data", name, given)
        now = self._stamps(times)
        arrays: dict[str, Any] = {}
        last, seen = dict(self._last), dict(self._seen)
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
            since = at - seen[name] if self._begun else np.zeros(values.shape)
            last[name] = np.where(observed, read, last[name])
            seen[name] = np.where(observed | (not self._begun), at, seen[name])
            columns = gaps.columns(read, gaps.in_intervals(since), last[name], scaling)
            arrays |= {named(name, part): np.ascontiguousarray(own) for part, own in columns.items()}
        steps = Steps(
            tuple(arrays[name] for name in self._network.inputs),
            np.arange(self._count),
            np.ones(self._count, np.int64),
            tuple(arrays[name] for name in self._network.sparse_inputs),
        )
        self._engine.forward(steps, initial=self._states)
        self._last, self._seen, self._now = last, seen, now
        self._states = {name: np.array(self._engine.final_states(name)) for name in self._layers}
        return self._engine.value

    @property
    def _begun(self) -> bool:
        return self._states is not None

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

    def _stamps(self, times: Any) -> Doubles:
        """(N,) of this step: what was given, or its number."""
        if (times is None) == self._timed:
            expected, got = ("a time stamp", "none") if self._timed else ("None", "some")
            raise ValueError(f"times expects {expected}, as fit saw; got {got}: pass the same")
        if times is None:
            return self._now + 1.0
        stamps = as_seconds("times", times)
        if stamps.shape not in ((), self._now.shape):
            raise ValueError(
                f"times expects one stamp, or shape {self._now.shape}; got {stamps.shape}: pass one for each"
            )
        now = np.broadcast_to(stamps, self._now.shape)
        late = ~np.isfinite(now) | (now <= self._now if self._begun else False)
        if late.any():
            at = int(late.argmax())
            raise ValueError(
                f"times expects finite stamps that rise from step to step; got {now[at]} after "
                f"{self._now[at]} in sequence {at}: put the steps in order of time"
            )
        return now


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
