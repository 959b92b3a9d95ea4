"""The search before a comparison: what it may see, what it chooses, and that it goes on where it was."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

import tidegate
from tidegate.comparison import Interrupted, arguments, trials, tuning
from tidegate.data import Sequences
from tidegate.engine import Diverged

SETTINGS = {"max_epochs": 3, "hidden_size": 8, "bidirectional": False, "batch_size": 16, "dropout": 0.2}


@pytest.fixture(scope="module")
def task():
    """The answer stands in the last step; X holds the number of its sequence as well."""
    rng = np.random.default_rng(7)
    X = [rng.normal(size=(rng.integers(2, 7), 2)) for _ in range(80)]
    for number, own in enumerate(X):
        own[:, 1] = number / 80
    return Sequences.from_any(X), np.array(["high" if own[-1, 0] > 0 else "low" for own in X])


def compare(task, **options):
    own = {"cells": ("rnn", "gru"), "seeds": 1, "tune": 3, "progress": False, "num_threads": 2}
    return tidegate.compare(*task, **own | SETTINGS | options)


def chosen(comparison):
    return {own.cell: own.tuned for own in comparison.cells}


def spied(monkeypatch):
    """What each training was given: the numbers of its sequences, those it validates with, its settings."""
    seen = []

    class Spied(tidegate.SequenceClassifier):
        def _fit(self, X, y, *args, **options):
            parts = [X] if isinstance(self.validation, float) else [X, self.validation[0]]
            numbers = [{round(own[0, 1] * 80) for own in part} for part in parts]
            seen.append((numbers, self.get_params()))
            return super()._fit(X, y, *args, **options)

    monkeypatch.setitem(arguments.TASKS, "classification", Spied)
    return seen


def test_the_targets_of_the_test_part_change_no_choice(task):
    X, y = task
    turned = np.where(y[60:] == "high", "low", "high")
    own, other = (compare((X[:60], y[:60]), test=(X[60:], labels)) for labels in (y[60:], turned))
    assert chosen(own) == chosen(other)
    assert own["gru"].test_score != other["gru"].test_score


def test_no_training_of_the_search_sees_a_sequence_of_the_test_part(task, monkeypatch):
    seen = spied(monkeypatch)
    comparison = compare(task, seeds=2)
    assert len(seen) == 2 * 3 + 2 * 2
    assert comparison.data["test"]["origin"] == "25% of the sequences, split off once, before the search"
    searched = [numbers for numbers, _ in seen[:6]]
    # The replicas: every sequence that is not one of the test part, the same for both seeds.
    training = {frozenset(set.union(*numbers)) for numbers, _ in seen[6:]}
    assert [len(own) for own in training] == [60]
    for own, held_out in searched:
        assert (len(own), len(held_out)) == (45, 15)
        assert own | held_out == set(*training)
    assert "paired bootstrap" in compare(task, seeds=3, tune=1).verdicts[0].difference.method


def test_every_cell_has_the_same_number_of_trials_and_the_best_is_chosen(task, tmp_path, monkeypatch):
    seen = spied(monkeypatch)
    comparison = compare(task, tune=4, output=tmp_path)
    for cell, own in chosen(comparison).items():
        trained = [settings for _, settings in seen[:8] if settings["cell"] == cell]
        assert len(trained) == 4
        assert {name: trained[0][name] for name in SETTINGS} == SETTINGS  # the first is what was given
        assert len({settings["learning_rate"] for settings in trained}) == 4
        assert {name: trained[own.trial - 1][name] for name in own.settings} == own.settings
        replica = next(settings for _, settings in seen[8:] if settings["cell"] == cell)
        assert {name: replica[name] for name in own.settings} == own.settings
        assert comparison[cell].hidden_size == own.settings["hidden_size"]
    import optuna

    for cell in ("rnn", "gru"):
        study = optuna.load_study(study_name=cell, storage=f"sqlite:///{tmp_path}/search/trials.db")
        values = study.trials_dataframe()["value"].to_numpy()
        assert (len(values), values.min()) == (4, comparison[cell].tuned.validation_loss)
        assert values.argmin() + 1 == comparison[cell].tuned.trial


def test_the_choice_depends_on_the_seed_alone(task):
    first, again = compare(task, num_threads=1), compare(task, num_threads=2)
    assert chosen(first) == chosen(again)
    assert chosen(compare(task, seeds=[5], tune=4)) != chosen(compare(task, seeds=[6], tune=4))


@pytest.mark.parametrize(
    ("match", "common", "sizes"),
    [(None, "none", {"rnn": 3, "gru": 3}), ("hidden", "hidden", {}), ("parameters", "parameters", {})],
)
def test_what_the_cells_have_in_common_is_not_searched(task, match, common, sizes, monkeypatch):
    monkeypatch.setattr(tuning.Studies, "done", lambda *_: FOUND[match])
    comparison = compare(task, match=match)
    assert comparison.settings["match"] == common
    found = {own.cell: own.hidden_size for own in comparison.cells}
    assert found == (
        sizes or {own.cell: own.hidden_size for own in compare(task, match=match, tune=None).cells}
    )
    assert {own.tuned.settings["learning_rate"] for own in comparison.cells} == {0.01}


OTHERS = {"learning_rate": 0.01, "dropout": 0.1}
FOUND = {None: [(OTHERS | {"hidden_size": 3}, 0.5)] * 3} | dict.fromkeys(
    ("hidden", "parameters"), [(OTHERS, 0.5)] * 3
)


class Pressed(KeyboardInterrupt):
    """Ctrl-C in the midst of a trial."""


@pytest.mark.parametrize("num_done", [0, 1, 4])
def test_a_search_goes_on_and_makes_no_finished_trial_again(task, tmp_path, monkeypatch, num_done):
    expected = compare(task, tune=5)
    made = []
    own_loss = tuning.Search._loss

    def counted(search, settings, number, stop, watch):
        if len(made) == num_done:
            raise Pressed
        made.append((search.cell, number))
        return own_loss(search, settings, number, stop, watch)

    with monkeypatch.context() as patch:
        patch.setattr(tuning.Search, "_loss", counted)
        patch.setattr(trials.CtrlC, "pressed", True, raising=False)
        patch.setattr(trials.CtrlC, "__init__", lambda self, stop: vars(self).update(_stop=stop, _before={}))
        with pytest.raises(Interrupted, match=f"interrupted: {num_done} of 10 trials of the search finished"):
            compare(task, tune=5, output=tmp_path, num_threads=1)
    with pytest.raises(ValueError, match="pass resume=True to go on"):
        compare(task, tune=5, output=tmp_path)
    num_done = 100
    first = list(made)
    monkeypatch.setattr(tuning.Search, "_loss", counted)
    again = compare(task, tune=5, output=tmp_path, resume=True, num_threads=1)
    assert len(set(made)) == len(made) == 10
    assert made[: len(first)] == first
    assert chosen(again) == chosen(expected)
    assert again["gru"].test_score == expected["gru"].test_score
    with pytest.raises(ValueError, match="whose tune differ"):
        compare(task, tune=6, output=tmp_path, resume=True)


def test_a_comparison_that_begins_anew_searches_anew(task, tmp_path):
    first = compare(task, seeds=[5], tune=4, output=tmp_path)
    again = compare(task, seeds=[6], tune=4, output=tmp_path, overwrite=True)
    assert chosen(again) == chosen(compare(task, seeds=[6], tune=4)) != chosen(first)


def test_a_search_that_is_killed_goes_on(tmp_path):
    X = np.random.default_rng(3).normal(size=(60, 40, 2))
    np.savez(tmp_path / "data.npz", X=X, y=np.where(X[:, -1, 0] > 0, "a", "b"))
    options = [
        "--hidden-size",
        "24",
        "--max-epochs",
        "12",
        "--seeds",
        "1",
        "--cells",
        "lstm,gru",
        "--tune",
        "4",
    ]
    command = [sys.executable, "-m", "tidegate", "compare", str(tmp_path / "data.npz"), *options]
    folder = tmp_path / "killed"
    with subprocess.Popen([*command, "--output", folder], stdout=subprocess.DEVNULL) as process:
        # A trial after the first is under way.
        while not list(folder.glob("search/*-[234].state")) and process.poll() is None:
            os.sched_yield()
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert not list(folder.glob("replicas/*"))
    for own in ([folder, "--resume"], [tmp_path / "whole"]):
        subprocess.run([*command, "--output", *own], stdout=subprocess.DEVNULL, check=True)
    killed, whole = (json.loads((own / "result.json").read_text()) for own in (folder, tmp_path / "whole"))
    for cell in ("lstm", "gru"):
        for name in ("tuned", "test_score"):
            assert killed["cells"][cell][name] == whole["cells"][cell][name]
    assert not list(folder.glob("search/*.state"))


def test_numbers_and_answers_a_step_are_searched_for_too(task):
    X, _ = task
    for y in (X.values[X.offsets[1:] - 1, 0], [own[:, 0] for own in X]):
        comparison = compare((X, y), cells="rnn", tune=2)
        assert comparison.score_name == "R2"
        assert comparison["rnn"].tuned.num_trials == 2


def test_what_was_chosen_is_in_every_form_of_the_result(task, tmp_path):
    comparison = compare(task, output=tmp_path, command="tidegate compare mine --tune 3")
    own = comparison["gru"].tuned
    record = json.loads((tmp_path / "result.json").read_text())
    assert record["settings"]["tune"] == 3
    assert "optuna" in record["versions"]
    for name, value in own.settings.items():
        assert record["cells"]["gru"]["tuned"][name] == value
    assert record["cells"]["gru"]["tuned"]["num_trials"] == 3
    assert f"trial {own.trial} of 3" in " ".join(str(comparison).split())
    for page in ((tmp_path / "report.html").read_text(), comparison.markdown()):
        assert "gru: found" in page
        assert f"{own.settings['learning_rate']:.6g}" in page
        assert "tidegate compare mine --tune 3" in page


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tune": 0}, "tune expects a whole number from 1"),
        ({"validation": None}, "tune expects a validation part in each training; got validation=None"),
        ({"learning_rate": 0}, "learning_rate expects a finite number above 0"),
    ],
)
def test_what_cannot_be_searched_is_refused(task, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        compare(task, output=tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_what_the_search_cannot_split_is_said_before_anything_is_written(task, tmp_path):
    """A half has room for each of seven classes of two; a quarter has not."""
    X, _ = task
    pairs = np.repeat([f"class {number}" for number in range(7)], 2)
    given = {"test": (X[14:21], pairs[::2]), "validation": None}
    with pytest.raises(ValueError, match="tune expects a validation part"):
        compare((X[:14], pairs), output=tmp_path / "out", **given)
    with pytest.raises(
        ValueError, match=r"validation expects room for each of 7 .*: pass data as validation or more seq"
    ):
        compare((X[:14], pairs), output=tmp_path / "out", **given | {"validation": 0.5})
    assert not (tmp_path / "out").exists()


def test_without_optuna_it_says_what_to_install(task, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ValueError, match=r"got none installed: pip install 'tidegate\[tune\]'"):
        compare(task, output=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert compare(task, tune=None)["gru"].tuned is None


def test_a_trial_that_diverges_is_the_worst(task, monkeypatch):
    class Diverges(tidegate.SequenceClassifier):
        def _fit(self, *args, **options):
            if self.learning_rate in diverging:
                raise Diverged
            return super()._fit(*args, **options)

    monkeypatch.setitem(arguments.TASKS, "classification", Diverges)
    diverging = {0.003}  # that which was given
    assert compare(task, tune=2, cells="rnn")["rnn"].tuned.trial == 2
    monkeypatch.setattr(tuning.Search, "_loss", lambda *_: np.inf)
    with pytest.raises(FloatingPointError, match="every trial of the search for rnn diverged"):
        compare(task, tune=2, cells="rnn")
