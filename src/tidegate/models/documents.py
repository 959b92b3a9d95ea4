"""What the files of every kind of model hold: options, network, parameters and how training went."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.checks import choice
from tidegate.engine import Optimizer
from tidegate.network import Network
from tidegate.network.initializers import Initializers
from tidegate.training.schedules import Constant, Cosine, ReduceOnPlateau

Arrays = dict[str, NDArray[Any]]

RECORDS = {kind.__name__: kind for kind in (Optimizer, Initializers, Constant, Cosine, ReduceOnPlateau)}

# Fitted attributes that JSON holds as they are.
_PLAIN = ("stopped_", "best_epoch_", "num_updates_", "seconds_")


def fitted_document(model: Any, arrays: Arrays) -> dict[str, Any]:
    """What a fit left, its parameters into `arrays`."""
    arrays |= {f"parameters.{name}": value for name, value in model.parameters_.items()}
    return {
        "network": model.network_.to_records(),
        "history": {
            name: [value if math.isfinite(value) else None for value in values]
            for name, values in model.history_.items()
        },
        **{name: getattr(model, name) for name in _PLAIN},
    }


def fitted_attributes(document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """The attributes that `fitted_document` described; ValueError where a parameter has another shape."""
    network = Network.from_records(document["network"])
    parameters = {name: arrays[f"parameters.{name}"] for name in network.parameter_shapes}
    for name, shape in network.parameter_shapes.items():
        if parameters[name].shape != shape:
            raise ValueError(f"{name} expects shape {shape}; got {parameters[name].shape}")
    return {
        "network_": network,
        "parameters_": read_only(parameters),
        "num_parameters_": network.num_parameters,
        "history_": {
            name: [math.nan if value is None else value for value in values]
            for name, values in document["history"].items()
        },
        **{name: document[name] for name in _PLAIN},
    }


def read_only(arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The same arrays, which can no longer be written to."""
    for array in arrays.values():
        array.setflags(write=False)
    return arrays


def encode(name: str, value: Any) -> Any:
    """An option in JSON's types; records and mappings tagged."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if type(value) in RECORDS.values():
        return {"record": type(value).__name__, "fields": asdict(value)}
    if isinstance(value, Mapping):
        return {"mapping": [[encode(name, key), encode(name, item)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return [encode(name, item) for item in value]
    raise ValueError(f"{name} expects a value that a file can hold; got {value!r}: pass a name or a record")


def decode(value: Any) -> Any:
    """The option that `encode` made it of; a tuple comes back as a list."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if isinstance(value, dict):
        if "mapping" in value:
            return {decode(key): decode(item) for key, item in value["mapping"]}
        kind = RECORDS[choice("record", value["record"], RECORDS)]
        return kind(**value["fields"])
    return value
