"""How far answers can be trusted: calibration of probabilities, residuals of predicted numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from tidegate.report.axes import linear
from tidegate.report.digits import MINUS, fixed, significant
from tidegate.report.figure import Figure
from tidegate.report.marks import color_of
from tidegate.report.panel import Panel, width_for
from tidegate.report.records import Cell

_MOST_DOTS: Final = 500
_LARGEST_MARK: Final = 8.0
# Shares of fewer answers say little.
_ENOUGH: Final = 10


def calibration_figure(cells: Sequence[Cell]) -> Figure | None:
    """Share of right answers against the probability given to them, a panel a cell."""
    panels = []
    width = width_for(sum(cell.calibration is not None for cell in cells))
    shares = linear([0, 1], about=6)
    x = replace(shares, title="probability given to the answer")
    y = replace(shares, title="share of right answers")
    for number, cell in enumerate(cells):
        if cell.calibration is None:
            continue
        bins = cell.calibration.bins
        error = fixed(cell.calibration.expected_calibration_error, 3)
        described = "; ".join(f"{fixed(p, 2)} given, {fixed(a, 2)} right" for p, a, _ in bins)
        panel = Panel(
            f"calibration-{number}",
            x,
            y,
            heading=cell.name,
            note=f"calibration error {error}",
            number=number,
            width=width,
            description=f"Expected calibration error {error}. {described}.",
            height=300,
        )
        panel.line([(0, 0), (1, 1)], "reference")
        panel.line([(p, a) for p, a, count in bins if count >= _ENOUGH], color_of(number))
        most = max(count for _, _, count in bins)
        for p, a, count in bins:
            radius = max(2.5, _LARGEST_MARK * math.sqrt(count / most))
            tip = f"{fixed(a, 3)} right of {count:,.0f} answers given {fixed(p, 3)}"
            panel.mark(p, a, number, tip, radius=radius)
        panels.append(panel.drawing)
    caption = (
        "On the dashed diagonal answers are right as often as they say, below it they are too sure, above it "
        f"not sure enough; a mark's area grows with its answers, and those of {_ENOUGH} or more are joined."
    )
    return Figure(panels, caption, width=width) if panels else None


def residual_figures(cells: Sequence[Cell]) -> list[Figure]:
    """Predicted against true numbers; then what is left, against what was predicted; a panel a cell."""
    drawn = [(number, cell.name, cell.predictions) for number, cell in enumerate(cells) if cell.predictions]
    if not drawn:
        return []
    both = linear(value for *_, one in drawn for value in (*one.true, *one.predicted))
    errors = linear((error for *_, one in drawn for error in one.residuals), f"true {MINUS} predicted")
    true, predicted = (replace(both, title=title) for title in ("true", "predicted"))
    width = width_for(len(drawn))
    fits, rests = [], []
    for number, name, one in drawn:
        note = f"RMSE {significant(one.rmse)}"
        described = f"Root mean squared error {significant(one.rmse)} over {len(one.true):,} predictions."
        fit = Panel(
            f"predicted-{number}",
            true,
            predicted,
            heading=name,
            note=note,
            number=number,
            width=width,
            description=f"Predicted against true numbers. {described}",
        )
        fit.line([(both.low, both.low), (both.high, both.high)], "reference")
        fit.dots(_some(list(zip(one.true, one.predicted))), color_of(number))
        fits.append(fit.drawing)
        rest = Panel(
            f"residuals-{number}",
            predicted,
            errors,
            heading=name,
            number=number,
            width=width,
            description=f"True minus predicted, against predicted numbers. {described}",
        )
        rest.line([(both.low, 0), (both.high, 0)], "reference")
        rest.dots(_some(list(zip(one.predicted, one.residuals))), color_of(number))
        rests.append(rest.drawing)
    some = f" (at most {_MOST_DOTS} of each cell are drawn)"
    limit = some * any(len(one.true) > _MOST_DOTS for *_, one in drawn)
    fit_caption = (
        f"Dots on the dashed line are predicted without error{limit}; a bend in the cloud is a bias."
    )
    rest_caption = (
        "What predictions leave of the true numbers: a slope, a bend or a widening of the cloud is structure "
        "that was missed."
    )
    return [Figure(fits, fit_caption, width=width), Figure(rests, rest_caption, width=width)]


def _some(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """So many at most, taken evenly in the order of the first number."""
    if len(points) <= _MOST_DOTS:
        return points
    points = sorted(points)
    return [points[place * (len(points) - 1) // (_MOST_DOTS - 1)] for place in range(_MOST_DOTS)]
