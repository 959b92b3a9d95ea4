"""The examples of many inputs and answers, on some of their data for few epochs; the measures of all."""

import gzip
import importlib
import json
import re
import runpy
import shutil
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

import tidegate
from benchmarks import real_data
from examples import datasets

ROOT = Path(__file__).parents[1]
RESULTS = json.loads((ROOT / "benchmarks" / "results" / "real_data.json").read_text())
PAGE = (ROOT / "docs" / "models.md").read_text()


def some(data, every):
    """Every so many rows of each part; of the watch every so many recordings."""
    parts = getattr(data, "part", None)
    if parts is None:
        chosen = np.arange(len(data.subject)) % every == 0
    else:
        chosen = np.zeros(len(parts), dtype=bool)
        for part in np.unique(parts):
            chosen[np.flatnonzero(parts == part)[::every]] = True
    places = np.flatnonzero(chosen)
    values = {field.name: getattr(data, field.name) for field in fields(data)}
    return replace(data, **{n: v[places] for n, v in values.items() if not isinstance(v, tuple)})


@pytest.mark.parametrize(
    ("task", "every", "epochs", "measure", "chance"),
    [
        ("packages", 4, 4, "section accuracy", 500 / 7170),
        ("languages", 4, 4, "accuracy", 1 / 14),
        ("watch", 1, 6, "exercise", 1 / 7),
    ],
)
def test_a_network_of_an_example_learns(task, every, epochs, measure, chance):
    data = some(real_data.TASKS[task](), every)
    if task == "packages":  # fewer packages, so the labels that enough of them have
        frequent = data.tags[data.part == "train"].sum(axis=0) >= 20
        names = tuple(name for name, own in zip(data.tag_names, frequent) if own)
        data = replace(data, tags=data.tags[:, frequent], tag_names=names)
    scores = importlib.import_module(task).network(data, max_epochs=epochs)
    assert scores.keys() == RESULTS[task]["network"].keys()
    assert scores[measure] > 3 * chance


def test_the_network_of_the_chorales_knows_more_than_frequencies():
    data = some(datasets.load_chorales(), 2)
    scores = importlib.import_module("chorales").network(data, max_epochs=15)
    frequencies = real_data.baselines.chorales(data)["how often each key sounds"]
    assert scores["nats a step"] < frequencies["nats a step"] - 1
    assert scores["micro F1"] > frequencies["micro F1"] + 0.1


def test_the_watchs_test_subjects_are_not_trained_on(monkeypatch):
    watch = importlib.import_module("watch")
    data, seen = datasets.load_watch(), []

    class Model:
        def __init__(self, *arguments, **options):
            assert options["validation"] is None

        def fit(self, rows):
            seen.append(rows)
            return self

        def predict(self, rows):
            trained = {tuple(recording[0]) for recording in seen[-1]["accelerometer"]}
            assert not trained & {tuple(recording[0]) for recording in rows["accelerometer"]}
            return {name: rows[name] for name in watch.TARGETS}

    monkeypatch.setattr(watch, "SequenceModel", Model)
    assert watch.network(data) == {"exercise": 1.0, "side": 1.0}
    assert [len(rows["side"]) for rows in seen] == [112] * 5


def test_an_example_prints_baselines_and_network(capsys, monkeypatch):
    baselines = real_data.baselines
    monkeypatch.setattr(baselines, "watch", lambda data: {"one": {"exercise": 0.5, "side": 0.25}})
    full = tidegate.SequenceModel.fit

    def short(self, *arguments, **options):
        self.max_epochs = 1
        return full(self, *arguments, **options)

    monkeypatch.setattr(tidegate.SequenceModel, "fit", short)
    runpy.run_path(str(ROOT / "examples" / "watch.py"), run_name="__main__")
    one, network = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"one +exercise 0[.]500  side 0[.]250", one)
    assert re.fullmatch(r"recurrent network +exercise \d[.]\d{3}  side \d[.]\d{3}", network)


def test_the_model_file_of_the_packages_reads_what_the_example_reads(tmp_path, run):
    """A row of the table in ten, an epoch."""
    (tmp_path / "data").mkdir()
    with gzip.open(datasets.DATA / "debian_packages.csv.gz", "rt", encoding="utf-8") as file:
        heading, *lines = file
    with gzip.open(tmp_path / "data" / "debian_packages.csv.gz", "wt", encoding="utf-8") as file:
        file.writelines([heading, *lines[::10]])
    shutil.copy(ROOT / "examples" / "packages.toml", tmp_path)
    model_file, trained = tmp_path / "packages.toml", tmp_path / "packages.safetensors"
    run("fit", model_file, "--output", trained, "--max-epochs", 1)
    model = tidegate.load(trained)
    assert set(model.targets) == set(importlib.import_module("packages").TARGETS)
    assert set(model.classes("section")) <= set(datasets.load_packages().section)
    assert set(model.classes("tags")) <= set(datasets.load_packages().tag_names)
    assert model.encoders_["numbers"].record.columns == datasets.load_packages().number_names


def test_thresholds_are_those_of_the_best_f1():
    rng = np.random.default_rng(0)
    truth = rng.random((60, 5)) < 0.3
    truth[:, 4] = False
    margins = np.round(rng.normal(size=truth.shape) + truth, 1)
    thresholds = real_data.baselines.best_thresholds(truth, margins)
    for label in range(4):
        found = f1_score(truth[:, label], margins[:, label] >= thresholds[label])
        best = max(f1_score(truth[:, label], margins[:, label] >= at) for at in np.unique(margins[:, label]))
        assert found == best


def test_surprise_is_the_negative_log_likelihood():
    truth = np.array([[True, False], [True, True]])
    probabilities = np.array([[0.5, 0.25], [1.0, 0.5]])
    expected = -(np.log(0.5) + np.log(0.75) + np.log(1.0) + np.log(0.5)) / 2
    np.testing.assert_allclose(real_data.baselines.surprise(truth, probabilities), expected)


def test_keys_that_are_not_learnt_keep_their_frequency():
    steps = real_data.baselines.NextSteps(datasets.load_chorales())
    learnt = np.full((3, steps.learnt.sum()), 0.7)
    whole = steps.of_all_keys(learnt)
    assert whole.shape == (3, 88)
    assert (whole[:, steps.learnt] == 0.7).all()
    assert (whole[:, ~steps.learnt] == 0.5 / (len(steps.truth["train"]) + 1)).all()
    for part in ("train", "validation", "test"):
        for before, after in zip(steps.before[part], steps.after[part]):
            np.testing.assert_array_equal(before[1:], after[:-1])


@pytest.mark.parametrize("task", real_data.TASKS)
def test_the_page_has_the_tables_of_the_results(task):
    assert real_data.table(task, RESULTS[task]) in PAGE


def test_the_benchmark_writes_what_it_prints(monkeypatch, tmp_path, capsys):
    data = some(datasets.load_texts(), 12)
    monkeypatch.setitem(real_data.TASKS, "languages", lambda: data)
    out = tmp_path / "results.json"
    monkeypatch.setattr(sys, "argv", ["real_data", "--tasks", "languages", "--seeds", "2", "--out", str(out)])
    real_data.main()
    result = json.loads(out.read_text())["languages"]
    assert len(result["network"]["accuracy"]) == 2
    assert real_data.table("languages", result) in capsys.readouterr().out
