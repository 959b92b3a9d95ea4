"""docs/report.md shows every field that a page reads, and no other."""

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from report.pages import check

from tidegate.report import to_html, to_markdown
from tidegate.report.records import MEASURES, Calibration, Cell, Confusion, Predictions, Replica
from tidegate.report.result import Claim, Gates, Gradients, Result, Verdict

PAGE = (Path(__file__).parents[2] / "docs" / "report.md").read_text()
DOCUMENT = json.loads(re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)[1])
LSTM = DOCUMENT["cells"]["lstm"]


def names(record: type) -> set[str]:
    return {field.name for field in fields(record)}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every key of a dictionary, and of those in it."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key)
            yield from places(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*path, index))


@pytest.mark.parametrize(
    ("shown", "record"),
    [
        (DOCUMENT, Result),
        (DOCUMENT["verdicts"][0], Verdict),
        (DOCUMENT["claims"][0], Claim),
        (DOCUMENT["gates"][0], Gates),
        (DOCUMENT["gradients"][0], Gradients),
        (LSTM["replicas"][0], Replica),
        (LSTM["confusion"], Confusion),
        (LSTM["predictions"], Predictions),
        (LSTM["calibration"], Calibration),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_document_shows_the_fields_of_each_record(shown, record):
    assert set(shown) == names(record)


def test_the_document_shows_the_fields_of_a_cell():
    assert set(LSTM) - set(MEASURES) == names(Cell) - {"name", "measures"}
    assert set(MEASURES) <= set(LSTM)


def test_the_document_is_a_page_with_every_section():
    page = check(to_html(DOCUMENT))
    assert len(page.headings()) == 11
    assert {"Confusions", "Residuals", "Gates", "Gradients"} <= set(page.headings())


@pytest.mark.parametrize("replacement", ["missing", None])
def test_every_field_may_be_missing_or_none(replacement):
    for *path, last in places(DOCUMENT):
        result = copy.deepcopy(DOCUMENT)
        group = result
        for key in path:
            group = group[key]
        group.pop(last)
        if replacement is None:
            group[last] = None
        assert to_html(result).endswith("</html>\n")
        assert to_markdown(result).startswith("# ")


def test_the_python_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(example, "docs/report.md", "exec"), {})
    check((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "# lstm and gru compared" in capsys.readouterr().out
