"""Each example runs as a user runs it, and says what it should."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from tidegate import cells
from tidegate.engine import Engine

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_the_article_runs_and_compares():
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "article.py")], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    heading, lstm, gru, _ = done.stdout.splitlines()
    assert heading.split()[:2] == ["cell", "parameters"]
    for line, name, count in ((lstm, "lstm", 601), (gru, "gru", 491)):
        cell, by_model, by_formula, first, last, updates, seconds = line.split()
        assert (cell, int(by_model), int(by_formula), int(updates)) == (name, count, count, 10_000)
        assert float(last) < float(first)
        assert float(seconds) > 0


def test_air_quality_beats_what_needs_no_learning(capsys):
    runpy.run_path(str(EXAMPLES / "air_quality.py"))
    *description, mean, last, ridge, fill, mask, decay = capsys.readouterr().out.splitlines()
    assert any("missing: 7.2% of the values, in 42 steps" in line for line in description)
    errors = [float(line.split()[-2]) for line in (mean, last, ridge, fill, mask, decay)]
    assert errors[:2] == [26.8, 24.3]
    assert max(errors[2:]) < 22.0


def test_a_long_recording_is_learnt_in_windows(capsys):
    """By as many updates as it has windows; the states that they carry tell who has been speaking."""
    runpy.run_path(str(EXAMPLES / "long_sequences.py"))
    *_, whole, recomputed, windows, pieces = capsys.readouterr().out.splitlines()
    updates, accuracies = zip(*(line[20:].split()[:2] for line in (whole, recomputed, windows, pieces)))
    assert updates == ("30", "30", "16,050", "16,050")
    whole, recomputed, windows, pieces = map(float, accuracies)
    assert abs(recomputed - whole) < 0.02
    assert windows > pieces + 0.01 > whole + 0.1


def test_padding_that_is_skipped_is_not_worse_than_padding_that_is_read(capsys):
    found = runpy.run_path(str(EXAMPLES / "padding.py"))["comparison"]
    out = capsys.readouterr().out
    assert "45% of the steps to train on are padding" in out
    scores = {way: found[f"gru-{way}"].test_score.median for way in ("skip", "gate", "input")}
    assert scores["skip"] > 0.8
    assert scores["skip"] > scores["input"]
    assert "gru-gate" in out


def test_clinic_visits_tell_who_is_in_danger(capsys):
    example = runpy.run_path(str(EXAMPLES / "clinic_visits.py"))
    example["main"](1)
    about, *rows = capsys.readouterr().out.splitlines()
    assert about == ("271 patients, 823 visits, 3.9% of the findings missing; 69 died or were transplanted")
    assert len(rows) == 7
    assert min(float(row[33:38]) for row in rows) > 0.75
    X, y = example["patients"]()
    assert X.times.max() <= example["SEEN"]
    assert y.mean() < 0.3


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_the_articles_formula_is_the_records(cell):
    example = runpy.run_path(str(EXAMPLES / "article.py"))
    dense_and_output = 110 + 11
    for inputs, units in ((1, 10), (3, 7)):
        assert example["parameters_by_formula"](cell, inputs, units) - (units * 10 + 10) - 11 == cells.get(
            cell
        ).num_parameters(inputs, units)
    assert cells.get(cell).num_parameters(1, 10) + dense_and_output == example["parameters_by_formula"](cell)


def test_an_epoch_of_the_article_is_one_native_call(monkeypatch):
    calls = []
    epoch = Engine.epoch

    def counted(self, *arguments, **options):
        calls.append(1)
        return epoch(self, *arguments, **options)

    monkeypatch.setattr(Engine, "epoch", counted)
    example = runpy.run_path(str(EXAMPLES / "article.py"))
    x, y = example["data"]()
    assert x.shape == (100, 10, 1)
    assert y.shape == (100, 1)
    model = example["train"]("gru", x, y)
    assert len(calls) == 100
    assert model.num_updates_ == 10_000
    assert model.predict(x).shape == y.shape


def test_gradients_of_gated_cells_reach_back_200_steps_and_those_of_the_rnn_vanish(
    capsys, monkeypatch, tmp_path
):
    monkeypatch.setattr(sys, "argv", ["gradients.py", str(tmp_path / "flow.png")])
    runpy.run_path(str(EXAMPLES / "gradients.py"), run_name="__main__")
    _, *rows = capsys.readouterr().out.splitlines()
    rnn, lstm, gru, chrono = (
        [float(text) for text in row[13:].split() if text not in ("none", "chrono")] for row in rows
    )
    assert max(rnn[0], gru[0]) < 1e-9 < 1e-8 < lstm[0] < chrono[0]
    assert rnn[1] < 1e-6 < 1e-3 < gru[1]
    assert chrono[1] > 1e-4
    assert chrono[2] > 1e-3 > 1e-4 > lstm[2]
    assert chrono[-1] < 0.02 < 0.1 < rnn[-1]
    assert (tmp_path / "flow.png").read_bytes().startswith(b"\x89PNG")
