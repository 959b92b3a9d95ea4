"""The page: one HTML file that needs nothing beside it, and no script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tidegate.report import words
from tidegate.report.answers import calibration_figure, residual_figures
from tidegate.report.confusion import confusion_figure
from tidegate.report.curves import learning_curves
from tidegate.report.digits import sentence
from tidegate.report.figure import Figure
from tidegate.report.gates import gate_figures
from tidegate.report.gradients import gradient_figure
from tidegate.report.losses import loss_figure
from tidegate.report.marks import swatch
from tidegate.report.markup import Element, add, append, element, html
from tidegate.report.result import Result
from tidegate.report.scores import cost_figure, score_figure
from tidegate.report.tables import (
    Column,
    Field,
    Table,
    claim_table,
    cost_table,
    data_table,
    loss_table,
    pair_table,
    score_table,
    settings,
    target_table,
)


def to_html(result: Mapping[str, Any]) -> str:
    """The page of a result (result.py tells its fields). ValueError where a field is not of its type."""
    return page(Result.read(result))


def page(result: Result) -> str:
    sections = [section for section in _sections(result) if section is not None]
    heading = words.title(result)
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("title", heading),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="generator", content="Tidegate"),
        element("style", Path(__file__).with_name("style.css").read_text(encoding="utf-8")),
    )
    facts, warning = words.facts(result), words.warning(result)
    links = [element("a", section[0].text, href=f"#{section.get('id')}") for section in sections]
    main = element(
        "main",
        element(
            "header",
            element("h1", heading),
            element("p", facts, class_="facts") if facts else None,
        ),
        element("p", warning, class_="warning") if warning else None,
        *(
            element("p", told, class_="verdict", id=None if at else "verdict")
            for at, told in enumerate(words.verdicts(result))
        ),
        element("nav", *links, aria_label="Sections") if links else None,
        *sections,
    )
    body = element("body", main)
    for part in main.iter():
        if part.tag in _BLOCKS and part.tail is None:
            part.tail = "\n"
    return f"<!doctype html>\n{html(element('html', head, body, lang='en'))}\n"


# A line each, for those who read the source.
_BLOCKS = {
    "header",
    "section",
    "h1",
    "h2",
    "h3",
    "p",
    "figure",
    "svg",
    "table",
    "tr",
    "nav",
    "dl",
    "figcaption",
}


def _sections(result: Result) -> Iterable[Element | None]:
    cells = result.cells
    numbers = _numbers(result)
    targets = result.targets or {"": result}
    if result.ablation is not None:
        lost = _figures([loss_figure(list(targets.values()))])
        tables = (_table(loss_table(own)) for own in targets.values())
        yield _section("inputs", "What each input adds", *lost, *tables)
    models = f"{sentence(result.noun)}s"
    yield _section("cells", models, _table(score_table(result), numbers))
    yield _section("curves", "Learning curves", *_figures(learning_curves(cells, result.curve)))
    if result.targets:
        for number, (name, own) in enumerate(targets.items()):
            shown = [_table(target_table(own), numbers), *_scores(own)]
            shown += [part for _, _, parts in _answers(own) for part in parts]
            yield _section(f"target-{number}", name, *_distinct(shown, number))
    else:
        yield _section("scores", "Scores", *_scores(result))
    costs = [
        part
        for number, own in enumerate(targets.values())
        for part in _distinct(_figures([cost_figure(own.cells, own.score)]), number)
        if result.ablation is None
    ]
    yield _section("cost", "Cost", *costs, _table(cost_table(result), numbers))
    if not result.targets:
        for name, title, parts in _answers(result):
            yield _section(name, title, *parts)
    yield _section("claims", "The article’s claims", _table(claim_table(result.claims)))
    yield _section("gates", "Gates", *_figures(gate_figures(result.gates, cells)))
    yield _section("gradients", "Gradients", *_figures([gradient_figure(result.gradients, cells)]))
    yield _section("reproduce", "How it was made", _table(data_table(result.data)), *_details(result))


def _numbers(result: Result) -> dict[str, int]:
    """Of the cells, by name."""
    return {cell.name: number for number, cell in enumerate(result.cells)}


def _scores(result: Result) -> list[Element | None]:
    """The scores of one target, and what they show of pairs."""
    compared = () if result.ablation else result.verdicts
    pairs = [element("li", told) for told in words.pairs(result)]
    listed = element("ul", *pairs, class_="pairs") if pairs else None
    table = None if result.ablation else _table(pair_table(result))
    return [*_figures([score_figure(result.cells, compared, result.score)]), table, listed]


def _answers(result: Result) -> Iterable[tuple[str, str, list[Element]]]:
    """Names, titles and figures of what was answered for one target; of an ablation with all inputs."""
    cells = result.cells[:1] if result.ablation else result.cells
    yield "confusions", "Confusions", _figures([confusion_figure(cells)])
    yield "residuals", "Residuals", _figures(residual_figures(cells))
    yield "calibration", "Calibration", _figures([calibration_figure(cells)])


def _distinct(parts: Iterable[Element | None], number: int) -> list[Element | None]:
    """With ids that the same drawings of another target do not have; those of the first are as they are."""
    parts = list(parts)
    for element_ in (own for part in parts if part is not None and number for own in part.iter()):
        for name in ("id", "aria-labelledby"):
            if given := element_.get(name):
                element_.set(name, " ".join(f"{one}-of-{number}" for one in given.split()))
    return parts


def _section(name: str, title: str, *content: Element | None) -> Element | None:
    there = [part for part in content if part is not None]
    if not there:
        return None
    return element(
        "section",
        element("h2", title, id=f"{name}-heading"),
        *there,
        id=name,
        aria_labelledby=f"{name}-heading",
    )


def _figures(figures: Iterable[Figure | None]) -> list[Element]:
    return [figure.html() for figure in figures if figure is not None]


def _table(table: Table | None, numbers: Mapping[str, int] | None = None) -> Element | None:
    """A table in a box of its own, in which it scrolls where it is wider than the page. numbers: of the
    cells, whose marks stand before their names."""
    if table is None:
        return None
    head = element("tr", *(_head(column) for column in table.columns))
    body = element("tbody")
    for row in table.rows:
        name = row[0].text
        mark = swatch(numbers[name]) if numbers and name in numbers else None
        line = add(body, "tr", element("th", mark, name, scope="row"))
        append(line, *(_cell(column, field) for column, field in zip(table.columns[1:], row[1:])))
    prose = not any(column.numeric for column in table.columns)
    box = element(
        "div",
        element("table", element("thead", head), body, class_="prose" if prose else None),
        class_="scroll",
        tabindex="0",
        role="region",
        aria_label=f"Table: {', '.join(column.title for column in table.columns)}",
    )
    return element("figure", box, element("figcaption", table.caption) if table.caption else None)


def _head(column: Column) -> Element:
    unit = element("small", column.unit) if column.unit else None
    return element("th", column.title, unit, scope="col", class_="number" if column.numeric else None)


def _cell(column: Column, field: Field) -> Element:
    note = element("small", field.note) if field.note else None
    return element("td", field.text, note, class_="number" if column.numeric else None)


def _details(result: Result) -> Iterable[Element]:
    boxes = element("div", class_="details")
    for title, pairs in settings(result):
        names = element("dl")
        for name, value in pairs:
            append(names, element("div", element("dt", name), element("dd", value)))
        append(boxes, element("div", element("h3", title), names))
    if len(boxes):
        yield boxes
    if result.command:
        yield element("h3", "To make it again")
        yield element("pre", element("code", result.command), tabindex="0")
