"""The statements of a cell's C++ code, from its one step: forward as it stands, backward by reverse mode.

The backward code finds the gates, the states before the step and the kept vector in memory and computes
everything else again. See csrc/cell.h for what a step `s` offers.
"""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.cells.phases import Column, Phases
from tidegate.cells.symbols import Symbol


class Names:
    """C++ text of symbols within one phase: what is at hand is declared when first used."""

    def __init__(self, phases: Phases, *, forward: int | None) -> None:
        self.phases = phases
        self.declarations: list[str] = []
        self._known: dict[Symbol, str] = {}
        self._forward = forward  # the phase, or None for the backward pass
        self._columns = {column.total: column for column in phases.columns}
        step = phases.step
        self._gates = {symbol: gate for gate, symbol in step.gates.items()}
        self._states = {symbol: state for state, symbol in step.states.items()}

    def declare(self, symbol: Symbol, name: str, text: str) -> str:
        self.declarations.append(f"const auto {name} = {text};")
        self._known[symbol] = name
        return name

    def of(self, value: Symbol | float) -> str:
        """A name or a literal."""
        if not isinstance(value, Symbol):
            return f"{value:g}"
        if value in self._known:
            return self._known[value]
        at_hand = self._at_hand(value)
        return self.declare(value, *at_hand) if at_hand else self.expression(value)

    def name_of(self, symbol: Symbol) -> str:
        """What a symbol is called where it has a name: a gate, a state, the kept vector."""
        return self._gates.get(symbol) or self._states.get(symbol) or "v"

    def _at_hand(self, symbol: Symbol) -> tuple[str, str] | None:
        phases = self.phases
        earlier = self._forward is None or phases.phase[symbol] < self._forward
        if symbol in phases.step.previous.values():
            return f"{symbol.name}_before", f"s.previous({symbol.name.upper()})"
        if symbol is phases.kept and earlier:
            return self.name_of(symbol), "s.vector()"
        if symbol in self._gates and earlier:
            gate = self._gates[symbol]
            return gate, f"s.kept({phases.column_of(gate).name})"
        if self._forward is None and symbol in self._columns:
            column = self._columns[symbol]
            assert not column.has_input, "only a sum that no gate is kept over is there in the backward pass"
            return f"product_{column.gate}", f"s.kept({column.name})"
        if self._forward is None and symbol.operator in ("sigmoid", "tanh"):
            operand = symbol.operands[0]
            assert isinstance(operand, Symbol)
            return f"{symbol.operator}_{self.name_of(operand)}", f"{symbol.operator}({self.of(operand)})"
        return None

    def expression(self, symbol: Symbol) -> str:
        if symbol in self._columns:
            column = self._columns[symbol]
            return " + ".join([f"s.sum({column.name})", *(self._factor(term) for term in column.rest)])
        operands = [self._factor(operand) for operand in symbol.operands]
        if symbol.operator == "scale":
            return f"s.peephole(P_{symbol.name[3:].upper()}) * {operands[0]}"
        if symbol.operator in ("sigmoid", "tanh"):
            return f"{symbol.operator}({self.of(symbol.operands[0])})"
        return f" {symbol.operator} ".join(operands)

    def _factor(self, value: Symbol | float) -> str:
        text = self.of(value)
        nested = isinstance(value, Symbol) and text.count(" ") and value.operator in ("+", "-")
        return f"({text})" if nested else text


def forward_statements(phases: Phases, phase: int) -> list[str]:
    """One phase: gates, states and the kept vector in the order of the step's text, then stores."""
    names, stores, step = Names(phases, forward=phase), [], phases.step
    kept = {symbol: f"s.keep({phases.column_of(gate).name}, {{}});" for gate, symbol in step.gates.items()}
    states = {symbol: f"s.next({state.upper()}, {{}});" for state, symbol in step.states.items()}
    for symbol in step.nodes:
        places = [table[symbol] for table in (kept, states) if symbol in table]
        if symbol is phases.kept:
            places.append("s.keep_vector({});")
        if not places or phases.phase[symbol] != phase:
            continue
        name = names.declare(symbol, names.name_of(symbol), names.expression(symbol))
        stores += [place.format(name) for place in places]
    return [*names.declarations, *stores]


@dataclass(frozen=True)
class Term:
    """A signed product of factors, computed in the backward code of a phase."""

    sign: int
    factors: tuple[str, ...]
    phase: int


class Backward:
    """Reverse mode over a step: for each phase, the last one first, the statements of its backward code.

    held: symbols whose gradient is half finished in a phase and waits for the one before.
    """

    def __init__(self, phases: Phases) -> None:
        self.phases = phases
        self.held: list[Symbol] = []
        self._last = phases.num_phases - 1
        self._names = [Names(phases, forward=None) for _ in range(phases.num_phases)]
        self._body: list[list[str]] = [[] for _ in range(phases.num_phases)]
        self._terms: dict[Symbol, list[Term]] = {symbol: [] for symbol in phases.step.nodes}
        for state, symbol in phases.step.states.items():
            self._terms[symbol].append(Term(1, (f"s.gradient({state.upper()})",), self._last))
        columns = {column.total: column for column in phases.columns}
        for symbol in reversed(phases.step.nodes):
            if self._terms[symbol] or (symbol is phases.kept and self._last):
                self._visit(symbol, columns.get(symbol))
        for state, symbol in phases.step.previous.items():
            self._previous(state, self._terms[symbol])

    def statements(self, phase: int) -> list[str]:
        loads = sorted(self._names[phase].declarations, key=lambda line: "s." not in line)
        return [*loads, *self._body[phase]]

    def _visit(self, symbol: Symbol, column: Column | None) -> None:
        """Pass a symbol's gradient, which is complete, on to its operands."""
        if symbol in self.phases.step.previous.values() or symbol is self.phases.step.x:
            return
        terms = self._terms[symbol]
        if symbol is self.phases.kept and self._last:
            self._body[self._last].append(f"s.start_vector_gradient({_total(terms)});")
            terms = [Term(1, ("s.vector_gradient()",), self._last - 1)]
        phase = min(term.phase for term in terms)
        early = [term for term in terms if term.phase > phase]
        if early:
            self._body[early[0].phase].append(f"s.hold({len(self.held)}, {_total(early)});")
            terms = [term for term in terms if term.phase == phase]
            terms.append(Term(1, (f"s.held({len(self.held)})",), phase))
            self.held.append(symbol)
        operands = sum(isinstance(operand, Symbol) for operand in symbol.operands)
        num_uses = 1 + len(column.rest) if column else operands
        (term, *more) = terms
        if more or (num_uses > 1 and not _is_name(term)):
            term = Term(1, (self._name(symbol, column, terms, phase),), phase)
        if column:
            self._body[phase].append(f"s.column_gradient({column.name}, {_total([term])});")
            for rest in column.rest:
                self._terms[rest].append(term)
            return
        self._operands(symbol, term, self._names[phase])

    def _operands(self, symbol: Symbol, term: Term, names: Names) -> None:
        def pass_on(operand: Symbol | float, *factors: str, sign: int = 1) -> None:
            if isinstance(operand, Symbol):
                self._terms[operand].append(Term(sign * term.sign, (*term.factors, *factors), term.phase))

        first, *others = symbol.operands
        match symbol.operator:
            case "sigmoid":
                y = names.of(symbol)
                pass_on(first, y, f"(1 - {y})")
            case "tanh":
                y = names.of(symbol)
                pass_on(first, f"(1 - {y} * {y})")
            case "scale":
                pass_on(first, f"s.peephole(P_{symbol.name[3:].upper()})")
            case "*":
                pass_on(first, _in_brackets(names, others[0]))
                pass_on(others[0], _in_brackets(names, first))
            case "+" | "-":
                pass_on(first)
                pass_on(others[0], sign=-1 if symbol.operator == "-" else 1)

    def _name(self, symbol: Symbol, column: Column | None, terms: list[Term], phase: int) -> str:
        states = {symbol: state for state, symbol in self.phases.step.states.items()}
        if column:
            name = f"da_{column.gate}"
        elif symbol in states:
            name = f"d{states[symbol]}"
        else:
            name = f"d_{self._names[phase].name_of(symbol)}"
        self._body[phase].append(f"const auto {name} = {_total(terms)};")
        return name

    def _previous(self, state: str, terms: list[Term]) -> None:
        """The gradient of a state before the step; a phase's share waits in the state's own gradient."""
        first = max((term.phase for term in terms), default=0)
        for phase in range(first, -1, -1):
            share = [term for term in terms if term.phase == phase]
            if phase == first:
                value = f", {_total(share)}" if share else ""
                self._body[phase].append(f"s.previous_gradient({state.upper()}{value});")
            elif share:
                self._body[phase].append(f"s.add_previous_gradient({state.upper()}, {_total(share)});")


def _is_name(term: Term) -> bool:
    return term.sign > 0 and len(term.factors) == 1 and term.factors[0].isidentifier()


def _in_brackets(names: Names, value: Symbol | float) -> str:
    text = names.of(value)
    return f"({text})" if " " in text and not text.endswith(")") else text


def _total(terms: list[Term]) -> str:
    """A sum of terms, a leading factor that all share taken out."""
    if not terms:
        return ""
    terms = sorted(terms, key=lambda term: -term.sign)
    first = terms[0].factors[0]
    if len(terms) > 1 and all(term.factors[0] == first and len(term.factors) > 1 for term in terms):
        inner = [Term(term.sign, term.factors[1:], term.phase) for term in terms]
        return f"{first} * ({_total(inner)})"
    text = ("-" if terms[0].sign < 0 else "") + " * ".join(terms[0].factors)
    for term in terms[1:]:
        text += (" - " if term.sign < 0 else " + ") + " * ".join(term.factors)
    return text
