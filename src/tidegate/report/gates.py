"""Gates over time, as heat maps."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tidegate.report.axes import counting
from tidegate.report.bitmap import DIVERGING, SEQUENTIAL, Color, bitmap
from tidegate.report.digits import fixed
from tidegate.report.figure import Figure
from tidegate.report.markup import Element, element, hidden
from tidegate.report.panel import Panel
from tidegate.report.records import Cell
from tidegate.report.result import Gates


def gate_figures(gates: Sequence[Gates], cells: Sequence[Cell]) -> list[Figure]:
    """One figure a sequence and cell, a map a gate."""
    numbers = {cell.name: number for number, cell in enumerate(cells)}
    return [_gates(place, one, numbers.get(one.cell)) for place, one in enumerate(gates) if one.gates]


def _gates(place: int, gates: Gates, number: int | None) -> Figure:
    panels: list[Element] = []
    signed = False
    for name, matrix in gates.gates.items():
        values = [value for row in matrix for value in row if math.isfinite(value)]
        negative = min(values, default=0.0) < 0
        signed |= negative
        largest = max((abs(value) for value in values), default=1.0)
        size = max(1.0, largest) if negative else 1.0
        rows = sorted(matrix, key=lambda row: sum(filter(math.isfinite, row)), reverse=True)
        shares = [[(value / size + 1) / 2 if negative else value for value in row] for row in rows]
        mean = sum(values) / len(values) if values else math.nan
        steps, units = len(matrix[0]), len(matrix)
        panel = Panel(
            f"gates-{place}-{len(panels)}",
            counting(steps, "step"),
            counting(units, "unit, in the order of their means", about=3),
            heading=f"{gates.cell}: {name}",
            note=f"mean {fixed(mean, 2)}",
            description=f"{name} of {gates.cell}, {units} units by {steps} steps; mean {fixed(mean, 3)}.",
            number=number,
            height=250,
        )
        panel.picture(bitmap(shares, DIVERGING if negative else SEQUENTIAL), steps, units)
        panels.append(panel.drawing)
    caption = (
        f"What {gates.cell} did with {gates.sequence}, a row a unit: rows of one colour are units that hold "
        "still, upright edges are steps at which many change at once."
    )
    legend = [(_scale(SEQUENTIAL), "from 0 (shut) to 1 (open)")]
    if signed:
        legend.append((_scale(DIVERGING), "a state, from below 0 to above"))
    return Figure(panels, caption, legend)


def _scale(colors: Sequence[Color]) -> Element:
    steps = [[place / 31 for place in range(32)]]
    picture = element("image", href=bitmap(steps, colors), width=64, height=12, preserveAspectRatio="none")
    return hidden(64, 12, picture)
