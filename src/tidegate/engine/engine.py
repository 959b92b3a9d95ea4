"""A network compiled into a plan of the C++ core, with its parameters and optimiser state."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tidegate.checks import choice, integer
from tidegate.engine.native import Stop, extension
from tidegate.engine.records import (
    DTYPES,
    START,
    Diverged,
    Floats,
    Indices,
    Optimizer,
    Position,
    Result,
    Steps,
    Target,
)
from tidegate.network import Dense, Dropout, Input, Loss, Network, Pool, Recurrent


class Parameters(Mapping[str, Floats]):
    """Named, shaped, writable views of one flat vector."""

    def __init__(self, flat: Floats, shapes: Mapping[str, tuple[int, ...]]) -> None:
        ends = np.cumsum([math.prod(shape) for shape in shapes.values()])
        pieces = np.split(flat, ends[:-1]) if len(shapes) else []
        self._views = {name: piece.reshape(shape) for (name, shape), piece in zip(shapes.items(), pieces)}

    def __getitem__(self, name: str) -> Floats:
        return self._views[name]

    def __setitem__(self, name: str, value: ArrayLike) -> None:
        """Copy value into the parameter of that name; ValueError where there is none or the shape differs."""
        view = self._views[choice("parameter", name, self._views)]
        if np.shape(value) != view.shape:
            raise ValueError(
                f"parameter {name!r} expects shape {view.shape}; got {np.shape(value)}: reshape it"
            )
        view[...] = value

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)


class Engine:
    """A network with parameters (zero until set), gradients and an optimiser's state, on num_threads threads.

    Results have the same bits whatever num_threads is. One engine serves one thread at a time; its calls
    release the interpreter lock. Ctrl-C raises KeyboardInterrupt; the parameters are then those of the last
    complete update.
    """

    def __init__(self, network: Network, *, dtype: str = "float32", num_threads: int = 1) -> None:
        self.network = network
        self.dtype = choice("dtype", dtype, DTYPES)
        self.num_threads = integer("num_threads", num_threads, 1, 1024)
        kind = extension().Network32 if dtype == "float32" else extension().Network64
        self._plan = kind(network.num_parameters, self.num_threads)
        self._numbers = _add_nodes(self._plan, network)
        self.flat: Floats = self._plan.parameters
        self.parameters = Parameters(self.flat, network.parameter_shapes)
        self.gradients = Parameters(self._plan.gradients, network.parameter_shapes)
        self.optimizer_state: dict[str, Floats] = {
            "first": self._plan.first_moment,
            "second": self._plan.second_moment,
        }

    @property
    def num_updates(self) -> int:
        """Updates the optimiser has made; another thread may read it while an epoch runs."""
        return int(self._plan.num_updates)

    @num_updates.setter
    def num_updates(self, count: int) -> None:
        self._plan.num_updates = count

    @property
    def reached(self) -> Position:
        """How far the last call of `epoch` came, also where it was interrupted."""
        return Position(*self._plan.reached)

    def epoch(
        self,
        steps: Steps,
        target: Target,
        order: Indices,
        batch_size: int,
        learning_rates: NDArray[np.float64],
        optimizer: Optimizer,
        *,
        seed: int = 0,
        position: Position = START,
        max_updates: int | None = None,
        stop: Stop | None = None,
    ) -> Result:
        """Visit the sequences of `order` in batches and update the parameters after each, in one native call.

        learning_rates: (ceil(len(order) / batch_size),), one an update. seed: of dropout. position: where an
        earlier call left this epoch, after `max_updates` of its updates; in pieces it has the same bits as in
        one call, and the result is that of the epoch so far. Diverged where a loss or gradient is not finite.
        """
        reached, complete = self._plan.epoch(
            *_arrays(steps),
            *self._target(target),
            order,
            batch_size,
            learning_rates,
            self._settings(optimizer),
            seed % 2**64,
            astuple(position),
            len(learning_rates) if max_updates is None else max_updates,
            None if stop is None else stop._native,
        )
        made = Position(*reached)
        if not complete:
            raise Diverged(
                f"update {made.update + 1} of {len(learning_rates)} in this epoch met a loss or gradient "
                "that is not finite; the parameters are those before it: lower learning_rate or set clip_norm"
            )
        weight = made.weight_sum or 1.0
        return Result(made.loss_sum / weight, made.score_sum / weight, made)

    def evaluate(
        self,
        steps: Steps,
        target: Target,
        order: Indices | None = None,
        batch_size: int = 256,
        stop: Stop | None = None,
    ) -> Result:
        """Loss and score of the sequences of `order` (all where None), without dropout."""
        loss, score, weight = self._plan.evaluate(
            *_arrays(steps),
            *self._target(target),
            _by_length(steps) if order is None else order,
            batch_size,
            None if stop is None else stop._native,
        )
        return Result(loss / (weight or 1.0), score / (weight or 1.0))

    def predict(self, steps: Steps, batch_size: int = 256) -> Floats:
        """The outputs that the loss compares, (N, K), or (S, K) where they are per step (rows of no sequence:
        zero)."""
        output = next(node.of[0] for node in self.network.nodes if isinstance(node, Loss))
        inputs, starts, lengths = _arrays(steps)
        predicted: Floats = self._plan.predict(
            self._numbers[output], inputs, starts, lengths, _by_length(steps), batch_size
        )
        return predicted

    def forward(
        self,
        steps: Steps,
        *,
        initial: Mapping[str, Floats] | None = None,
        mask: NDArray[np.uint8] | None = None,
        target: Target | None = None,
        training: bool = False,
        seed: int = 0,
    ) -> Result:
        """One batch of all sequences, kept for `backward`.

        initial: states (states, N, H) by the recurrent node's name, zero where not given. mask: (S,), 0 marks
        a step that leaves every state as it was. training: dropout is on, drawn from `seed`.
        """
        self._steps = steps
        values, classes, weights = (None, None, None) if target is None else self._target(target)
        states = [(self._numbers[name], state) for name, state in (initial or {}).items()]
        loss, score, weight = self._plan.forward(
            *_arrays(steps), mask, values, classes, weights, states, training, seed % 2**64
        )
        return Result(loss / (weight or 1.0), score / (weight or 1.0))

    def backward(
        self,
        outputs: Mapping[str, Floats] | None = None,
        final_states: Mapping[str, Floats] | None = None,
    ) -> None:
        """Gradients of the loss of the last forward pass (with training=True), plus sum(outputs * values) and
        sum(final_states * final states), by node name; they are then in `gradients`, `input_gradient` and
        `initial_state_gradients`."""
        self._plan.backward(
            [(self._numbers[name], gradient) for name, gradient in (outputs or {}).items()],
            [(self._numbers[name], gradient) for name, gradient in (final_states or {}).items()],
        )

    def value(self, name: str) -> Floats:
        """What a node computed in the last forward pass: (S, columns) per step, (N, columns) per sequence."""
        out = self._rows_of(name)
        self._plan.read(self._numbers[name], out)
        return out

    def input_gradient(self, name: str = "x") -> Floats:
        """Gradient of an input, (S, I), after `backward`."""
        out = self._rows_of(name)
        self._plan.read_gradient(self._numbers[name], out)
        return out

    def final_states(self, name: str) -> Floats:
        """States (states, N, H) of a recurrent node after the last forward pass."""
        return self._states(name, self._plan.final_states)

    def initial_state_gradients(self, name: str) -> Floats:
        """Gradients of the initial states (states, N, H) of a recurrent node after `backward`."""
        return self._states(name, self._plan.initial_state_gradients)

    def _rows_of(self, name: str) -> Floats:
        rows = self._steps.inputs[0].shape[0] if self.network.is_per_step(name) else len(self._steps)
        return np.zeros((rows, self.network.widths[name]), self.dtype)

    def _states(self, name: str, read: Any) -> Floats:
        node = next(node for node in self.network.nodes if node.name == name)
        assert isinstance(node, Recurrent)
        out = np.empty((node.num_states, len(self._steps), node.hidden_size), self.dtype)
        read(self._numbers[name], out)
        return out

    def _target(self, target: Target) -> tuple[Floats | None, NDArray[Any] | None, Floats | None]:
        if target.values.ndim == 1:
            return None, target.values, target.weights
        return target.values, None, target.weights

    def _settings(self, optimizer: Optimizer) -> Any:
        return extension().OptimizerSettings(
            optimizer.name,
            optimizer.beta1,
            optimizer.beta2,
            optimizer.epsilon,
            optimizer.weight_decay,
            optimizer.momentum,
            optimizer.rho,
            optimizer.clip_norm or 0.0,
            optimizer.clip_value or 0.0,
        )


def _arrays(steps: Steps) -> tuple[list[Floats], Indices, Indices]:
    return list(steps.inputs), steps.starts, steps.lengths


def _by_length(steps: Steps) -> Indices:
    """Batches of like lengths waste the least where rows shrink; results do not depend on it."""
    return np.argsort(-steps.lengths, kind="stable")


def _add_nodes(plan: Any, network: Network) -> dict[str, int]:
    numbers: dict[str, int] = {}
    first_parameter = 0
    for node in network.nodes:
        of = [numbers[name] for name in node.of]
        match node:
            case Input():
                number = plan.add_input(node.size, node.needs_gradient)
            case Recurrent():
                multipliers = [-1 if name is None else numbers[name] for name in node.multipliers]
                number = plan.add_recurrent(
                    of, node.cell, node.hidden_size, node.reverse, multipliers, first_parameter
                )
            case Dropout():
                number = plan.add_dropout(of[0], node.rate)
            case Pool():
                number = plan.add_pool(of[0], node.pooling)
            case Dense():
                number = plan.add_dense(of, node.size, node.activation, first_parameter)
            case Loss():
                number = plan.add_loss(of[0], node.loss, node.delta)
        numbers[node.name] = number
        shapes: Sequence[tuple[int, ...]] = list(node.parameter_shapes(network.input_size(node)).values())
        first_parameter += sum(math.prod(shape) for shape in shapes)
    return numbers
