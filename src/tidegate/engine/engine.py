"""A network compiled into a plan of the C++ core, with its parameters and optimiser state."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tidegate import cells
from tidegate.cells import CellSpec
from tidegate.cells.phases import gate_columns
from tidegate.checks import choice, integer, real
from tidegate.engine.memory import recomputed_steps, require_memory
from tidegate.engine.native import Stop, extension
from tidegate.engine.records import (
    DTYPES,
    MAX_THREADS,
    START,
    Diverged,
    Floats,
    Indices,
    Optimizer,
    Position,
    Result,
    Steps,
    Sums,
    Target,
    exactly,
)
from tidegate.network import (
    Align,
    Dense,
    Dropout,
    DropoutMask,
    Embedding,
    Gate,
    Input,
    InputDecay,
    Loss,
    Network,
    PaddingGate,
    Pool,
    Recurrent,
    Repeat,
    SparseInput,
    StateDecay,
    Thresholds,
    Zoneout,
)


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
        self.num_threads = integer("num_threads", num_threads, 1, MAX_THREADS)
        require_memory(network, self.dtype)
        bits = "32" if dtype == "float32" else "64"
        self._plan = getattr(extension(), f"Network{bits}")(network.num_parameters, self.num_threads)
        self._native_steps = getattr(extension(), f"Steps{bits}")
        self._numbers = _add_nodes(self._plan, network)
        self._losses = [node for node in network.nodes if isinstance(node, Loss)]
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
        self._plan.num_updates = integer("num_updates", count, 0, 2**62)

    @property
    def num_rows(self) -> int:
        """Steps of sequences that the recurrent layers have computed going forward, each layer and direction
        its own; another thread may read it while an epoch runs."""
        return int(self._plan.num_rows)

    @property
    def reached(self) -> Position:
        """How far the last call of `epoch` came, also where it was interrupted."""
        return _position(self._plan.reached)

    def epoch(
        self,
        steps: Steps,
        target: Target | Sequence[Target],
        order: Indices,
        batch_size: int,
        learning_rates: NDArray[np.float64],
        optimizer: Optimizer,
        *,
        weight_noise: float = 0.0,
        seed: int = 0,
        position: Position = START,
        max_updates: int | None = None,
        bptt_steps: int | None = None,
        recompute: bool = False,
        stop: Stop | None = None,
    ) -> Result:
        """Visit the sequences of `order` in batches and update the parameters after each, in one native call.

        target: one, or one for each loss in the order of the network. learning_rates: one an update, as many
        as the sum of `updates_of_batches`. weight_noise: each update's gradient is that at the parameters,
        but those of embeddings, plus Gaussian noise of this standard deviation, drawn for it (Graves 2011).
        seed: of dropout and of this noise. position: where an earlier call left this epoch,
        after `max_updates` of its updates; in pieces it has the same bits as in one call, and the result is
        that of the epoch so far. Diverged where a loss or gradient is not finite.

        bptt_steps: windows of so many steps go through time one after the other, each with the states of the
        one before and a gradient that ends where it begins (Williams & Peng 1990): with targets per step each
        has an update of its own, and with one a sequence the batch has. recompute: the whole gradient, with
        windows of about sqrt(T) steps computed again on the way back instead of kept. Both are for networks
        with one stream of steps.
        """
        exactly("learning_rates", learning_rates, "float64", 1)
        if not np.isfinite(learning_rates).all():
            raise ValueError(
                "learning_rates expects finite numbers; got NaN or infinity: pass one finite rate an update"
            )
        reached, complete, last_loss = self._plan.epoch(
            self._steps(steps),
            self._targets(target),
            exactly("order", order, "int64", 1),
            integer("batch_size", batch_size),
            learning_rates,
            self._settings(optimizer),
            real("weight_noise", weight_noise),
            seed % 2**64,
            (position.update, list(position.sums), self._carried(position)),
            len(learning_rates) if max_updates is None else integer("max_updates", max_updates, 0, 2**62),
            0 if bptt_steps is None else integer("bptt_steps", bptt_steps, 1, 2**40),
            recompute,
            None if stop is None else stop._native,
        )
        made = _position(reached)
        if not complete:
            raise Diverged(
                f"update {made.update + 1} of {len(learning_rates)} in this epoch met "
                f"{self._not_finite(last_loss)}; the parameters are those before it: lower learning_rate or "
                f"{'set' if optimizer.clip_norm is None else 'lower'} clip_norm"
            )
        return self._result(made.sums, made)

    def updates_of_batches(
        self, lengths: Indices, order: Indices, batch_size: int, bptt_steps: int | None = None
    ) -> list[int]:
        """How many updates `epoch` makes in each batch of sequences of these lengths."""
        counts: list[int] = self._plan.num_updates_in(
            exactly("lengths", lengths, "int64", 1),
            exactly("order", order, "int64", 1),
            integer("batch_size", batch_size),
            0 if bptt_steps is None else integer("bptt_steps", bptt_steps, 1, 2**40),
        )
        return counts

    def evaluate(
        self,
        steps: Steps,
        target: Target | Sequence[Target],
        order: Indices | None = None,
        batch_size: int = 256,
        stop: Stop | None = None,
        window: int | None = None,
    ) -> Result:
        """Loss and score of the sequences of `order` (all where None), without dropout. window: steps that
        are held at a time, all where None."""
        sums = self._plan.evaluate(
            self._steps(steps),
            self._targets(target),
            _by_length(steps) if order is None else exactly("order", order, "int64", 1),
            integer("batch_size", batch_size),
            _window(window),
            None if stop is None else stop._native,
        )
        return self._result(sums)

    def predict(self, steps: Steps, batch_size: int = 256, window: int | None = None) -> Floats:
        """The outputs that the (first) loss compares, (N, K), or (S, K) where they are per step (rows of no
        sequence: zero). window: steps that are held at a time, all where None; no bit depends on it."""
        if not self._losses:
            raise ValueError(
                "predict expects a network with a Loss, whose outputs it returns; got none: add one"
            )
        return self.values([self._losses[0].of[0]], steps, batch_size, window)[0]

    def values(
        self, names: Sequence[str], steps: Steps, batch_size: int = 256, window: int | None = None
    ) -> list[Floats]:
        """What the nodes of these names compute, without dropout: of each as `predict` has it."""
        computed: list[Floats] = self._plan.predict(
            [self._number(name) for name in names],
            self._steps(steps),
            _by_length(steps),
            integer("batch_size", batch_size),
            _window(window),
        )
        return computed

    def forward(
        self,
        steps: Steps,
        *,
        initial: Mapping[str, Floats] | None = None,
        mask: NDArray[np.uint8] | None = None,
        target: Target | Sequence[Target] | None = None,
        training: bool = False,
        seed: int | None = 0,
    ) -> Result:
        """One batch of all sequences, kept for `backward`.

        initial: states (states, N, H) by the recurrent node's name, zero where not given. mask: (S,), 0 marks
        a step that leaves every state as it was. training: for `backward`, and dropout and
        zoneout are on, drawn from `seed`; with seed=None they are as outside training.
        """
        sums = self._plan.forward(
            *self._batch(steps, initial, mask, target),
            training,
            training and seed is not None,
            (seed or 0) % 2**64,
        )
        return self._result(sums)

    def backward(
        self,
        outputs: Mapping[str, Floats] | None = None,
        final_states: Mapping[str, Floats] | None = None,
        *,
        record: bool = False,
    ) -> None:
        """Gradients of the loss of the last forward pass (with training=True), plus sum(outputs * values) and
        sum(final_states * final states), by node name; they are then in `gradients`, `input_gradient` and
        `initial_state_gradients`, and with record=True in `state_gradients`."""
        self._plan.backward(
            self._by_number("outputs", outputs, 2), self._by_number("final_states", final_states, 3), record
        )

    def differentiate(
        self,
        steps: Steps,
        outputs: Mapping[str, Floats] | None = None,
        final_states: Mapping[str, Floats] | None = None,
        *,
        initial: Mapping[str, Floats] | None = None,
        mask: NDArray[np.uint8] | None = None,
        target: Target | Sequence[Target] | None = None,
        seed: int = 0,
        window: int | None = None,
    ) -> Result:
        """What `forward` with training=True and `backward` do, with the steps of one window held at a time:
        on the way back each is computed again from the states that the way forward kept at its border.

        window: steps of one, about sqrt(T) where None. Of values per step and of traces nothing is kept.
        """
        if window is None:
            window = recomputed_steps(int(steps.lengths.max(initial=1)))
        sums = self._plan.differentiate(
            *self._batch(steps, initial, mask, target),
            self._by_number("outputs", outputs, 2),
            self._by_number("final_states", final_states, 3),
            _window(window),
            seed % 2**64,
        )
        return self._result(sums)

    def begin_steps(self, name: str, num_sequences: int) -> tuple[Floats, Floats, Callable[[], None]]:
        """Begin num_sequences sequences side by side whose steps arrive one at a time, with states of zero.

        Returns x (num_sequences, I), to write the next step of each into; the array (num_sequences, columns)
        for the value of the node of that name; and what computes the second from the first. The weights are
        those of now; another call of the engine ends it.
        """
        x, value = self._plan.begin_steps(self._numbers[name], num_sequences)
        return x, value, self._plan.step

    def piece(self, x: Floats) -> Floats:
        """The same of several steps at once, x (num_sequences, steps, I): the node's values after each,
        (num_sequences, steps, columns), or those per sequence, (num_sequences, columns)."""
        value: Floats = self._plan.piece(exactly("x", x, self.dtype, 3))
        return value

    def set_states(self, name: str, states: Floats) -> None:
        """States (states, N, H) of a recurrent node, for the next `step`."""
        self._plan.set_states(self._numbers[name], states)

    def value(self, name: str) -> Floats:
        """What a node computed in the last forward pass: (S, columns) per step, (N, columns) per sequence."""
        value: Floats = self._plan.value(self._number(name))
        return value

    def input_gradient(self, name: str = "x") -> Floats:
        """Gradient of an input, (S, I), after `backward`."""
        gradient: Floats = self._plan.gradient(self._number(name))
        return gradient

    def final_states(self, name: str) -> Floats:
        """States (states, N, H) of a recurrent node after the last forward pass."""
        states: Floats = self._plan.final_states(self._number(name))
        return states

    def initial_state_gradients(self, name: str) -> Floats:
        """Gradients of the initial states (states, N, H) of a recurrent node after `backward`."""
        gradients: Floats = self._plan.initial_state_gradients(self._number(name))
        return gradients

    def trace(self, name: str) -> dict[str, Floats]:
        """Each gate of a recurrent node at each step and each state after it, by name, (S, H), as the last
        forward pass left them; a gate is zero at a masked step. Before `backward`, which overwrites them."""
        number, cell = self._number(name), self._cell(name)
        gates = {gate: self._plan.column(number, column) for gate, column in gate_columns(cell).items()}
        return gates | {state: self._plan.state(number, index) for index, state in enumerate(cell.states)}

    def state_gradients(self, name: str) -> dict[str, Floats]:
        """d loss / d state after each step of a recurrent node, by the state's name, (S, H), after `backward`
        with record=True: the states of one step apart from one another, each as the next step reads it, and h
        also as what reads the node's value does."""
        number, states = self._number(name), enumerate(self._cell(name).states)
        return {state: self._plan.state_gradient(number, index) for index, state in states}

    def _cell(self, name: str) -> CellSpec:
        layers = {node.name: node.cell for node in self.network.nodes if isinstance(node, Recurrent)}
        return cells.get(layers[choice("name", name, layers)])

    def _not_finite(self, loss: float) -> str:
        """What an epoch that diverged met."""
        names = [name for name, gradient in self.gradients.items() if not np.isfinite(gradient).all()]
        of = "every parameter" if len(names) == len(self.gradients) else ", ".join(names)
        gradient = f"a gradient of {of} that is not finite" if names else "gradients whose norm overflows"
        return gradient if math.isfinite(loss) else f"a loss of {loss} and {gradient}"

    def _number(self, name: str) -> int:
        return self._numbers[choice("name", name, self._numbers)]

    def _by_number(
        self, argument: str, arrays: Mapping[str, Floats] | None, num_axes: int
    ) -> list[tuple[int, Floats]]:
        return [
            (
                self._numbers[choice(argument, name, self._numbers)],
                exactly(f"{argument}[{name!r}]", array, self.dtype, num_axes),
            )
            for name, array in (arrays or {}).items()
        ]

    def _batch(
        self,
        steps: Steps,
        initial: Mapping[str, Floats] | None,
        mask: NDArray[np.uint8] | None,
        target: Target | Sequence[Target] | None,
    ) -> tuple[Any, ...]:
        return (
            self._steps(steps),
            None if mask is None else exactly("mask", mask, "uint8", 1),
            [] if target is None else self._targets(target),
            self._by_number("initial", initial, 3),
        )

    def _carried(self, position: Position) -> Floats:
        if position.states is None:
            return np.empty(0, self.dtype)
        return exactly("position.states", position.states, self.dtype, 1)

    def _result(self, sums: Sums, position: Position = START) -> Result:
        return Result.of(sums, [loss.weight for loss in self._losses], position)

    def _steps(self, steps: Steps) -> Any:
        for index, values in enumerate(steps.inputs):
            exactly(f"inputs[{index}]", values, self.dtype, 2)
        sparse = []
        for index, rows in enumerate(steps.sparse):
            if rows.values is not None:
                exactly(f"sparse[{index}].values", rows.values, self.dtype, 1)
            sparse.append((rows.offsets, rows.columns, rows.values))
        return self._native_steps(steps.inputs, steps.starts, steps.lengths, sparse, steps.others)

    def _targets(self, target: Target | Sequence[Target]) -> list[Any]:
        return [self._target(one) for one in ([target] if isinstance(target, Target) else target)]

    def _target(self, target: Target) -> tuple[Floats | None, NDArray[Any] | None, Floats | None]:
        if target.weights is not None:
            exactly("weights", target.weights, self.dtype, 1)
        if target.values.ndim == 1:
            return None, target.values, target.weights
        return exactly("targets", target.values, self.dtype, 2), None, target.weights

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


def _window(steps: int | None) -> int:
    return 0 if steps is None else integer("window", steps, 1, 2**40)


def _position(reached: tuple[int, Sequence[tuple[float, float, float]], Floats]) -> Position:
    update, sums, states = reached
    return Position(update, tuple(sums), states if len(states) else None)


def _by_length(steps: Steps) -> Indices:
    """Batches of like lengths waste the least where rows shrink; results do not depend on it."""
    return (-steps.total_lengths).argsort(kind="stable")


def _number_of_stream(node: Input | SparseInput) -> int:
    return -1 if node.stream is None else node.stream


def _add_nodes(plan: Any, network: Network) -> dict[str, int]:
    numbers: dict[str, int] = {}
    first_parameter = 0
    for node in network.nodes:
        of = [numbers[name] for name in node.of]
        match node:
            case Input():
                number = plan.add_input(node.size, node.needs_gradient, _number_of_stream(node))
            case SparseInput():
                number = plan.add_sparse_input(node.size, _number_of_stream(node))
            case Embedding():
                number = plan.add_embedding(of[0], node.size, first_parameter)
            case Repeat():
                number = plan.add_repeat(of[0], numbers[node.like])
            case Align():
                number = plan.add_align(*of)
            case Gate():
                number = plan.add_gate(*of, first_parameter)
            case Thresholds():
                number = plan.add_thresholds(of[0], node.size, first_parameter)
            case Recurrent():
                multipliers, updates, beginnings = (
                    [-1 if name is None else numbers[name] for name in names]
                    for names in (node.multipliers, node.updates, node.beginnings)
                )
                number = plan.add_recurrent(
                    of,
                    node.cell,
                    node.hidden_size,
                    node.reverse,
                    multipliers,
                    updates,
                    numbers.get(node.product_multiplier or "", -1),
                    first_parameter,
                    beginnings,
                )
            case Dropout():
                number = plan.add_dropout(
                    of[0], network.widths[node.name], node.rate, node.per_sequence, True, 0
                )
            case DropoutMask():
                number = plan.add_dropout(-1, node.size, node.rate, True, True, node.stream)
            case Zoneout():
                number = plan.add_dropout(
                    of[0] if of else -1, node.size, node.rate, False, False, node.stream
                )
            case PaddingGate():
                number = plan.add_padding_gate(of[0], node.size, first_parameter)
            case Pool(num_steps=int()):
                number = plan.add_steps(of[0], node.num_steps)
            case Pool():
                number = plan.add_pool(of[0], node.pooling)
            case Dense():
                number = plan.add_dense(of, node.size, node.activation, first_parameter)
            case InputDecay():
                number = plan.add_input_decay(of, first_parameter)
            case StateDecay():
                number = plan.add_dense(of, node.size, "decay", first_parameter)
            case Loss():
                number = plan.add_loss(
                    of[0], node.loss, node.delta, node.weight, node.focal, list(node.columns)
                )
        numbers[node.name] = number
        shapes: Sequence[tuple[int, ...]] = list(node.parameter_shapes(network.input_size(node)).values())
        first_parameter += sum(math.prod(shape) for shape in shapes)
    return numbers
