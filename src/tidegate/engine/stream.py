"""A network whose steps arrive one at a time or in pieces: steps in, outputs out, the states kept between."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from tidegate import cells
from tidegate.checks import choice, integer
from tidegate.engine.engine import Engine
from tidegate.engine.records import Floats
from tidegate.network import Network, Recurrent
from tidegate.shapes import as_shape

_STATES = "states."


@dataclass(frozen=True)
class StateLayout:
    """The states that a stream keeps. layers: their nodes. names: the states of their cell. shape: of each,
    (layers, N, H). dtype: of their numbers."""

    layers: tuple[str, ...]
    names: tuple[str, ...]
    shape: tuple[int, int, int]
    dtype: str

    @classmethod
    def of(cls, network: Network, num_sequences: int, dtype: str) -> StateLayout:
        layers = [node for node in network.nodes if isinstance(node, Recurrent)]
        if any(layer.reverse for layer in layers):
            raise ValueError(
                "stream expects layers in one direction; got bidirectional=True: the other needs the future"
            )
        shape = (len(layers), integer("num_sequences", num_sequences), layers[0].hidden_size)
        return cls(tuple(layer.name for layer in layers), cells.get(layers[0].cell).states, shape, dtype)

    @property
    def zeros(self) -> dict[str, Floats]:
        return {name: np.zeros(self.shape, self.dtype) for name in self.names}

    def by_name(self, of_layer: Callable[[str], Floats]) -> dict[str, Floats]:
        """A copy, name -> (layers, N, H), of what (states, N, H) each layer has."""
        return dict(zip(self.names, np.stack([of_layer(layer) for layer in self.layers], axis=1)))

    def by_layer(
        self, given: Mapping[str, npt.ArrayLike], otherwise: Mapping[str, Floats]
    ) -> dict[str, Floats]:
        """Layer -> (states, N, H) of the states given by name, and otherwise of these."""
        for name in given:
            choice("states: state", name, self.names)
        checked = {
            name: as_shape(f"states[{name!r}]", state, self.shape, self.dtype)
            for name, state in given.items()
        }
        for name, state in checked.items():
            if not np.isfinite(state).all():
                raise ValueError(f"states[{name!r}] expects finite numbers; got NaN or infinity: mend them")
        stacked = np.stack([checked.get(name, otherwise[name]) for name in self.names], axis=1)
        return {layer: np.ascontiguousarray(state) for layer, state in zip(self.layers, stacked)}


def mark_of(engine: Engine, *learnt: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """By which a state knows its model, (32,): SHA-256 of network, parameters and what else fit learnt."""
    digest = hashlib.sha256(json.dumps([engine.network.to_records(), engine.dtype]).encode())
    for part in (engine.flat, *map(np.asarray, learnt)):
        digest.update(part.tobytes())
    return np.frombuffer(digest.digest(), np.uint8)


def fitting_state(given: Mapping[str, npt.ArrayLike], own: Mapping[str, Any]) -> dict[str, Any]:
    """What `state` of a stream gave, where it fits one whose own state this is; else ValueError."""
    parts = {name: np.asarray(part) for name, part in dict(given).items()}
    if "model" in parts and not np.array_equal(parts["model"], own["model"]):
        raise ValueError(
            "state expects that of a stream of this model; got one of another, whose network, weights or "
            "statistics differ: make the stream by the model that it was saved of"
        )
    if parts.keys() != own.keys():
        raise ValueError(
            f"state expects the arrays {', '.join(own)}; got {', '.join(parts) or 'none'}: pass what state() "
            "gave"
        )
    for name, part in parts.items():
        expected = own[name]
        if part.shape != expected.shape or part.dtype.kind != expected.dtype.kind:
            raise ValueError(
                f"state[{name!r}] expects {expected.dtype} of shape {expected.shape}; got {part.dtype} of "
                f"shape {part.shape}: pass what state() of a stream of as many sequences gave"
            )
    return parts


def states_in(state: Mapping[str, Any]) -> dict[str, Any]:
    """Of a stream's state the states of its layers, by name."""
    return {name.removeprefix(_STATES): part for name, part in state.items() if name.startswith(_STATES)}


def with_states(states: Mapping[str, Floats]) -> dict[str, Floats]:
    """These states as a stream's state has them."""
    return {f"{_STATES}{name}": part for name, part in states.items()}


class Stream:
    """N sequences side by side, each step of all of them one call, which allocates nothing, or several.

    The parameters are those of the moment it was made. Outputs have the same bits as those of the whole
    sequences at once. x (N, I) is where a step may be written without a copy, output (N, K) what the last
    step gave: the same array every time, so copy what is to be kept.
    """

    def __init__(
        self, network: Network, parameters: Mapping[str, Floats], output: str, num_sequences: int, dtype: str
    ) -> None:
        self._layout = StateLayout.of(network, num_sequences, dtype)
        self._engine = Engine(network, dtype=dtype)
        for name, value in parameters.items():
            self._engine.parameters[name] = value
        self.x, self.output, self._next = self._engine.begin_steps(output, num_sequences)
        self._shape = self.x.shape

    def step(self, x: npt.ArrayLike | None = None) -> Floats:
        """The output (N, K) of the next step x (N, I), or of what stands in `self.x` where x is None.

        ValueError, and the states as they were, where x has another shape or a number that is not finite.
        """
        if x is not None:
            if x.__class__ is not np.ndarray or x.shape != self._shape:
                x = as_shape("x", x, self._shape, str(self.x.dtype))
            self.x[...] = x
        self._next()
        return self.output

    def steps(self, x: npt.ArrayLike) -> Floats:
        """The outputs of the next steps x (N, steps, I), as many calls of `step` would give them: (N, steps,
        K), or (N, K) after the last of them where the output is one a sequence.

        ValueError, and the states as they were, where x has another shape or a number that is not finite.
        """
        piece = np.ascontiguousarray(x, dtype=self.x.dtype)
        num_sequences, size = self._shape
        if piece.ndim != 3 or piece.shape[::2] != self._shape or piece.shape[1] == 0:
            raise ValueError(
                f"x expects shape ({num_sequences}, steps, {size}) of at least one step; got {piece.shape}: "
                "pass the next steps of each sequence"
            )
        return self._engine.piece(piece)

    @property
    def states(self) -> dict[str, Floats]:
        """A copy of the states, name -> (layers, N, H); assign such a mapping to go on from it."""
        return self._layout.by_name(self._engine.final_states)

    @states.setter
    def states(self, states: Mapping[str, npt.ArrayLike]) -> None:
        for layer, state in self._layout.by_layer(states, self.states).items():
            self._engine.set_states(layer, state)

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """All that it knows of the steps so far, arrays by name, as numpy.savez takes them: the states, and
        by what another stream knows that it is of the same model."""
        return {"model": self._mark, **with_states(self.states)}

    def restore(self, state: Mapping[str, npt.ArrayLike]) -> None:
        """Go on from what `state` of a stream gave, with the same bits. ValueError, and the states as they
        were, where that has another model or number of sequences."""
        self.states = states_in(fitting_state(state, self.state()))

    @cached_property
    def _mark(self) -> npt.NDArray[np.uint8]:
        return mark_of(self._engine)

    def reset(self) -> None:
        """Set every state to zero: the next step is the first of new sequences."""
        self.states = self._layout.zeros
