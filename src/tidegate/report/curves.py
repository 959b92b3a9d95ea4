"""Learning curves: each cell's loss and score by epoch, with their spread over the seeds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Final

from tidegate.report.axes import Axis, counting, fitting, linear
from tidegate.report.digits import counted, sentence
from tidegate.report.figure import Figure, stroke
from tidegate.report.marks import color_of
from tidegate.report.markup import Element, element, hidden
from tidegate.report.panel import Panel, width_for
from tidegate.report.records import Cell

# More points than this in a curve are closer than two pixels.
_MOST_POINTS: Final = 140

# epoch, median, lowest, highest
Point = tuple[float, float, float, float]


def learning_curves(cells: Sequence[Cell], score: str) -> list[Figure]:
    """One figure of the losses, one of the scores; of those that were recorded."""
    captions = {
        "loss": "Loss by epoch: where the validation line turns up while the training line still falls, the "
        "training sequences have begun to be learnt by heart.",
        "score": f"{sentence(score)} by epoch: the earlier a line levels off the fewer epochs are "
        "needed, and the wider the band the more its course depends on the seed.",
    }
    titles = {"loss": "loss", "score": score}
    figures = [_figure(cells, kind, titles[kind], captions[kind]) for kind in captions]
    return [figure for figure in figures if figure is not None]


def by_epoch(histories: Iterable[Sequence[float]], most: int = _MOST_POINTS) -> list[Point]:
    """The middle and the ends of what the replicas still training had at each epoch, several epochs to a
    point where there are more than `most`."""
    histories = [history for history in histories if history]
    num_epochs = max(map(len, histories), default=0)
    each = math.ceil(num_epochs / most) if num_epochs else 1
    points = []
    for start in range(0, num_epochs, each):
        epochs = range(start, min(start + each, num_epochs))
        columns = [
            [
                history[epoch]
                for history in histories
                if epoch < len(history) and math.isfinite(history[epoch])
            ]
            for epoch in epochs
        ]
        columns = [column for column in columns if column]
        if columns:
            lowest, highest = min(map(min, columns)), max(map(max, columns))
            middle = median(median(column) for column in columns)
            points.append((1 + (epochs[0] + epochs[-1]) / 2, middle, lowest, highest))
    return points


def _figure(cells: Sequence[Cell], kind: str, title: str, caption: str) -> Figure | None:
    train = [by_epoch(replica.history.get(kind, ()) for replica in cell.replicas) for cell in cells]
    held_out = [
        by_epoch(replica.history.get(f"val_{kind}", ()) for replica in cell.replicas) for cell in cells
    ]
    drawn = [point for curve in train + held_out for point in curve]
    if not drawn:
        return None
    x = counting(math.ceil(max(point[0] for point in drawn)), "epoch")
    ends = [end for _, _, *ends in drawn for end in ends]
    y = fitting(ends, title) if kind == "loss" else linear(ends, title, limit=1)
    width = width_for(sum(bool(a or b) for a, b in zip(train, held_out)))
    panels = [
        _panel(number, cell, kind, (x, y), (train[number], held_out[number]), width)
        for number, cell in enumerate(cells)
    ]
    legend = [(stroke("line training color-ink"), "training")]
    if any(held_out):
        legend.insert(0, (stroke("line color-ink"), "validation"))
    legend.append(
        (hidden(26, 14, element("path", d="M1 2h24v10h-24z", class_="band color-ink")), "range over seeds")
    )
    if any(replica.best_epoch for cell in cells for replica in cell.replicas):
        ring = element("circle", cx=7, cy=7, r=4, class_="kept color-ink")
        legend.append((hidden(14, 14, ring), "epoch whose weights a seed kept"))
    return Figure([panel for panel in panels if panel is not None], caption, legend, width)


def _panel(
    number: int,
    cell: Cell,
    kind: str,
    axes: tuple[Axis, Axis],
    curves: tuple[list[Point], list[Point]],
    width: float,
) -> Element | None:
    (x, y), (train, held_out) = axes, curves
    if not train and not held_out:
        return None
    seeds = counted(sum(bool(replica.history.get(kind)) for replica in cell.replicas), "seed")
    described = [
        f"{name} from {curve[0][1]:.3g} in epoch 1 to {curve[-1][1]:.3g} in epoch {curve[-1][0]:.0f}"
        for name, curve in (("training", train), ("validation", held_out))
        if curve
    ]
    panel = Panel(
        f"{kind}-{number}",
        x,
        y,
        heading=cell.name,
        note=seeds,
        number=number,
        width=width,
        description=f"Median {y.title} of {cell.name} over {seeds}: {', '.join(described)}.",
    )
    color = color_of(number)
    for curve, style in ((train, "training"), (held_out, "")):
        panel.band([(epoch, low, high) for epoch, _, low, high in curve], color)
        panel.line([(epoch, middle) for epoch, middle, _, _ in curve], f"{style} {color}".lstrip())
    for replica in cell.replicas:
        values = replica.history.get(f"val_{kind}") or replica.history.get(kind, ())
        if replica.best_epoch and replica.best_epoch <= len(values):
            panel.ring(replica.best_epoch, values[replica.best_epoch - 1], color)
    return panel.drawing
