"""Several cells on one task: what is checked, what is trained, what comes of it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tidegate
from tidegate import cells as known_cells
from tidegate.checks import choice, integer
from tidegate.comparison.claims import claims
from tidegate.comparison.costs import latency_seconds, memory_bytes
from tidegate.comparison.differences import verdicts
from tidegate.comparison.folder import Folder
from tidegate.comparison.machine import hardware, versions
from tidegate.comparison.parts import Division, Part
from tidegate.comparison.progress import Board, shown
from tidegate.comparison.results import Comparison
from tidegate.comparison.scores import CellResult
from tidegate.comparison.sizes import networks
from tidegate.comparison.trials import TASKS, Trial, run_trials
from tidegate.engine import num_cores
from tidegate.network import Network
from tidegate.network.nodes import Recurrent

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
    match: str = "hidden",
    task: str | None = None,
    num_threads: int | None = None,
    progress: bool = True,
    output: str | Path | None = None,
    resume: bool = False,
    command: str | None = None,
    **settings: Any,
) -> Comparison:
    """Train each cell with each seed on the same data under the same budget, and say which is better.

    X, y: as in SequenceClassifier.fit. test: (X_test, y_test), which plays no part in any choice and is
    scored once, at the end; pairs of cells are then compared by the paired bootstrap over its sequences and
    the seeds. None: every seed splits a quarter off anew, stratified by class, and pairs are compared by the
    corrected resampled t-test. docs/comparison.md says what this shows.
    groups: (N,), such as the speaker of each sequence: no group is on both sides of a split.
    cells: names of tidegate.cells.CELLS, the first of them the reference. seeds: how many, counted from 0, or
    the seeds themselves; a seed sets the initial weights, the parts and the order of the sequences.
    match: "hidden" gives every cell hidden_size; "parameters" gives it to the reference, and the others the
    hidden size whose number of parameters is nearest.
    task: "classification" (strings, integers, booleans) or "regression" (floats); None goes by y's type.
    num_threads: replicas trained side by side, each on one thread; None is as many as there are cores, or
        OMP_NUM_THREADS where that is less.
    progress: a bar on a terminal. output: a folder for result.json and report.html, and for what resume
    needs: with resume=True the same call goes on with what was done there, and ends with the same scores to
    the bit; without it a folder with a comparison begins anew. command: for the report, what makes the
    comparison again.
    settings: of SequenceClassifier or SequenceRegressor, such as hidden_size, in place of their defaults.

    ValueError where an argument does not fit. Ctrl-C ends every replica at once and raises Interrupted, which
    holds the replicas that were finished; with an output they are in result.json as well.
    """
    began = time.perf_counter()
    whole = Part.of(X, y, groups)
    names = _names(cells)
    chosen_seeds = _seeds(seeds)
    kind = _task(whole) if task is None else choice("task", task, TASKS)
    threads = num_cores() if num_threads is None else integer("num_threads", num_threads)
    options = _options(kind, settings)
    if resume and output is None:
        raise ValueError("resume expects the folder to go on with; got none: pass output")
    given = None if test is None else _given_test(test, whole, kind)
    division = Division.of(whole, given, TEST_SHARE, kind, chosen_seeds)
    parts = [part for part in (whole, given, _validation(options)) if part is not None]
    if options["missing"] is None:  # one way for all replicas, whichever sequences have the gaps
        options["missing"] = "decay" if any(part.X.has_gaps for part in parts) else "refuse"
    trained_as = networks(TASKS[kind], names, options, whole, match)
    sizes = {name: _hidden_size(network) for name, network in trained_as.items()}
    plain = {name: _plain(value) for name, value in options.items()}
    folder = None
    if output is not None:
        identity = {
            "data": [part.digest() for part in parts],
            "task": kind,
            "cells": list(names),
            "seeds": list(chosen_seeds),
            "settings": plain,
            "hidden_sizes": sizes,
            "version": tidegate.__version__,
        }
        folder = Folder(output, identity, resume)
    trials = [
        Trial(kind, name, seed, division, options | {"hidden_size": sizes[name]}, folder)
        for seed in chosen_seeds
        for name in names
    ]
    board = Board(len(trials))
    with shown(board) if progress else nullcontext():
        replicas, interrupted = run_trials(trials, min(threads, len(trials)), board)
    training, testing = division.of_seed(chosen_seeds[0])
    results = []
    for name in names:
        if own := tuple(replica for replica in replicas if replica.cell == name):
            memory = memory_bytes(trained_as[name], options["batch_size"], int(whole.X.lengths.max()))
            latency = None if interrupted else latency_seconds(trained_as[name], testing.X)
            results.append(CellResult(name, own, memory, latency))
    found = verdicts(
        results,
        SCORES[kind],
        sizes=division.sizes,
        groups=None if given is None else given.row_groups,
    )
    comparison = Comparison(
        task=kind,
        score_name=SCORES[kind],
        cells=tuple(results),
        verdicts=found,
        claims=claims(results, found, match, whole.describe()),
        seeds=chosen_seeds,
        settings=plain | {"match": match},
        data={"train": training.describe(), "test": testing.describe() | {"origin": _origin(given)}},
        versions=versions(),
        hardware=hardware(),
        num_threads=min(threads, len(trials)),
        seconds=time.perf_counter() - began,
        command=command,
        created=datetime.now(UTC).date().isoformat(),
        interrupted=interrupted,
    )
    saved = comparison.save(output) if output is not None and replicas else None
    if interrupted:
        kept = f", kept in {saved}" if saved else ""
        raise Interrupted(
            f"interrupted: {len(replicas)} of {len(trials)} replicas finished{kept}",
            comparison if replicas else None,
        )
    return comparison


def _origin(given: Part | None) -> str:
    return "given" if given else f"{TEST_SHARE:.0%} of the sequences, split off anew with every seed"


def _hidden_size(network: Network) -> int:
    return next(node.hidden_size for node in network.nodes if isinstance(node, Recurrent))


def _validation(options: dict[str, Any]) -> Part | None:
    """The part given to validate with."""
    own = options["validation"]
    is_pair = isinstance(own, tuple | list) and len(own) == 2
    return Part.of(*own) if is_pair else None


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
    ids = testing.X.ids
    if ids is not None and len(set(ids.tolist())) < len(ids):
        testing = replace(testing, groups=ids)
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
