"""Described models, compared and ablated by the mechanism that compares cells: what it trains and scores,
what it writes, and that an interrupt changes nothing."""

import csv
import json
import math
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from comparison.test_folder import killed, measured
from report.pages import check
from rich.console import Console

import tidegate
from tidegate import Binary, Category, MultiClass, MultiLabel, Numeric, Ordinal, Quantiles, Regression, Text
from tidegate.comparison import Ablation, Interrupted
from tidegate.comparison.described import SCORES, _answers, _digest
from tidegate.comparison.scores import Scores
from tidegate.models.measures import ERRORS
from tidegate.models.parts import in_two
from tidegate.models.reading import read
from tidegate.models.rows import numbers_of_sequences, numbers_of_steps
from tidegate.report import to_html, to_markdown
from tidegate.statistics import corrected_resampled_t
from tidegate.training.checkpoint import Checkpoint

QUICK: dict[str, Any] = {
    "cell": "gru",
    "hidden_size": 6,
    "max_epochs": 4,
    "patience": None,
    "bidirectional": False,
}
RUN: dict[str, Any] = {"progress": False, "num_threads": 1}


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    rng = np.random.default_rng(5)
    kinds = rng.choice(["high", "low"], 60)
    steps = [rng.normal(1.0 if kind == "high" else -1.0, 1.0, (rng.integers(3, 8), 2)) for kind in kinds]
    return {
        "steps": steps,
        "noise": rng.normal(size=60),
        "side": rng.choice(["left", "right"], 60),
        "note": [str(rng.choice(["a", "b"])) for _ in range(60)],
        "kind": kinds,
        "sum": np.array([own.sum() for own in steps]),
        "tags": [("one", "odd") if at % 2 else ("one",) for at in range(60)],
        "signs": [np.where(own[:, 0] > 0, "plus", "minus") for own in steps],
    }


@pytest.fixture(scope="module")
def model() -> tidegate.SequenceModel:
    return tidegate.SequenceModel(
        {"steps": Numeric(), "noise": Numeric(role="static")},
        {"kind": MultiClass(), "sum": Regression()},
        **QUICK,
    )


def of_cells(model: tidegate.SequenceModel) -> dict[str, tidegate.SequenceModel]:
    return {cell: replace(model, cell=cell) for cell in ("lstm", "gru")}


def test_a_replica_scores_what_the_model_of_its_parts_does(model: Any, data: Any, tmp_path: Path) -> None:
    """By hand: the split of the seed, the model fitted on one part and scored on both."""
    found = tidegate.compare_models(of_cells(model), data, seeds=[3], output=tmp_path, **RUN)
    names = [*model.inputs, *model.targets]
    rows = read(model.inputs, model.targets, data, "data", names)
    training, testing = in_two(rows, model.targets, 0.25, 3)
    training, held_out = in_two(training, model.targets, 0.1, 3)
    expected = replace(model, cell="lstm", random_state=3, validation=held_out).fit(training)
    (replica,) = found["lstm"].replicas
    for part, name in ((training, "train_score"), (held_out, "validation_score"), (testing, "test_score")):
        scores = expected.evaluate(part)
        assert getattr(replica.targets["kind"], name) == scores["kind"]["accuracy"]
        assert getattr(replica.targets["sum"], name) == scores["sum"]["r2"]
    kept = tidegate.load(tmp_path / "models" / "lstm-3.safetensors")
    assert kept.evaluate(testing) == expected.evaluate(testing)
    assert kept.num_threads is None
    assert replica.targets["kind"].answers.right.mean() == replica.targets["kind"].test_score
    with pytest.raises(
        ValueError, match=r"test_score expects one target; got 'kind', 'sum': take .*targets\['kind'\]"
    ):
        _ = replica.test_score


def test_pairs_are_judged_by_target_as_cells_are(model: Any, data: Any) -> None:
    models = of_cells(model) | {"small": replace(model, hidden_size=2)}
    found = tidegate.compare_models(models, data, seeds=4, **RUN)
    assert len(found.verdicts) == 6
    for target in ("kind", "sum"):
        scores = {own.cell: np.array(own.targets[target].test_score.values) for own in found.cells}
        own = [verdict for verdict in found.verdicts if verdict.target == target]
        assert [(one.first, one.second) for one in own] == [
            ("lstm", "gru"),
            ("lstm", "small"),
            ("gru", "small"),
        ]
        for verdict in own:
            differences = scores[verdict.first] - scores[verdict.second]
            assert verdict.difference == corrected_resampled_t(differences, 45, 15)
        ranked = sorted(own, key=lambda one: one.difference.p_value)
        assert ranked[0].p_adjusted == min(1.0, 3 * ranked[0].difference.p_value)
    assert found.verdicts[0].text.startswith("kind accuracy of lstm minus gru")


def test_as_many_parameters_where_that_is_asked_for(model: Any, data: Any) -> None:
    models = of_cells(replace(model, hidden_size=20))
    found = tidegate.compare_models(models, data, seeds=1, match="parameters", **RUN)
    lstm, gru = found.cells
    assert gru.hidden_size > lstm.hidden_size == 20
    assert abs(gru.num_parameters / lstm.num_parameters - 1) < 0.05
    assert found.settings["match"] == "parameters"


def test_data_given_to_validate_with_are_those(model: Any, data: Any, tmp_path: Path) -> None:
    held_out = {name: values[:20] for name, values in data.items()}
    models = {"gru": replace(model, validation=held_out)}
    found = tidegate.compare_models(models, data, seeds=1, output=tmp_path, **RUN)
    kept = tidegate.load(tmp_path / "models" / "gru-0.safetensors")
    measured = found["gru"].targets["kind"].validation_score.values
    assert measured == (kept.evaluate(held_out)["kind"]["accuracy"],)
    assert found.settings["validation"] == "given"
    other = {"gru": replace(model, validation=held_out | {"noise": held_out["noise"][::-1]})}
    with pytest.raises(ValueError, match="whose validation differ"):
        tidegate.compare_models(other, data, seeds=1, output=tmp_path, resume=True, **RUN)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("ablated", [False, True])
def test_killed_again_and_again_it_ends_with_the_same_bits(
    model: Any, data: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ablated: bool
) -> None:
    def work(folder: Path, **options: Any) -> Any:
        if ablated:
            return tidegate.ablate(model, data, seeds=2, output=folder, **RUN, **options)
        return tidegate.compare_models(of_cells(model), data, seeds=2, output=folder, **RUN, **options)

    whole = work(tmp_path / "whole")
    monkeypatch.setattr(Checkpoint.__init__, "__defaults__", (0.0,))  # every update is written
    folder, random, kills = tmp_path / "killed", np.random.default_rng(0), 0
    while killed(int(random.integers(2, 12)), lambda: work(folder, resume=True)):
        kills += 1
    assert kills > 2
    assert measured(folder) == measured(tmp_path / "whole")
    again = work(folder, resume=True)
    assert [own.replicas for own in again.cells] != []
    assert again.verdicts == whole.verdicts
    if ablated:
        assert [loss.importance for loss in again.losses] == [loss.importance for loss in whole.losses]
    for file in (tmp_path / "whole" / "models").iterdir():
        one, other = tidegate.load(file), tidegate.load(folder / "models" / file.name)
        for name, value in one.parameters_.items():
            np.testing.assert_array_equal(value, other.parameters_[name])


def test_ctrl_c_keeps_what_was_finished(model: Any, data: Any, tmp_path: Path, monkeypatch: Any) -> None:
    fit = tidegate.SequenceModel._fit

    def presses(self: Any, *args: Any, stop: Any, **options: Any) -> Any:
        if self.random_state == 1:
            os.kill(os.getpid(), signal.SIGINT)
            while not stop.is_set:  # until the main thread has seen it
                pass
        return fit(self, *args, stop=stop, **options)

    monkeypatch.setattr(tidegate.SequenceModel, "_fit", presses)
    with pytest.raises(Interrupted, match=r"3 of 6 replicas finished, kept in .*result.json") as caught:
        tidegate.ablate(model, data, seeds=2, output=tmp_path, **RUN)
    assert isinstance(caught.value.comparison, Ablation)
    assert json.loads((tmp_path / "result.json").read_text())["interrupted"] is True
    assert "was interrupted" in check((tmp_path / "report.html").read_text()).reading


def test_the_folder_of_another_comparison_is_refused(model: Any, data: Any, tmp_path: Path) -> None:
    models = of_cells(model)
    tidegate.compare_models(models, data, seeds=1, output=tmp_path, **RUN)
    others = {
        "seeds": (models, data, {"seeds": 2}),
        "settings": (
            {name: replace(own, learning_rate=0.1) for name, own in models.items()},
            data,
            {"seeds": 1},
        ),
        "hidden_sizes": (models, data, {"seeds": 1, "match": "parameters"}),
        "data": (models, data | {"noise": data["noise"][::-1]}, {"seeds": 1}),
        "test": (models, data, {"seeds": 1, "test": 0.5}),
        "validation": (of_cells(replace(model, validation=data)), data, {"seeds": 1}),
    }
    for differs, (given, own, options) in others.items():
        with pytest.raises(ValueError, match=rf"whose .*{differs}.* differ: pass what it began with"):
            tidegate.compare_models(given, own, output=tmp_path, resume=True, **RUN, **options)


def test_what_some_split_cannot_train_on_is_said_before_anything_is_written(
    data: Any, tmp_path: Path
) -> None:
    tags = [(*own, "rare") if at == 0 else own for at, own in enumerate(data["tags"])]
    model = tidegate.SequenceModel({"steps": Numeric()}, {"tags": MultiLabel()}, **QUICK)
    with pytest.raises(ValueError, match=r"a positive example of each label .* got none of .rare.: leave"):
        tidegate.compare_models({"a": model}, data | {"tags": tags}, seeds=20, output=tmp_path / "out", **RUN)
    assert not (tmp_path / "out").exists()


def test_every_kind_of_target_has_its_score_and_a_page(data: Any) -> None:
    """The names of the scores, which are known before any is measured, are those of the first measures."""
    targets = {
        "kind": MultiClass(),
        "sum": Regression(),
        "tags": MultiLabel(),
        "signs": Binary(per="step"),
    }
    others = {"kind": Ordinal(), "sum": Quantiles()}
    inputs = {"steps": Numeric(), "side": Category(role="static"), "note": Text(encoder="mean")}
    for own in (targets, others):
        model = tidegate.SequenceModel(inputs, own, **QUICK)
        found = tidegate.ablate(model, data, seeds=3, **RUN)
        fitted = model.with_inputs(inputs).fit(data).evaluate(data)
        for target, score in found.score_names.items():
            first = next(iter(fitted[target]))
            negative = "negative " if first in ERRORS else ""
            assert score.lower() == negative + first.replace("_", " ").lower()
            assert score == SCORES[own[target].kind]
        document = json.loads(json.dumps(found.to_dict(), allow_nan=False))
        page = check(to_html(document))
        assert page.headings()[0] == "What each input adds"
        assert set(own) <= set(page.headings())
        assert f"without {'side'}" in page.reading
        assert "## What each input adds: kind" in to_markdown(document)


def test_ablation_trains_without_each_input_and_permutes(data: Any) -> None:
    model = tidegate.SequenceModel(
        {"steps": Numeric(), "noise": Numeric(role="static")},
        {"kind": MultiClass()},
        **{**QUICK, "max_epochs": 25, "learning_rate": 0.01},
    )
    found = tidegate.ablate(model, data, seeds=3, **RUN)
    assert [own.cell for own in found.cells] == ["all", "without steps", "without noise"]
    steps, noise = found.losses
    assert [(own.first, own.second) for own in found.verdicts] == [
        ("all", "without steps"),
        ("all", "without noise"),
    ]
    assert steps.verdict.winner == "all"
    assert noise.verdict.outcome == "not shown"
    assert steps.verdict.difference.estimate > 0.3 > 0.1 > abs(noise.verdict.difference.estimate)
    assert steps.importance.median > 0.3 > 0.1 > abs(noise.importance.median)
    without = replace(model, inputs={"noise": model.inputs["noise"]})
    alone = tidegate.compare_models({"all": model, "noise alone": without}, data, seeds=3, **RUN)
    assert alone["noise alone"].test_score == found["without steps"].test_score
    quick = tidegate.ablate(model, data, seeds=3, retrain=False, **RUN)
    assert [own.cell for own in quick.cells] == ["all"]
    assert [own.importance for own in quick.losses] == [own.importance for own in found.losses]
    assert quick.verdicts == ()
    reading = check(to_html(quick.to_dict())).reading
    assert "By permutation accuracy of kind loses most by steps" in reading
    shown = check(to_html(found.to_dict())).reading
    assert "without steps" in shown
    assert "no loss shown" in shown
    rows = found.loss_rows()
    assert rows["input"].tolist() == ["steps", "noise"]
    assert rows["loss"][0] == steps.verdict.difference.estimate


def test_an_input_that_cannot_be_left_out_is_kept(data: Any) -> None:
    inputs = {"steps": Numeric(), "side": Category(role="static", enters="step")}
    model = tidegate.SequenceModel(inputs, {"kind": MultiClass()}, **QUICK)
    found = tidegate.ablate(model, data, seeds=1, **RUN)
    assert found.kept == ("steps",)
    assert [own.cell for own in found.cells] == ["all", "without side"]
    assert "The model cannot be without steps." in check(to_html(found.to_dict())).reading
    alone = tidegate.SequenceModel({"steps": Numeric()}, {"kind": MultiClass()}, **QUICK)
    with pytest.raises(
        ValueError, match="inputs expects at least two, of which one can be left out; got steps"
    ):
        tidegate.ablate(alone, data, **RUN)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"models": {}}, "models expects SequenceModels by name, at least one"),
        ({"models": {"a": 3}}, r"models\['a'\] expects a SequenceModel; got int"),
        ({"test": 1.5}, "test expects a finite number from 0.05 to 0.9; got 1.5"),
        ({"seeds": 0}, "seeds expects a whole number from 1"),
        ({"match": "size"}, "match expects one of hidden, parameters; got 'size'"),
        ({"margin": -1}, "margin expects a finite number from 0"),
        ({"resume": True}, "resume expects the folder to go on with; got none: pass output"),
        ({"data": {}}, r"data expects a value for"),
    ],
)
def test_what_does_not_fit_is_named(model: Any, data: Any, change: Any, message: str) -> None:
    given = {"models": of_cells(model), "data": data, "seeds": 1} | change
    with pytest.raises(ValueError, match=message):
        tidegate.compare_models(**given, **RUN)


def test_models_of_one_comparison_fit_together(model: Any, data: Any) -> None:
    other = replace(model, targets={"kind": MultiClass()})
    with pytest.raises(ValueError, match=r"models\['b'\].targets expects those of models\['a'\]"):
        tidegate.compare_models({"a": model, "b": other}, data, **RUN)
    with pytest.raises(ValueError, match="names that files can have; got 'a/b': rename it"):
        tidegate.compare_models({"a/b": model}, data, **RUN)
    other = replace(model, inputs={"steps": Numeric(), "noise": Category(role="static")})
    with pytest.raises(
        ValueError, match=r"models\['b'\].inputs\['noise'\] expects the kind, role and stream"
    ):
        tidegate.compare_models({"a": model, "b": other}, data, **RUN)


FILE = """
[data]
file = "table.csv"
id = ["name"]

[inputs.x]
kind = "numeric"

[inputs.side]
kind = "category"
role = "static"

[targets.kind]
kind = "multi_class"

[targets.size]
kind = "regression"

[model]
cell = "gru"
hidden_size = 4
max_epochs = 2
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    with open("table.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "x", "side", "kind", "size"])
        for name in range(40):
            kind, side, size = rng.choice(["a", "b"]), rng.choice(["l", "r"]), f"{rng.normal():.3f}"
            writer.writerows([name, f"{rng.normal():.3f}", side, kind, size] for _ in range(3))
    Path("model.toml").write_text(FILE)
    return tmp_path


def test_compare_of_a_model_file_writes_a_folder_and_goes_on(run: Any, folder: Path) -> None:
    given = ("compare", "model.toml", "--cells", "lstm,gru", "--seeds", 3, "--threads", 1, "--output", "out")
    code, out, err = run(*given)
    assert (code, err) == (0, "")
    assert "input side: category, static, of side" in out
    assert "kind accuracy of lstm minus gru" in out
    assert "Report: out/report.html" in out
    first = measured(folder / "out")
    assert set(json.loads((folder / "out/result.json").read_text())["targets"]) == {"kind", "size"}
    assert {path.name for path in (folder / "out/models").iterdir()} == {
        f"{cell}-{seed}.safetensors" for cell in ("lstm", "gru") for seed in range(3)
    }
    assert run("predict", "out/models/lstm-0.safetensors", "table.csv")[0] == 0
    page = check((folder / "out/report.html").read_text())
    assert {"Models", "Learning curves", "kind", "size", "Cost", "The article’s claims"} <= set(
        page.headings()
    )
    (folder / "out/replicas/gru-1.replica").unlink()
    code, _, err = run(*given)
    assert code == 2
    assert "with 5 of 6 replicas: pass --resume to go on with it" in err
    assert run(*given, "--resume")[0] == 0
    assert measured(folder / "out") == first
    code, out, _ = run(*given, "--resume", "--format", "csv")
    assert code == 0
    assert {"kind_test_score", "size_test_score"} <= set(next(csv.DictReader(out.splitlines())))


def test_the_command_line_shows_names_as_they_are(run: Any, folder: Path) -> None:
    named = FILE.replace("[targets.size]", '[targets."size [kg]"]\ncolumns = ["size"]')
    (folder / "named [1].toml").write_text(named)
    code, out, err = run("compare", "named [1].toml", "--cells", "lstm,gru", "--seeds", 2, "--threads", 1)
    assert (code, err) == (0, "")
    assert "size [kg] R2 of lstm minus gru" in out


def test_ablate_of_a_model_file_writes_a_folder_with_a_picture(run: Any, folder: Path) -> None:
    given = ("ablate", "model.toml", "--seeds", 3, "--threads", 1, "--output", "out", "--max-epochs", 1)
    code, out, err = run(*given)
    assert (code, err) == (0, "")
    assert "permuted" in out
    page = check((folder / "out/report.html").read_text())
    (drawn,) = [own for own in page.drawings() if own.get("id") == "losses-0"]
    assert {"x", "side"} <= {text.text for text in drawn.findall("text")}
    code, out, _ = run(*given, "--resume", "--format", "csv")
    rows = list(csv.DictReader(out.splitlines()))
    assert [(row["target"], row["input"]) for row in rows] == [
        (target, name) for target in ("kind", "size") for name in ("x", "side")
    ]
    result = json.loads((folder / "out/result.json").read_text())
    losses = result["ablation"]["losses"]
    estimates = {(own["target"], own["second"]): own["estimate"] for own in result["verdicts"]}
    assert [own["estimate"] for own in losses] == [
        estimates[own["target"], f"without {own['input']}"] for own in losses
    ]
    assert [float(row["loss"]) for row in rows] == [own["estimate"] for own in losses]
    assert run(*given, "--resume", "--format", "parquet")[0] == 0
    assert (folder / "out/losses.parquet").exists()
    code, out, err = run("ablate", "model.toml", "--permutation", "--seeds", 2)
    assert (code, err) == (0, "")
    assert "loses" not in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["compare", "model.toml", "--tune", 2],
            "--tune is not of a model file; got it with model.toml",
        ),
        (["compare", "model.toml", "--test", "table.csv"], "--test is not of a model file"),
        (["compare", "model.toml", "--id", "name"], "--id is of tables; model.toml says it: leave it out"),
        (["compare", "model.toml", "--missing", "mask"], "--missing is not of a model of many inputs"),
        (["compare", "model.toml", "--cells", "gruu"], "did you mean 'gru'?"),
        (["compare", "model.toml", "--resume"], "--resume expects the folder to go on with"),
        (
            ["compare", "model.toml", "--output", "model.toml"],
            "--output expects a folder; got the file model.toml",
        ),
        (["ablate", "model.toml", "--seeds", 0], "--seeds expects a whole number from 1"),
        (["ablate", "model.toml", "--test", 2], "--test expects a finite number from 0.05 to 0.9; got 2.0"),
        (["ablate", "model.toml", "--cell", "gruu"], "did you mean 'gru'?"),
        (["ablate", "table.csv"], "table.csv expects TOML"),
        (["ablate", "none.toml"], "none.toml"),
        (["ablate", "wrong.toml"], "inputs.x.kind expects one of"),
        (["compare", "wrong.toml", "--output", "out"], "inputs.x.kind expects one of"),
        (["ablate", "model.toml", "--format", "xml"], "--format expects one of table, markdown, json, csv"),
    ],
)
def test_what_is_wrong_is_one_line_with_a_remedy(
    run: Any, folder: Path, arguments: Any, message: str
) -> None:
    (folder / "wrong.toml").write_text(FILE.replace('kind = "numeric"', 'kind = "numerc"'))
    code, _, err = run(*arguments)
    assert (code, err.count("\n")) == (2, 1)
    assert message in err
    assert not (folder / "out").exists()


def test_a_score_that_is_not_a_number_is_left_out_of_what_is_summed_up(data: Any, tmp_path: Path) -> None:
    """R^2 of one test sequence."""
    few = {name: data[name][:4] for name in ("steps", "noise", "sum")}
    inputs = {"steps": Numeric(), "noise": Numeric(role="static")}
    model = tidegate.SequenceModel(inputs, {"sum": Regression()}, **QUICK, validation=None)
    tidegate.ablate(model, few, seeds=2, output=tmp_path, **RUN)
    document = json.loads((tmp_path / "result.json").read_text())
    assert document["ablation"]["losses"][0]["importance"]["values"] == [None, None]
    assert document["cells"]["all"]["targets"]["sum"]["test_score"]["median"] is None
    for values in ([math.nan, -1.0, -1.8], [-1.0, math.nan, -1.8], [-1.8, -1.0, math.nan]):
        found = Scores.of(values)
        assert (found.median, found.min, found.max) == (-1.4, -1.8, -1.0)


def test_a_regression_without_an_answer_in_a_test_part_has_none(model: Any, data: Any) -> None:
    rows = read(model.inputs, model.targets, data, "data", [*model.inputs, *model.targets])
    _, coding = model._learnt(rows, rows)
    missing = numbers_of_sequences("sum", [None] * 3)
    assert _answers(coding["sum"], missing, np.zeros((3, 1), np.float32)) is None


def test_inputs_that_share_their_rows_read_padding_alike(data: Any) -> None:
    models = {
        way: tidegate.SequenceModel({"steps": Numeric(padding=way)}, {"kind": MultiClass()}, **QUICK)
        for way in ("skip", "gate", "input")
    }
    with pytest.raises(
        ValueError,
        match=r"models\['gate'\].inputs\['steps'\] expects padding='skip' in all models or in none.*stream",
    ):
        tidegate.compare_models({name: models[name] for name in ("skip", "gate")}, data, seeds=1, **RUN)
    steps = np.zeros((60, 7, 2))
    lengths = [len(own) for own in data["steps"]]
    for at, own in enumerate(data["steps"]):
        steps[at, : len(own)] = own
    mask = np.arange(7) < np.array(lengths)[:, np.newaxis]
    kept = tidegate.Sequences.from_padded(steps, mask=mask, padding="keep")
    own = tidegate.SequenceModel(
        {"again": Numeric(padding="gate", stream="padded")}, {"kind": MultiClass()}, **QUICK
    )
    given = data | {"steps": kept, "again": kept}
    found = tidegate.compare_models({"skip": models["skip"], "gate": own}, given, seeds=2, **RUN)
    unpadded = tidegate.compare_models({"skip": models["skip"]}, data, seeds=2, **RUN)
    assert found["skip"].test_score == unpadded["skip"].test_score


def test_what_fit_refuses_is_refused_before_the_folder_is_written(
    model: Any, data: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    windowed = replace(model, bptt_steps=2)
    with pytest.raises(ValueError, match="expects inputs of steps of one stream"):
        tidegate.compare_models({"whole": model, "windowed": windowed}, data, seeds=1, output=folder, **RUN)
    assert not folder.exists()


def test_windows_count_in_the_memory_that_is_asked_for(data: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for the windows alone the model is compared, as fit trains it."""
    rng = np.random.default_rng(0)
    given = {"steps": [rng.normal(size=(400, 2)) for _ in range(12)], "kind": data["kind"][:12]}
    model = tidegate.SequenceModel(
        {"steps": Numeric()}, {"kind": MultiClass()}, **{**QUICK, "max_epochs": 1}, validation=None
    )
    windowed = replace(model, bptt_steps=4)
    found = tidegate.compare_models({"whole": model, "windowed": windowed}, given, seeds=1, **RUN)
    whole, own = (found[name].memory_bytes for name in ("whole", "windowed"))
    assert own < whole / 2
    monkeypatch.setattr("tidegate.engine.memory.available_bytes", lambda: (own + whole) // 2)
    tidegate.compare_models({"windowed": windowed}, given, seeds=1, **RUN)
    with pytest.raises(MemoryError, match="training needs up to"):
        tidegate.compare_models({"whole": model}, given, seeds=1, **RUN)
    options = {**RUN, "num_threads": 8}
    with pytest.raises(MemoryError, match="8 trainings at a time"):
        tidegate.compare_models({"windowed": windowed}, given, seeds=8, **options)


def test_every_model_is_checked_against_every_split(data: Any, tmp_path: Path) -> None:
    """The second holds out a share that leaves one of the labels without an example."""
    tags = [(*own, "rare") if at < 4 else own for at, own in enumerate(data["tags"])]
    first = tidegate.SequenceModel({"steps": Numeric()}, {"tags": MultiLabel()}, **QUICK, validation=None)
    models = {"first": first, "second": replace(first, validation=0.8)}
    given, folder = data | {"tags": tags}, tmp_path / "out"
    tidegate.compare_models({"first": first}, given, seeds=range(3), **RUN)
    with pytest.raises(ValueError, match="a positive example of each label"):
        tidegate.compare_models(models, given, seeds=range(3), output=folder, **RUN)
    assert not folder.exists()


def test_what_is_read_is_known_again_by_its_padding_and_in_any_order_of_sets() -> None:
    steps = numbers_of_steps("steps", [np.ones((3, 1))])
    marked = replace(steps, padding=np.array([False, False, True]))
    assert _digest(steps) != _digest(marked)
    labels = {"one", "two", "three", "four", "five"}
    assert MultiLabel().read("tags", [labels]).values[0] == tuple(sorted(labels))
    assert MultiLabel().read("tags", [("b", "a")]).values[0] == ("b", "a")


def test_the_claims_are_of_cells_and_not_of_names(model: Any, data: Any) -> None:
    swapped = {"lstm": replace(model, cell="gru"), "gru": replace(model, cell="lstm")}
    assert tidegate.compare_models(swapped, data, seeds=1, **RUN).claims == []
    sized = of_cells(model) | {"gru": replace(model, cell="gru", hidden_size=4)}
    first = tidegate.compare_models(sized, data, seeds=1, **RUN).claims[0]
    assert first["answer"] == "not asked"
    assert first["evidence"].startswith("Each of its own hidden size: ")


def test_names_are_shown_as_they_are(data: Any) -> None:
    inputs = {"speed [km]": Numeric(), "[b]side": Numeric(role="static")}
    model = tidegate.SequenceModel(inputs, {"kind [red]": MultiClass()}, **QUICK)
    given = {"speed [km]": data["steps"], "[b]side": data["noise"], "kind [red]": data["kind"]}
    found = tidegate.ablate(model, given, seeds=2, **RUN)
    page = Console(width=100, color_system=None)
    with page.capture() as captured:
        page.print(found.table())
    shown = captured.get()
    assert all(name in shown for name in ("speed [km]", "[b]side"))
    assert shown.count("kind [red]") == 2  # its row and the note below
    compared = str(tidegate.compare_models({"a [km]": model, "b [i]": model}, given, seeds=2, **RUN))
    assert compared.count("a [km]") >= 2  # the table and the verdict
    assert compared.count("kind [red]") >= 4
