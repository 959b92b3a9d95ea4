"""What a cell is: a frozen record whose `step` is the paper's equation, run on numbers and symbols alike.

Axis letters: I input_size, H hidden_size, G number of gates.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Value = Any  # a NumPy array, a torch tensor or a Symbol; the step does not care which


class Affine(Protocol):
    """Gives a step each gate's products with the cell's parameters, by gate name."""

    def x(self, gate: str, value: Value) -> Value:
        """Input product with the gate's bias: W_x{gate} value + b_{gate}."""

    def h(self, gate: str, value: Value) -> Value:
        """Recurrent product: W_h{gate} value (+ b_h{gate} where the record lists a recurrent bias)."""

    def c(self, gate: str, value: Value) -> Value:
        """Peephole product: w_c{gate} * value (diagonal) or W_c{gate} value (full)."""


# step(affine, x_t, *previous states) -> (new states in the order of `states`, gates in the order of `gates`)
Step = Callable[..., tuple[tuple[Value, ...], tuple[Value, ...]]]


@dataclass(frozen=True)
class CellSpec:
    """One recurrent cell.

    name: as users write it. title: for tables. source: the paper. gates: in packing order (PyTorch's
    letters). states: "h" first, which is the output. recurrent_biases: gates with a second bias, inside the
    recurrent product. peepholes: gates that see the cell state; `peephole` says whether through one weight a
    unit ("diagonal") or a matrix ("full"). keep_gates: gates whose 1 keeps the old state; write_gates: gates
    whose 1 takes the new one, where they are not the same (initialisers set the biases of both). note: how
    the record deviates from its source.
    """

    name: str
    title: str
    source: str
    gates: tuple[str, ...]
    states: tuple[str, ...]
    step: Step
    recurrent_biases: tuple[str, ...] = ()
    peepholes: tuple[str, ...] = ()
    peephole: Literal["diagonal", "full"] = "diagonal"
    keep_gates: tuple[str, ...] = ()
    write_gates: tuple[str, ...] = ()
    note: str = ""

    def parameter_shapes(self, input_size: int, hidden_size: int) -> dict[str, tuple[int, ...]]:
        """Shapes of one layer in one direction, gates stacked along the first axis in packing order.

        weight_ih (G*H, I), weight_hh (G*H, H), bias (G*H,); bias_h{gate} (H,) for each recurrent bias;
        weight_ch (P*H,) or (P*H, H) for P peepholes.
        """
        rows = len(self.gates) * hidden_size
        shapes: dict[str, tuple[int, ...]] = {
            "weight_ih": (rows, input_size),
            "weight_hh": (rows, hidden_size),
            "bias": (rows,),
        }
        for gate in self.recurrent_biases:
            shapes[f"bias_h{gate}"] = (hidden_size,)
        if self.peepholes:
            peephole_rows = len(self.peepholes) * hidden_size
            full = self.peephole == "full"
            shapes["weight_ch"] = (peephole_rows, hidden_size) if full else (peephole_rows,)
        return shapes

    def num_parameters(self, input_size: int, hidden_size: int) -> int:
        """Number of parameters of one layer in one direction."""
        return sum(math.prod(shape) for shape in self.parameter_shapes(input_size, hidden_size).values())
