"""A panel: one drawing with two axes, on which lines, bands, marks and texts stand at values of the data.

Colours, strokes and fonts come from style.css, by class.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from tidegate.report.axes import Axis
from tidegate.report.marks import color_of, mark_of, outline
from tidegate.report.markup import add, coordinate, element, image

# Three thirds or two halves stand side by side at a desk, and each fills the width of a phone: their
# texts, of 12 units, are large enough at either.
THIRD: Final = 320.0
HALF: Final = 400.0

# Of these numbers of panels, rows of three would leave gaps.
_IN_HALVES = (1, 2, 4)

_CHARACTER = 7.4
# Of the bold letters of a heading and of a row's name.
_BOLD = 9.6
_ROW_LETTER = 8.3
_APART = 10.0
_MARGIN = 8.0
_BELOW = 40.0

Points = Iterable[tuple[float, float]]


def width_for(number: int) -> float:
    """Of so many panels of one figure."""
    return HALF if number in _IN_HALVES else THIRD


def fitted(text: str, room: float, character: float = _CHARACTER) -> str:
    """The text, without its middle where so much room does not hold letters of this width."""
    most = max(3, int(room / character))
    if len(text) <= most:
        return text
    return f"{text[: most // 2]}…{text[len(text) - (most - 1) // 2 :]}"


def heading_of(name: str, note: str, start: float, width: float) -> str:
    """A heading that leaves room for the note to its right. start: where it begins."""
    beside = _CHARACTER * len(note) + _APART if note else 0.0
    return fitted(name, width - start - beside, _BOLD)


class Panel:
    """name: its id. heading, description: its title and what it shows, in words. note: to the right of the
    heading. number: of the cell whose mark stands before the heading."""

    def __init__(
        self,
        name: str,
        x: Axis,
        y: Axis,
        *,
        heading: str,
        description: str,
        note: str = "",
        number: int | None = None,
        width: float = THIRD,
        height: float = 250.0,
    ) -> None:
        self._x, self._y = x, y
        beside = max(map(len, y.labels), default=0)
        self._left = max(_MARGIN + _CHARACTER * beside, _CHARACTER * len(x.labels[0]) / 2)
        self._right = width - _MARGIN - _CHARACTER * len(x.labels[-1]) / 2
        self._top = 54.0 if y.title else 34.0
        self._bottom = height - _BELOW
        self.drawing = image(name, heading, description, width, height)
        start = 0.0
        if number is not None:
            add(self.drawing, "path", d=outline(mark_of(number), 7, 10, 5), class_=f"mark {color_of(number)}")
            start = 19.0
        shown = heading_of(heading, note, start, width)
        add(self.drawing, "text", shown, x=start, y=15, class_="heading")
        if note:
            add(self.drawing, "text", note, x=width, y=15, class_="note end")
        self._draw_axes()

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where values of the data are in the drawing."""
        return (
            self._left + self._x.share(x) * (self._right - self._left),
            self._bottom + self._y.share(y) * (self._top - self._bottom),
        )

    def line(self, points: Points, class_: str) -> None:
        """Through the points in turn, with a gap where one cannot be drawn."""
        parts = [_path(run) for run in self._runs(points)]
        if parts:
            add(self.drawing, "path", d="".join(parts), class_=f"line {class_}")

    def band(self, ends: Iterable[tuple[float, float, float]], class_: str) -> None:
        """The area between two lines. ends: x and both values of y, in the order of x."""
        drawable = [
            (x, low, high) for x, low, high in ends if self._drawable((x, low)) and math.isfinite(high)
        ]
        upper = [self.at(x, high) for x, _, high in drawable]
        lower = [self.at(x, low) for x, low, _ in reversed(drawable)]
        if drawable:
            add(self.drawing, "path", d=f"{_path(upper + lower)}z", class_=f"band {class_}")

    def mark(
        self, x: float, y: float, number: int, tip: str, *, radius: float = 4.5, class_: str = ""
    ) -> None:
        """The mark of the number-th cell. tip: shown when it is pointed at."""
        for run in self._runs([(x, y)]):
            classes = f"mark {color_of(number)} {class_}".rstrip()
            shape = outline(mark_of(number), *run[0], radius)
            add(self.drawing, "path", element("title", tip), d=shape, class_=classes)

    def dots(self, points: Points, class_: str) -> None:
        """Many small points, as one shape."""
        dots = [f"M{coordinate(x)} {coordinate(y)}h0" for run in self._runs(points) for x, y in run]
        if dots:
            add(self.drawing, "path", d="".join(dots), class_=f"dots {class_}")

    def ring(self, x: float, y: float, class_: str) -> None:
        """A small circle that leaves what is under it visible."""
        for run in self._runs([(x, y)]):
            add(self.drawing, "circle", cx=run[0][0], cy=run[0][1], r=3.5, class_=f"kept {class_}")

    def picture(self, uri: str, width: float, height: float) -> None:
        """From the origin of the data to here."""
        (left, bottom), (right, top) = self.at(0, 0), self.at(width, height)
        box = {"x": left, "y": top, "width": right - left, "height": bottom - top}
        add(self.drawing, "image", href=uri, preserveAspectRatio="none", class_="pixels", **box)

    def bar(self, x: float, y: float, class_: str, *, length: float = 18.0) -> None:
        """An upright stroke."""
        for run in self._runs([(x, y)]):
            left, middle = run[0]
            d = f"M{coordinate(left)} {coordinate(middle - length / 2)}v{coordinate(length)}"
            add(self.drawing, "path", d=d, class_=class_)

    def text(self, y: float, text: str, class_: str, *, shift: float = 0.0, beside: str = "") -> None:
        """At the left end of the axis, with class "end" at the right one. beside: a note that stands at the
        other end."""
        at = self._right if "end" in class_.split() else self._left
        room = self._right - self._left - (_CHARACTER * len(beside) + _APART if beside else 0.0)
        text = fitted(text, room, _ROW_LETTER if class_ == "row" else _CHARACTER)
        add(self.drawing, "text", text, x=at, y=self.at(self._x.low, y)[1] + shift, class_=class_)

    def _runs(self, points: Points) -> Iterator[list[tuple[float, float]]]:
        """Positions of neighbours that can be drawn."""
        for drawable, run in groupby(points, key=self._drawable):
            if drawable:
                yield [self.at(*point) for point in run]

    def _drawable(self, point: tuple[float, float]) -> bool:
        return all(
            math.isfinite(value) and (value > 0 or not axis.logarithmic)
            for value, axis in zip(point, (self._x, self._y))
        )

    def _draw_axes(self) -> None:
        left, right, top, bottom = (
            coordinate(end) for end in (self._left, self._right, self._top, self._bottom)
        )
        across = add(self.drawing, "g", class_="grid")
        for tick, label in zip(self._y.ticks, self._y.labels):
            height = self.at(self._x.low, tick)[1]
            add(across, "path", d=f"M{left} {coordinate(height)}H{right}")
            add(across, "text", label, x=self._left - 6, y=height + 4, class_="end")
        for tick, label in zip(self._x.ticks, self._x.labels):
            place = self.at(tick, self._y.low)[0]
            up = f"V{top}" if not self._y.ticks else "v4"
            add(across, "path", d=f"M{coordinate(place)} {bottom}{up}")
            add(across, "text", label, x=place, y=self._bottom + 17, class_="middle")
        add(self.drawing, "path", d=f"M{left} {bottom}H{right}", class_="axis")
        title = fitted(self._x.title, self._right)
        add(self.drawing, "text", title, x=self._right, y=self._bottom + 34, class_="title end")
        if self._y.title:
            title = fitted(self._y.title, self._right)
            add(self.drawing, "text", title, x=0, y=self._top - 16, class_="title")


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{coordinate(x)} {coordinate(y)}" for x, y in points)
