"""The code of docs/training.md runs as printed."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "training.md"


def test_the_code_of_the_page_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), {})
    printed = capsys.readouterr().out
    assert float(printed.splitlines()[0]) > 0.5
    assert "SequenceClassifier" in printed
