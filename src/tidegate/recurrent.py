"""Recurrent layers for people with NumPy alone: forward, backward and one step of any cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tidegate import cells
from tidegate.checks import choice, integer
from tidegate.engine import DTYPES, MAX_THREADS, Engine, Floats, Parameters, Steps, Stream, require_memory
from tidegate.network import Input, Network, Node, recurrent_stack
from tidegate.network import Recurrent as Layer
from tidegate.network.initializers import Initializers, initialize
from tidegate.shapes import as_lengths, as_mask, as_shape, mask_from_lengths


@dataclass(frozen=True)
class Gradients:
    """Gradients of a loss after `Recurrent.backward`, each in the shape of what it belongs to.

    x: (B, T, I). states: of the initial states, name -> (L*D, B, H). parameters: by name. multiplier: by
    state name, (L*D, B, T, H), where one was given. Zero in padding.
    """

    x: Floats
    states: dict[str, Floats]
    parameters: dict[str, Floats]
    multiplier: dict[str, Floats]


class Recurrent:
    """Stacked recurrent layers of one cell, in one direction or both, on padded NumPy arrays.

    Letters: B sequences, T steps, I input_size, H hidden_size, L num_layers, D directions (1 or 2).
    `parameters` maps names as in PyTorch ("weight_ih_l0", "weight_hh_l0", "bias_l0", ...,
    "weight_ih_l0_reverse") to writable arrays, gates packed along the first axis in the order of the cell
    (see `tidegate cells`); drawn from `initializers` with `random_state`. For a GRU z = 1 keeps the old
    state. Results have the same bits whatever num_threads is and whatever else is in the batch.

    ValueError names an argument that does not fit.
    """

    def __init__(
        self,
        cell: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bidirectional: bool = False,
        *,
        dtype: str = "float32",
        num_threads: int = 1,
        initializers: Initializers | None = None,
        random_state: int | np.random.Generator | None = None,
    ) -> None:
        self.cell = cells.get(cell)
        self.input_size = integer("input_size", input_size)
        self.hidden_size = integer("hidden_size", hidden_size)
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.dtype = choice("dtype", dtype, DTYPES)
        self.num_threads = integer("num_threads", num_threads, 1, MAX_THREADS)
        x, *layers = recurrent_stack(cell, input_size, hidden_size, num_layers, bidirectional)
        assert isinstance(x, Input)
        self._input = replace(x, needs_gradient=True)
        self._layers = tuple(node for node in layers if isinstance(node, Layer))
        self.network = Network((self._input, *self._layers))
        require_memory(self.network, self.dtype)
        self._flat = np.empty(self.network.num_parameters, dtype)
        self.parameters = Parameters(self._flat, self.network.parameter_shapes)
        rng = np.random.default_rng(random_state)
        for name, value in initialize(self.network, initializers or Initializers(), rng, longest=100).items():
            self.parameters[name][...] = value
        self._engines: dict[tuple[str, ...], Engine] = {}
        self._last: tuple[Engine, tuple[int, int], tuple[str, ...]] | None = None

    @property
    def num_parameters(self) -> int:
        return self._flat.size

    def forward(
        self,
        x: npt.ArrayLike,
        lengths: npt.ArrayLike | None = None,
        states: Mapping[str, npt.ArrayLike] | None = None,
        mask: npt.ArrayLike | None = None,
        multiplier: Mapping[str, npt.ArrayLike] | None = None,
    ) -> tuple[Floats, dict[str, Floats]]:
        """Run x (B, T, I) and keep what `backward` needs.

        lengths: (B,) real steps of each sequence, None for T; nothing is read from padding. states: initial
        ones, name -> (L*D, B, H), zero where absent. mask: (B, T); at a step with False nothing is read and
        every state passes unchanged. multiplier: state name -> (L*D, B, T, H); it multiplies that state of
        the step before, or the initial one, ahead of everything that reads it (resets, decay).

        Returns output (B, T, D*H), zero in padding, and the final states, name -> (L*D, B, H), in the order
        l0, l0_reverse, l1, ...; a reverse layer runs from each sequence's own last step to its first.
        """
        x_BTI = as_shape("x", x, ("B", "T", self.input_size), self.dtype)
        batch_size, num_steps, _ = x_BTI.shape
        if 0 in x_BTI.shape:
            raise ValueError(
                f"x expects at least one sequence, step and feature; got {x_BTI.shape}: pass data"
            )
        lengths_B = as_lengths(lengths, batch_size, num_steps)
        read_BT = mask_from_lengths(lengths_B, num_steps)
        if mask is not None:
            read_BT &= as_mask(mask, (batch_size, num_steps))
        if not np.isfinite(x_BTI[read_BT]).all():
            raise ValueError(
                "x expects finite numbers at real steps; got NaN or infinity: fill them, or mask those steps"
            )
        x_BTI = np.where(read_BT[:, :, np.newaxis], x_BTI, x_BTI.dtype.type(0))
        initial = self._by_layer("states", states, (batch_size, self.hidden_size))
        factors = self._by_layer("multiplier", multiplier, (batch_size, num_steps, self.hidden_size))
        multiplied = tuple(factors)
        if multiplied not in self._engines:
            self._engines[multiplied] = self._engine(multiplied)
        engine = self._engines[multiplied]
        engine.flat[:] = self._flat
        inputs = [x_BTI.reshape(-1, self.input_size)] + [
            np.ascontiguousarray(factors[state][index].reshape(-1, self.hidden_size))
            for index in range(len(self._layers))
            for state in multiplied
        ]
        starts = np.arange(batch_size, dtype=np.int64) * num_steps
        engine.forward(
            Steps(tuple(inputs), starts, lengths_B),
            initial=self._by_node(initial, batch_size),
            mask=None if mask is None else read_BT.reshape(-1).astype(np.uint8),
            training=True,
        )
        self._last = (engine, (batch_size, num_steps), multiplied)
        output = np.concatenate([engine.value(layer.name) for layer in self._top()], axis=1)
        return output.reshape(batch_size, num_steps, -1), self._states(engine.final_states)

    def backward(
        self,
        output_gradient: npt.ArrayLike | None = None,
        final_gradient: Mapping[str, npt.ArrayLike] | None = None,
    ) -> Gradients:
        """Gradients of a loss, given those of the last `forward`'s output (B, T, D*H) and final states, name
        -> (L*D, B, H); zero where absent. Gradients in padding are not read."""
        if self._last is None:
            raise ValueError("backward expects an earlier forward; got none: call forward first")
        engine, (batch_size, num_steps), multiplied = self._last
        self._last = None
        top, hidden = self._top(), self.hidden_size
        outputs = {}
        if output_gradient is not None:
            shape = (batch_size, num_steps, len(top) * hidden)
            given = as_shape("output_gradient", output_gradient, shape, self.dtype).reshape(-1, shape[2])
            for index, layer in enumerate(top):
                outputs[layer.name] = np.ascontiguousarray(given[:, index * hidden : (index + 1) * hidden])
        final = self._by_layer("final_gradient", final_gradient, (batch_size, hidden))
        engine.backward(
            outputs,
            self._by_node(final, batch_size),
        )
        return Gradients(
            engine.input_gradient().reshape(batch_size, num_steps, -1),
            self._states(engine.initial_state_gradients),
            {name: gradient.copy() for name, gradient in engine.gradients.items()},
            {
                state: np.stack(
                    [
                        engine.input_gradient(f"{state}_{layer.name}").reshape(batch_size, num_steps, hidden)
                        for layer in self._layers
                    ]
                )
                for state in multiplied
            },
        )

    def step(
        self, x: npt.ArrayLike, states: Mapping[str, npt.ArrayLike] | None = None
    ) -> tuple[Floats, dict[str, Floats]]:
        """One time step of x (B, I): the output (B, H) and the states after it, (L, B, H), to pass to the
        next call.

        The same bits as the same step inside `forward`. ValueError for bidirectional layers, which need the
        future.
        """
        if self.bidirectional:
            raise ValueError("step expects layers in one direction; got bidirectional=True: use forward")
        x_BI = as_shape("x", x, ("B", self.input_size), self.dtype)
        output, final = self.forward(x_BI[:, np.newaxis], states=states)
        return output[:, 0], final

    def stream(self, num_sequences: int = 1) -> Stream:
        """The layers as they are now, for num_sequences sequences whose steps arrive one at a time.

        `step` does the same from states that are passed in and out; a stream keeps them, and takes a
        few microseconds a step. ValueError for bidirectional layers.
        """
        return Stream(self.network, self.parameters, self._layers[-1].name, num_sequences, self.dtype)

    def _engine(self, multiplied: tuple[str, ...]) -> Engine:
        nodes: list[Node] = [self._input]
        for layer in self._layers:
            names = {state: f"{state}_{layer.name}" for state in multiplied}
            nodes += [Input(name, self.hidden_size, needs_gradient=True) for name in names.values()]
            multipliers = tuple(names.get(state) for state in self.cell.states) if names else ()
            nodes.append(replace(layer, multipliers=multipliers))
        return Engine(Network(tuple(nodes)), dtype=self.dtype, num_threads=self.num_threads)

    def _top(self) -> tuple[Layer, ...]:
        return self._layers[-2:] if self.bidirectional else self._layers[-1:]

    def _by_layer(
        self, argument: str, given: Mapping[str, npt.ArrayLike] | None, shape: tuple[int, ...]
    ) -> dict[str, Floats]:
        """The given arrays, checked to be (L*D, *shape), in the order of the cell's states."""
        for name in given or {}:
            choice(f"{argument}: state", name, self.cell.states)
        full = (len(self._layers), *shape)
        return {
            state: as_shape(f"{argument}[{state!r}]", given[state], full, self.dtype)
            for state in self.cell.states
            if given and state in given
        }

    def _by_node(self, states: dict[str, Floats], batch_size: int) -> dict[str, Floats]:
        """Node name -> (states, B, H), zero where a state was not given; nothing where none was."""
        if not states:
            return {}
        absent = np.zeros((len(self._layers), batch_size, self.hidden_size), self.dtype)
        stacked = np.stack([states.get(state, absent) for state in self.cell.states], axis=1)
        return {layer.name: np.ascontiguousarray(one) for layer, one in zip(self._layers, stacked)}

    def _states(self, read: Any) -> dict[str, Floats]:
        stacked = np.stack([read(layer.name) for layer in self._layers], axis=1)  # (states, L*D, B, H)
        return dict(zip(self.cell.states, stacked))
