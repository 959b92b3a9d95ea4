"""Gates over time, as heat maps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Final

from tidegate.report.axes import counting
from tidegate.report.bitmap import DIVERGING, SEQUENTIAL, Color, bitmap
from tidegate.report.digits import fixed, significant
from tidegate.report.figure import Figure
from tidegate.report.markup import Element, element, hidden
from tidegate.report.panel import Panel
from tidegate.report.records import Cell
from tidegate.report.result import Gates

# Of a picture: no more than a drawing has pixels for.
_MOST_COLUMNS: Final = 300
_MOST_ROWS: Final = 200


def gate_figures(gates: Sequence[Gates], cells: Sequence[Cell]) -> list[Figure]:
    """One figure a sequence and cell, a map a gate."""
    numbers = {cell.name: number for number, cell in enumerate(cells)}
    return [_gates(place, one, numbers.get(one.cell)) for place, one in enumerate(gates) if one.gates]


def _gates(place: int, gates: Gates, number: int | None) -> Figure:
    panels: list[Element] = []
    signed = False
    for name, matrix in gates.gates.items():
        values = [value for row in matrix for value in row if math.isfinite(value)]
        mean = fixed(sum(values) / len(values) if values else None, 2)
        largest = max(map(abs, values), default=0.0)
        low, high = (-max(1.0, largest), max(1.0, largest)) if min(values, default=0.0) < 0 else (0.0, 1.0)
        signed |= low < 0
        steps, units = gates.num_steps or len(matrix[0]), gates.num_units or len(matrix)
        panel = Panel(
            f"gates-{place}-{len(panels)}",
            counting(steps, "step"),
            counting(units, "unit, in the order of their means", about=3),
            heading=f"{gates.cell}: {name}",
            note=f"mean {mean}" if low == 0 else f"{significant(low)} to {significant(high)}",
            description=f"{name} of {gates.cell}, {units} units by {steps} steps; mean {mean}.",
            number=number,
            height=250,
        )
        rows = sorted(matrix, key=lambda row: sum(filter(math.isfinite, row)), reverse=True)
        shares = [[(value - low) / (high - low) for value in row] for row in thinned(rows)]
        panel.picture(bitmap(shares, DIVERGING if low < 0 else SEQUENTIAL), steps, units)
        panels.append(panel.drawing)
    caption = (
        f"{gates.cell} reading {gates.sequence or 'one sequence'}, a row a unit: rows of one colour are "
        "units that hold still, upright edges are steps at which many change at once."
    )
    legend = [(_scale(SEQUENTIAL), "from 0 (shut) to 1 (open)")]
    if signed:
        legend.append((_scale(DIVERGING), "a state, or what may go into it, from below 0 to above"))
    return Figure(panels, caption, legend)


def thinned(rows: Sequence[Sequence[float]]) -> list[list[float]]:
    """Blocks of neighbours as their means, where there are more than a drawing has room for."""
    by_row = [_means(row, _MOST_COLUMNS) for row in rows]
    columns = [_means(column, _MOST_ROWS) for column in zip(*by_row)]
    return [list(row) for row in zip(*columns)]


def _means(values: Sequence[float], most: int) -> Sequence[float]:
    each = math.ceil(len(values) / most)
    if each == 1:
        return values
    return [fmean(values[start : start + each]) for start in range(0, len(values), each)]


def _scale(colors: Sequence[Color]) -> Element:
    steps = [[place / 31 for place in range(32)]]
    picture = element("image", href=bitmap(steps, colors), width=64, height=12, preserveAspectRatio="none")
    return hidden(64, 12, picture)
