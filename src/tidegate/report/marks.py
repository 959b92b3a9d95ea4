"""What tells one cell from another in a drawing: a colour and, for those who do not see it, a mark."""

from __future__ import annotations

from typing import Final

from tidegate.report.markup import Element, coordinate, element, hidden

# Corners, in radii; the circle apart. Cells take marks and colours in turn: 42 pairs before one returns.
_CORNERS: Final[dict[str, tuple[tuple[float, float], ...]]] = {
    "circle": (),
    "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    "triangle": ((0, -1.2), (1.15, 0.8), (-1.15, 0.8)),
    "diamond": ((0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)),
    "plus": (
        *((-0.4, -1.2), (0.4, -1.2), (0.4, -0.4), (1.2, -0.4), (1.2, 0.4), (0.4, 0.4)),
        *((0.4, 1.2), (-0.4, 1.2), (-0.4, 0.4), (-1.2, 0.4), (-1.2, -0.4), (-0.4, -0.4)),
    ),
    "triangle-down": ((0, 1.2), (1.15, -0.8), (-1.15, -0.8)),
    "hourglass": ((-1, -1.1), (1, -1.1), (-1, 1.1), (1, 1.1)),
}
MARKS: Final = tuple(_CORNERS)
NUM_COLORS: Final = 6


def mark_of(number: int) -> str:
    """The mark of the number-th cell."""
    return MARKS[number % len(MARKS)]


def color_of(number: int) -> str:
    """The class of style.css that gives the number-th cell its colour."""
    return f"color-{number % NUM_COLORS}"


def outline(mark: str, x: float, y: float, radius: float) -> str:
    """A mark as the data of a path."""
    if mark == "circle":
        r, across = coordinate(radius), coordinate(2 * radius)
        left = f"{coordinate(x - radius)} {coordinate(y)}"
        return f"M{left}a{r} {r} 0 1 0 {across} 0a{r} {r} 0 1 0 -{across} 0z"
    corners = (f"{coordinate(x + radius * dx)} {coordinate(y + radius * dy)}" for dx, dy in _CORNERS[mark])
    return f"M{'L'.join(corners)}z"


def swatch(number: int) -> Element:
    """The mark of the number-th cell, to stand before its name in a text."""
    shape = element("path", d=outline(mark_of(number), 7, 7, 5), class_=f"mark {color_of(number)}")
    return hidden(14, 14, shape)
