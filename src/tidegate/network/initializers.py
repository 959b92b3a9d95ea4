"""Initial values of a network's parameters, by name.

Fans are those of one gate: a recurrent layer's packed (G*H, I) matrix is G matrices (H, I), each drawn for
fan_in = I and fan_out = H; each recurrent matrix has fan_in = fan_out = H.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from tidegate import cells
from tidegate.cells import CellSpec
from tidegate.checks import choice, integer
from tidegate.network.network import Network
from tidegate.network.nodes import Dense, Embedding, InputDecay, PaddingGate, Recurrent, StateDecay

Matrix = NDArray[np.float64]

# Of what decays, in one median interval.
SLOW_DECAY = 0.1
# How far a step that is padding moves a state at first, before the sigmoid.
SMALL_MOVE = -3.0
# Standard deviation of the entries of a table of embeddings.
EMBEDDING_SPREAD = 0.1


def _uniform(gain: float, fan: Callable[[int, int], float]) -> Callable[..., Matrix]:
    """Uniform in +-sqrt(3 * gain / fan), whose variance is gain / fan."""

    def draw(rng: np.random.Generator, fan_out: int, fan_in: int) -> Matrix:
        limit = math.sqrt(3.0 * gain / fan(fan_in, fan_out))
        return rng.uniform(-limit, limit, (fan_out, fan_in))

    return draw


def _normal(gain: float, fan: Callable[[int, int], float]) -> Callable[..., Matrix]:
    """Normal (not truncated) with variance gain / fan."""

    def draw(rng: np.random.Generator, fan_out: int, fan_in: int) -> Matrix:
        return rng.normal(0.0, math.sqrt(gain / fan(fan_in, fan_out)), (fan_out, fan_in))

    return draw


def _orthogonal(rng: np.random.Generator, fan_out: int, fan_in: int) -> Matrix:
    """Orthonormal rows or columns, whichever are fewer, uniform over such matrices (Saxe et al. 2014)."""
    tall = rng.normal(size=(max(fan_out, fan_in), min(fan_out, fan_in)))
    q, r = np.linalg.qr(tall)
    q *= np.where(np.diagonal(r) < 0.0, -1.0, 1.0)
    return q if fan_out >= fan_in else q.T


def _zeros(_rng: np.random.Generator, fan_out: int, fan_in: int) -> Matrix:
    return np.zeros((fan_out, fan_in))


def _mean_fan(fan_in: int, fan_out: int) -> float:
    return (fan_in + fan_out) / 2.0


def _fan_in(fan_in: int, _fan_out: int) -> float:
    return float(fan_in)


WEIGHTS = MappingProxyType(
    {
        "xavier_uniform": _uniform(1.0, _mean_fan),  # Glorot & Bengio 2010
        "xavier_normal": _normal(1.0, _mean_fan),
        "he_uniform": _uniform(2.0, _fan_in),  # He et al. 2015
        "he_normal": _normal(2.0, _fan_in),
        "lecun_uniform": _uniform(1.0, _fan_in),  # LeCun et al. 1998, Efficient backprop
        "lecun_normal": _normal(1.0, _fan_in),
        "orthogonal": _orthogonal,
        "zeros": _zeros,
    }
)


def _forget(cell: CellSpec, bias: Matrix, _rng: np.random.Generator, _longest: int) -> None:
    """1 for the gates whose 1 keeps the old state (Gers et al. 2000; Jozefowicz et al. 2015)."""
    for gate in cell.keep_gates:
        bias[cell.gates.index(gate)] = 1.0


def _chrono(cell: CellSpec, bias: Matrix, rng: np.random.Generator, longest: int) -> None:
    """log U[1, longest - 1] for the keep gate, its negative for the write gate (Tallec & Ollivier 2018)."""
    for gate in cell.keep_gates:
        bias[cell.gates.index(gate)] = np.log(rng.uniform(1.0, max(longest - 1.0, 1.0), bias.shape[1]))
        for write in cell.write_gates:
            bias[cell.gates.index(write)] = -bias[cell.gates.index(gate)]


def _no_bias(_cell: CellSpec, _bias: Matrix, _rng: np.random.Generator, _longest: int) -> None:
    """Zero for every gate."""


BIASES = MappingProxyType({"zeros": _no_bias, "forget": _forget, "chrono": _chrono})


@dataclass(frozen=True)
class Initializers:
    """How a network's recurrent layers start.

    input: weights of the input, by a name of WEIGHTS. xavier_uniform, since the gates are sigmoids and tanhs,
    for which Glorot & Bengio derived it.
    recurrent: weights of the state, likewise. orthogonal, since repeated products with such a matrix neither
    grow nor shrink the state (Saxe et al. 2014).
    bias: of the gates, by a name of BIASES. "forget" starts the LSTM's forget gate at sigmoid(1) = 0.73, so
    that the state lasts long enough for gradients to reach back (Gers et al. 2000; Jozefowicz et al. 2015
    recommend it for every LSTM); in the GRU, z = 1 keeps the old state, so that its bias is the one set.
    "chrono" spreads the gates' time scales over the longest training sequence (Tallec & Ollivier 2018). A
    plain RNN has no such gate: all three are zero.

    The rest is fixed: peephole weights and second biases start at zero (training starts as in the cell
    without them, and their gradients do not vanish there); dense layers start with he_uniform before a ReLU
    and xavier_uniform otherwise, their biases at zero. Embeddings start small and normal, what stands in
    for a missing input at zero. Decay starts slow: a last value loses a tenth of its distance from the mean
    in one usual interval, a state a tenth of itself in each interval beyond the first. Padding gates start
    almost shut, at sigmoid(-3) = 0.05: training begins near the network that leaves padding out.
    """

    input: str = "xavier_uniform"
    recurrent: str = "orthogonal"
    bias: str = "forget"

    def __post_init__(self) -> None:
        choice("initializers.input", self.input, WEIGHTS)
        choice("initializers.recurrent", self.recurrent, WEIGHTS)
        choice("initializers.bias", self.bias, BIASES)


def initialize(
    network: Network, initializers: Initializers, rng: np.random.Generator, longest: int
) -> dict[str, Matrix]:
    """Values of every parameter in the order and shapes of `network.parameter_shapes`, float64.

    longest: time steps of the longest training sequence (used by chrono).
    """
    integer("longest", longest)
    with _loaded_libraries().limit(
        limits=1, user_api="blas"
    ):  # more threads gain nothing here and may change bits
        return _drawn(network, initializers, rng, longest)


@cache
def _loaded_libraries() -> ThreadpoolController:
    """NumPy's among them. To look for them takes a millisecond."""
    return ThreadpoolController()


def _drawn(
    network: Network, initializers: Initializers, rng: np.random.Generator, longest: int
) -> dict[str, Matrix]:
    values: dict[str, Matrix] = {name: np.zeros(shape) for name, shape in network.parameter_shapes.items()}
    for node in network.nodes:
        if isinstance(node, Dense):
            draw = WEIGHTS["he_uniform" if node.activation == "relu" else "xavier_uniform"]
            values[f"weight_{node.name}"][:] = draw(rng, node.size, network.input_size(node))
        elif isinstance(node, Embedding):
            values[f"weight_{node.name}"][:] = rng.normal(
                0.0, EMBEDDING_SPREAD, (network.input_size(node), node.size)
            )
        elif isinstance(node, InputDecay):
            values[f"weight_{node.name}"][:] = SLOW_DECAY
        elif isinstance(node, StateDecay):
            values[f"weight_{node.name}"][:] = SLOW_DECAY / network.input_size(node)
            values[f"bias_{node.name}"][:] = -SLOW_DECAY
        elif isinstance(node, PaddingGate):
            values[f"bias_{node.name}"][:] = SMALL_MOVE
        elif isinstance(node, Recurrent):
            cell = cells.get(node.cell)
            fans = {
                "weight_ih": (initializers.input, network.input_size(node)),
                "weight_hh": (initializers.recurrent, node.hidden_size),
            }
            for parameter, (name, fan_in) in fans.items():
                blocks = [WEIGHTS[name](rng, node.hidden_size, fan_in) for _ in cell.gates]
                values[f"{parameter}_{node.name}"][:] = np.concatenate(blocks)
            bias = values[f"bias_{node.name}"].reshape(len(cell.gates), node.hidden_size)  # (G, H), a view
            BIASES[initializers.bias](cell, bias, rng, longest)
    return values
