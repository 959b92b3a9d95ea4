"""The training cases of the oracle: losses, optimisers and whole networks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from archive import Array, Entry
from draw import Draw
from recurrent_cases import Shape, by_module
from torch import Tensor, nn
from torch.nn import functional

from tidegate.network import sequence_network


def row_losses(loss: str, delta: float, predictions: Tensor, targets: Tensor) -> Tensor:
    match loss:
        case "mse":
            return functional.mse_loss(predictions, targets, reduction="none").mean(1)
        case "mae":
            return functional.l1_loss(predictions, targets, reduction="none").mean(1)
        case "huber":
            return functional.huber_loss(predictions, targets, reduction="none", delta=delta).mean(1)
        case "softmax_cross_entropy":
            return functional.cross_entropy(predictions, targets.long(), reduction="none")
        case "sigmoid_cross_entropy":
            return functional.binary_cross_entropy_with_logits(predictions, targets, reduction="none").mean(1)
        case _:
            raise AssertionError(loss)


def weighted_loss(
    loss: str, delta: float, predictions: Tensor, targets: Tensor, weights: Tensor | None
) -> Tensor:
    rows = row_losses(loss, delta, predictions, targets)
    weights = torch.ones_like(rows) if weights is None else weights
    return (weights * rows).sum() / weights.sum()


def draw_targets(draw: Draw, loss: str, num_rows: int, num_outputs: int) -> Array:
    if loss == "softmax_cross_entropy":
        return np.floor((draw.uniform(num_rows, scale=0.999) + 1) / 2 * num_outputs)
    if loss == "sigmoid_cross_entropy":
        return draw.below(0.5, num_rows, num_outputs)
    return draw.uniform(num_rows, num_outputs, scale=2.0)


# name, rows, outputs, scale of the predictions
VARIANTS = (("plain", 5, 3, 2.0), ("weighted", 6, 4, 3.0), ("extreme", 4, 3, 900.0))


def losses() -> Iterator[Entry]:
    for loss in ("mse", "mae", "huber", "softmax_cross_entropy", "sigmoid_cross_entropy"):
        for variant, num_rows, num_outputs, scale in VARIANTS:
            name = f"{loss}-{variant}"
            draw = Draw(name)
            delta = 0.75 if loss == "huber" else 1.0
            given = {
                "predictions": draw.uniform(num_rows, num_outputs, scale=scale),
                "targets": draw_targets(draw, loss, num_rows, num_outputs),
            }
            if variant == "weighted":
                given["weights"] = np.abs(draw.uniform(num_rows)) * (np.arange(num_rows) != 1)
            predictions = torch.tensor(given["predictions"], requires_grad=True)
            weights = torch.tensor(given["weights"]) if "weights" in given else None
            value = weighted_loss(loss, delta, predictions, torch.tensor(given["targets"]), weights)
            value.backward()
            expected = {"value": value.detach().numpy(), "gradient": predictions.grad.numpy()}
            yield Entry("loss", name, {"loss": loss, "delta": delta}, given, expected)


OPTIMIZERS: dict[str, dict[str, Any]] = {
    "adam": {"name": "adam"},
    "adam-options": {"name": "adam", "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3},
    "adam-l2": {"name": "adam", "weight_decay": 0.1},
    "adamw": {"name": "adamw", "weight_decay": 0.1},
    "rmsprop": {"name": "rmsprop", "rho": 0.9},
    "rmsprop-momentum": {
        "name": "rmsprop",
        "rho": 0.95,
        "momentum": 0.9,
        "weight_decay": 0.1,
        "epsilon": 1e-3,
    },
    "sgd": {"name": "sgd"},
    "sgd-momentum": {"name": "sgd", "momentum": 0.9, "weight_decay": 0.1},
    "adam-clip_norm": {"name": "adam", "clip_norm": 0.5},
    "adam-clip_value": {"name": "adam", "clip_value": 0.25},
    "sgd-clip_norm": {"name": "sgd", "clip_norm": 0.5},
    "sgd-clip_norm_unreached": {"name": "sgd", "clip_norm": 50.0},
    "sgd-clip_value": {"name": "sgd", "clip_value": 0.25},
}


def torch_optimizer(options: dict[str, Any], parameter: Tensor) -> torch.optim.Optimizer:
    decay, momentum = options.get("weight_decay", 0.0), options.get("momentum", 0.0)
    epsilon = options.get("epsilon", 1e-8)
    if options["name"] == "sgd":
        return torch.optim.SGD([parameter], lr=1.0, momentum=momentum, weight_decay=decay)
    if options["name"] == "rmsprop":
        return torch.optim.RMSprop(
            [parameter], alpha=options["rho"], eps=epsilon, weight_decay=decay, momentum=momentum
        )
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[options["name"]]
    betas = (options.get("beta1", 0.9), options.get("beta2", 0.999))
    return kind([parameter], betas=betas, eps=epsilon, weight_decay=decay)


def optimizers() -> Iterator[Entry]:
    learning_rates = [0.1, 0.05, 0.1, 0.02, 0.01]
    for name, options in OPTIMIZERS.items():
        draw = Draw(name)
        given = {"parameters": draw.uniform(9), "gradients": draw.uniform(len(learning_rates), 9)}
        parameter = torch.tensor(given["parameters"], requires_grad=True)
        optimizer = torch_optimizer(options, parameter)
        after = []
        for rate, gradient in zip(learning_rates, given["gradients"]):
            optimizer.param_groups[0]["lr"] = rate
            parameter.grad = torch.tensor(gradient)
            if "clip_norm" in options:
                nn.utils.clip_grad_norm_([parameter], options["clip_norm"])
            if "clip_value" in options:
                nn.utils.clip_grad_value_([parameter], options["clip_value"])
            optimizer.step()
            after.append(parameter.detach().numpy().copy())
        settings = {"options": options, "learning_rates": learning_rates}
        yield Entry("optimizer", name, settings, given, {"parameters": np.array(after)})


# pooling, dense activation, cell, bidirectional, num_layers, loss, weighted
NETWORKS = (
    ("last", "tanh", "lstm", False, 1, "mse", False),
    ("last", "relu", "gru", True, 1, "softmax_cross_entropy", True),
    ("mean", "tanh", "rnn", True, 2, "mae", False),
    ("mean", "relu", "lstm", True, 1, "sigmoid_cross_entropy", True),
    ("max", "tanh", "gru", False, 2, "huber", True),
    ("max", "relu", "lstm", True, 2, "softmax_cross_entropy", False),
    (None, "tanh", "gru", True, 1, "softmax_cross_entropy", True),
    (None, "relu", "lstm", False, 1, "mse", False),
)


def networks() -> Iterator[Entry]:
    lengths = [4, 7, 3, 5]
    for pooling, activation, cell, bidirectional, num_layers, loss, weighted in NETWORKS:
        name = f"{pooling or 'every_step'}-{activation}"
        draw = Draw(name)
        arguments = {
            "cell": cell,
            "input_size": 3,
            "hidden_size": 5,
            "output_size": 4,
            "loss": loss,
            "num_layers": num_layers,
            "bidirectional": bidirectional,
            "pooling": pooling,
            "dense": [[6, activation], [3, "none"]],
        }
        num_rows = sum(lengths) if pooling is None else len(lengths)
        given = {
            "values": draw.uniform(sum(lengths), 3, scale=2.0),
            **draw.parameters(sequence_network(**arguments).parameter_shapes),
            "targets": draw_targets(draw, loss, num_rows, 4),
        }
        if weighted:
            given["weights"] = np.abs(draw.uniform(num_rows)) * (np.arange(num_rows) != 2)
        tensors = {field: torch.tensor(array) for field, array in given.items()}
        leaves = {f: t.requires_grad_() for f, t in tensors.items() if f.startswith("parameters/")}
        predictions = predict(arguments, lengths, tensors)
        value = weighted_loss(loss, 1.0, predictions, tensors["targets"], tensors.get("weights"))
        gradients = torch.autograd.grad(value, list(leaves.values()))
        expected = {"predictions": predictions.detach().numpy(), "loss": value.detach().numpy()}
        expected |= {f"gradient/{field}": gradient.numpy() for field, gradient in zip(leaves, gradients)}
        settings = {"arguments": arguments, "lengths": lengths}
        yield Entry("network", name, settings, given, expected)


def predict(arguments: dict[str, Any], lengths: list[int], tensors: dict[str, Tensor]) -> Tensor:
    """One row a sequence, or one a step where pooling is None."""
    layers = arguments["num_layers"], arguments["bidirectional"]
    shape = Shape(
        "", arguments["input_size"], arguments["hidden_size"], tuple(lengths), max(lengths), *layers
    )
    size = (shape.num_layers * (2 if shape.bidirectional else 1), len(lengths), shape.hidden_size)
    sequences = torch.split(tensors["values"], lengths)
    padded = {"x": nn.utils.rnn.pad_sequence(list(sequences), batch_first=True)}
    initial = {f"initial/{state}": torch.zeros(size, dtype=torch.float64) for state in ("h", "c")}
    run = by_module(arguments["cell"], shape, tensors | padded | initial)
    steps = [run["output"][b, :length] for b, length in enumerate(lengths)]
    match arguments["pooling"]:
        case "last":
            directions = 2 if shape.bidirectional else 1
            rows = torch.cat(list(run["final/h"][-directions:]), dim=1)
        case "mean":
            rows = torch.stack([sequence.mean(0) for sequence in steps])
        case "max":
            rows = torch.stack([sequence.max(0).values for sequence in steps])
        case _:
            rows = torch.cat(steps)
    for index, (_, activation) in enumerate(arguments["dense"]):
        rows = functional.linear(
            rows, tensors[f"parameters/weight_dense{index}"], tensors[f"parameters/bias_dense{index}"]
        )
        rows = {"tanh": torch.tanh, "relu": torch.relu, "none": torch.clone}[activation](rows)
    return functional.linear(rows, tensors["parameters/weight_output"], tensors["parameters/bias_output"])
