"""What a step multiplies, and when: its columns and phases, read off its graph.

A column is a sum of products and a bias that the step only ever adds: a gate's input and recurrent product
share one where they are added to each other, and have one each where they are not (the GRU's candidate). A
product of something that the step itself computed, r * h or the new c, has to wait for it: it belongs to a
later phase.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tidegate.cells.spec import CellSpec
from tidegate.cells.symbols import Symbol, SymbolicStep, symbolic_step


@dataclass(frozen=True, eq=False)
class Column:
    """total: the sum as a symbol. products, biases: its terms that the time loop computes; rest: the others.

    gate: the gate whose parameters it holds.
    """

    name: str
    gate: str
    total: Symbol
    products: tuple[Symbol, ...]
    biases: tuple[Symbol, ...]
    rest: tuple[Symbol, ...]

    @property
    def has_input(self) -> bool:
        return any(product.name.startswith("W_x") for product in self.products)

    @property
    def has_recurrent(self) -> bool:
        return any(not product.name.startswith("W_x") for product in self.products)


@dataclass(frozen=True)
class Product:
    """columns [first, first + len(blocks)) += blocks of a matrix ("W_h", "W_c") times a source."""

    phase: int
    source: Symbol
    matrix: str
    first: int
    blocks: tuple[int, ...]


@dataclass(frozen=True)
class Phases:
    """A step cut into phases.

    columns: those fed by the input alone first, then by both, then by states alone, so that each product is a
    run of neighbours. kept: the symbol of the step that its own products or diagonal weights multiply, if
    there is one. phase: of every symbol, the first in which it can be computed.
    """

    cell: CellSpec
    step: SymbolicStep
    columns: tuple[Column, ...]
    kept: Symbol | None
    phase: dict[Symbol, int]

    @property
    def num_phases(self) -> int:
        return max(self.phase.values()) + 1

    def column_of(self, gate: str) -> Column:
        """Where a gate's value is kept: the column that has its input product."""
        return next(column for column in self.columns if column.gate == gate and column.has_input)

    def products(self) -> Iterator[Product]:
        """The recurrent products, each over a run of neighbouring columns."""
        sources = [*self.step.previous.values(), *([self.kept] if self.kept else [])]
        for phase in range(self.num_phases):
            for source in sources:
                for matrix, rows in (("W_h", self.cell.gates), ("W_c", self.cell.peepholes)):
                    yield from self._runs(phase, source, matrix, rows)

    def _runs(self, phase: int, source: Symbol, matrix: str, rows: tuple[str, ...]) -> Iterator[Product]:
        run: list[int] = []
        ends: list[Column | None] = [*self.columns, None]
        for place, column in enumerate(ends):
            found = [
                product
                for product in (column.products if column else ())
                if product.operands == (source,)
                and product.name.startswith(matrix)
                and self.phase[product] == phase
            ]
            if found:
                run.append(rows.index(found[0].name.removeprefix(matrix)))
            elif run:
                yield Product(phase, source, matrix, place - len(run), tuple(run))
                run = []


def phases_of(cell: CellSpec) -> Phases:
    """Cut a step into columns and phases; ValueError where the engine has no place for what it asks."""
    step = symbolic_step(cell)
    users: dict[Symbol, list[Symbol]] = {symbol: [] for symbol in step.nodes}
    for symbol in step.nodes:
        for operand in symbol.operands:
            if isinstance(operand, Symbol):
                users[operand].append(symbol)

    def total_of(symbol: Symbol) -> Symbol:
        while len(users[symbol]) == 1 and users[symbol][0].operator == "+":
            symbol = users[symbol][0]
        return symbol

    given = {step.x, *step.previous.values()}
    computed = dict.fromkeys(
        operand
        for symbol in step.nodes
        if symbol.operator in ("product", "scale")
        for operand in symbol.operands
        if isinstance(operand, Symbol) and operand not in given
    )
    if len(computed) > 1:
        raise ValueError(
            f"cell {cell.name!r} multiplies {len(computed)} values of its own step; the engine keeps one: "
            "write the step with one"
        )
    kept = next(iter(computed), None)
    phase: dict[Symbol, int] = {}
    for symbol in step.nodes:
        waits = symbol.operator == "product" and kept in symbol.operands
        operands = [phase[operand] for operand in symbol.operands if isinstance(operand, Symbol)]
        phase[symbol] = max(operands, default=0) + waits

    totals = dict.fromkeys(total_of(symbol) for symbol in step.nodes if symbol.operator == "product")
    columns = [_column(cell, total, list(totals)) for total in totals]
    columns.sort(key=lambda column: (column.has_recurrent, not column.has_input))
    return Phases(cell, step, tuple(columns), kept, phase)


def gate_columns(cell: CellSpec) -> dict[str, int]:
    """The place among the columns at which the engine keeps each gate's value."""
    phases = phases_of(cell)
    return {gate: phases.columns.index(phases.column_of(gate)) for gate in cell.gates}


def _column(cell: CellSpec, total: Symbol, totals: list[Symbol]) -> Column:
    terms = list(_terms(total))
    products = tuple(term for term in terms if term.operator == "product")
    biases = tuple(term for term in terms if term.operator == "bias")
    rest = tuple(term for term in terms if term.operator not in ("product", "bias"))
    gates = {product.name[3:] for product in products}
    if len(gates) > 1 or len(biases) > 1:
        raise ValueError(
            f"cell {cell.name!r} adds products of gates {', '.join(sorted(gates))} with {len(biases)} "
            "biases; the engine's columns hold one gate and one bias: give each gate its own sum"
        )
    gate = gates.pop()
    kinds = {product.name[2] for product in products}
    ours = {f"W_x{gate}", f"W_h{gate}"}
    shared = sum(bool(ours & {term.name for term in _terms(one)}) for one in totals) > 1
    prefix = ("x" if "x" in kinds else "h") if shared else ""
    return Column(f"{prefix}{gate}".upper(), gate, total, products, biases, rest)


def _terms(symbol: Symbol) -> Iterator[Symbol]:
    """The terms of nested sums."""
    if symbol.operator != "+":
        yield symbol
        return
    for operand in symbol.operands:
        if isinstance(operand, Symbol):
            yield from _terms(operand)
