"""docs/article.md goes through the whole article, and what it points at exists."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from tidegate.cells import CELLS

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "article.md").read_text(encoding="utf-8")


def test_every_section_and_question_is_answered() -> None:
    headings = " ".join(re.findall(r"^#+ (.*)$", PAGE, flags=re.MULTILINE))
    assert all(f"{section} " in headings for section in ("3.1", "3.2", "3.3", "4", "5", "6"))
    assert [int(number) for number in re.findall(r"\bQ(\d+)", headings)] == list(range(1, 19))


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(tidegate\.[\w.]+)", PAGE))))
def test_names_of_the_package_can_be_imported(name: str) -> None:
    value = import_module("tidegate")
    for part in name.split(".")[1:]:
        value = getattr(value, part) if hasattr(value, part) else import_module(f"{value.__name__}.{part}")


@pytest.mark.parametrize("path", sorted(set(re.findall(r"[`(]([\w/]+\.(?:py|md))", PAGE))))
def test_files_it_points_at_exist(path: str) -> None:
    assert (ROOT / path).exists() or (ROOT / "docs" / path).exists()


@pytest.mark.parametrize(("name", "count"), re.findall(r"\| `(\w+)` \| (\d+) \|", PAGE))
def test_its_counts_are_those_of_the_cells(name: str, count: str) -> None:
    assert CELLS[name].num_parameters(1, 10) == int(count)
