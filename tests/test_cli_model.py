"""fit, predict and evaluate: what comes out is what the library computes."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import tidegate
from tidegate.cli.rows import print_table
from tidegate.data.reading import read
from tidegate.network import Network

QUICK = ["--max-epochs", "2", "--hidden-size", "4"]
COLUMNS = ["--id", "utterance", "--time", "step", "--target", "speaker"]


@pytest.fixture
def model(run, folder):
    """A model of speakers.csv."""
    code, _, err = run("fit", "speakers.csv", *COLUMNS, *QUICK, "--output", "my.safetensors")
    assert (code, err) == (0, "")
    return tidegate.load("my.safetensors")


def test_a_fit_is_the_librarys(run, folder):
    options = ["--cell", "gru", "--one-direction", "--learning-rate", "0.01", "--seed", "7"]
    code, out, err = run("fit", "speakers.csv", *COLUMNS, *QUICK, *options, "--output", "m.safetensors")
    assert (code, err) == (0, "")
    assert "target: 'speaker' (text), one a sequence: man 1, man 2, man 3" in out
    assert "classification, 3 classes of 30 sequences" in out
    data = read("speakers.csv", id="utterance", time="step", target="speaker")
    expected = tidegate.SequenceClassifier(
        "gru", hidden_size=4, max_epochs=2, bidirectional=False, learning_rate=0.01, random_state=7
    ).fit(data.X, data.y)
    loaded = tidegate.load("m.safetensors")
    np.testing.assert_array_equal(loaded.predict_proba(data.X), expected.predict_proba(data.X))
    assert f"validation accuracy: {expected.history_['val_score'][expected.best_epoch_ - 1]:.3f}" in out
    assert not (folder / "m.safetensors.checkpoint").exists()


@pytest.mark.parametrize(
    ("arguments", "name", "expected"),
    [
        (["--num-layers", 2], "num_layers", 2),
        (["--bidirectional"], "bidirectional", True),
        (["--dropout", 0.25], "dropout", 0.25),
        (["--input-dropout", 0.25], "input_dropout", 0.25),
        (["--recurrent-dropout", 0.25], "recurrent_dropout", 0.25),
        (["--variational-dropout"], "variational_dropout", True),
        (["--zoneout", 0.1], "zoneout", 0.1),
        (["--zoneout", "h=0.1,c=0.5"], "zoneout", {"h": 0.1, "c": 0.5}),
        (["--padding", "gate"], "padding", "gate"),
        (["--pooling", "mean"], "pooling", "mean"),
        (["--dense", "5:tanh,3:relu"], "dense", [[5, "tanh"], [3, "relu"]]),
        (["--initializers", "recurrent=xavier_uniform"], "initializers", {"recurrent": "xavier_uniform"}),
        (["--loss", "sigmoid_cross_entropy"], "loss", "sigmoid_cross_entropy"),
        (["--class-weight", "balanced"], "class_weight", "balanced"),
        (["--as-measured"], "standardize", False),
        (["--optimizer", "sgd"], "optimizer", "sgd"),
        (["--schedule", "cosine"], "schedule", "cosine"),
        (["--batch-size", 7], "batch_size", 7),
        (["--clip-norm", "none"], "clip_norm", None),
        (["--clip-norm", "0.5"], "clip_norm", 0.5),
        (["--bptt-steps", 9, "--one-direction"], "bptt_steps", 9),
        (["--recompute", "--one-direction"], "recompute", True),
        (["--keep-steps"], "recompute", False),
        (["--input-noise", "0.1"], "input_noise", 0.1),
        (["--weight-noise", "0.1"], "weight_noise", 0.1),
        (["--averaging", "0.5"], "averaging", 0.5),
        (["--gap-dropout", "0.2"], "gap_dropout", 0.2),
        (["--patience", "none"], "patience", None),
        (["--patience", "3"], "patience", 3),
        (["--min-delta", 0.5], "min_delta", 0.5),
        (["--validation", "0.3"], "validation", 0.3),
        (["--validation", "none"], "validation", None),
        (["--seed", 3], "random_state", 3),
        (["--threads", 1], "num_threads", 1),
    ],
)
def test_every_option_reaches_the_estimator(run, folder, arguments, name, expected):
    code, _, err = run("fit", "speakers.csv", *COLUMNS, *QUICK, *arguments, "--output", "m.safetensors")
    assert (code, err) == (0, "")
    assert getattr(tidegate.load("m.safetensors"), name) == expected


def test_a_second_file_validates(run, folder):
    code, _, err = run(
        "fit",
        "speakers.csv",
        *COLUMNS,
        *QUICK,
        "--validation",
        "speakers_test.csv",
        "--output",
        "m.safetensors",
    )
    assert (code, err) == (0, "")
    first, second = (
        read(name, id="utterance", time="step", target="speaker")
        for name in ("speakers.csv", "speakers_test.csv")
    )
    expected = tidegate.SequenceClassifier(
        hidden_size=4, max_epochs=2, random_state=0, validation=(second.X, second.y)
    ).fit(first.X, first.y)
    assert tidegate.load("m.safetensors").history_ == expected.history_


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_predictions_have_ids_answers_and_probabilities_in_every_format(run, model):
    data = read("speakers_test.csv", id="utterance", time="step", target="speaker")
    for ending in ("csv", "json", "parquet"):
        code, out, err = run("predict", "my.safetensors", "speakers_test.csv", "--output", f"p.{ending}")
        assert (code, out, err) == (0, "", f"Predictions: p.{ending}, 154 rows\n")
    from_csv = rows_of("p.csv")
    assert [int(row["utterance"]) for row in from_csv] == data.X.ids.tolist()
    assert [row["prediction"] for row in from_csv] == model.predict(data.X).tolist()
    expected = model.predict_proba(data.X)
    for index, label in enumerate(model.classes_):
        assert [float(row[f"probability_{label}"]) for row in from_csv] == expected[:, index].tolist()
    from_json = json.loads(Path("p.json").read_text())
    assert [{name: str(value) for name, value in row.items()} for row in from_json] == from_csv
    from pyarrow import parquet

    assert parquet.read_table("p.parquet").to_pylist() == from_json
    assert (
        run("predict", "my.safetensors", "speakers_test.csv", "--format", "csv")[1]
        == Path("p.csv").read_text()
    )


def test_columns_are_found_by_name(run, model, folder):
    rows = [line.split(",") for line in (folder / "speakers_test.csv").read_text().splitlines()]
    order = [8, 0, 3, 7, 4, 1, 6, 5]  # all but the target
    lines = [",".join(["x", *(row[place] for place in order)]) for row in rows[1:]]
    header = ",".join(["more", *(rows[0][place] for place in order)])
    (folder / "other.csv").write_text("\n".join([header, *reversed(lines)]) + "\n")
    run("predict", "my.safetensors", "speakers_test.csv", "--output", "p.csv")
    code, _, err = run("predict", "my.safetensors", "other.csv", "--output", "q.csv")
    assert (code, err) == (0, "Predictions: q.csv, 154 rows\n")
    assert sorted(rows_of("q.csv"), key=lambda row: row["utterance"]) == rows_of("p.csv")


def test_types_given_to_fit_hold_for_other_files(run, folder):
    steps = [(name, step) for name in ("001", "1", "2", "3") for step in range(3)]
    lines = [f"{name},{step},{step * 0.5},{int(name) % 2}" for name, step in steps]
    (folder / "codes.csv").write_text("\n".join(["code,t,x,odd", *lines]) + "\n")
    columns = ["--id", "code", "--time", "t", "--target", "odd", "--types", "code=text,odd=category"]
    code, out, err = run("fit", "codes.csv", *columns, *QUICK, "--validation", "none", "--output", "m.st")
    assert (code, err) == (0, "")
    assert "4 sequences" in out
    run("predict", "m.st", "codes.csv", "--output", "p.csv")
    assert [row["code"] for row in rows_of("p.csv")] == ["001", "1", "2", "3"]
    assert tidegate.load("m.st").classes_.tolist() == ["0", "1"]


def test_measures_of_classes_are_scikit_learns(run, model):
    from sklearn import metrics

    data = read("speakers_test.csv", id="utterance", time="step", target="speaker")
    arguments = ["evaluate", "my.safetensors", "speakers_test.csv"]
    code, out, err = run(*arguments, "--format", "json", "--output", "measures.json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found == json.loads(Path("measures.json").read_text())
    predicted = model.predict(data.X)
    assert found["accuracy"] == model.score(data.X, data.y)
    assert found["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(data.y, predicted))
    assert found["macro_f1"] == pytest.approx(metrics.f1_score(data.y, predicted, average="macro"))
    assert found["log_loss"] == pytest.approx(metrics.log_loss(data.y, model.predict_proba(data.X)))
    assert found["confusion"] == metrics.confusion_matrix(data.y, predicted).tolist()
    code, out, _ = run(*arguments)
    assert code == 0
    assert f"accuracy          {found['accuracy']:.4g}" in out
    assert "man 3" in out


@pytest.fixture
def numbers(folder):
    """A table with a number to predict for each sequence, and one for each step."""
    rng = np.random.default_rng(0)
    lines = ["id,day,x,total,running"]
    for sequence in range(12):
        x = rng.normal(size=5)
        for step in range(5):
            day = f"2024-01-{step + 1:02}"
            lines.append(f"s{sequence},{day},{x[step]},{x.sum()},{x[: step + 1].sum()}")
    (folder / "numbers.csv").write_text("\n".join(lines) + "\n")
    return folder / "numbers.csv"


def test_measures_are_one_row_of_a_table_as_well(run, model):
    arguments = ["evaluate", "my.safetensors", "speakers_test.csv"]
    found = json.loads(run(*arguments, "--format", "json")[1])
    del found["classes"], found["confusion"]
    code, out, _ = run(*arguments, "--format", "csv", "--output", "measures.parquet")
    assert code == 0
    assert list(csv.DictReader(out.splitlines())) == [{name: str(value) for name, value in found.items()}]
    from pyarrow import parquet

    assert parquet.read_table("measures.parquet").to_pylist() == [found]


def test_numbers_are_predicted_and_measured(run, numbers):
    columns = ["--id", "id", "--time", "day", "--target", "total", "--features", "x"]
    code, out, err = run("fit", numbers, *columns, *QUICK, "--output", "m.st")
    assert (code, err) == (0, "")
    assert "task: regression" in out
    model, data = tidegate.load("m.st"), read(numbers, id="id", time="day", target="total", features="x")
    run("predict", "m.st", numbers, "--output", "p.csv")
    assert [float(row["prediction"]) for row in rows_of("p.csv")] == model.predict(data.X).tolist()
    found = json.loads(run("evaluate", "m.st", numbers, "--format", "json")[1])
    errors = model.predict(data.X) - data.y
    assert found["r2"] == pytest.approx(model.score(data.X, data.y))
    assert found["rmse"] == pytest.approx(np.sqrt(np.mean(errors**2)))
    assert found["mae"] == pytest.approx(np.mean(np.abs(errors)))


def test_answers_a_step_have_a_row_a_step(run, numbers):
    columns = ["--id", "id", "--time", "day", "--target", "running", "--features", "x"]
    assert run("fit", numbers, *columns, *QUICK, "--output", "m.st")[0] == 0
    assert run("predict", "m.st", numbers, "--output", "p.csv")[0] == 0
    model, data = tidegate.load("m.st"), read(numbers, id="id", time="day", target="running", features="x")
    rows = rows_of("p.csv")
    assert [float(row["prediction"]) for row in rows] == np.concatenate(model.predict(data.X)).tolist()
    assert [row["id"] for row in rows[:6]] == ["s0"] * 5 + ["s1"]
    assert rows[1]["day"] == "2024-01-02T00:00:00.000000"
    found = json.loads(run("evaluate", "m.st", numbers, "--format", "json")[1])
    assert (found["rows"], found["sequences"]) == (60, 12)
    assert found["r2"] == pytest.approx(model.score(data.X, data.y))


@pytest.mark.parametrize(("name", "shown"), [("", True), ("_mood", False)])
def test_a_narrow_table_has_the_chance_of_a_sole_prediction_alone(name, shown):
    chances = {f"probability{name}_{label}": np.array([label / 10]) for label in range(1, 9)}
    text = io.StringIO()
    console = Console(width=40, color_system=None, file=text)
    print_table({f"prediction{name}": np.array(["8"]), **chances}, None, console)
    assert ("probability" in text.getvalue()) == ("0.8" in text.getvalue()) == shown


@pytest.mark.parametrize("target", ["running", "sign"])
def test_steps_without_a_target_are_left_out_of_the_measures(run, folder, numbers, target):
    from sklearn import metrics

    lines = numbers.read_text().splitlines()
    cells = [line.split(",") for line in lines[1:]]
    known = [row % 5 < 3 for row in range(len(cells))]
    values = [{"running": running, "sign": str(int(float(x) > 0.0))} for _, _, x, _, running in cells]
    gappy = [f"{line},{own[target] if one else ''}" for line, own, one in zip(lines[1:], values, known)]
    Path("gappy.csv").write_text("\n".join([f"{lines[0]},answer", *gappy]) + "\n")
    columns = ["--id", "id", "--time", "day", "--target", "answer", "--features", "x"]
    assert run("fit", "gappy.csv", *columns, *QUICK, "--output", "m.st")[0] == 0
    code, out, err = run("evaluate", "m.st", "gappy.csv", "--format", "json")
    assert (code, err) == (0, "")
    found, model = json.loads(out), tidegate.load("m.st")
    X = read("gappy.csv", id="id", time="day", features="x").X
    predicted = np.concatenate(model.predict(X))[known]
    true = np.array([float(own[target]) for own, one in zip(values, known) if one])
    assert (found["rows"], found["missing"]) == (36, 24)
    if target == "running":
        assert found["r2"] == pytest.approx(metrics.r2_score(true, predicted))
        assert found["mae"] == pytest.approx(metrics.mean_absolute_error(true, predicted))
    else:
        assert found["accuracy"] == metrics.accuracy_score(true, predicted)
        assert sum(map(sum, found["confusion"])) == 36
    assert "36 steps, 24 more have no target" in run("evaluate", "m.st", "gappy.csv")[1]


def test_several_numbers_have_a_column_each(run, numbers):
    columns = ["--id", "id", "--time", "day", "--target", "total,running", "--features", "x"]
    assert run("fit", numbers, *columns, *QUICK, "--output", "m.st")[0] == 0
    code, out, _ = run("predict", "m.st", numbers, "--format", "csv")
    assert code == 0
    assert out.splitlines()[0] == "id,day,prediction_total,prediction_running"


def test_whole_numbers_are_classes_unless_said_otherwise(run, folder):
    lines = [f"{one},{step * -0.5},{one % 4}" for one in range(16) for step in range(3)]
    (folder / "whole.csv").write_text("\n".join(["id,x,y", *lines]) + "\n")
    columns = ["fit", "whole.csv", "--id", "id", "--target", "y", *QUICK]
    assert "task: classification, 4 classes of 4" in run(*columns, "--output", "a.st")[1]
    assert "task: regression" in run(*columns, "--task", "regression", "--output", "b.st")[1]
    assert isinstance(tidegate.load("b.st"), tidegate.SequenceRegressor)


def test_a_long_table_is_cut_and_says_so(run, model):
    _, out, _ = run("predict", "my.safetensors", "speakers_test.csv")
    assert "the first 40 of 154 rows" in out


def test_arrays_without_names_are_predicted_too(run, folder):
    rng = np.random.default_rng(1)
    np.savez("a.npz", X=rng.normal(size=(20, 4, 2)), y=np.array(["a", "b"] * 10))
    assert run("fit", "a.npz", *QUICK, "--output", "m.st")[0] == 0
    code, out, _ = run("predict", "m.st", "a.npz", "--format", "csv")
    assert code == 0
    assert out.splitlines()[0] == "sequence,prediction,probability_a,probability_b"


def test_info_describes_a_model(run, model):
    code, out, _ = run("info", "my.safetensors")
    assert code == 0
    assert model.summary() in out
    assert "features: c1, c2, c3, c4, c5, c6" in out
    assert "classes: man 1, man 2, man 3" in out


def test_info_describes_a_model_as_json(run, model):
    code, out, _ = run("info", "my.safetensors", "--format", "json")
    assert code == 0
    found = json.loads(out)
    assert Network.from_records(found["network"]) == model.network_
    assert found["classes"] == ["man 1", "man 2", "man 3"]
    assert found["columns"]["id"] == ["utterance"]
    assert (found["epochs"], found["updates"]) == (2, model.num_updates_)


def test_a_model_refitted_in_python_forgets_its_columns(model):
    data = tidegate.load_japanese_vowels()
    assert model.columns_.time == "step"
    model.fit(data.X[:40], data.y[:40])
    assert not hasattr(model, "columns_")


def test_an_interrupted_fit_goes_on(run, folder, monkeypatch):
    """Ctrl-C comes when the second state is written."""
    from tidegate.training import checkpoint

    arguments = ["fit", "speakers.csv", *COLUMNS, "--hidden-size", "4", "--max-epochs", "3"]
    run(*arguments, "--output", "whole.st")
    write, num_written = checkpoint.Checkpoint.write, 0

    def interrupting(self, *state):
        nonlocal num_written
        write(self, *state)
        num_written += 1
        if num_written == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.Checkpoint, "is_due", True)
        patch.setattr(checkpoint.Checkpoint, "write", interrupting)
        code, _, err = run(*arguments, "--output", "parts.st")
    assert code == 130
    assert err == (
        "tidegate: interrupted: parts.st was not written; the same command with --resume goes on\n"
    )
    code, _, err = run(*arguments, "--output", "parts.st")
    assert code == 2
    assert "pass --resume" in err
    assert run(*arguments, "--output", "parts.st", "--resume")[0] == 0
    whole, parts = (tidegate.load(name).parameters_ for name in ("whole.st", "parts.st"))
    assert all((whole[name] == parts[name]).all() for name in whole)
    assert sorted(path.name for path in folder.glob("*.st*")) == ["parts.st", "whole.st"]
