"""Estimators on arrays, compared: the cells of one task under one budget."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import combinations
from numbers import Real
from pathlib import Path
from typing import Any

from tidegate.checks import TooLarge, choice, real
from tidegate.comparison.answers import Answers
from tidegate.comparison.arguments import (
    TASKS,
    candidates_of,
    cells_of,
    options_of,
    plain,
    task_of,
    test_of,
    validation_of,
)
from tidegate.comparison.costs import latency_seconds
from tidegate.comparison.insight import insight
from tidegate.comparison.parts import TEST_SHARE, TEST_WORDS, Division, Part
from tidegate.comparison.progress import Board, shown
from tidegate.comparison.results import Comparison
from tidegate.comparison.run import Interrupted, Running
from tidegate.comparison.scores import UNNAMED, Measured
from tidegate.comparison.sizes import MATCHES, as_read, networks
from tidegate.comparison.subject import Subject, Trained
from tidegate.comparison.tuning import HELD_OUT, Space, check_search, optuna, search
from tidegate.engine import Stop
from tidegate.engine.memory import check_memory, data_bytes, evaluation_window, training_bytes
from tidegate.estimators.columns import Columns
from tidegate.network import Network
from tidegate.network.nodes import Recurrent
from tidegate.training.fit import Watch

SCORES = {"classification": "accuracy", "regression": "R2"}


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
    columns: Columns | None = None,
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
    progress: a bar on a terminal. output: a folder for result.json, report.html and every fitted model, and
    for what resume needs: with resume=True the same call goes on with what was done there, and ends with the
    same scores to the bit; without it the same call begins anew, and overwrite=True replaces a comparison of
    other data or settings, which is refused else. command: for the report, what makes the comparison again.
    columns: of the table that X is of, which the models in the folder keep.
    settings: of SequenceClassifier or SequenceRegressor, such as hidden_size, in place of their defaults.
    padding may be several, ["skip", "gate", "input"]: then each cell with each of them is compared,
    "lstm-skip" with "lstm-gate" and so on.

    ValueError where an argument does not fit; MemoryError, before anything is written, where the replicas
    side by side would need more memory than there is. Ctrl-C, or SIGTERM, ends every replica at once and
    raises Interrupted, which holds the replicas that were finished; with an output they are in result.json as
    well.
    """
    running = Running.of(seeds, margin, num_threads, progress, output, resume, overwrite, command)
    whole = Part.of(X, y, groups)
    known_cells = cells_of(cells)
    kind = task_of(whole) if task is None else choice("task", task, TASKS)
    options = options_of(kind, settings)
    given = None if test is None else test_of(test, whole, kind)
    if match is not None:
        choice("match", match, MATCHES)
    if tune is not None:
        check_search(tune, options)
    space = None if tune is None else Space.around(options, hidden_size=match is None)
    training, testing, origin = whole, given, "given"
    first_seed = running.seeds[0]
    if given is None:
        origin = f"{TEST_SHARE:.0%} of the sequences, split off anew with every seed"
    if given is None and space is not None:
        # The search would see the test sequences of every other split.
        training, testing = whole.split(TEST_SHARE, kind, first_seed, **TEST_WORDS)
        origin = f"{TEST_SHARE:.0%} of the sequences, split off once, before the search"
    division = Division.of(training, testing, TEST_SHARE, kind, running.seeds)
    validation = validation_of(options)
    parts = [part for part in (whole, given, validation) if part is not None]
    if options["missing"] is None:  # one way for all replicas, whichever sequences have the gaps
        options["missing"] = "decay" if any(part.X.has_gaps for part in parts) else "refuse"
    if isinstance(options["validation"], Real):
        share = options["validation"] = real("validation", options["validation"], maximum=0.9, above=True)
        division.check_validation(share, kind, running.seeds)
    if validation is None and space is not None:
        division.check_validation(
            HELD_OUT, kind, running.seeds[:1], "pass data as validation or more sequences"
        )
    settings_of = candidates_of(known_cells, options)
    names = tuple(settings_of)
    trained_as = networks(TASKS[kind], settings_of, whole, match_parameters=match == "parameters")
    settings_of = {
        name: settings_of[name] | {"hidden_size": _hidden_size(own)} for name, own in trained_as.items()
    }
    _check_memory(kind, settings_of, space, whole, running.at_a_time(len(names)))
    shown_settings = {name: plain(value) for name, value in options.items()}
    common = match or ("hidden" if space is None else "none")
    train_part, test_part = division.of_seed(first_seed)
    subject = Estimators(
        noun="cell",
        names=names,
        pairs=tuple(combinations(names, 2)),
        score_names={UNNAMED: SCORES[kind]},
        curve=SCORES[kind],
        sizes=division.sizes,
        groups=None if testing is None else testing.row_groups,
        match=common,
        whole=whole.describe(),
        task=kind,
        settings=shown_settings | {"match": common, "tune": tune},
        data={"train": train_part.describe(), "test": test_part.describe() | {"origin": origin}},
        identity={
            "data": [part.digest() for part in parts],
            "task": kind,
            "settings": shown_settings,
            "hidden_sizes": {name: own["hidden_size"] for name, own in settings_of.items()},
            "tune": None if space is None else {"trials": tune, "settings": list(space.given)},
        },
        versions={} if space is None else {"optuna": optuna().__version__},
        division=division,
        settings_of=settings_of,
        first_seed=first_seed,
        columns=columns,
    )
    if space is None or tune is None:
        return running.run(subject)

    def searched(folder: Path | None) -> Subject:
        board = Board(len(names) * tune, "trials of the search")
        with shown(board) if progress else nullcontext():
            tuned, interrupted = search(
                kind,
                training,
                validation,
                settings_of,
                space,
                tune,
                seed=first_seed,
                folder=folder,
                num_threads=running.num_threads,
                board=board,
            )
        if interrupted:
            raise Interrupted(f"interrupted: {board.done} finished", None)
        found = {name: own | tuned[name].settings for name, own in settings_of.items()}
        return replace(subject, settings_of=found, tuned=tuned)

    return running.run(subject, searched)


@dataclass(frozen=True, kw_only=True)
class Estimators(Subject):
    """Classifiers or regressors on arrays. settings_of: of each candidate. first_seed: what its replicas do
    on some test sequences is looked at, too. columns: which models keep."""

    division: Division
    settings_of: dict[str, dict[str, Any]]
    first_seed: int
    columns: Columns | None

    def train(self, name: str, seed: int, stop: Stop, watch: Watch, checkpoint: Path | None) -> Trained:
        training, testing = self.division.of_seed(seed)
        options = self.settings_of[name]
        validation = share = options["validation"]
        if isinstance(share, float):
            training, held_out = training.split(share, self.task, seed)
            validation = (held_out.X, held_out.y)
        model = TASKS[self.task](**options | {"validation": validation}, random_state=seed, num_threads=1)
        model._fit(training.X, training.y, stop=stop, watch=watch, checkpoint=checkpoint)
        if self.columns is not None:
            model.columns_ = self.columns
        measured = Measured(
            float(model.score(training.X, training.y)),
            None if validation is None else float(model.score(*validation)),
            float(model.score(testing.X, testing.y)),
            Answers.of(model, testing),
        )
        looked_at = insight(model, testing) if seed == self.first_seed else None
        return Trained(model, {UNNAMED: measured}, looked_at)

    def memory_bytes(self, name: str) -> int:
        own = self.settings_of[name]
        lengths = as_read(self.division.whole.X, own).lengths
        return training_bytes(
            self._network(name),
            lengths,
            own["batch_size"],
            weight_noise=own["weight_noise"],
            **_through_time(own),
        )

    def latency_seconds(self, name: str) -> float:
        own = self.settings_of[name]
        X = self.division.of_seed(self.first_seed)[1].X
        window = evaluation_window(X.lengths, **_through_time(own))
        return latency_seconds(self._network(name), as_read(X, own), window)

    def _network(self, name: str) -> Network:
        own = {name: self.settings_of[name]}
        return networks(TASKS[self.task], own, self.division.whole, match_parameters=False)[name]


def _through_time(options: dict[str, Any]) -> dict[str, Any]:
    return {name: options[name] for name in ("bptt_steps", "recompute")}


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
                weight_noise=own["weight_noise"],
            )
        except TooLarge as error:
            if space is None or not space.hidden_size:
                raise
            raise TooLarge(f"{error}; the search tries up to twice the hidden size that is given") from None


def _hidden_size(network: Network) -> int:
    return next(node.hidden_size for node in network.nodes if isinstance(node, Recurrent))
