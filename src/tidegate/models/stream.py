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


class _ModelStream:
    """What every stream of a fitted model has."""

    _stream: Stream | StepStream

    @property
    def states(self) -> dict[str, Floats]:
        """A copy of the states, name -> (layers, N, H); assign such a mapping to go on from it. What a stream
        with gaps knows of the values seen last is not among them: see `state`."""
        return self._stream.states

    @states.setter
    def states(self, states: Mapping[str, npt.ArrayLike]) -> None:
        self._stream.states = states

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """All that it knows of the steps so far, arrays by name, as numpy.savez takes them: the states, with
        gaps the values seen last and when, and by what another stream knows that it is of the same model."""
        return self._stream.state()

    def restore(self, state: Mapping[str, npt.ArrayLike]) -> None:
        """Go on from what `state` of a stream gave, also in another process, with the bits of one that never
        stopped. ValueError, and all as it was, where that is of another model or number of sequences."""
        self._stream.restore(state)

    def reset(self) -> None:
        """Begin new sequences: every state is zero, and nothing was seen."""
        self._stream.reset()


class ModelStream(_ModelStream):
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
        self._stream: Stream = Stream(network, parameters, "output", num_sequences, dtype)
        self._scaling, self._answers = scaling, answers

    def step(self, x: npt.ArrayLike, times: None = None) -> Any:
        """The answers, one a sequence, after the next step x, (N, I) or (I,) for one sequence, in the units
        of fit's X. ValueError, and the states as they were, where x has another shape or is not finite, or
        there are times, which the model does not read."""
        _check_no_times(times)
        shape = self._stream.x.shape
        values = step_numbers("x", x)
        if values.shape != shape and (shape[0] > 1 or values.shape != shape[1:]):
            raise ValueError(f"x expects shape {shape}; got {values.shape}: pass one step of each sequence")
        scaled = self._scaling.apply("x", values.reshape(shape), str(self._stream.x.dtype))
        return self._answers(self._stream.step(scaled))

    def steps(self, x: npt.ArrayLike, times: None = None) -> Any:
        """The answers to the next steps of each sequence, x (N, steps, I) or, of one sequence, (steps, I):
        after each of them, N times `steps` of them, where the model answers per step, else after the last.
        However a sequence is cut, they have the same bits. ValueError as `step` has it."""
        _check_no_times(times)
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
        return _answered(self._answers, self._stream.steps(scaled.reshape(values.shape)))


class GappyStream(_ModelStream):
    """N sequences side by side: their next steps in, with NaN where a value is missing, the model's answers
    after these steps out, as ModelStream has them."""

    def __init__(self, stream: StepStream, answers: Callable[[Floats], Any]) -> None:
        self._stream: StepStream = stream
        self._answers = answers

    def step(self, x: npt.ArrayLike, times: Any = None) -> Any:
        """The answers, one a sequence, after the next step x, (N, I) or (I,) for one sequence, in the units
        of fit's X; times: (N,) or one stamp, numbers or dates as fit's were, where it had some. ValueError,
        and all as it was, where x has another shape or infinity, or a stamp is no later than the last."""
        return self._answers(self._stream.step({"": x}, times)("output"))

    def steps(self, x: npt.ArrayLike, times: Any = None) -> Any:
        """The answers to the next steps of each sequence, as ModelStream has them, with the same bits however
        a sequence is cut; times: (N, steps), or (steps,) of all sequences. ValueError as `step` has it."""
        return _answered(self._answers, self._stream.steps({"": x}, times, ["output"])["output"])


class DescribedStream(_ModelStream):
    """N sequences side by side: their next steps in, by the names of the inputs, the answers of every target
    after these steps out."""

    def __init__(self, stream: StepStream, codings: Mapping[str, Coding]) -> None:
        self._stream: StepStream = stream
        self._codings = codings

    def step(self, data: Mapping[str, Any], times: Any = None) -> dict[str, Any]:
        """The answers by target, one a sequence: probabilities as SequenceModel.predict_proba has them, or
        numbers as predict has. data: for each input the next step of each sequence, (N, I) numbers, (I,) for
        one sequence, N labels or (N, D) vectors. times: (N,) or one stamp, where fit had some. ValueError,
        and all as it was, where something does not fit."""
        value = self._stream.step(data, times)
        return {name: coding.answers(value(f"{name}.output")) for name, coding in self._codings.items()}

    def steps(self, data: Mapping[str, Any], times: Any = None) -> dict[str, Any]:
        """The answers by target to the next steps of each sequence, as many calls of `step` would give them:
        of each step, (N, steps, ...), where a target is per step, else after the last. data: for each input N
        sequences of as many steps, (N, steps, I) numbers, lists of labels or matrices; (steps, I) for one
        sequence. times: (N, steps), or (steps,) of all sequences. ValueError as `step` has it."""
        found = self._stream.steps(data, times, [f"{name}.output" for name in self._codings])
        return {
            name: _answered(coding.answers, found[f"{name}.output"]) for name, coding in self._codings.items()
        }


def _answered(answers: Callable[[Floats], Any], outputs: Floats) -> Any:
    """Of outputs (..., K), each row's answer."""
    rows = answers(outputs.reshape(-1, outputs.shape[-1]))
    return rows.reshape(*outputs.shape[:-1], *rows.shape[1:])


def _check_no_times(times: Any) -> None:
    if times is not None:
        raise ValueError(
            "times expects None, as this model reads no time stamps; got some: leave them out, or fit with "
            "missing='mask' or 'decay'"
        )
