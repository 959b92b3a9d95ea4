"""The options of tidegate compare that go through to the comparison."""

import csv
import json

import numpy as np
import pytest

QUICK = ["--cells", "lstm,gru", "--seeds", 3, "--max-epochs", 2, "--hidden-size", 4, "--threads", 1]


@pytest.fixture
def data(tmp_path):
    X = np.random.default_rng(3).normal(size=(40, 4, 2))
    np.savez(tmp_path / "data.npz", X=X, y=np.array(["a", "b"] * 20))
    return tmp_path / "data.npz"


def test_the_result_as_a_table_as_markdown_and_as_json(run, data):
    code, out, err = run("compare", data, *QUICK)
    assert (code, err) == (0, "")
    assert "Verdict: " in out
    code, out, _ = run("compare", data, *QUICK, "--format", "markdown")
    assert code == 0
    assert out.startswith("# lstm and gru compared")
    code, out, _ = run("compare", data, *QUICK, "--format", "json")
    assert code == 0
    assert json.loads(out)["cells"].keys() == {"lstm", "gru"}


def test_a_row_a_replica_as_csv_and_parquet(run, data, tmp_path):
    folder = tmp_path / "out"
    code, out, err = run("compare", data, *QUICK, "--output", folder, "--format", "parquet")
    assert (code, out, err) == (0, "", "")
    from pyarrow import parquet

    rows = parquet.read_table(folder / "replicas.parquet").to_pylist()
    cells = json.loads((folder / "result.json").read_text())["cells"]
    expected = [own for cell in cells.values() for own in cell["replicas"]]
    assert [(row["cell"], row["seed"]) for row in rows] == [(own["cell"], own["seed"]) for own in expected]
    for row, own in zip(rows, expected):
        assert row == {name: value for name, value in own.items() if name != "history"}
    code, out, _ = run("compare", data, *QUICK, "--output", folder, "--resume", "--format", "csv")
    assert code == 0
    assert [row["test_score"] for row in csv.DictReader(out.splitlines())] == [
        str(row["test_score"]) for row in rows
    ]


def test_matched_and_resumed(run, data, tmp_path):
    arguments = ["compare", data, *QUICK, "--match", "parameters", "--output", tmp_path / "out"]
    assert run(*arguments)[0] == 0
    first = json.loads((tmp_path / "out" / "result.json").read_text())
    assert first["cells"]["gru"]["hidden_size"] > first["cells"]["lstm"]["hidden_size"] == 4
    (tmp_path / "out" / "replicas" / "gru-1.replica").unlink()
    code, _, err = run(*arguments)
    assert code == 2
    assert "with 5 of 6 replicas: pass --resume to go on with it" in err
    code, out, _ = run(*arguments, "--resume")
    assert code == 0
    assert "report.html" in out
    again = json.loads((tmp_path / "out" / "result.json").read_text())
    for cell in ("lstm", "gru"):
        assert again["cells"][cell]["test_score"] == first["cells"][cell]["test_score"]
    code, _, err = run(*arguments, "--resume", "--learning-rate", 0.5)
    assert code == 2
    assert "whose settings differ" in err


def test_a_margin_changes_the_verdict(run, data, tmp_path):
    arguments = ["compare", data, *QUICK, "--output", tmp_path / "out"]
    _, out, _ = run(*arguments)
    assert "of more than" not in out
    code, out, _ = run(*arguments, "--margin", 5, "--resume")
    assert code == 0
    assert "Verdict: no difference of more than 5." in " ".join(out.split())
    record = json.loads((tmp_path / "out" / "result.json").read_text())
    assert (record["settings"]["margin"], record["verdicts"][0]["outcome"]) == (5.0, "same")


def test_a_search_comes_first_and_is_told(run, data, tmp_path):
    code, out, err = run("compare", data, *QUICK, "--tune", 2, "--output", tmp_path / "out")
    assert (code, err) == (0, "")
    assert "split off once, before the search" in " ".join(out.split())
    record = json.loads((tmp_path / "out" / "result.json").read_text())
    assert "--tune 2" in record["command"]
    for cell in ("lstm", "gru"):
        assert f"{cell}: learning_rate" in out
        assert record["cells"][cell]["hidden_size"] == record["cells"][cell]["tuned"]["hidden_size"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--margin", -1], "--margin expects a finite number from 0; got -1.0"),
        (["--tune", 0], "--tune expects a whole number from 1"),
        (["--resume"], "--resume expects the folder to go on with; got none: pass --output"),
        (["--match", "params"], "--match expects one of hidden, parameters; got 'params'"),
        (["--format", "xml"], "--format expects one of table, markdown, json"),
        (["--format", "parquet"], "--format parquet expects a folder for replicas.parquet; got none: add"),
    ],
)
def test_what_cannot_be_is_one_line(run, data, arguments, message):
    code, out, err = run("compare", data, *QUICK, *arguments)
    assert (code, out.count("\n") <= 3, err.count("\n")) == (2, True, 1)
    assert message in err
