"""The recurrent cases of the oracle: layers with all their gradients, and PyTorch's state dictionaries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import equations
import numpy as np
import torch
from archive import Array, Entry
from draw import Draw
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from tidegate.cells import CELLS
from tidegate.network import Recurrent, recurrent_stack
from tidegate.network.network import Network

MODULES: dict[str, type[nn.RNNBase]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
TOLERANCE = 1e-12


@dataclass(frozen=True)
class Shape:
    name: str
    input_size: int
    hidden_size: int
    lengths: tuple[int, ...]
    num_steps: int
    num_layers: int = 1
    bidirectional: bool = False
    mask: bool = False
    multiplier: bool = False


SHAPES = (
    Shape("single", 1, 1, (3,), 3),
    Shape("article", 1, 10, (10, 10), 10),
    Shape("ragged", 2, 3, (3, 5, 1, 4), 5),
    Shape("both_ways", 5, 10, (7, 2, 7, 3, 1, 5), 7, bidirectional=True),
    Shape("vector", 12, 8, (4, 6, 3), 6),
    Shape("vectors", 1, 16, (5, 5, 5), 5, bidirectional=True),
    Shape("wide_input", 12, 17, (6, 3, 2, 6, 4), 6),
    Shape("wide", 5, 33, (5, 3, 1, 2), 6),
    Shape("two_layers", 2, 10, (4, 4, 4, 4, 4, 4), 4, num_layers=2),
    Shape("two_layers_both_ways", 12, 3, (9, 4), 9, num_layers=2, bidirectional=True),
    Shape("masked", 5, 10, (6, 3, 5), 6, mask=True),
    Shape("masked_both_ways", 2, 3, (4, 6, 1), 7, bidirectional=True, mask=True),
    Shape("masked_two_layers", 2, 3, (5, 3), 5, num_layers=2, bidirectional=True, mask=True),
    Shape("multiplied", 2, 3, (5, 2, 4), 5, multiplier=True),
    Shape("multiplied_both_ways", 1, 10, (3, 4), 4, bidirectional=True, mask=True, multiplier=True),
    Shape("multiplied_wide", 5, 17, (4, 5, 1, 3), 5, mask=True, multiplier=True),
)


def recurrent_entries() -> Iterator[Entry]:
    for cell in CELLS:
        for shape in SHAPES:
            yield recurrent(cell, shape)


def recurrent(cell: str, shape: Shape) -> Entry:
    name = f"{cell}-{shape.name}"
    draw = Draw(name)
    network = Network(
        recurrent_stack(cell, shape.input_size, shape.hidden_size, shape.num_layers, shape.bidirectional)
    )
    layers = tuple(node.name for node in network.nodes if isinstance(node, Recurrent))
    batch_size, states = len(shape.lengths), equations.STATES[cell]
    size = (len(layers), batch_size, shape.hidden_size)
    real = np.arange(shape.num_steps) < np.array(shape.lengths)[:, None]
    given = {
        "x": draw.uniform(batch_size, shape.num_steps, shape.input_size, scale=2.0),
        **draw.parameters(network.parameter_shapes),
        **{f"initial/{state}": draw.uniform(*size) for state in states},
    }
    if shape.mask:
        given["mask"] = draw.below(0.6, batch_size, shape.num_steps)
    if shape.multiplier:
        for state in states:
            kept = draw.below(0.8, len(layers), batch_size, shape.num_steps, 1)
            given[f"multiplier/{state}"] = kept * np.abs(draw.uniform(*kept.shape[:3], shape.hidden_size))
    width = shape.hidden_size * (2 if shape.bidirectional else 1)
    given["output_gradient"] = draw.uniform(batch_size, shape.num_steps, width) * real[:, :, None]
    given |= {f"final_gradient/{state}": draw.uniform(*size) for state in states}

    by_equations = results(given, lambda tensors: equations.run(cell, tensors, layers, list(shape.lengths)))
    expected = by_equations
    if cell in MODULES and not shape.mask and not shape.multiplier:
        expected = results(given, lambda tensors: by_module(cell, shape, tensors))
        worst = max(float(np.abs(expected[field] - by_equations[field]).max()) for field in by_equations)
        assert worst < TOLERANCE, f"{name}: equations.py and PyTorch differ by {worst}"
    settings = {
        "cell": cell,
        "input_size": shape.input_size,
        "hidden_size": shape.hidden_size,
        "num_layers": shape.num_layers,
        "bidirectional": shape.bidirectional,
        "lengths": list(shape.lengths),
        "source": "equations" if expected is by_equations else f"torch.nn.{MODULES[cell].__name__}",
    }
    return Entry("recurrent", name, settings, given, expected)


def results(
    given: dict[str, Array], forward: Callable[[dict[str, Tensor]], dict[str, Tensor]]
) -> dict[str, Array]:
    """What forward gives, and its gradients with respect to everything given but the mask."""
    tensors = {field: torch.tensor(array) for field, array in given.items()}
    upstream = {field.replace("_gradient", ""): tensors.pop(field) for field in given if "_gradient" in field}
    leaves = {field: tensor.requires_grad_() for field, tensor in tensors.items() if field != "mask"}
    computed = forward(tensors)
    scalar = sum((upstream[field] * tensor).sum() for field, tensor in computed.items())
    gradients = torch.autograd.grad(scalar, list(leaves.values()))
    return {field: tensor.detach().numpy() for field, tensor in computed.items()} | {
        f"gradient/{field}": gradient.numpy() for field, gradient in zip(leaves, gradients)
    }


def by_module(cell: str, shape: Shape, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The results of PyTorch's own layer, differentiable with respect to our packed parameters."""
    module = MODULES[cell](
        shape.input_size,
        shape.hidden_size,
        shape.num_layers,
        bidirectional=shape.bidirectional,
        batch_first=True,
        dtype=torch.float64,
    )
    initial = tuple(tensors[f"initial/{state}"] for state in equations.STATES[cell])
    packed = pack_padded_sequence(
        tensors["x"], torch.tensor(shape.lengths), batch_first=True, enforce_sorted=False
    )
    output, final = torch.func.functional_call(
        module, torch_parameters(cell, tensors), (packed, initial if cell == "lstm" else initial[0])
    )
    padded, _ = pad_packed_sequence(output, batch_first=True, total_length=shape.num_steps)
    finals = final if cell == "lstm" else (final,)
    return {"output": padded} | {f"final/{s}": value for s, value in zip(equations.STATES[cell], finals)}


def torch_parameters(cell: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Our parameters under PyTorch's names, half of a bias in each of its two; GRU's b_hn apart."""
    named: dict[str, Tensor] = {}
    for field, tensor in tensors.items():
        if not field.startswith("parameters/"):
            continue
        name = field.removeprefix("parameters/")
        if name.startswith("weight_"):
            named[name] = tensor
        elif name.startswith("bias_l"):
            layer = name.removeprefix("bias_")
            if cell == "gru":
                hidden_size = len(tensor) // 3
                candidate = tensors[f"parameters/bias_hn_{layer}"]
                gates, own = tensor[: 2 * hidden_size] / 2, tensor[2 * hidden_size :]
                named[f"bias_ih_{layer}"] = torch.cat([gates, own])
                named[f"bias_hh_{layer}"] = torch.cat([gates, candidate])
            else:
                named[f"bias_ih_{layer}"] = named[f"bias_hh_{layer}"] = tensor / 2
    return named


def state_dicts() -> Iterator[Entry]:
    lengths = [5, 2, 4]
    for cell, kind in MODULES.items():
        draw = Draw(kind.__name__)
        module = kind(2, 3, 2, bidirectional=True, batch_first=True, dtype=torch.float64)
        given = {"x": draw.uniform(len(lengths), max(lengths), 2, scale=2.0)}
        values = {
            name: draw.uniform(*tensor.shape, scale=0.5) for name, tensor in module.state_dict().items()
        }
        module.load_state_dict({name: torch.tensor(value) for name, value in values.items()})
        given |= {f"state_dict/{name}": value for name, value in values.items()}
        packed = pack_padded_sequence(
            torch.tensor(given["x"]), torch.tensor(lengths), batch_first=True, enforce_sorted=False
        )
        with torch.no_grad():
            output, final = module(packed)
        finals = final if cell == "lstm" else (final,)
        expected = {"output": pad_packed_sequence(output, batch_first=True)[0].numpy()}
        expected |= {f"final/{state}": value.numpy() for state, value in zip(equations.STATES[cell], finals)}
        settings = {"module": kind.__name__, "num_layers": 2, "bidirectional": True, "lengths": lengths}
        yield Entry("state_dict", cell, settings, given, expected)
