"""Several cells on one task: what is checked, what is trained, what comes of it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tidegate
from tidegate.checks import TooLarge, choice, integer, real
from tidegate.comparison.arguments import (
    candidates_of,
    cells_of,
    options_of,
    plain,
    seeds_of,
    task_of,
    test_of,
    validation_of,
)
from tidegate.comparison.claims import claims
from tidegate.comparison.costs import latency_seconds
from tidegate.comparison.differences import verdicts
from tidegate.comparison.folder import Folder
from tidegate.comparison.machine import hardware, versions
from tidegate.comparison.parts import Division, Part
from tidegate.comparison.progress import Board, shown
from tidegate.comparison.results import Comparison
from tidegate.comparison.scores import CellResult
from tidegate.comparison.sizes import MATCHES, as_read, networks
from tidegate.comparison.trials import TASKS, Trial, run_trials
from tidegate.comparison.tuned import Tuned
from tidegate.comparison.tuning import HELD_OUT, Space, check_search, optuna, search
from tidegate.engine import num_cores
from tidegate.engine.memory import check_memory, data_bytes, evaluation_window, training_bytes
from tidegate.network import Network
from tidegate.network.nodes import Recurrent

SCORES = {"classification": "accuracy", "regression": "R2"}
TEST_SHARE = 0.25


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
    match: str | None = None,
    tune: int | None = None,
    margin: float = 0.0,
    task: str | None = None,
    num_threads: int | None = None,
    progress: bool = True,
    output: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
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
    hidden size whose number of parameters is nearest. None is "hidden", and with tune neither.
    tune: trials of each cell before the comparison, to find its learning_rate and dropout, and without match
    its hidden_size, on the part to train on alone (tidegate.comparison.tuning). Without `test` one quarter is
    then split off, once, as the test part of all seeds. It needs optuna.
    margin: the largest difference of the score that does not matter; a cell is better where the difference is
    shown to be larger.
    task: "classification" (strings, integers, booleans) or "regression" (floats); None goes by y's type.
    num_threads: replicas trained side by side, each on one thread; None is as many as there are cores, or
        OMP_NUM_THREADS where that is less.
    progress: a bar on a terminal. output: a folder for result.json and report.html, and for what resume
    needs: with resume=True the same call goes on with what was done there, and ends with the same scores to
    the bit; without it the same call begins anew, and overwrite=True replaces a comparison of other data or
    settings, which is refused else. command: for the report, what makes the comparison again.
    settings: of SequenceClassifier or SequenceRegressor, such as hidden_size, in place of their defaults.
    padding may be several, ["skip", "gate", "input"]: then each cell with each of them is compared,
    "lstm-skip" with "lstm-gate" and so on.

    ValueError where an argument does not fit; MemoryError, before anything is written, where the replicas
    side by side would need more memory than there is. Ctrl-C, or SIGTERM, ends every replica at once and
    raises Interrupted, which holds the replicas that were finished; with an output they are in result.json as
    well.
    """
    began = time.perf_counter()
    whole = Part.of(X, y, groups)
    known_cells = cells_of(cells)
    chosen_seeds = seeds_of(seeds)
    kind = task_of(whole) if task is None else choice("task", task, TASKS)
    threads = num_cores() if num_threads is None else integer("num_threads", num_threads)
    options = options_of(kind, settings)
    if resume and output is None:
        raise ValueError("resume expects the folder to go on with; got none: pass output")
    given = None if test is None else test_of(test, whole, kind)
    if match is not None:
        choice("match", match, MATCHES)
    real("margin", margin)
    if tune is not None:
        check_search(tune, options)
    space = None if tune is None else Space.around(options, hidden_size=match is None)
    training, testing, origin = whole, given, "given"
    if given is None:
        origin = f"{TEST_SHARE:.0%} of the sequences, split off anew with every seed"
    if given is None and space is not None:
        # The search would see the test sequences of every other split.
        training, testing = whole.split(TEST_SHARE, kind, chosen_seeds[0])
        origin = f"{TEST_SHARE:.0%} of the sequences, split off once, before the search"
    division = Division.of(training, testing, TEST_SHARE, kind, chosen_seeds)
    validation = validation_of(options)
    parts = [part for part in (whole, given, validation) if part is not None]
    if options["missing"] is None:  # one way for all replicas, whichever sequences have the gaps
        options["missing"] = "decay" if any(part.X.has_gaps for part in parts) else "refuse"
    if isinstance(options["validation"], float):
        division.check_validation(options["validation"], kind, chosen_seeds)
    if validation is None and space is not None:
        division.check_validation(HELD_OUT, kind, chosen_seeds[:1])
    settings_of = candidates_of(known_cells, options)
    names = tuple(settings_of)
    trained_as = networks(TASKS[kind], settings_of, whole, match_parameters=match == "parameters")
    settings_of = {
        name: settings_of[name] | {"hidden_size": _hidden_size(own)} for name, own in trained_as.items()
    }
    num_replicas = len(names) * len(chosen_seeds)
    _check_memory(kind, settings_of, space, whole, min(threads, num_replicas))
    shown_settings = {name: plain(value) for name, value in options.items()}
    identity = {
        "data": [part.digest() for part in parts],
        "task": kind,
        "cells": list(names),
        "seeds": list(chosen_seeds),
        "settings": shown_settings,
        "hidden_sizes": {name: own["hidden_size"] for name, own in settings_of.items()},
        "tune": None if space is None else {"trials": tune, "settings": list(space.given)},
        "version": tidegate.__version__,
    }
    tuned: dict[str, Tuned] = {}
    with Folder(output, identity, resume, overwrite) if output is not None else nullcontext() as folder:
        if space is not None and tune is not None:
            board = Board(len(names) * tune, "trials of the search")
            with shown(board) if progress else nullcontext():
                tuned, interrupted = search(
                    kind,
                    training,
                    validation,
                    settings_of,
                    space,
                    tune,
                    seed=chosen_seeds[0],
                    folder=None if folder is None else folder.search,
                    num_threads=threads,
                    board=board,
                )
            if interrupted:
                raise Interrupted(f"interrupted: {board.done} finished", None)
            settings_of = {name: own | tuned[name].settings for name, own in settings_of.items()}
            trained_as = networks(TASKS[kind], settings_of, whole, match_parameters=False)
        trials = [
            Trial(
                kind,
                name,
                seed,
                division,
                settings_of[name],
                inspected=seed == chosen_seeds[0],
                folder=folder,
            )
            for seed in chosen_seeds
            for name in names
        ]
        board = Board(len(trials))
        with shown(board) if progress else nullcontext():
            replicas, interrupted = run_trials(trials, min(threads, len(trials)), board)
        train_part, test_part = division.of_seed(chosen_seeds[0])
        through_time = {name: options[name] for name in ("bptt_steps", "recompute")}
        window = evaluation_window(test_part.X.lengths, **through_time)
        results = []
        for name in names:
            if own := tuple(replica for replica in replicas if replica.cell == name):
                read, tested = (as_read(part.X, settings_of[name]) for part in (whole, test_part))
                memory = training_bytes(trained_as[name], read.lengths, options["batch_size"], **through_time)
                latency = None if interrupted else latency_seconds(trained_as[name], tested, window)
                results.append(CellResult(name, own, memory, latency, tuned.get(name)))
        common = match or ("hidden" if space is None else "none")
        found = verdicts(
            results,
            SCORES[kind],
            sizes=division.sizes,
            groups=None if testing is None else testing.row_groups,
            margin=margin,
        )
        comparison = Comparison(
            task=kind,
            score_name=SCORES[kind],
            cells=tuple(results),
            verdicts=found,
            claims=claims(results, found, common, whole.describe()),
            seeds=chosen_seeds,
            settings=shown_settings | {"match": common, "tune": tune, "margin": margin},
            data={"train": train_part.describe(), "test": test_part.describe() | {"origin": origin}},
            versions=versions() | ({} if space is None else {"optuna": optuna().__version__}),
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


def _check_memory(
    task: str, settings_of: dict[str, dict[str, Any]], space: Space | None, whole: Part, at_a_time: int
) -> None:
    """MemoryError where the largest of the networks takes too much, as many times as replicas are trained at
    a time."""
    largest = {name: own | (space.largest if space else {}) for name, own in settings_of.items()}
    data = data_bytes(whole.X.values, copies=2)
    for name, network in networks(TASKS[task], largest, whole, match_parameters=False).items():
        try:
            own = largest[name]
            check_memory(
                network,
                as_read(whole.X, own).lengths,
                own["batch_size"],
                data,
                at_a_time,
                bptt_steps=own["bptt_steps"],
                recompute=own["recompute"],
            )
        except TooLarge as error:
            if space is None or not space.hidden_size:
                raise
            raise TooLarge(f"{error}; the search tries up to twice the hidden size that is given") from None


def _hidden_size(network: Network) -> int:
    return next(node.hidden_size for node in network.nodes if isinstance(node, Recurrent))
