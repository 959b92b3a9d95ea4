"""What the tests read: the committed oracle as frozen records. The fields are described in make.py."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from oracle import archive
from oracle.archive import Array, Entry


@dataclass(frozen=True)
class RecurrentCase:
    """A stack of one cell; letters as in tidegate.shapes, dictionaries by parameter or state name."""

    name: str
    cell: str
    input_size: int
    hidden_size: int
    num_layers: int
    bidirectional: bool
    lengths: npt.NDArray[np.int64]
    x: Array
    parameters: dict[str, Array]
    initial: dict[str, Array]
    mask: npt.NDArray[np.bool_] | None
    multiplier: dict[str, Array]
    output: Array
    final: dict[str, Array]
    output_gradient: Array
    final_gradient: dict[str, Array]
    x_gradient: Array
    parameter_gradients: dict[str, Array]
    initial_gradients: dict[str, Array]
    multiplier_gradients: dict[str, Array]


@dataclass(frozen=True)
class LossCase:
    name: str
    loss: str
    delta: float
    predictions: Array
    targets: Array
    weights: Array | None
    value: float
    gradient: Array


@dataclass(frozen=True)
class OptimizerCase:
    """options: by the names of tidegate.engine.Optimizer. after: (updates, n), the parameters after each."""

    name: str
    options: dict[str, Any]
    learning_rates: tuple[float, ...]
    parameters: Array
    gradients: Array
    after: Array


@dataclass(frozen=True)
class NetworkCase:
    """arguments: of sequence_network. values: (S, I), the sequences of these lengths end to end."""

    name: str
    arguments: dict[str, Any]
    lengths: npt.NDArray[np.int64]
    values: Array
    parameters: dict[str, Array]
    targets: Array
    weights: Array | None
    predictions: Array
    loss: float
    gradients: dict[str, Array]


@dataclass(frozen=True)
class StateDictCase:
    cell: str
    module: str
    num_layers: int
    bidirectional: bool
    lengths: npt.NDArray[np.int64]
    x: Array
    state_dict: dict[str, Array]
    output: Array
    final: dict[str, Array]


def load() -> list[RecurrentCase]:
    """Every recurrent case."""
    return [_recurrent(entry) for entry in _entries("recurrent")]


def load_losses() -> list[LossCase]:
    return [
        LossCase(
            name=entry.name,
            **entry.settings,
            predictions=entry.given["predictions"],
            targets=entry.given["targets"],
            weights=entry.given.get("weights"),
            value=entry.expected["value"].item(),
            gradient=entry.expected["gradient"],
        )
        for entry in _entries("loss")
    ]


def load_optimizers() -> list[OptimizerCase]:
    return [
        OptimizerCase(
            name=entry.name,
            options=entry.settings["options"],
            learning_rates=tuple(entry.settings["learning_rates"]),
            **entry.given,
            after=entry.expected["parameters"],
        )
        for entry in _entries("optimizer")
    ]


def load_networks() -> list[NetworkCase]:
    return [
        NetworkCase(
            name=entry.name,
            arguments=entry.settings["arguments"],
            lengths=np.array(entry.settings["lengths"]),
            values=entry.given["values"],
            parameters=_under("parameters", entry.given),
            targets=entry.given["targets"],
            weights=entry.given.get("weights"),
            predictions=entry.expected["predictions"],
            loss=entry.expected["loss"].item(),
            gradients=_under("gradient/parameters", entry.expected),
        )
        for entry in _entries("network")
    ]


def load_state_dicts() -> list[StateDictCase]:
    return [
        StateDictCase(
            cell=entry.name,
            module=entry.settings["module"],
            num_layers=entry.settings["num_layers"],
            bidirectional=entry.settings["bidirectional"],
            lengths=np.array(entry.settings["lengths"]),
            x=entry.given["x"],
            state_dict=_under("state_dict", entry.given),
            output=entry.expected["output"],
            final=_under("final", entry.expected),
        )
        for entry in _entries("state_dict")
    ]


def _recurrent(entry: Entry) -> RecurrentCase:
    settings, given, expected = entry.settings, entry.given, entry.expected
    return RecurrentCase(
        name=entry.name,
        cell=settings["cell"],
        input_size=settings["input_size"],
        hidden_size=settings["hidden_size"],
        num_layers=settings["num_layers"],
        bidirectional=settings["bidirectional"],
        lengths=np.array(settings["lengths"]),
        x=given["x"],
        parameters=_under("parameters", given),
        initial=_under("initial", given),
        mask=given["mask"].astype(bool) if "mask" in given else None,
        multiplier=_under("multiplier", given),
        output=expected["output"],
        final=_under("final", expected),
        output_gradient=given["output_gradient"],
        final_gradient=_under("final_gradient", given),
        x_gradient=expected["gradient/x"],
        parameter_gradients=_under("gradient/parameters", expected),
        initial_gradients=_under("gradient/initial", expected),
        multiplier_gradients=_under("gradient/multiplier", expected),
    )


@cache
def _archive() -> list[Entry]:
    entries = archive.read()
    for entry in entries:
        for array in (*entry.given.values(), *entry.expected.values()):
            array.flags.writeable = False
    return entries


def _entries(kind: str) -> list[Entry]:
    return [entry for entry in _archive() if entry.kind == kind]


def _under(prefix: str, arrays: dict[str, Array]) -> dict[str, Array]:
    return {
        field.removeprefix(f"{prefix}/"): array
        for field, array in arrays.items()
        if field.startswith(f"{prefix}/")
    }
