"""Training several cells on one task with several seeds each, side by side on threads."""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from tidegate import cells as known_cells
from tidegate.checks import choice, integer
from tidegate.comparison.interrupt import CtrlC
from tidegate.comparison.machine import hardware, num_cores, versions
from tidegate.comparison.parts import Part
from tidegate.comparison.progress import Board, shown
from tidegate.comparison.results import Comparison
from tidegate.comparison.scores import CellResult, Replica
from tidegate.engine import Stop
from tidegate.estimators import SequenceClassifier, SequenceRegressor

TASKS = {"classification": SequenceClassifier, "regression": SequenceRegressor}
SCORES = {"classification": "accuracy", "regression": "R2"}
TEST_SHARE = 0.25

# What compare sets itself, and where the user says it instead.
_OWN = {
    "cell": "cells",
    "random_state": "seeds",
    "num_threads": "num_threads of compare",
    "verbose": "progress",
    "warm_start": "nothing: every replica starts afresh",
}


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during a comparison. comparison: the replicas that were finished, None where there were none."""

    def __init__(self, message: str, comparison: Comparison | None) -> None:
        super().__init__(message)
        self.comparison = comparison


def compare(
    X: Any,
    y: Any,
    *,
    test: tuple[Any, Any] | None = None,
    groups: Any = None,
    cells: str | Iterable[str] = ("rnn", "lstm", "gru"),
    seeds: int | Iterable[int] = 5,
    task: str | None = None,
    num_threads: int | None = None,
    progress: bool = True,
    output: str | Path | None = None,
    **settings: Any,
) -> Comparison:
    """Train each cell with each seed on the same data under the same budget, and say which is better.

    X, y: as in SequenceClassifier.fit. test: (X_test, y_test); None splits a quarter off, with the first
    seed, stratified by class. The test part plays no part in any choice: it is scored once, at the end.
    groups: (N,), such as the speaker of each sequence: no group is on both sides of a split.
    cells: names of tidegate.cells.CELLS. seeds: how many, counted from 0, or the seeds themselves; a seed
    sets the initial weights, the validation part and the order of the sequences.
    task: "classification" (strings, integers, booleans) or "regression" (floats); None goes by y's type.
    num_threads: replicas trained side by side, each on one thread; None is as many as there are cores.
    progress: a bar on a terminal. output: a folder for result.json.
    settings: of SequenceClassifier or SequenceRegressor, such as hidden_size, in place of their defaults.

    ValueError where an argument does not fit. Ctrl-C ends every replica at once and raises Interrupted, which
    holds the replicas that were finished; with an output they are in result.json as well.
    """
    began = time.perf_counter()
    training = Part.of(X, y, groups)
    names = _names(cells)
    chosen_seeds = _seeds(seeds)
    kind = _task(training) if task is None else choice("task", task, TASKS)
    threads = num_cores() if num_threads is None else integer("num_threads", num_threads)
    options = _options(kind, settings)
    origin = "given"
    if test is None:
        origin = f"{TEST_SHARE:.0%} of the sequences, split off with seed {chosen_seeds[0]}"
        training, testing = training.split(TEST_SHARE, kind, chosen_seeds[0])
    else:
        testing = _given_test(test, training, kind)
    jobs = [Job(kind, name, seed, training, testing, options) for seed in chosen_seeds for name in names]
    board = Board(len(jobs))
    with shown(board) if progress else nullcontext():
        replicas, interrupted = _run(jobs, min(threads, len(jobs)), board)
    comparison = Comparison(
        task=kind,
        score_name=SCORES[kind],
        cells=tuple(CellResult(name, own) for name in names if (own := _of_cell(name, replicas))),
        seeds=chosen_seeds,
        settings={name: _plain(value) for name, value in options.items()},
        data={"train": training.describe(), "test": testing.describe() | {"origin": origin}},
        versions=versions(),
        hardware=hardware(),
        num_threads=min(threads, len(jobs)),
        seconds=time.perf_counter() - began,
        interrupted=interrupted,
    )
    saved = comparison.save(output) if output is not None and replicas else None
    if interrupted:
        kept = f", kept in {saved}" if saved else ""
        raise Interrupted(
            f"interrupted: {len(replicas)} of {len(jobs)} replicas finished{kept}",
            comparison if replicas else None,
        )
    return comparison


@dataclass(frozen=True)
class Job:
    """One replica to train."""

    task: str
    cell: str
    seed: int
    training: Part
    testing: Part
    options: dict[str, Any]

    def run(self, stop: Stop, board: Board) -> Replica:
        """Train and score it; KeyboardInterrupt where `stop` is set before it is trained."""
        if stop.is_set:
            raise KeyboardInterrupt
        share = self.options["validation"]
        training, validation = self.training, share
        if isinstance(share, float):
            training, held_out = self.training.split(share, self.task, self.seed)
            validation = (held_out.X, held_out.y)
        model = TASKS[self.task](
            **self.options | {"cell": self.cell, "validation": validation},
            random_state=self.seed,
            num_threads=1,
        )
        with board.replica(self.cell) as watch:
            model._fit(training.X, training.y, stop=stop, watch=watch)
            if stop.is_set:
                raise KeyboardInterrupt
        return Replica(
            cell=self.cell,
            seed=self.seed,
            num_parameters=model.num_parameters_,
            train_score=float(model.score(training.X, training.y)),
            validation_score=None if validation is None else float(model.score(*validation)),
            test_score=float(model.score(self.testing.X, self.testing.y)),
            seconds=model.seconds_,
            updates=model.num_updates_,
            epochs=len(model.history_["loss"]),
            stopped=model.stopped_,
        )


def _run(jobs: list[Job], num_threads: int, board: Board) -> tuple[list[Replica], bool]:
    """The replicas that were finished, in the order of the jobs, and whether Ctrl-C ended the others.

    An error of one ends them all.
    """
    stop = Stop()
    # A replica has one thread. BLAS, which the initial weights need, would add its own, which spin while they
    # wait: on a busy machine of two cores a QR of 100 by 100 took 340 ms, and 0.4 ms with one thread.
    blas = threadpool_limits(1, user_api="blas")
    with CtrlC(stop) as ctrl_c, blas, ThreadPoolExecutor(num_threads) as pool:
        try:
            futures = [pool.submit(job.run, stop, board) for job in jobs]
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            stop.set()
    errors = [error for future in futures if (error := future.exception())]
    for error in errors:
        if not isinstance(error, KeyboardInterrupt):
            raise error
    return [future.result() for future in futures if not future.exception()], ctrl_c.pressed


def _of_cell(name: str, replicas: list[Replica]) -> tuple[Replica, ...]:
    return tuple(replica for replica in replicas if replica.cell == name)


def _names(cells: str | Iterable[str]) -> tuple[str, ...]:
    names = (cells,) if isinstance(cells, str) else tuple(cells)
    for name in names:
        choice("cells", name, known_cells.CELLS)
    if not names or len(set(names)) < len(names):
        raise ValueError(f"cells expects at least one cell, each once; got {names}: leave repeated ones out")
    return names


def _seeds(seeds: int | Iterable[int]) -> tuple[int, ...]:
    if isinstance(seeds, Iterable):
        chosen = tuple(integer("seeds", seed, 0, 2**32 - 1) for seed in seeds)
    else:
        chosen = tuple(range(integer("seeds", seeds, 1, 10_000)))
    if not chosen or len(set(chosen)) < len(chosen):
        raise ValueError(f"seeds expects at least one seed, each once; got {chosen}: leave repeated ones out")
    return chosen


def _task(training: Part) -> str:
    dtype = training.all_targets().dtype
    if dtype.kind not in "USOiubf":
        raise ValueError(f"y expects labels or numbers; got {dtype}: convert it")
    return "regression" if dtype.kind == "f" else "classification"


def _options(task: str, settings: dict[str, Any]) -> dict[str, Any]:
    """All settings of the estimator but those that compare sets itself."""
    defaults = {
        name: value for name, value in TASKS[task]().get_params(deep=False).items() if name not in _OWN
    }
    for name in settings:
        if name in _OWN:
            raise ValueError(
                f"{name} is not a setting of compare, which sets it for each replica: use {_OWN[name]}"
            )
        choice("settings", name, defaults)
    return defaults | settings


def _given_test(test: Any, training: Part, task: str) -> Part:
    if not isinstance(test, tuple | list) or len(test) != 2:
        raise ValueError(f"test expects a pair (X_test, y_test); got {type(test).__name__}: pass both")
    X_test, y_test = test
    testing = Part.of(X_test, y_test, suffix="_test")
    if testing.X.num_features != training.X.num_features:
        raise ValueError(
            f"X_test expects the {training.X.num_features} features of X; got {testing.X.num_features}: "
            "pass the same features"
        )
    unseen = set(testing.all_targets().tolist()) - set(training.all_targets().tolist())
    if task == "classification" and unseen:
        raise ValueError(
            f"y_test expects classes that y has; got {min(unseen, key=str)!r}, which it does not: "
            "leave such sequences out of the test part"
        )
    return testing


def _plain(value: Any) -> Any:
    """A setting as JSON has it: records become dictionaries, given validation data a word."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else type(value).__name__
