"""Writes the cells of docs/cells.md, between its two marks, from the cells' records.

python tools/make_cells_page.py
"""

from __future__ import annotations

from pathlib import Path

from tidegate.cells import CELLS, CellSpec
from tidegate.cells.latex import align
from tidegate.cells.table import layout

PAGE = Path(__file__).parents[1] / "docs" / "cells.md"
BEGIN = "<!-- from the records: python tools/make_cells_page.py -->\n"
END = "<!-- end -->\n"


def section(cell: CellSpec) -> str:
    """One cell: title, source, equations, parameters of one layer in one direction."""
    parameters = ", ".join(f"`{name}` {shape}" for name, shape in layout(cell).items())
    paragraphs = [
        f"## `{cell.name}`: {cell.title}",
        f"{cell.source}.",
        f"```math\n{align(cell)}\n```",
        f"Gates {_listed(cell.gates)}; states {_listed(cell.states)}. Parameters: {parameters}.",
        cell.note,
    ]
    return "\n\n".join(filter(None, paragraphs)) + "\n"


def sections() -> str:
    return "\n".join(section(cell) for cell in CELLS.values())


def replace_sections(page: str) -> str:
    """The page with its sections made again."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{sections()}\n{END}{after}"


def _listed(names: tuple[str, ...]) -> str:
    return " ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    PAGE.write_text(replace_sections(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
