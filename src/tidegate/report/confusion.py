"""Confusion matrices: what was taken for what."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from tidegate.report.bitmap import SEQUENTIAL, bitmap
from tidegate.report.digits import counted
from tidegate.report.figure import Figure
from tidegate.report.marks import color_of, mark_of, outline
from tidegate.report.markup import Element, add, coordinate, element, image
from tidegate.report.panel import heading_of, width_for
from tidegate.report.records import Cell, Confusion

# With more classes a field is a dot of a picture.
_MOST_FIELDS: Final = 30
_LONGEST_LABEL: Final = 9
_LARGEST_FIELD: Final = 56.0
_LEAST_VISIBLE: Final = 0.12
_CHARACTER: Final = 7.6
_LINE: Final = 13.0


def confusion_figure(cells: Sequence[Cell]) -> Figure | None:
    """A matrix a cell: rows true classes, columns predicted ones."""
    drawn = [(number, cell.name, cell.confusion) for number, cell in enumerate(cells) if cell.confusion]
    if not drawn:
        return None
    width = width_for(len(drawn))
    panels = [_matrix(number, name, confusion, width) for number, name, confusion in drawn]
    seen = "blue fields are right answers, orange ones confusions"
    if any(len(confusion.labels) > _MOST_FIELDS for *_, confusion in drawn):
        seen = "the darker a field, the larger its share of the true class"
    worst = [(*confusion.errors()[0], name) for _, name, confusion in drawn if confusion.errors()]
    frequent = ""
    if worst:
        times, true, predicted, name = max(worst, key=lambda one: one[0])
        told = f"{true} taken for {predicted} ({name}, {counted(round(times), 'time')})"
        frequent = f"; the most frequent confusion is {told}"
    caption = f"Rows are true and columns predicted classes, all seeds together: {seen}{frequent}."
    return Figure(panels, caption, width=width)


def _matrix(number: int, name: str, confusion: Confusion, width: float) -> Element:
    labels = shortened(confusion.labels)
    longest = max(map(len, labels))
    left = 24 + _CHARACTER * longest
    side = min(_LARGEST_FIELD, (width - 1 - left) / len(labels))
    upright = _CHARACTER * longest > side
    top = 46 + (_CHARACTER * longest if upright else 10)
    extent = side * len(labels)
    total, right = confusion.total, confusion.right
    errors = [f"{true} taken for {predicted}: {times:,.0f}" for times, true, predicted in confusion.errors()]
    drawing = image(
        f"confusion-{number}",
        f"Confusion matrix of {name}",
        f"{right:,.0f} of {total:,.0f} answers are right. Confusions: {'; '.join(errors[:5]) or 'none'}.",
        width,
        top + extent + 2,
    )
    add(drawing, "path", d=outline(mark_of(number), 7, 10, 5), class_=f"mark {color_of(number)}")
    note = f"{100 * right / total:.1f} % right" if total else ""
    add(drawing, "text", heading_of(name, note, 19, width), x=19, y=15, class_="heading")
    add(drawing, "text", note or None, x=width, y=15, class_="note end")
    add(drawing, "text", "predicted", x=left, y=36, class_="title")
    turned = f"rotate(-90 11 {coordinate(top + extent / 2)})"
    add(drawing, "text", "true", x=11, y=top + extent / 2, class_="title middle", transform=turned)
    for place in range(0, len(labels), math.ceil(_LINE / side)):
        along = (place + 0.5) * side
        whole = element("title", confusion.labels[place])
        add(drawing, "text", labels[place], whole, x=left - 5, y=top + along + 4, class_="end")
        if upright:
            turned = f"rotate(-90 {coordinate(left + along + 4)} {coordinate(top - 5)})"
            add(drawing, "text", labels[place], whole, x=left + along + 4, y=top - 5, transform=turned)
        else:
            add(drawing, "text", labels[place], whole, x=left + along, y=top - 5, class_="middle")
    if len(labels) > _MOST_FIELDS:
        _picture(drawing, confusion, left, top, extent)
    else:
        _fields(drawing, confusion, left, top, side)
    add(drawing, "rect", x=left, y=top, width=extent, height=extent, class_="frame")
    return drawing


def shortened(labels: Sequence[str]) -> list[str]:
    """Cut at the end or, where these would be the same, in the middle."""
    cut = [_cut(label, _LONGEST_LABEL - 1) for label in labels]
    if len(set(cut)) == len(set(labels)):
        return cut
    return [_cut(label, _LONGEST_LABEL // 2) for label in labels]


def _cut(label: str, head: int) -> str:
    if len(label) <= _LONGEST_LABEL:
        return label
    tail = _LONGEST_LABEL - 1 - head
    return f"{label[:head]}…{label[len(label) - tail :]}"


def _picture(drawing: Element, confusion: Confusion, left: float, top: float, extent: float) -> None:
    """The root of each count's share of its class, so that rare confusions are seen."""
    shares = [[math.sqrt(count / max(1.0, sum(row))) for count in row] for row in confusion.counts]
    box = {"x": left, "y": top, "width": extent, "height": extent}
    add(drawing, "image", href=bitmap(shares, SEQUENTIAL), preserveAspectRatio="none", class_="pixels", **box)


def _fields(drawing: Element, confusion: Confusion, left: float, top: float, side: float) -> None:
    """A rectangle a count that is not zero, the deeper the larger its share: of its class, or of the most
    frequent confusion."""
    errors = confusion.errors()
    largest = errors[0][0] if errors else 1.0
    longest = max(len(f"{count:,.0f}") for row in confusion.counts for count in row)
    numbers = "middle" if longest * 8 <= side else "middle small" if longest * 6.4 <= side else None
    for i, (true, row) in enumerate(zip(confusion.labels, confusion.counts)):
        for j, (predicted, count) in enumerate(zip(confusion.labels, row)):
            if not count:
                continue
            share = count / sum(row) if i == j else count / largest
            x, y = left + j * side, top + i * side
            field = add(
                drawing,
                "rect",
                element("title", f"{true} taken for {predicted}: {count:,.0f}"),
                x=x,
                y=y,
                width=side,
                height=side,
                class_="right" if i == j else "wrong",
            )
            field.set("fill-opacity", f"{_LEAST_VISIBLE + (0.6 - _LEAST_VISIBLE) * share:.2f}")
            if numbers:
                add(drawing, "text", f"{count:,.0f}", x=x + side / 2, y=y + side / 2 + 4, class_=numbers)
