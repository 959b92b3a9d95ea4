"""Any cell's step run over time in float64: slow, obvious, and what the engine is tested against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tidegate.cells import CellSpec
from tidegate.shapes import as_lengths, as_mask, as_shape, mask_from_lengths

Array = npt.NDArray[np.float64]
Arrays = Mapping[str, npt.ArrayLike]


class PackedAffine:
    """The products of a step with parameters packed as in CellSpec.parameter_shapes."""

    def __init__(self, cell: CellSpec, parameters: Mapping[str, Array]) -> None:
        self._weight_x = _by_gate(cell.gates, parameters["weight_ih"])
        self._weight_h = _by_gate(cell.gates, parameters["weight_hh"])
        self._bias = _by_gate(cell.gates, parameters["bias"])
        self._recurrent_bias = {gate: parameters[f"bias_h{gate}"] for gate in cell.recurrent_biases}
        self._weight_c = _by_gate(cell.peepholes, parameters["weight_ch"]) if cell.peepholes else {}
        self.product_multiplier: Array | float = 1.0

    def x(self, gate: str, value: Array) -> Array:
        return value @ self._weight_x[gate].T + self._bias[gate]

    def h(self, gate: str, value: Array) -> Array:
        product = (value * self.product_multiplier) @ self._weight_h[gate].T
        return product + self._recurrent_bias[gate] if gate in self._recurrent_bias else product

    def c(self, gate: str, value: Array) -> Array:
        weight = self._weight_c[gate]
        return value * weight if weight.ndim == 1 else value @ weight.T


def _by_gate(gates: tuple[str, ...], packed: Array) -> dict[str, Array]:
    return dict(zip(gates, np.split(packed, len(gates))))


@dataclass(frozen=True)
class LayerRun:
    """One layer in one direction over time.

    output: h, (B, T, H), zero in padding. final: each state after the last step run, (B, H).
    trace: each gate and state at each step, (B, T, H), by name; zero in padding, a gate also at a masked
    step.
    """

    output: Array
    final: dict[str, Array]
    trace: dict[str, Array]


@dataclass(frozen=True)
class StackRun:
    """Stacked layers over time.

    output: the last layer's h, directions side by side, (B, T, D*H). final: each state, (L*D, B, H), in the
    order l0, l0_reverse, l1, ... trace: for each of these names the trace of its layer.
    """

    output: Array
    final: dict[str, Array]
    trace: dict[str, dict[str, Array]]


def run(
    cell: CellSpec,
    parameters: Arrays,
    x: npt.ArrayLike,
    initial: Arrays | None = None,
    lengths: npt.ArrayLike | None = None,
    reverse: bool = False,
    mask: npt.ArrayLike | None = None,
    multiplier: Arrays | None = None,
    update: Arrays | None = None,
    product_multiplier: npt.ArrayLike | None = None,
) -> LayerRun:
    """Run one layer in one direction.

    parameters: as cell.parameter_shapes names them. x: (B, T, I). initial: state name -> (B, H), zero where
    absent. lengths: (B,), None for T everywhere; nothing is read from padding. reverse: from each
    sequence's own last step to its first. multiplier: state name -> (B, T, H); at step t the state of the
    step before, or the initial one, is multiplied by it before anything reads it. update: state name ->
    (B, T, H); the state after step t is that of the step before, after its multiplier, and update times the
    way from there to what the cell gives. product_multiplier: (B, T, H); the products of weight_hh read it
    times what they would read. mask: (B, T); at a step with False nothing is read from x and every state
    passes as it is after the multiplier, so that the output there is the h carried.

    ValueError names the argument whose shape or name does not fit.
    """
    x_BTI = as_shape("x", x, ("B", "T", "I"))
    batch_size, num_steps, input_size = x_BTI.shape
    weight_hh = as_shape(
        "parameters['weight_hh']", _entry("parameters", parameters, "weight_hh"), ("G*H", "H")
    )
    hidden_size = weight_hh.shape[1]
    shapes = cell.parameter_shapes(input_size, hidden_size)
    _known("parameters", parameters, tuple(shapes))
    checked = {
        name: as_shape(f"parameters[{name!r}]", _entry("parameters", parameters, name), shape)
        for name, shape in shapes.items()
    }
    _known("initial", initial, cell.states)
    _known("multiplier", multiplier, cell.states)
    _known("update", update, cell.states)
    states = {name: np.zeros((batch_size, hidden_size)) for name in cell.states} | {
        name: as_shape(f"initial[{name!r}]", value, (batch_size, hidden_size))
        for name, value in (initial or {}).items()
    }
    a_unit = (batch_size, num_steps, hidden_size)
    factors = {
        name: as_shape(f"multiplier[{name!r}]", value, a_unit) for name, value in (multiplier or {}).items()
    }
    updates = {name: as_shape(f"update[{name!r}]", value, a_unit) for name, value in (update or {}).items()}
    operand_factors = (
        None if product_multiplier is None else as_shape("product_multiplier", product_multiplier, a_unit)
    )
    real_BT = mask_from_lengths(as_lengths(lengths, batch_size, num_steps), num_steps)
    computed_BT = real_BT if mask is None else real_BT & as_mask(mask, (batch_size, num_steps))
    x_BTI = np.where(computed_BT[:, :, np.newaxis], x_BTI, 0.0)

    affine = PackedAffine(cell, checked)
    trace = {name: np.zeros((batch_size, num_steps, hidden_size)) for name in (*cell.gates, *cell.states)}
    for t in reversed(range(num_steps)) if reverse else range(num_steps):
        real, computed = real_BT[:, t, np.newaxis], computed_BT[:, t, np.newaxis]
        carried = {
            name: np.where(real, state * factors[name][:, t], state) if name in factors else state
            for name, state in states.items()
        }
        if operand_factors is not None:
            affine.product_multiplier = operand_factors[:, t]
        stepped, gates = cell.step(affine, x_BTI[:, t], *carried.values())
        states = {}
        for name, given in zip(cell.states, stepped, strict=True):
            before = carried[name]
            new = before + updates[name][:, t] * (given - before) if name in updates else given
            states[name] = np.where(computed, new, before)
        for name, gate in zip(cell.gates, gates, strict=True):
            trace[name][:, t] = np.where(computed, gate, 0.0)
        for name, state in states.items():
            trace[name][:, t] = np.where(real, state, 0.0)
    return LayerRun(trace["h"], states, trace)


def run_stack(
    cell: CellSpec,
    parameters: Arrays,
    x: npt.ArrayLike,
    initial: Arrays | None = None,
    lengths: npt.ArrayLike | None = None,
    mask: npt.ArrayLike | None = None,
    multiplier: Arrays | None = None,
) -> StackRun:
    """Run stacked layers, in one direction or both; how many the names of the parameters tell.

    parameters: "weight_ih_l0", "weight_ih_l0_reverse", "weight_ih_l1", ... as in network.parameter_shapes.
    initial: state name -> (L*D, B, H). multiplier: state name -> (L*D, B, T, H). The rest as in `run`;
    every layer obeys the mask.
    """
    names = layer_names(parameters)
    directions = 2 if "l0_reverse" in names else 1
    below = np.asarray(x, dtype=np.float64)
    runs: dict[str, LayerRun] = {}
    for layer in range(len(names) // directions):
        outputs = []
        for index in range(layer * directions, (layer + 1) * directions):
            name = names[index]
            runs[name] = run(
                cell,
                {
                    key.removesuffix(f"_{name}"): value
                    for key, value in parameters.items()
                    if key.endswith(f"_{name}")
                },
                below,
                {state: np.asarray(value)[index] for state, value in (initial or {}).items()},
                lengths,
                name.endswith("_reverse"),
                mask,
                {state: np.asarray(value)[index] for state, value in (multiplier or {}).items()},
            )
            outputs.append(runs[name].output)
        below = np.concatenate(outputs, axis=2)
    final = {state: np.stack([run.final[state] for run in runs.values()]) for state in cell.states}
    return StackRun(below, final, {name: run.trace for name, run in runs.items()})


def layer_names(parameters: Mapping[str, object], argument: str = "parameters") -> tuple[str, ...]:
    """Layers the parameters belong to, in the order they run: ("l0", "l0_reverse", "l1", ...).

    ValueError where they are not those of one stack: a layer left out, or reversed where others are not.
    """
    prefix = "weight_ih_"
    found = {name.removeprefix(prefix) for name in parameters if name.startswith(prefix)}
    suffixes = ("", "_reverse") if "l0_reverse" in found else ("",)
    expected = tuple(
        f"l{layer}{suffix}" for layer in range(len(found) // len(suffixes)) for suffix in suffixes
    )
    if not expected or found != set(expected):
        raise ValueError(
            f"{argument} expects weight_ih_l0, weight_ih_l1, ... (with _reverse for every layer or none); "
            f"got layers {', '.join(sorted(found)) or 'none'}: pass every layer of one stack"
        )
    return expected


def _entry(argument: str, values: Arrays, name: str) -> npt.ArrayLike:
    if name not in values:
        raise ValueError(f"{argument} expects {name!r}; got {', '.join(values) or 'nothing'}: pass it")
    return values[name]


def _known(argument: str, values: Arrays | None, names: tuple[str, ...]) -> None:
    unknown = [name for name in values or {} if name not in names]
    if unknown:
        raise ValueError(f"{argument} expects {', '.join(names)}; got {unknown[0]!r} too: leave it out")
