"""Model files and tables: what they say is what is read, and what is wrong in them is named."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tidegate
from tidegate.models.description import read_description, schema
from tidegate.models.tables import read_tables

TABLE = "packages.csv"
FILE = """
[data]
file = "packages.csv"
id = ["name"]

[inputs.description]
kind = "text"
level = "word"
min_count = 1

[inputs.size]
kind = "numeric"
role = "static"

[inputs.side]
kind = "category"
role = "static"

[targets.section]
kind = "multi_class"
calibration = "temperature"

[targets.tags]
kind = "multi_label"
weight = 0.5

[model]
cell = "gru"
hidden_size = 8
max_epochs = 12
patience = "none"
dense = [[6, "tanh"]]
random_state = 3
"""
STEPS = """
[data]
file = "walks.csv"
id = ["walk"]
time = "second"

[data.streams.heart]
file = "heart.csv"
time = "second"

[inputs.motion]
kind = "numeric"
columns = ["x", "y"]

[inputs.pulse]
kind = "numeric"
stream = "heart"
align = true

[inputs.who]
kind = "category"
role = "static"
enters = "state"

[targets.pace]
kind = "multi_class"

[targets.foot]
kind = "binary"
per = "step"

[model]
cell = "gru"
hidden_size = 8
max_epochs = 2
"""


def write(path: Path, header: list[str], rows: Any) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with packages.csv and model.toml, and with walks.csv, heart.csv and walks.toml."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    words = {"libs": "shared library", "games": "game of fun", "doc": "manual pages"}
    rows = []
    for index in range(120):
        section = rng.choice(list(words))
        text = "" if index % 20 == 0 else f"a {words[section]} number {rng.integers(100)}"
        size = "" if index % 15 == 0 else f"{rng.normal():.3f}"
        tags = ",".join([section, *(["extra"] if rng.random() < 0.3 else [])])
        rows.append([f"p{index}", text, size, rng.choice(["left", "right"]), section, tags])
    write(tmp_path / TABLE, ["name", "description", "size", "side", "section", "tags"], rows)
    (tmp_path / "model.toml").write_text(FILE)
    walks, heart = [], []
    for walk in range(30):
        pace, who = rng.choice(["slow", "fast"]), rng.choice(["ada", "bob"])
        walks += [
            [walk, second, rng.normal(pace == "fast"), rng.normal(), who, rng.choice(["l", "r"]), pace]
            for second in range(rng.integers(3, 8))
        ]
        if walk:
            heart += [[walk, second / 2, rng.normal()] for second in range(rng.integers(4, 12))]
    write(tmp_path / "walks.csv", ["walk", "second", "x", "y", "who", "foot", "pace"], walks)
    write(tmp_path / "heart.csv", ["walk", "second", "pulse"], heart)
    (tmp_path / "walks.toml").write_text(STEPS)
    return tmp_path


def test_a_table_is_read_as_the_file_says(folder: Path) -> None:
    described = read_description(folder / "model.toml")
    tables = read_tables(described.source, described.inputs, described.targets)
    data = tables.data
    assert data["description"][0] is None
    assert np.isnan(data["size"][0, 0])
    assert set(data["side"]) == {"left", "right"}
    assert all(tags[0] == section for tags, section in zip(data["tags"], data["section"]))
    assert tables.names["name"].tolist() == [f"p{index}" for index in range(120)]
    model = described.model()
    assert (model.cell, model.hidden_size, model.patience, model.dense) == ("gru", 8, None, [(6, "tanh")])
    assert model.inputs["description"] == tidegate.Text(level="word", min_count=1)
    assert model.targets["tags"] == tidegate.MultiLabel(weight=0.5)


def test_steps_and_streams_are_matched_by_id_and_in_the_order_of_time(folder: Path) -> None:
    lines = (folder / "walks.csv").read_text().splitlines()
    order = np.random.default_rng(1).permutation(len(lines) - 1) + 1
    described = read_description(folder / "walks.toml")
    straight = read_tables(described.source, described.inputs, described.targets).data
    (folder / "walks.csv").write_text("\n".join([lines[0], *(lines[at] for at in order)]) + "\n")
    tables = read_tables(described.source, described.inputs, described.targets)
    walks = tables.names["walk"].tolist()
    assert sorted(walks) == list(range(30))
    for place, walk in enumerate(walks):
        np.testing.assert_array_equal(tables.data["motion"][place], straight["motion"][walk])
        assert tables.data["foot"][place].tolist() == straight["foot"][walk].tolist()
    pulse = tables.data["pulse"]
    assert pulse.lengths[walks.index(0)] == 0
    assert (np.delete(pulse.lengths, walks.index(0)) > 0).all()
    model = described.model(random_state=0).fit(tables.data)
    assert set(model.evaluate(tables.data)) == {"pace", "foot"}


def test_fit_evaluate_predict_and_info(run: Any, folder: Path) -> None:
    code, out, err = run("fit", "model.toml", "--output", "model.safetensors")
    assert (code, err) == (0, "")
    for line in (
        "packages.csv: 120 sequences",
        "input description: text",
        "section: calibrated by temperature: ECE",
    ):
        assert line in out
    code, out, err = run(
        "evaluate", "model.safetensors", TABLE, "--format", "json", "--output", "measures.csv"
    )
    assert (code, err) == (0, "")
    measures = json.loads(out)["targets"]
    assert measures["section"]["accuracy"] > 0.9
    assert set(measures["tags"]) >= {"micro_f1", "macro_f1", "ece"}
    assert (folder / "measures.csv").read_text().startswith("target,measure,value\nsection,accuracy,")
    code, out, err = run("predict", "model.safetensors", TABLE, "--format", "csv")
    assert (code, err) == (0, "")
    rows = list(csv.DictReader(out.splitlines()))
    model = tidegate.load("model.safetensors")
    data = read_tables(model.source_.__class__(TABLE, ("name",)), model.inputs, model.targets).data
    answers = model.predict(data)
    assert [row["prediction_section"] for row in rows] == answers["section"].tolist()
    names = model.classes("tags")
    for row, labels in zip(rows, answers["tags"]):
        assert row["prediction_tags"] == ",".join(name for name, there in zip(names, labels) if there)
    assert sum(
        float(rows[0][f"probability_section_{name}"]) for name in model.classes("section")
    ) == pytest.approx(1)
    code, out, _ = run("info", "model.safetensors")
    assert code == 0
    assert "target tags: multi label" in out
    assert run("info", "model.safetensors", "--format", "json")[0] == 0


def test_options_of_the_command_line_go_before_those_of_the_file(run: Any, folder: Path) -> None:
    given = ("--cell", "lstm", "--hidden-size", 5, "--max-epochs", 1, "--validation", "none", "--seed", 9)
    assert run("fit", "model.toml", "--output", "m.safetensors", *given)[0] == 0
    model = tidegate.load("m.safetensors")
    assert (model.cell, model.hidden_size, model.validation, model.random_state) == ("lstm", 5, None, 9)


def test_a_model_of_several_tables_predicts_steps_from_a_model_file(run: Any, folder: Path) -> None:
    assert run("fit", "walks.toml", "--output", "w.safetensors")[0] == 0
    code, out, err = run("predict", "w.safetensors", "walks.toml", "--format", "csv")
    assert (code, err) == (0, "")
    rows = list(csv.DictReader(out.splitlines()))
    assert len(rows) == len((folder / "walks.csv").read_text().splitlines()) - 1
    assert {"prediction_pace", "prediction_foot"} <= rows[0].keys()
    with (folder / "walks.csv").open() as file:
        walks = sorted((int(row["walk"]), int(row["second"])) for row in csv.DictReader(file))
    assert [(int(row["walk"]), int(row["second"])) for row in rows] == walks
    code, _, err = run("predict", "w.safetensors", "walks.csv")
    assert code == 2
    assert "as the model reads several tables" in err


def test_init_writes_a_file_that_fits_with_its_reasons(run: Any, folder: Path) -> None:
    code, out, err = run("init", TABLE, "--id", "name", "--target", "section,tags", "--output", "first.toml")
    assert (code, err) == (0, "")
    text = (folder / "first.toml").read_text()
    assert "[inputs.description]  # text of" in text
    described = read_description(folder / "first.toml")
    kinds = {name: record.kind for name, record in {**described.inputs, **described.targets}.items()}
    assert kinds == {
        "description": "text",
        "size": "numeric",
        "side": "category",
        "section": "multi_class",
        "tags": "multi_label",
    }
    assert run("fit", "first.toml", "--output", "m.safetensors", "--max-epochs", 1)[0] == 0
    code, out, _ = run("init", "walks.csv", "--id", "walk", "--time", "second")
    assert code == 0
    assert "[targets.pace]  # a guess, as the last column; two different values" in out
    assert '[inputs.who]  # text of 2 different values\nkind = "category"\nrole = "static"' in out
    assert '[inputs.foot]  # text of 2 different values\nkind = "category"\nrole = "step"' in out
    assert "# no id:" not in out
    assert "# no id: each row is a sequence" in run("init", "walks.csv")[1]
    code, _, err = run("init", TABLE, "--output", "first.toml")
    assert code == 2
    assert "which is there" in err


def test_the_schema_names_every_key_of_every_record(run: Any, folder: Path) -> None:
    document = schema()
    assert json.loads(run("init", "--schema")[1]) == document
    assert set(document["properties"]) == {"data", "inputs", "targets", "model"}
    for record in (tidegate.Text, tidegate.MultiLabel):
        properties = document["$defs"][record.__name__]["properties"]
        assert set(properties) == {"kind", *(name for name in record.__dataclass_fields__)}


BAD: dict[str, tuple[str, str, str]] = {
    "a key": (
        "hidden_size = 8",
        "hiden_size = 8",
        "model.hiden_size is no key that there is: did you mean 'hidden_size'?",
    ),
    "a key of an input": (
        'level = "word"',
        'levl = "word"',
        "inputs.description.levl is no key that there is: did you mean 'level'?",
    ),
    "a section": ("[model]", "[modell]", "modell is no key that there is: did you mean 'model'?"),
    "a kind": (
        'kind = "text"',
        'kind = "txt"',
        "inputs.description.kind expects one of numeric, category, text, vector; got 'txt': did "
        "you mean 'text'?",
    ),
    "a value": (
        'level = "word"',
        'level = "wrd"',
        "inputs.description: level expects one of character, word; got 'wrd'",
    ),
    "a type": (
        "max_epochs = 12",
        'max_epochs = "few"',
        "model.max_epochs expects input should be a valid integer",
    ),
    "a number as a text": (
        "max_epochs = 12",
        'max_epochs = "12"',
        "model.max_epochs expects input should be a valid integer",
    ),
    "a truth value": (
        "max_epochs = 12",
        "max_epochs = true",
        "model.max_epochs expects input should be a valid integer",
    ),
    "a cell": ('cell = "gru"', 'cell = "gruu"', "did you mean 'gru'"),
    "a column": (
        "[inputs.side]",
        "[inputs.sid]",
        "inputs.sid.columns expects a column of packages.csv; got 'sid': did you mean 'side'?",
    ),
    "a file": ('file = "packages.csv"', 'file = "package.csv"', "did you mean packages.csv?"),
    "no data": ('file = "packages.csv"', "", "data.file is missing: add it"),
    "an input and target": (
        "[inputs.side]",
        '[inputs.side]\ncolumns = ["section"]',
        "targets.section.columns expects other columns than inputs.side has; got 'section' in both",
    ),
    "a text as a number": (
        '[inputs.size]\nkind = "numeric"',
        '[inputs.size]\nkind = "numeric"\ncolumns = ["side"]',
        "inputs.size: column 'side' expects a number; got '",
    ),
    "a target of numbers": (
        '[targets.section]\nkind = "multi_class"\ncalibration = "temperature"',
        '[targets.section]\nkind = "regression"',
        "targets.section: column 'section' expects a number; got '",
    ),
    "a binary of three": (
        'kind = "multi_class"\ncalibration = "temperature"',
        'kind = "binary"',
        "targets.section expects two classes; got 3: use a MultiClass for more",
    ),
    "weights of zero": (
        'calibration = "temperature"\n\n[targets.tags]\nkind = "multi_label"\nweight = 0.5',
        'weight = 0.0\n\n[targets.tags]\nkind = "multi_label"\nweight = 0.0',
        "targets: weight expects a number above 0 in some of them",
    ),
    "a required key misspelt": (
        "file =",
        "fille =",
        "data.fille is no key that there is: did you mean 'file'?",
    ),
    "kind misspelt": (
        'kind = "numeric"',
        'kid = "numeric"',
        "inputs.size.kid is no key that there is: did you mean 'kind'?",
    ),
    "no columns": ('kind = "numeric"', 'kind = "numeric"\ncolumns = []', "columns expects names of columns"),
    "no separator": (
        'kind = "multi_label"',
        'kind = "multi_label"\nseparator = ""',
        "separator expects text",
    ),
    "TOML": ("[inputs.size]", "[inputs.size", "model.toml expects TOML; got"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_in_a_file_is_named_with_the_remedy(run: Any, folder: Path, case: str) -> None:
    before, after, message = BAD[case]
    assert before in FILE
    (folder / "model.toml").write_text(FILE.replace(before, after))
    code, _, err = run("fit", "model.toml", "--output", "m.safetensors")
    assert code == 2
    assert message in " ".join(err.split())
    assert err.count("\n") == 1
    assert not (folder / "m.safetensors").exists()


def test_text_in_an_unknown_encoding_is_refused_and_read_with_its_own(run: Any, folder: Path) -> None:
    text = (folder / TABLE).read_text().replace("number", "größe")
    (folder / TABLE).write_bytes(text.encode("latin-1"))
    code, _, err = run("fit", "model.toml", "--output", "m.safetensors")
    assert code == 2
    assert "pass data.encoding= as it was written, perhaps 'latin-1'" in " ".join(err.split())
    assert run("fit", "model.toml", "--output", "m.safetensors", "--encoding", "latin-1")[0] == 2
    (folder / "model.toml").write_text(FILE.replace('id = ["name"]', 'id = ["name"]\nencoding = "latin-1"'))
    assert run("fit", "model.toml", "--output", "m.safetensors")[0] == 0
    assert "größe" in tidegate.load("m.safetensors").encoders_["description"].units


def test_a_column_without_values_is_left_out_by_init_and_named_by_fit(run: Any, folder: Path) -> None:
    rows = [f"{index},,{index % 2}" for index in range(30)]
    (folder / "empty.csv").write_text("\n".join(["a,b,y", *rows]))
    code, out, _ = run("init", "empty.csv", "--target", "y")
    assert code == 0
    assert "[inputs.b]" not in out
    head = '[data]\nfile = "empty.csv"\n[targets.y]\nkind = "binary"\n'
    head += '[inputs.a]\nkind = "numeric"\nrole = "static"\n'
    for kind in ("text", "category"):
        role = 'role = "static"' if kind == "category" else ""
        (folder / "empty.toml").write_text(f'{head}[inputs.b]\nkind = "{kind}"\n{role}\n')
        code, _, err = run("fit", "empty.toml", "--output", "m.safetensors")
        assert code == 2
        assert "inputs.b" in err
        assert err.count("\n") == 1
