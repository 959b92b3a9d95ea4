"""How far back gradients reach: their norm against the steps back, on a logarithmic scale."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tidegate.report.axes import counting, logarithmic
from tidegate.report.digits import significant
from tidegate.report.figure import Figure, stroke
from tidegate.report.marks import color_of
from tidegate.report.markup import Element, element, hidden
from tidegate.report.panel import Panel, width_for
from tidegate.report.records import Cell
from tidegate.report.result import Gradients


def gradient_figure(gradients: Sequence[Gradients], cells: Sequence[Cell]) -> Figure | None:
    """One panel a cell, all with the same axes; None where no gradient is above zero."""
    numbers = {cell.name: number for number, cell in enumerate(cells)}
    drawn = [one for one in gradients if _above_zero(one.norm)]
    if not drawn:
        return None
    ends = [value for one in drawn for value in _above_zero((*one.norm, *one.low, *one.high))]
    x = counting(int(max(_finite([back for one in drawn for back in one.steps_back]))), "steps back")
    y = logarithmic(ends, "norm of d loss / d h")
    width = width_for(len(drawn))
    panels: list[Element] = []
    for place, one in enumerate(drawn):
        number = numbers.get(one.cell)
        first, last = _above_zero(one.norm)[0], _above_zero(one.norm)[-1]
        panel = Panel(
            f"gradients-{place}",
            x,
            y,
            heading=one.cell,
            note=f"{significant(last / first)} of it left",
            description=f"The gradient's norm in {one.cell}, {significant(first)} at the last step, "
            f"{significant(last)} at the first.",
            number=number,
            width=width,
        )
        color = color_of(number or 0)
        panel.band(
            [
                (back, low, high)
                for back, low, high in zip(one.steps_back, one.low, one.high)
                if low > 0.0 and high > 0.0
            ],
            color,
        )
        panel.line([(back, norm) for back, norm in zip(one.steps_back, one.norm)], color)
        panels.append(panel.drawing)
    caption = (
        "How much a change of h, so many steps before the end of a sequence, changes its loss: a straight "
        "line down is a gradient that vanishes, and a cell learns nothing from steps where nothing is left. "
        "Where the loss reads every step itself, as with pooling by mean, max or steps, it need not come all "
        "the way back."
    )
    band = hidden(26, 14, element("path", d="M1 2h24v10h-24z", class_="band color-ink"))
    legend = [(stroke("line color-ink"), "mean over sequences"), (band, "their range")]
    return Figure(panels, caption, legend, width)


def _above_zero(values: Sequence[float]) -> list[float]:
    return [value for value in _finite(values) if value > 0.0]


def _finite(values: Sequence[float]) -> list[float]:
    return [value for value in values if math.isfinite(value)]
