"""The code of the pages on training runs as printed."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


def run(page, folder, monkeypatch):
    monkeypatch.chdir(folder)
    text = (DOCS / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, page, "exec"), {})


@pytest.mark.parametrize("page", ["training.md", "initializers.md"])
def test_the_code_of_the_page_runs(page, tmp_path, monkeypatch):
    run(page, tmp_path, monkeypatch)


def test_training_prints_a_score_and_a_summary(tmp_path, monkeypatch, capsys):
    run("training.md", tmp_path, monkeypatch)
    score, heading, *_ = capsys.readouterr().out.splitlines()
    assert float(score) > 0.5
    assert heading.startswith("SequenceClassifier, ")
