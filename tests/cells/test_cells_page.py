import runpy
from pathlib import Path

import pytest

from tidegate.cells import CELLS
from tidegate.cells.latex import align

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "cells.md").read_text(encoding="utf-8")


def test_the_page_is_what_the_records_say() -> None:
    tool = runpy.run_path(str(ROOT / "tools" / "make_cells_page.py"))
    assert tool["replace_sections"](PAGE) == PAGE, "run python tools/make_cells_page.py"


@pytest.mark.parametrize("name", CELLS)
def test_the_page_holds_each_cell_with_its_equations_and_source(name: str) -> None:
    assert f"## `{name}`: " in PAGE
    assert align(CELLS[name]) in PAGE
    assert CELLS[name].source in PAGE
