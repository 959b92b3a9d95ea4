"""A cell's step called on symbols: a small graph that can be printed, in the order of the step's own text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from tidegate.cells.spec import CellSpec

Operator = Literal["value", "bias", "product", "scale", "+", "-", "*", "sigmoid", "tanh"]


@dataclass(frozen=True, eq=False)
class Symbol:
    """A value inside one step.

    operator: "value" (x, or a state of the step before), "bias", "product" (weight matrix times operand),
    "scale" (weight vector times operand, unit by unit), or what is done with the operands. name: of the
    value, bias or weight. A symbol is equal only to itself: an expression written twice is two.
    """

    graph: list[Symbol] = field(repr=False)
    operator: Operator
    operands: tuple[Symbol | float, ...] = ()
    name: str = ""

    def __post_init__(self) -> None:
        self.graph.append(self)

    def __add__(self, other: Symbol | float) -> Symbol:
        return Symbol(self.graph, "+", (self, other))

    def __radd__(self, other: float) -> Symbol:
        return Symbol(self.graph, "+", (other, self))

    def __sub__(self, other: Symbol | float) -> Symbol:
        return Symbol(self.graph, "-", (self, other))

    def __rsub__(self, other: float) -> Symbol:
        return Symbol(self.graph, "-", (other, self))

    def __mul__(self, other: Symbol | float) -> Symbol:
        return Symbol(self.graph, "*", (self, other))

    def __rmul__(self, other: float) -> Symbol:
        return Symbol(self.graph, "*", (other, self))

    def sigmoid(self) -> Symbol:
        return Symbol(self.graph, "sigmoid", (self,))

    def tanh(self) -> Symbol:
        return Symbol(self.graph, "tanh", (self,))


class SymbolicAffine:
    """The products of a step, as symbols: weights W_xi, W_hi, w_ci or W_ci, biases b_i, b_hn."""

    def __init__(self, cell: CellSpec) -> None:
        self._cell = cell

    def x(self, gate: str, value: Symbol) -> Symbol:
        product = Symbol(value.graph, "product", (value,), f"W_x{gate}")
        return product + Symbol(value.graph, "bias", (), f"b_{gate}")

    def h(self, gate: str, value: Symbol) -> Symbol:
        product = Symbol(value.graph, "product", (value,), f"W_h{gate}")
        if gate not in self._cell.recurrent_biases:
            return product
        return product + Symbol(value.graph, "bias", (), f"b_h{gate}")

    def c(self, gate: str, value: Symbol) -> Symbol:
        if self._cell.peephole == "full":
            return Symbol(value.graph, "product", (value,), f"W_c{gate}")
        return Symbol(value.graph, "scale", (value,), f"w_c{gate}")


@dataclass(frozen=True)
class SymbolicStep:
    """One step as a graph.

    nodes: every symbol in the order in which the step makes it. previous: the states before the step.
    gates, states: what the step returns, by name; one symbol may have two (the plain RNN's n is its h).
    """

    nodes: tuple[Symbol, ...]
    x: Symbol
    previous: dict[str, Symbol]
    gates: dict[str, Symbol]
    states: dict[str, Symbol]

    def assignments(self) -> Iterator[tuple[str, Symbol]]:
        """Gates and states with their symbols, in the order of the step's text."""
        named = [*self.gates.items(), *self.states.items()]
        yield from sorted(named, key=lambda item: self.nodes.index(item[1]))


def symbolic_step(cell: CellSpec) -> SymbolicStep:
    """Call the cell's step on symbols."""
    graph: list[Symbol] = []
    x = Symbol(graph, "value", (), "x")
    previous = {state: Symbol(graph, "value", (), state) for state in cell.states}
    states, gates = cell.step(SymbolicAffine(cell), x, *previous.values())
    return SymbolicStep(
        tuple(graph),
        x,
        previous,
        dict(zip(cell.gates, gates, strict=True)),
        dict(zip(cell.states, states, strict=True)),
    )
