"""Scores as points, a point a seed: by cell, by pair of cells, and against what they cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Final

from tidegate.report.axes import Axis, fitting, linear
from tidegate.report.digits import MINUS, SECONDS, fixed, sentence, unit_for
from tidegate.report.figure import Figure, cell_legend
from tidegate.report.markup import Element
from tidegate.report.panel import HALF, Panel
from tidegate.report.records import Cell
from tidegate.report.result import Verdict

_ROW: Final = 56.0
_PAIR_ROW: Final = 46.0
# Of the marks, in heights of a row below its top.
_MIDDLE: Final = 0.68
# Characters of a name and a note that have room side by side.
_ROOM: Final = 47
_MOST_POINTS: Final = 200
_GOLDEN: Final = 0.618


def score_figure(cells: Sequence[Cell], verdicts: Sequence[Verdict], score: str) -> Figure | None:
    """Test scores by cell and, beside them, differences by pair."""
    scored = [(number, cell) for number, cell in enumerate(cells) if cell.scores]
    compared = [verdict for verdict in verdicts if verdict.estimate is not None]
    panels, sentences = [], []
    if scored:
        panels.append(_by_cell(scored, score))
        sentences.append("every mark is the score of one seed and every bar a median")
    if compared:
        panels.append(_by_pair(compared, score))
        crossing = "where an interval crosses 0 no difference is shown"
        ranging = "the ranges of differences are over the seeds and no confidence intervals"
        sentences.append(crossing if any(verdict.interval for verdict in compared) else ranging)
    return Figure(panels, f"{sentence('; '.join(sentences))}.", width=HALF) if panels else None


def _by_cell(cells: Sequence[tuple[int, Cell]], score: str) -> Element:
    rows = _rows(len(cells))
    x = linear((value for _, cell in cells for _, value in cell.scores), f"test {score}", limit=1)
    notes = [(cell.name, _range(value for _, value in cell.scores)) for _, cell in cells]
    panel = Panel(
        "scores-by-cell",
        x,
        rows,
        heading=f"Test {score}",
        description=f"Median and range over the seeds. {_sentences(notes)}",
        width=HALF,
        height=_height(rows, _ROW),
    )
    for row, ((number, cell), (name, note)) in enumerate(zip(cells, notes)):
        top = len(cells) - row
        panel.text(top, name, "row", shift=18, beside=note)
        panel.text(top, note, "note end", shift=18)
        for place, (seed, value) in enumerate(cell.scores[:_MOST_POINTS]):
            # Spread over the height of the row, so that equal scores are not one mark.
            height = top - _MIDDLE + ((place * _GOLDEN) % 1 - 0.5) * 0.32
            panel.mark(value, height, number, f"{cell.name}, seed {seed}: {fixed(value, 4)}")
        panel.bar(median(value for _, value in cell.scores), top - _MIDDLE, "median", length=28)
    return panel.drawing


def _by_pair(verdicts: Sequence[Verdict], score: str) -> Element:
    rows = _rows(len(verdicts))
    drawn = [value for verdict in verdicts for value in _drawn(verdict)]
    x = linear([0.0, *drawn], f"test {score} of the first {MINUS} the second")
    notes = [(f"{one.first} {MINUS} {one.second}", _estimate(one)) for one in verdicts]
    panel = Panel(
        "scores-by-pair",
        x,
        rows,
        heading="Differences",
        description=f"Test {score} of the first minus the second. {_sentences(notes)}",
        width=HALF,
        height=_height(rows, _PAIR_ROW),
    )
    panel.line([(0, 0), (0, len(verdicts))], "reference")
    # The table below has the same numbers.
    roomy = all(len(pair) + len(note) <= _ROOM for pair, note in notes)
    for row, (verdict, (pair, note)) in enumerate(zip(verdicts, notes)):
        top = len(verdicts) - row
        panel.text(top, pair, "row", shift=18, beside=note if roomy else "")
        if roomy:
            panel.text(top, note, "note end", shift=18)
        if verdict.interval:
            panel.line([(end, top - _MIDDLE) for end in verdict.interval], "interval")
            for end in verdict.interval:
                panel.bar(end, top - _MIDDLE, "interval", length=10)
        elif verdict.differences is not None:
            for value in verdict.differences.values[:_MOST_POINTS]:
                panel.ring(value, top - _MIDDLE, "color-ink")
        if verdict.estimate is not None:
            panel.bar(verdict.estimate, top - _MIDDLE, "median", length=20)
    return panel.drawing


def cost_figure(cells: Sequence[Cell], score: str) -> Figure | None:
    """Test score against seconds of training, and against the number of parameters."""
    panels = []
    timed = [cell.of_seeds("seconds", "test_score") for cell in cells]
    if any(timed):
        unit = unit_for((values[0] for own in timed for _, values in own), SECONDS)
        points = [[(seed, values[0] / unit.size, values[1]) for seed, values in own] for own in timed]
        title = f"training of one replica, {unit.name}"
        panels.append(_cost("scores-by-time", "Time against score", title, cells, points, score))
    sizes = [cell.middle("num_parameters") for cell in cells]
    if any(cell.scores for cell in cells) and None not in sizes:
        points = [
            [(seed, size or 0, value) for seed, value in cell.scores] for cell, size in zip(cells, sizes)
        ]
        panels.append(_cost("scores-by-size", "Size against score", "parameters", cells, points, score))
    if not panels:
        return None
    caption = (
        "Up and to the left is better and cheaper: small marks are seeds, the large one of each cell is at "
        "their medians."
    )
    return Figure(panels, caption, cell_legend([cell.name for cell in cells]), width=HALF)


def _cost(
    name: str,
    heading: str,
    title: str,
    cells: Sequence[Cell],
    points: list[list[tuple[str, float, float]]],
    score: str,
) -> Element:
    middles = [
        (median(x for _, x, _ in own), median(y for _, _, y in own)) if own else None for own in points
    ]
    described = [
        (cell.name, f"{fixed(middle[0], 2)}, {fixed(middle[1], 3)}")
        for cell, middle in zip(cells, middles)
        if middle
    ]
    panel = Panel(
        name,
        fitting([x for own in points for _, x, _ in own], title),
        linear((y for own in points for _, _, y in own), f"test {score}", limit=1),
        heading=heading,
        description=f"Medians of {title} and test {score}. {_sentences(described)}",
        width=HALF,
        height=290,
    )
    for number, (cell, own) in enumerate(zip(cells, points)):
        for seed, x, y in own[:_MOST_POINTS]:
            panel.mark(x, y, number, f"{cell.name}, seed {seed}: {fixed(y, 4)}", radius=3.5, class_="faint")
    for number, (cell, middle) in enumerate(zip(cells, middles)):
        if middle:
            panel.mark(*middle, number, f"{cell.name}, median: {fixed(middle[1], 4)}", radius=6.5)
    return panel.drawing


def _drawn(verdict: Verdict) -> list[float]:
    values = [] if verdict.estimate is None else [verdict.estimate]
    values += verdict.interval or (verdict.differences.values if verdict.differences else ())
    return values


def _estimate(verdict: Verdict) -> str:
    values = verdict.differences.values if verdict.differences is not None else ()
    return _range(values) if values and not verdict.interval else verdict.effect


def _range(values: Iterable[float]) -> str:
    values = list(values)
    return f"{fixed(median(values), 3)} ({fixed(min(values), 3)} to {fixed(max(values), 3)})"


def _rows(number: int) -> Axis:
    return Axis(0, number, (), ())


def _height(rows: Axis, row: float) -> float:
    return 74 + row * rows.high


def _sentences(notes: Iterable[tuple[str, str]]) -> str:
    return " ".join(f"{name}: {note}." for name, note in notes)
