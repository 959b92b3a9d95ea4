"""The cells as rows of a table: what `tidegate cells` prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tidegate.cells import CELLS
from tidegate.cells.spec import CellSpec
from tidegate.checks import integer


@dataclass(frozen=True)
class CellRow:
    """One cell.

    num_parameters: of the whole stack. layout: the parameters of one layer in one direction and their shapes,
    in letters: I input_size, H hidden_size.
    """

    name: str
    title: str
    gates: tuple[str, ...]
    states: tuple[str, ...]
    num_parameters: int
    layout: dict[str, str]
    source: str
    note: str


def cell_rows(
    input_size: int = 1, hidden_size: int = 10, num_layers: int = 1, bidirectional: bool = False
) -> list[CellRow]:
    """A row for each cell, in the order of CELLS; ValueError names a size that is none."""
    integer("input_size", input_size)
    integer("hidden_size", hidden_size)
    integer("num_layers", num_layers)
    return [
        CellRow(
            name=cell.name,
            title=cell.title,
            gates=cell.gates,
            states=cell.states,
            num_parameters=_num_parameters(cell, input_size, hidden_size, num_layers, bidirectional),
            layout=layout(cell),
            source=cell.source,
            note=cell.note,
        )
        for cell in CELLS.values()
    ]


def layout(cell: CellSpec) -> dict[str, str]:
    """The shape of each parameter in letters: {"weight_ih": "(4H, I)", "bias": "(4H,)", ...}."""
    input_size: Any = _Letter("I")
    hidden_size: Any = _Letter("H")
    shapes: dict[str, Any] = dict(cell.parameter_shapes(input_size, hidden_size))
    return {
        name: f"({shape[0]},)" if len(shape) == 1 else f"({', '.join(shape)})"
        for name, shape in shapes.items()
    }


class _Letter(str):
    """A size that is a letter: 4 * H is "4H"."""

    __slots__ = ()

    def __rmul__(self, count: Any) -> _Letter:
        return self if count == 1 else _Letter(f"{count}{self}")


def _num_parameters(
    cell: CellSpec, input_size: int, hidden_size: int, num_layers: int, bidirectional: bool
) -> int:
    directions = 2 if bidirectional else 1
    first = cell.num_parameters(input_size, hidden_size)
    above = cell.num_parameters(directions * hidden_size, hidden_size)
    return directions * (first + (num_layers - 1) * above)
