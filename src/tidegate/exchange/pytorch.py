"""Weights to and from the `state_dict` of torch.nn.RNN, LSTM and GRU; PyTorch itself is not needed.

Both pack gates in one order. PyTorch has two biases for every gate, bias_ih and bias_hh; a cell here has one,
their sum, but for GRU's candidate: its second bias stands inside the reset, so that b_in stays in bias and
b_hn is bias_hn. On the way out every other second bias is zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tidegate import cells
from tidegate.cells import CellSpec
from tidegate.checks import choice
from tidegate.reference import layer_names

Arrays = dict[str, npt.NDArray[Any]]
Shapes = dict[str, tuple[int, ...]]

# What PyTorch has: nn.RNN (with tanh), nn.LSTM, nn.GRU.
CELLS = ("rnn", "lstm", "gru")


def from_pytorch(state_dict: Mapping[str, Any], cell: str) -> Arrays:
    """Parameters as network.parameter_shapes names them, from the state_dict of an nn.RNN, nn.LSTM or nn.GRU.

    state_dict: torch tensors or arrays, of stacked layers in one direction or both; their floating type is
    kept. A module made with bias=False gives biases of zero. cell: "rnn" (of nonlinearity "tanh"; the
    state_dict does not tell), "lstm" or "gru".

    ValueError where a key is missing or foreign (such as a projection's), or a shape is not the cell's.
    """
    spec = cells.get(choice("cell", cell, CELLS))
    if not isinstance(state_dict, Mapping):
        raise ValueError(
            f"state_dict expects a mapping; got {type(state_dict).__name__}: pass module.state_dict()"
        )
    for name in state_dict:
        if name.endswith(".weight_ih_l0"):
            prefix = name.removesuffix("weight_ih_l0")
            raise ValueError(
                f"state_dict expects the keys of one stack, 'weight_ih_l0' and others; got {name!r}: pass "
                f"that of module.{prefix.removesuffix('.')}, without the prefix {prefix!r}"
            )
    arrays = {name: _as_array(f"state_dict[{name!r}]", value) for name, value in state_dict.items()}
    layers = _layer_shapes("state_dict", arrays, spec)
    biased = any(name.startswith("bias_") for name in arrays)
    _check("state_dict", arrays, dict(_torch_shapes(layers, biased)))
    parameters: Arrays = {}
    for layer, shapes in layers.items():
        zero = np.zeros(shapes["bias"], arrays[f"weight_ih_{layer}"].dtype)
        first, second = (arrays.get(f"bias_{part}_{layer}", zero) for part in ("ih", "hh"))
        own = {name: arrays[f"{name}_{layer}"].copy() for name in ("weight_ih", "weight_hh")}
        own["bias"] = first + second
        for gate in spec.recurrent_biases:
            rows = _rows(spec, gate, len(zero))
            own["bias"][rows] = first[rows]
            own[f"bias_h{gate}"] = second[rows].copy()
        parameters |= {f"{name}_{layer}": own[name] for name in shapes}
    return parameters


def to_pytorch(parameters: Mapping[str, Any], cell: str) -> Arrays:
    """The state_dict of nn.RNN, nn.LSTM or nn.GRU, as NumPy arrays in PyTorch's order of names.

    Load it with `module.load_state_dict({k: torch.from_numpy(v) for k, v in to_pytorch(...).items()})`.

    ValueError where a parameter is missing or foreign, or a shape is not the cell's.
    """
    spec = cells.get(choice("cell", cell, CELLS))
    arrays = {name: _as_array(f"parameters[{name!r}]", value) for name, value in parameters.items()}
    layers = _layer_shapes("parameters", arrays, spec)
    expected = {
        f"{name}_{layer}": shape for layer, shapes in layers.items() for name, shape in shapes.items()
    }
    _check("parameters", arrays, expected)
    state_dict: Arrays = {}
    for layer in layers:
        first = arrays[f"bias_{layer}"]
        second = np.zeros_like(first)
        for gate in spec.recurrent_biases:
            second[_rows(spec, gate, len(first))] = arrays[f"bias_h{gate}_{layer}"]
        state_dict |= {
            f"{name}_{layer}": arrays[f"{name}_{layer}"].copy() for name in ("weight_ih", "weight_hh")
        }
        state_dict |= {f"bias_ih_{layer}": first.copy(), f"bias_hh_{layer}": second}
    return state_dict


def _layer_shapes(argument: str, arrays: Arrays, spec: CellSpec) -> dict[str, Shapes]:
    """For each layer the shapes of its parameters, as the widths of the first layer's weights ask for."""
    names = layer_names(arrays, argument)
    sizes = []
    for name in ("weight_ih_l0", "weight_hh_l0"):
        if name not in arrays or arrays[name].ndim != 2:
            raise ValueError(
                f"{argument} expects {name!r}, a matrix; got {', '.join(arrays)}: pass one stack's arrays"
            )
        sizes.append(arrays[name].shape[1])
    input_size, hidden_size = sizes
    width = hidden_size * (2 if "l0_reverse" in names else 1)
    return {
        name: spec.parameter_shapes(input_size if name in ("l0", "l0_reverse") else width, hidden_size)
        for name in names
    }


def _torch_shapes(layers: dict[str, Shapes], biased: bool) -> Iterator[tuple[str, tuple[int, ...]]]:
    for layer, shapes in layers.items():
        yield f"weight_ih_{layer}", shapes["weight_ih"]
        yield f"weight_hh_{layer}", shapes["weight_hh"]
        if biased:
            yield f"bias_ih_{layer}", shapes["bias"]
            yield f"bias_hh_{layer}", shapes["bias"]


def _rows(spec: CellSpec, gate: str, num_rows: int) -> slice:
    """The rows of one gate in a packed bias."""
    hidden_size = num_rows // len(spec.gates)
    start = spec.gates.index(gate) * hidden_size
    return slice(start, start + hidden_size)


def _as_array(argument: str, value: Any) -> npt.NDArray[Any]:
    try:
        array = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
    except TypeError:
        raise ValueError(
            f"{argument} expects numbers of a type that NumPy has; got {value.dtype}: pass its .float()"
        ) from None
    if array.dtype.kind != "f":
        raise ValueError(
            f"{argument} expects floating-point numbers; got {array.dtype}: pass the weights of a layer"
        )
    return array


def _check(argument: str, arrays: Arrays, expected: Shapes) -> None:
    for name in arrays:
        if name not in expected:
            raise ValueError(
                f"{argument} expects {', '.join(expected)}; got {name!r} too: pass one recurrent stack, "
                "without projections, its keys without a prefix"
            )
    for name, shape in expected.items():
        if name not in arrays:
            raise ValueError(
                f"{argument} expects {name!r}; got {', '.join(arrays)}: pass every array of the stack"
            )
        if arrays[name].shape != shape:
            raise ValueError(
                f"{argument}[{name!r}] expects shape {shape}; got {arrays[name].shape}: "
                "pass the cell these weights belong to"
            )
