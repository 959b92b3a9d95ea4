r"""A cell's equations in LaTeX, printed from its one step.

\sigma is the sigmoid, \odot the product unit by unit; bias vectors stand last in their sums.
"""

from __future__ import annotations

from tidegate.cells.spec import CellSpec
from tidegate.cells.symbols import Symbol, SymbolicStep, symbolic_step

_FUNCTIONS = {"sigmoid": r"\sigma", "tanh": r"\tanh"}


def equations(cell: CellSpec) -> list[str]:
    """One line an equation, in the order of the step: "i_t = \\sigma(W_{xi} x_t + W_{hi} h_{t-1} + b_i)"."""
    step = symbolic_step(cell)
    printer = _Printer(step)
    return [f"{name}_t = {printer.define(name, symbol)}" for name, symbol in step.assignments()]


def align(cell: CellSpec) -> str:
    """The equations as one align environment."""
    lines = [line.replace(" = ", " &= ", 1) for line in equations(cell)]
    return "\\begin{align}\n" + " \\\\\n".join(lines) + "\n\\end{align}"


class _Printer:
    """Prints symbols, by name where they have one."""

    def __init__(self, step: SymbolicStep) -> None:
        self._names = {step.x: "x_t"} | {symbol: f"{name}_{{t-1}}" for name, symbol in step.previous.items()}

    def define(self, name: str, symbol: Symbol) -> str:
        """The right-hand side; from here on the symbol goes by that name."""
        text = self._print(symbol)
        self._names[symbol] = f"{name}_t"
        return text

    def _print(self, value: Symbol | float) -> str:
        if not isinstance(value, Symbol):
            return f"{value:g}"
        if value in self._names:
            return self._names[value]
        operands = value.operands
        match value.operator:
            case "+":
                terms = sorted(self._terms(value), key=lambda term: _is_bias(term))
                return " + ".join(self._print(term) for term in terms)
            case "-":
                return f"{self._print(operands[0])} - {self._factor(operands[1])}"
            case "*":
                return rf"{self._factor(operands[0])} \odot {self._factor(operands[1])}"
            case "product":
                return f"{_subscripted(value.name)} {self._factor(operands[0], of_product=True)}"
            case "scale":
                return rf"{_subscripted(value.name)} \odot {self._factor(operands[0])}"
            case "sigmoid" | "tanh":
                return f"{_FUNCTIONS[value.operator]}({self._print(operands[0])})"
            case _:
                return _subscripted(value.name)

    def _terms(self, value: Symbol | float) -> list[Symbol | float]:
        """The terms of nested sums; a sum with a name is one term."""
        if not isinstance(value, Symbol) or value.operator != "+" or value in self._names:
            return [value]
        return [term for operand in value.operands for term in self._terms(operand)]

    def _factor(self, value: Symbol | float, of_product: bool = False) -> str:
        """Printed, in brackets where it would otherwise be torn apart."""
        text = self._print(value)
        torn = {"+", "-", "*", "scale"} if of_product else {"+", "-"}
        bare = not isinstance(value, Symbol) or value in self._names or value.operator not in torn
        return text if bare else f"({text})"


def _is_bias(value: Symbol | float) -> bool:
    return isinstance(value, Symbol) and value.operator == "bias"


def _subscripted(name: str) -> str:
    letter, subscript = name.split("_")
    return f"{letter}_{subscript}" if len(subscript) == 1 else f"{letter}_{{{subscript}}}"
