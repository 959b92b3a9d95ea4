"""A fitted model that reads gaps and time stamps, whose steps arrive one at a time.

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
from tidegate.estimators.gaps import Gaps
from tidegate.estimators.scaling import Scaling
from tidegate.network import Input, Network, Recurrent


class GappyStream:
    """N sequences side by side: their next steps in, with NaN where a value is missing, the model's answers
    after these steps out, as ModelStream has them.

    It keeps, beside the states, the value of each feature that was seen last, and when.
    """

    def __init__(
        self,
        network: Network,
        parameters: Mapping[str, Floats],
        gaps: Gaps,
        scaling: Scaling,
        answers: Callable[[Floats], Any],
        num_sequences: int,
        dtype: str,
    ) -> None:
        self._engine = Engine(network, dtype=dtype)
        for name, value in parameters.items():
            self._engine.parameters[name] = value
        self._inputs = [node.name for node in network.nodes if isinstance(node, Input)]
        self._layers = [node.name for node in network.nodes if isinstance(node, Recurrent)]
        self._gaps, self._scaling, self._answers, self._dtype = gaps, scaling, answers, dtype
        self._shape = (integer("num_sequences", num_sequences), len(gaps.mean))
        self.reset()

    def reset(self) -> None:
        """Begin new sequences."""
        self._states: dict[str, Floats] | None = None
        self._last = np.full(self._shape, np.nan, self._dtype)
        self._seen = np.zeros(self._shape)
        self._now = np.full(self._shape[0], -1.0)

    def step(self, x: npt.ArrayLike, times: Any = None) -> Any:
        """The answers, one a sequence, after the next step x, (N, I) or (I,) for one sequence, in the units
        of fit's X; times: (N,) or one stamp, numbers or dates as fit's were, where it had some. ValueError,
        and all as it was, where x has another shape or infinity, or a stamp is no later than the last."""
        values = np.asarray(x, np.float64)
        if values.shape != self._shape and (self._shape[0] > 1 or values.shape != self._shape[1:]):
            raise ValueError(
                f"x expects shape {self._shape}; got {values.shape}: pass one step of each sequence"
            )
        values = values.reshape(self._shape)
        if np.isinf(values).any():
            sequence, feature = np.argwhere(np.isinf(values))[0]
            raise ValueError(
                f"x expects finite numbers, or NaN; got infinity in sequence {sequence}, feature {feature}: "
                "mend it, or pass NaN"
            )
        scaled = self._scaling.apply("x", values, self._dtype)
        now = self._stamps(times)
        given = self._gaps.as_read(scaled, self._scaling)
        observed = ~np.isnan(given)
        at = now[:, np.newaxis]
        since = at - self._seen if self._begun else np.zeros(self._shape)
        last = np.where(observed, given, self._last)
        inputs = self._gaps.columns(given, self._gaps.in_intervals(since), last, self._scaling)
        count = self._shape[0]
        arrays = tuple(np.ascontiguousarray(inputs[name]) for name in self._inputs)
        self._engine.forward(Steps(arrays, np.arange(count), np.ones(count, np.int64)), initial=self._states)
        self._seen = np.where(observed | (not self._begun), at, self._seen)
        self._last, self._now = last, now
        self._states = {name: np.array(self._engine.final_states(name)) for name in self._layers}
        return self._answers(self._engine.value("output"))

    @property
    def _begun(self) -> bool:
        return self._states is not None

    def _stamps(self, times: Any) -> npt.NDArray[np.float64]:
        """(N,) of this step: what was given, or its number."""
        if (times is None) != (self._gaps.interval is None):
            expected, got = ("None", "some") if self._gaps.interval is None else ("a time stamp", "none")
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
