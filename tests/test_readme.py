import re
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"


def test_the_example_runs_when_pasted(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    exec(compile(example, README, "exec"), {})
    assert "test accuracy: 0.9" in capsys.readouterr().out


def test_files_it_points_at_exist():
    for link in re.findall(r"\]\(([^)#:]+)\)", README.read_text()):
        assert (README.parent / link).exists(), link
