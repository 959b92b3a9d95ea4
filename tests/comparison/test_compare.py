import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import tidegate
from tidegate.comparison import Comparison, Interrupted, arguments, run, trials
from tidegate.comparison.parts import Part
from tidegate.data import Sequences, split
from tidegate.engine import Stop
from tidegate.training.interrupt import CtrlC

MODEL = {"max_epochs": 3, "hidden_size": 4, "bidirectional": False, "validation": 0.15, "batch_size": 16}
QUICK = MODEL | {"progress": False}


@pytest.fixture(scope="module")
def task():
    """Sequences of 2 to 6 steps, and whether their mean is above zero."""
    rng = np.random.default_rng(7)
    X = [rng.normal(loc=rng.choice([-0.5, 0.5]), size=(rng.integers(2, 7), 2)) for _ in range(60)]
    y = np.array(["high" if sequence.mean() > 0 else "low" for sequence in X])
    return Sequences.from_any(X), y


def scores_of(comparison: Comparison) -> list[tuple[object, ...]]:
    """Everything of each replica that does not depend on the clock."""
    return [
        (one.cell, one.seed, one.train_score, one.validation_score, one.test_score, one.updates)
        for result in comparison.cells
        for one in result.replicas
    ]


def test_every_cell_is_trained_with_every_seed(task):
    comparison = tidegate.compare(*task, cells=("gru", "lstm_peephole"), seeds=(3, 1), **QUICK)
    assert [result.cell for result in comparison.cells] == ["gru", "lstm_peephole"]
    assert [replica.seed for replica in comparison["gru"].replicas] == [3, 1]
    for result in comparison.cells:
        assert result.epochs == 3
        assert result.updates == 3 * 3  # 45 sequences to train on, less 7 of validation, in batches of 16
        assert result.updates_per_second > 0
        assert result.seconds > 0
    assert comparison["gru"].num_parameters == 3 * 4 * (2 + 4 + 1) + 4 + (4 + 1) * 2
    assert comparison.data["test"]["sequences"] == 15


def test_a_replica_is_the_estimator_with_that_seed_and_split(task):
    X, y = task
    comparison = tidegate.compare(X[:40], y[:40], test=(X[40:], y[40:]), cells="lstm", seeds=[5], **QUICK)
    training, held_out = split(40, 0.15, classes=y[:40], seed=5)
    validation = (X[held_out], y[held_out])
    model = tidegate.SequenceClassifier("lstm", random_state=5, **MODEL | {"validation": validation})
    model.fit(X[training], y[training])
    replica = comparison["lstm"].replicas[0]
    assert replica.num_parameters == model.num_parameters_
    assert replica.train_score == model.score(X[training], y[training])
    assert replica.validation_score == model.score(*validation)
    assert replica.test_score == model.score(X[40:], y[40:])
    assert replica.stopped == model.stopped_


def test_nothing_but_the_cell_and_the_seed_decides(task):
    both = tidegate.compare(*task, cells=("rnn", "gru"), seeds=2, num_threads=2, **QUICK)
    alone = tidegate.compare(*task, cells=("gru",), seeds=2, num_threads=1, **QUICK)
    assert scores_of(both)[2:] == scores_of(alone)
    assert scores_of(both)[2][2:] != scores_of(both)[3][2:]
    assert (both.num_threads, alone.num_threads) == (2, 1)


def test_the_test_part_plays_no_part_in_training(task):
    X, y = task
    shuffled = np.random.default_rng(0).permutation(y[40:])
    first, second = (
        tidegate.compare(X[:40], y[:40], test=(X[40:], labels), cells="lstm", seeds=2, **QUICK)
        for labels in (y[40:], shuffled)
    )
    for one, other in zip(first["lstm"].replicas, second["lstm"].replicas):
        assert (one.train_score, one.validation_score) == (other.train_score, other.validation_score)
        assert one.test_score != other.test_score


def test_a_setting_reaches_every_replica(task):
    comparison = tidegate.compare(*task, cells=("rnn", "lstm"), seeds=1, **QUICK | {"hidden_size": 5})
    assert comparison["rnn"].num_parameters == 5 * (2 + 5 + 1) + (5 + 1) * 2
    assert comparison.settings["hidden_size"] == 5
    assert comparison.settings["max_epochs"] == 3
    assert comparison.settings["learning_rate"] == tidegate.SequenceClassifier().learning_rate


def test_without_validation_there_is_no_validation_score(task):
    comparison = tidegate.compare(*task, cells="rnn", seeds=1, **QUICK | {"validation": None})
    assert comparison["rnn"].validation_score is None
    assert comparison.to_dict()["cells"]["rnn"]["validation_score"] is None
    assert "none" in str(comparison)


@pytest.mark.parametrize(
    ("convert", "expected"),
    [
        (lambda y: y.tolist(), "classification"),
        (lambda y: y.astype(object), "classification"),
        (lambda y: (y == "high").astype(int), "classification"),
        (lambda y: y == "high", "classification"),
        (lambda y: (y == "high").astype(float), "regression"),
    ],
)
def test_the_type_of_y_is_the_task(task, convert, expected):
    X, y = task
    comparison = tidegate.compare(X, convert(y), cells="rnn", seeds=1, **QUICK)
    assert comparison.task == expected
    assert comparison.score_name == {"classification": "accuracy", "regression": "R2"}[expected]


def test_a_task_that_is_named_is_taken(task):
    X, y = task
    numbers = (y == "high").astype(int)
    comparison = tidegate.compare(X, numbers, task="regression", cells="rnn", seeds=1, **QUICK)
    assert comparison.score_name == "R2"


def test_one_target_a_step_is_scored_by_step(task):
    X, _ = task
    signs = [np.sign(sequence[:, 0]).astype(int) for sequence in X]
    comparison = tidegate.compare(X, signs, cells="rnn", seeds=1, **QUICK | {"max_epochs": 200})
    assert comparison.task == "classification"
    assert comparison["rnn"].test_score.median > 0.9
    sums = [sequence.sum(axis=1) for sequence in X]
    assert tidegate.compare(X, sums, cells="rnn", seeds=1, **QUICK).task == "regression"


def test_parts_keep_classes_in_proportion_and_groups_whole(task):
    X, y = task
    groups = np.arange(60) // 5
    part = Part.of(X, y, groups)
    rest, held_out = part.split(0.25, "classification", seed=1)
    assert not set(rest.groups) & set(held_out.groups)
    assert len(rest.X) + len(held_out.X) == 60
    assert held_out.X.total_steps == held_out.X.lengths.sum()
    without_groups = Part.of(X, y).split(0.25, "classification", seed=1)[1]
    assert abs((without_groups.y == "high").sum() - 0.25 * (y == "high").sum()) <= 1


def test_no_group_is_on_both_sides_of_any_split(task, monkeypatch):
    X, y = task
    jobs = []
    monkeypatch.setattr(run, "run_trials", lambda given, *_: (jobs.extend(given) or [], False))
    tidegate.compare(X, y, groups=np.arange(60) // 5, **QUICK)
    assert len(jobs) == 15
    held_out = set()
    for job in jobs:
        training, testing = job.subject.division.of_seed(job.seed)
        assert not set(training.groups) & set(testing.groups)
        assert len(training.X) + len(testing.X) == 60
        held_out.add(tuple(testing.groups))
    assert len(held_out) == 5  # another split with every seed, the same for every cell


def test_result_json_holds_everything(task, tmp_path):
    folder = tmp_path / "new" / "folder"
    comparison = tidegate.compare(*task, cells=("rnn", "gru"), seeds=2, output=folder, **QUICK)
    result = json.loads((folder / "result.json").read_text())
    assert result == json.loads(json.dumps(comparison.to_dict()))
    for name in ("rnn", "gru"):
        cell = result["cells"][name]
        scores = [replica.test_score for replica in comparison[name].replicas]
        assert cell["test_score"] == {
            "median": np.median(scores), "min": min(scores), "max": max(scores), "values": scores
        }  # fmt: skip
        assert cell["num_parameters"] == comparison[name].num_parameters
        assert cell["seconds"] == comparison[name].seconds
        assert cell["updates"] == 9
        assert [replica["seed"] for replica in cell["replicas"]] == [0, 1]
    assert result["seeds"] == [0, 1]
    assert result["versions"]["tidegate"] == tidegate.__version__
    assert "core" in result["hardware"]
    assert result["interrupted"] is False
    assert [verdict["text"] for verdict in result["verdicts"]] == [one.text for one in comparison.verdicts]
    assert result["data"]["train"].items() >= {"sequences": 45, "longest": 6, "features": 2}.items()


def test_a_file_that_cannot_be_written_leaves_the_old_one(task, tmp_path, monkeypatch):
    comparison = tidegate.compare(*task, cells="rnn", seeds=1, output=tmp_path, **QUICK)
    before = (tmp_path / "result.json").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        comparison.save(tmp_path)
    assert (tmp_path / "result.json").read_bytes() == before
    left = {".lock", "comparison.json", "models", "replicas", "report.html", "result.json"}
    assert {path.name for path in tmp_path.iterdir()} == left


def test_a_score_that_is_not_a_number_is_none_in_json(task, tmp_path):
    X, _ = task
    y = np.linspace(0, 1, 60)
    with pytest.warns(UserWarning, match="R\\^2 score is not well-defined"):
        comparison = tidegate.compare(
            X, y, test=(X[:1], y[:1]), cells="rnn", seeds=1, output=tmp_path, **QUICK
        )
    assert np.isnan(comparison["rnn"].test_score.median)
    assert json.loads((tmp_path / "result.json").read_text())["cells"]["rnn"]["test_score"]["median"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cells": ("lstm", "gruu")}, "cells expects one of .* got 'gruu': did you mean 'gru'"),
        ({"cells": ("lstm", "lstm")}, "cells expects at least one cell, each once"),
        ({"cells": ()}, "cells expects at least one cell"),
        ({"seeds": 0}, "seeds expects a whole number from 1"),
        ({"seeds": (1, 1)}, "seeds expects at least one seed, each once"),
        ({"seeds": (-1,)}, "seeds expects a whole number from 0"),
        ({"task": "clasification"}, "task expects one of .* did you mean 'classification'"),
        ({"num_threads": 0}, "num_threads expects a whole number"),
        ({"hiden_size": 4}, "settings expects one of .* did you mean 'hidden_size'"),
        ({"cell": "lstm"}, "cell is not a setting of compare.* use cells"),
        ({"random_state": 1}, "random_state is not a setting of compare.* use seeds"),
        ({"hidden_size": 0}, "hidden_size expects a whole number"),
        ({"test": 3}, r"test expects a pair \(X_test, y_test\); got int"),
        ({"test": ([[[1.0]]], ["high"])}, "X_test expects the 2 features of X; got 1"),
        ({"test": ([[[1.0, 2.0]]], ["middle"])}, "y_test expects classes that y has; got 'middle'"),
        ({"test": ([[[1.0, 2.0]]], ["high", "low"])}, "y_test expects targets for each of the 1 sequences"),
        ({"test": ([[[1.0, np.inf]]], ["high"])}, "X_test .* infinity in sequence 0 at step 0"),
        (
            {"test": ([[[1.0, np.nan]]], ["high"]), "missing": "refuse"},
            "X expects finite numbers.* got NaN in sequence 0 at step 0",
        ),
        ({"missing": "drop"}, "missing expects one of refuse, fill"),
        ({"match": "params"}, "match expects one of .* did you mean 'parameters'"),
        ({"resume": True}, "resume expects the folder to go on with"),
        ({"groups": 1}, r"groups expects one entry for each of the 60 sequences of X; got shape \(\)"),
        ({"groups": [0] * 59}, r"groups expects one entry for each of the 60 .* got shape \(59,\)"),
        ({"groups": [0] * 60}, "groups expects at least two groups"),
        ({"validation": 2.0}, "validation expects a finite number above 0 to 0.9"),
    ],
)  # fmt: skip
def test_bad_arguments_are_refused(task, options, message):
    with pytest.raises(ValueError, match=message):
        tidegate.compare(*task, **QUICK | options)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["high"] * 59, "y expects targets for each of the 60 sequences of X; got 59"),
        (3.0, "got a single value"),
        (["high"] * 60, "at least two classes"),
        (["high"] * 59 + ["low"], "class 'low' has one"),
        (np.full(60, np.datetime64("2020-01-01")), "y expects labels or numbers; got datetime64"),
    ],
)
def test_bad_targets_are_refused(task, y, message):
    with pytest.raises(ValueError, match=message):
        tidegate.compare(task[0], y, **QUICK)


ENDLESS = {"max_epochs": 10**9, "patience": None, "hidden_size": 4, "progress": False, "num_threads": 2}


def test_ctrl_c_ends_endless_replicas(task, monkeypatch):
    monkeypatch.setattr(trials, "wait", lambda *_, **__: signal.raise_signal(signal.SIGINT))
    with pytest.raises(Interrupted, match=r"^interrupted: 0 of 15 replicas finished$") as caught:
        tidegate.compare(*task, **ENDLESS)
    assert caught.value.comparison is None
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_keeps_the_replicas_that_were_finished(task, monkeypatch, tmp_path):
    class PressesCtrlC(tidegate.SequenceClassifier):
        def _fit(self, *args, stop, **options):
            if self.random_state == 1:
                os.kill(os.getpid(), signal.SIGINT)
                while not stop.is_set:  # until the main thread has seen it
                    pass
            return super()._fit(*args, stop=stop, **options)

    monkeypatch.setitem(arguments.TASKS, "classification", PressesCtrlC)
    with pytest.raises(Interrupted, match=r"2 of 6 replicas finished, kept in .*result.json") as caught:
        tidegate.compare(*task, cells=("rnn", "gru"), seeds=3, output=tmp_path, **QUICK, num_threads=1)
    comparison = caught.value.comparison
    assert comparison.interrupted
    assert [replica.seed for result in comparison.cells for replica in result.replicas] == [0, 0]
    saved = json.loads((tmp_path / "result.json").read_text())
    assert saved["interrupted"] is True
    assert saved["cells"].keys() == {"rnn", "gru"}


def test_a_second_ctrl_c_is_an_ordinary_one():
    stop = Stop()
    with CtrlC(stop) as ctrl_c:
        signal.raise_signal(signal.SIGINT)
        assert ctrl_c.pressed
        assert stop.is_set
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_program_s_own_handler_stays():
    pressed = []
    previous = signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
    try:
        with CtrlC(Stop()) as ctrl_c:
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, previous)
    assert pressed
    assert not ctrl_c.pressed


def test_outside_the_main_thread_it_runs_as_well(task):
    with ThreadPoolExecutor(1) as pool:
        comparison = pool.submit(tidegate.compare, *task, cells="rnn", seeds=1, **QUICK).result()
    assert comparison["rnn"].replicas


def test_replicas_bring_no_threads_of_blas(task, monkeypatch):
    counts = []

    class Counts(tidegate.SequenceClassifier):
        def _fit(self, *args, **options):
            counts.extend(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")
            return super()._fit(*args, **options)

    monkeypatch.setitem(arguments.TASKS, "classification", Counts)
    with threadpool_limits(2, user_api="blas"):
        tidegate.compare(*task, cells="rnn", seeds=1, **QUICK)
        after = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    assert set(counts) <= {1}
    assert set(after) <= {2}


def test_an_error_of_one_replica_ends_the_others(task, monkeypatch):
    class FailsWithSeedOne(tidegate.SequenceClassifier):
        def _fit(self, *args, **options):
            if self.random_state == 1:
                raise FloatingPointError("diverged")
            return super()._fit(*args, **options)

    monkeypatch.setitem(arguments.TASKS, "classification", FailsWithSeedOne)
    with pytest.raises(FloatingPointError, match="diverged"):
        tidegate.compare(*task, cells="rnn", seeds=2, **ENDLESS)


def test_the_table_and_the_verdicts_are_text(task, capsys):
    comparison = tidegate.compare(*task, cells=("rnn", "gru"), seeds=1, **QUICK | {"progress": True})
    assert capsys.readouterr() == ("", "")
    text = str(comparison)
    assert f"{comparison['gru'].test_score.median:.3f}" in text
    assert "nothing can be said: 1 split, at least 3 are needed" in text
    assert "\x1b" not in text
