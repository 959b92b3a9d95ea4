"""A comparison that is killed goes on where it was, and ends with the same bits."""

import json
import math
import os
import re
import signal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from comparison.made_up import classes, numbers, replica

import tidegate
from tidegate.comparison import arguments
from tidegate.comparison.folder import Folder
from tidegate.comparison.scores import UNNAMED
from tidegate.data import Sequences
from tidegate.training.checkpoint import Checkpoint

SETTINGS = {"max_epochs": 4, "hidden_size": 3, "bidirectional": False, "batch_size": 16, "dropout": 0.2}
IDENTITY = {"cells": ["lstm"], "seeds": [0], "data": ["1"]}


@pytest.fixture(scope="module")
def task():
    rng = np.random.default_rng(7)
    X = [rng.normal(loc=rng.choice([-0.5, 0.5]), size=(rng.integers(2, 7), 2)) for _ in range(60)]
    return Sequences.from_any(X), np.array(["high" if own.mean() > 0 else "low" for own in X])


def compare(task, folder, **options):
    own = {"cells": ("rnn", "gru"), "seeds": 3, "progress": False, "num_threads": 1, "output": folder}
    return tidegate.compare(*task, **own | SETTINGS | options)


def measured(folder: Path):
    """All of result.json that does not depend on the clock."""
    result = json.loads((folder / "result.json").read_text())
    for cell in result["cells"].values():
        for name in ("seconds", "updates_per_second", "latency_seconds", "seconds_to_score"):
            del cell[name]
        for own in cell["replicas"]:
            del own["seconds"]
    return result["cells"], result["verdicts"], result["score_to_reach"]


def killed(num_events: int, run) -> bool:
    """Run in a child that is killed after so many states and replicas were written; False where it came to
    the end."""
    child = os.fork()
    if child == 0:
        left = num_events

        def counted(write):
            def then_count(*args):
                nonlocal left
                write(*args)
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

            return then_count

        Checkpoint.write = counted(Checkpoint.write)
        Folder.write = counted(Folder.write)
        code = 1
        try:
            run()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_killed_again_and_again_it_ends_with_the_same_bits(task, tmp_path, monkeypatch):
    compare(task, tmp_path / "whole")
    monkeypatch.setattr(Checkpoint.__init__, "__defaults__", (0.0,))  # every update is written
    folder, random, kills = tmp_path / "killed", np.random.default_rng(0), 0
    while killed(int(random.integers(1, 14)), lambda: compare(task, folder, resume=True)):
        kills += 1
    assert kills > 5
    assert measured(folder) == measured(tmp_path / "whole")
    assert not list(folder.glob("replicas/*.state"))


def test_finished_replicas_are_not_trained_again(task, tmp_path, monkeypatch):
    first = compare(task, tmp_path)

    class NotTrained(tidegate.SequenceClassifier):
        def _fit(self, *args, **options):
            raise AssertionError

    monkeypatch.setitem(arguments.TASKS, "classification", NotTrained)
    again = compare(task, tmp_path, resume=True)
    assert again.cells[0].replicas == first.cells[0].replicas
    assert again.verdicts == first.verdicts
    with pytest.raises(AssertionError):
        compare(task, tmp_path)


def test_an_interrupted_comparison_is_not_written_over(task, tmp_path):
    compare(task, tmp_path)
    (tmp_path / "replicas" / "gru-2.replica").unlink()
    with pytest.raises(ValueError, match=r"with 5 of 6 replicas: pass resume=True"):
        compare(task, tmp_path)
    assert len(list((tmp_path / "replicas").iterdir())) == 5
    compare(task, tmp_path, resume=True)
    assert len(list((tmp_path / "replicas").iterdir())) == 6


@pytest.mark.parametrize(
    ("options", "differs"),
    [
        ({"seeds": 4}, "seeds"),
        ({"cells": ("rnn", "lstm")}, "cells, hidden_sizes"),
        ({"learning_rate": 0.5}, "settings"),
        ({"match": "parameters"}, "hidden_sizes"),
        ({"groups": np.arange(60)}, "data"),
    ],
)
def test_the_folder_of_another_comparison_is_refused(task, tmp_path, options, differs):
    compare(task, tmp_path)
    before = sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*"))
    with pytest.raises(ValueError, match=rf"whose {differs} differ: pass what it began with"):
        compare(task, tmp_path, resume=True, **options)
    X, y = task
    with pytest.raises(ValueError, match="whose data differ"):
        compare((X, y[::-1]), tmp_path, resume=True)
    assert sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*")) == before


def test_another_comparison_is_replaced_only_where_that_is_asked_for(task, tmp_path):
    compare(task, tmp_path)
    before = sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*"))
    with pytest.raises(ValueError, match="whose settings differ: pass another folder, or overwrite=True to"):
        compare(task, tmp_path, learning_rate=0.5)
    assert sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*")) == before
    compare(task, tmp_path)
    compare(task, tmp_path, learning_rate=0.5, overwrite=True)
    assert json.loads((tmp_path / "comparison.json").read_text())["settings"]["learning_rate"] == 0.5


@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_that_is_not_ours_is_refused(task, tmp_path, resume):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(ValueError, match=r"output expects .*has other files: write elsewhere"):
        compare(task, tmp_path, resume=resume)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(ValueError, match="output expects a folder; got the file"):
        compare(task, tmp_path / "thesis.tex", resume=resume)


def test_what_cannot_be_split_is_said_before_anything_is_written(task, tmp_path):
    X, y = task
    few = np.concatenate([np.flatnonzero(y == label)[:4] for label in ("high", "low")])
    for test in (None, (X[40:], y[40:])):
        with pytest.raises(ValueError, match="validation expects room for each of 2 classes") as refused:
            compare((X[few], y[few]), tmp_path / "out", test=test)
        assert not (tmp_path / "out").exists()
        named = re.search(r"got 0.1 of \d sequences: pass validation=([\d.]+) or more", str(refused.value))
        compare((X[few], y[few]), tmp_path / f"{test is None}", test=test, validation=float(named[1]))
    with pytest.raises(ValueError, match=r"test expects room .* pass test=\(X_test, y_test\) or more seq"):
        compare((X[few[::2]], y[few[::2]]), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_disk_that_is_full_at_the_start_leaves_a_folder_to_begin_in(task, tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            compare(task, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]
    compare(task, tmp_path)


def test_two_processes_do_not_write_one_folder(task, tmp_path):
    with Folder(tmp_path, IDENTITY, resume=False):
        before = sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*"))
        for resume in (False, True):
            with pytest.raises(ValueError, match="output expects a folder that no other process is writing"):
                compare(task, tmp_path, resume=resume)
        assert sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*")) == before
    with Folder(tmp_path, IDENTITY, resume=True):
        pass


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_process_that_was_killed_holds_no_folder(tmp_path):
    child = os.fork()
    if child == 0:
        folder = Folder(tmp_path, IDENTITY, resume=False)
        os.kill(os.getpid(), signal.SIGKILL)
        del folder
    os.waitpid(child, 0)
    with Folder(tmp_path, IDENTITY, resume=True):
        pass


def test_a_damaged_folder_is_refused(task, tmp_path):
    (tmp_path / "comparison.json").write_text("{")
    with pytest.raises(ValueError, match=r"comparison.json is damaged"):
        compare(task, tmp_path, resume=True)
    (tmp_path / "comparison.json").unlink()
    compare(task, tmp_path)
    file = tmp_path / "replicas" / "rnn-0.replica"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"rnn-0.replica"):
        compare(task, tmp_path, resume=True)


@pytest.mark.parametrize("answers", [classes([0, 1], [1, 1]), numbers([[1.0], [0.1]], [[math.pi], [0.2]])])
def test_a_replica_comes_back_to_the_bit(tmp_path, answers):
    folder = Folder(tmp_path, IDENTITY, resume=False)
    history = {"loss": [0.1, math.inf], "val_loss": [math.nan, 0.3]}
    own = replica(test_score=1 / 3, validation_score=None, answers=answers, history=history)
    folder.write(own, SimpleNamespace(save=lambda path: None))
    back = folder.read("lstm", 0)
    assert str(back) == str(own)
    kept = back.targets[UNNAMED].answers
    assert kept.labels == answers.labels
    for name, array in answers.arrays().items():
        np.testing.assert_array_equal(kept.arrays()[name], array, strict=True)
    assert folder.read("lstm", 1) is None
