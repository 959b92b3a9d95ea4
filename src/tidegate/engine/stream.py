"""A network whose steps arrive one at a time or in pieces: steps in, outputs out, the states kept between."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from tidegate import cells
from tidegate.checks import choice, integer
from tidegate.engine.engine import Engine
from tidegate.engine.records import Floats
from tidegate.network import Network, Recurrent
from tidegate.shapes import as_shape


class Stream:
    """N sequences side by side, each step of all of them one call, which allocates nothing, or several.

    The parameters are those of the moment it was made. Outputs have the same bits as those of the whole
    sequences at once. x (N, I) is where a step may be written without a copy, output (N, K) what the last
    step gave: the same array every time, so copy what is to be kept.
    """

    def __init__(
        self, network: Network, parameters: Mapping[str, Floats], output: str, num_sequences: int, dtype: str
    ) -> None:
        layers = [node for node in network.nodes if isinstance(node, Recurrent)]
        if any(layer.reverse for layer in layers):
            raise ValueError(
                "stream expects layers in one direction; got bidirectional=True: the other needs the future"
            )
        self._engine = Engine(network, dtype=dtype)
        for name, value in parameters.items():
            self._engine.parameters[name] = value
        self._layers = [layer.name for layer in layers]
        self._states = cells.get(layers[0].cell).states
        self._state_shape = (len(layers), integer("num_sequences", num_sequences), layers[0].hidden_size)
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
        by_layer = np.stack([self._engine.final_states(name) for name in self._layers], axis=1)
        return dict(zip(self._states, by_layer))

    @states.setter
    def states(self, states: Mapping[str, npt.ArrayLike]) -> None:
        for name in states:
            choice("states: state", name, self._states)
        dtype = str(self.x.dtype)
        given = {
            name: as_shape(f"states[{name!r}]", state, self._state_shape, dtype)
            for name, state in states.items()
        }
        by_layer = np.stack([given.get(name, state) for name, state in self.states.items()], axis=1)
        for layer, state in zip(self._layers, by_layer):
            self._engine.set_states(layer, np.ascontiguousarray(state))

    def reset(self) -> None:
        """Set every state to zero: the next step is the first of new sequences."""
        self.states = {name: np.zeros(self._state_shape) for name in self._states}
