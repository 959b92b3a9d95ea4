"""A figure: panels side by side, what their lines and marks mean, and one sentence that says what to see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tidegate.report.marks import swatch
from tidegate.report.markup import Element, append, element, hidden
from tidegate.report.panel import HALF, THIRD


@dataclass(frozen=True)
class Figure:
    """legend: (drawing, its meaning) in turn. width: of the panels; of THIRD three stand in a row, of HALF
    two."""

    panels: Sequence[Element]
    caption: str
    legend: Sequence[tuple[Element, str]] = ()
    width: float = THIRD

    def html(self) -> Element:
        legend = element("ul", class_="legend") if self.legend else None
        for drawing, meaning in self.legend:
            append(legend, element("li", drawing, f" {meaning}"))  # type: ignore[arg-type]
        panels = element("div", *self.panels, class_="panels halves" if self.width == HALF else "panels")
        return element("figure", legend, panels, element("figcaption", self.caption))


def cell_legend(names: Sequence[str]) -> list[tuple[Element, str]]:
    return [(swatch(number), name) for number, name in enumerate(names)]


def stroke(class_: str) -> Element:
    """A piece of a line, for a legend."""
    return hidden(26, 14, element("path", d="M1 7h24", class_=class_))
