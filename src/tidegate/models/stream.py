"""A fitted model whose steps arrive one at a time or in pieces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tidegate.engine import Floats, Stream
from tidegate.models.codings import Coding
from tidegate.models.scaling import Scaling
from tidegate.models.step_stream import StepStream, step_numbers
from tidegate.network import Network


class ModelStream:
    """N sequences side by side: their next steps in, the model's answers after these steps out.

    The answers are those of predict (numbers) or predict_proba (classes) for the steps so far: of each step
    where the model answers per step, else of the sequence as if it ended there. The model's parameters are
    those of the moment the stream was made.
    """

    def __init__(
        self,
        network: Network,
        parameters: Mapping[str, Floats],
        scaling: Scaling,
        answers: Callable[[Floats], Any],
        num_sequences: int,
        dtype: str,
    ) -> None:
        self._stream = Stream(network, parameters, "output", num_sequences, dtype)
        self._scaling, self._answers = scaling, answers

    def step(self, x: npt.ArrayLike) -> Any:
        """The answers, one a sequence, after the next step x, (N, I) or (I,) for one sequence, in the units
        of fit's X. ValueError, and the states as they were, where x has another shape or is not finite."""
        shape = self._stream.x.shape
        values = step_numbers("x", x)
        if values.shape != shape and (shape[0] > 1 or values.shape != shape[1:]):
            raise ValueError(f"x expects shape {shape}; got {values.shape}: pass one step of each sequence")
        scaled = self._scaling.apply("x", values.reshape(shape), str(self._stream.x.dtype))
        return self._answers(self._stream.step(scaled))

    def steps(self, x: npt.ArrayLike) -> Any:
        """The answers to the next steps of each sequence, x (N, steps, I) or, of one sequence, (steps, I):
        after each of them, N times `steps` of them, where the model answers per step, else after the last.
        However a sequence is cut, they have the same bits. ValueError as `step` has it."""
        count, size = self._stream.x.shape
        values = step_numbers("x", x)
        if count == 1 and values.ndim == 2:
            values = values[np.newaxis]
        if values.ndim != 3 or values.shape[::2] != (count, size) or not values.size:
            one = f", or (steps, {size})" if count == 1 else ""
            raise ValueError(
                f"x expects shape ({count}, steps, {size}){one}, of at least one step; got "
                f"{np.shape(x)}: pass the next steps of each sequence"
            )
        scaled = self._scaling.apply("x", values.reshape(-1, size), str(self._stream.x.dtype))
        outputs = self._stream.steps(scaled.reshape(values.shape))
        answers = self._answers(outputs.reshape(-1, outputs.shape[-1]))
        return answers.reshape(*outputs.shape[:-1], *answers.shape[1:])

    @property
    def states(self) -> dict[str, Floats]:
        """A copy of the states, name -> (layers, N, H); assign such a mapping to go on from it."""
        return self._stream.states

    @states.setter
    def states(self, states: Mapping[str, npt.ArrayLike]) -> None:
        self._stream.states = states

    def reset(self) -> None:
        """Begin new sequences: every state is zero."""
        self._stream.reset()


class GappyStream:
    """N sequences side by side: their next steps in, with NaN where a value is missing, the model's answers
    after these steps out, as ModelStream has them."""

    def __init__(self, stream: StepStream, answers: Callable[[Floats], Any]) -> None:
        self._stream, self._answers = stream, answers

    def step(self, x: npt.ArrayLike, times: Any = None) -> Any:
        """The answers, one a sequence, after the next step x, (N, I) or (I,) for one sequence, in the units
        of fit's X; times: (N,) or one stamp, numbers or dates as fit's were, where it had some. ValueError,
        and all as it was, where x has another shape or infinity, or a stamp is no later than the last."""
        return self._answers(self._stream.step({"": x}, times)("output"))

    def reset(self) -> None:
        """Begin new sequences."""
        self._stream.reset()


class DescribedStream:
    """N sequences side by side: their next steps in, by the names of the inputs, the answers of every target
    after these steps out."""

    def __init__(self, stream: StepStream, codings: Mapping[str, Coding]) -> None:
        self._stream, self._codings = stream, codings

    def step(self, data: Mapping[str, Any], times: Any = None) -> dict[str, Any]:
        """The answers by target, one a sequence: probabilities as SequenceModel.predict_proba has them, or
        numbers as predict has. data: for each input the next step of each sequence, (N, I) numbers, (I,) for
        one sequence, N labels or (N, D) vectors. times: (N,) or one stamp, where fit had some. ValueError,
        and all as it was, where something does not fit."""
        value = self._stream.step(data, times)
        return {name: coding.answers(value(f"{name}.output")) for name, coding in self._codings.items()}

    def reset(self) -> None:
        """Begin new sequences."""
        self._stream.reset()
