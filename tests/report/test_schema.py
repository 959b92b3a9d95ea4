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
from tidegate.report.result import Ablation, Claim, Gates, Gradients, Loss, Result, Verdict

PAGE = (Path(__file__).parents[2] / "docs" / "report.md").read_text()
DOCUMENT, SEVERAL = map(json.loads, re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))
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
        (DOCUMENT | SEVERAL, Result),
        (DOCUMENT["verdicts"][0] | SEVERAL["verdicts"][0], Verdict),
        (SEVERAL["ablation"], Ablation),
        (SEVERAL["ablation"]["losses"][0], Loss),
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


def test_what_several_targets_have_of_their_own_is_read_of_each():
    for name, of_target in Result.read(SEVERAL).targets.items():
        for cell in of_target.cells:
            own = SEVERAL["cells"][cell.name]["targets"][name]
            assert cell.middle("test_score") == own["test_score"]["median"]
            assert cell.scores == [
                ("0", SEVERAL["cells"][cell.name]["replicas"][0]["targets"][name]["test_score"])
            ]
        assert {verdict.target for verdict in of_target.verdicts} <= {name}
        assert {loss.target for loss in of_target.ablation.losses} == {name}
    page = check(to_html(SEVERAL))
    assert page.headings() == ["What each input adds", "Models", "pace", "speed", "Cost"]
    assert "Accuracy of pace loses 0.200 (0.100 to 0.300) without note." in page.reading


def test_an_input_that_harms_is_told_from_one_that_is_needed():
    loss = SEVERAL["ablation"]["losses"][0] | {"estimate": -0.2, "interval": [-0.3, -0.1]}
    nothing = {"median": 0.0, "min": 0.0, "max": 0.0, "values": [0.0]}
    losses = [loss | {"importance": nothing}]
    reading = check(to_html(SEVERAL | {"ablation": {"losses": losses}})).reading
    assert "Accuracy of pace is better without note, −0.200 (−0.300 to −0.100)." in reading
    assert "By permutation it loses nothing." in reading
    assert "better without" in reading


def test_the_document_is_a_page_with_every_section():
    page = check(to_html(DOCUMENT))
    assert len(page.headings()) == 11
    assert {"Confusions", "Residuals", "Gates", "Gradients"} <= set(page.headings())


@pytest.mark.parametrize("replacement", ["missing", None])
def test_every_field_may_be_missing_or_none(replacement):
    both = [(own, *path) for own in (DOCUMENT, SEVERAL) for path in places(own)]
    for document, *path, last in both:
        result = copy.deepcopy(document)
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
