"""A small search before a comparison: learning rate, hidden size and dropout, the same number of trials for
each cell, on sequences to train on alone.

Optuna proposes (its TPE sampler; Bergstra et al. 2011) and keeps what was tried. Every proposal is drawn from
a seed of its own, so that a search that was interrupted goes on as if it had not been.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from tidegate.checks import integer, real
from tidegate.comparison.arguments import TASKS
from tidegate.comparison.parts import Part
from tidegate.comparison.progress import Board
from tidegate.comparison.trials import run_trials
from tidegate.comparison.tuned import Settings, Tuned
from tidegate.engine import Diverged, Stop

# Of the part to train on, what every trial of every cell is judged by.
HELD_OUT = 0.25


def optuna() -> Any:
    """The package; ValueError where it is not installed."""
    try:
        import optuna as package
    except ModuleNotFoundError:
        raise ValueError(
            "tune expects the package optuna; got none installed: pip install 'tidegate[tune]'"
        ) from None
    return package


@dataclass(frozen=True)
class Space:
    """Where the search looks: a learning rate from a tenth of that given to ten times it and a hidden size
    from a quarter of that given to twice it, both by their logarithm, and a dropout from 0 to 0.5.

    given: where it starts. hidden_size: whether it is searched.
    """

    given: Settings
    hidden_size: bool

    @classmethod
    def around(cls, options: Settings, *, hidden_size: bool) -> Space:
        names = ("learning_rate", "hidden_size", "dropout") if hidden_size else ("learning_rate", "dropout")
        return cls({name: options[name] for name in names}, hidden_size)

    @property
    def largest(self) -> Settings:
        """The settings of the largest network."""
        return {"hidden_size": 2 * self.given["hidden_size"]} if self.hidden_size else {}

    def distributions(self) -> dict[str, Any]:
        kinds = optuna().distributions
        rate, size = self.given["learning_rate"], self.given.get("hidden_size", 1)
        return {
            "learning_rate": kinds.FloatDistribution(rate / 10, rate * 10, log=True),
            **(
                {"hidden_size": kinds.IntDistribution(-(-size // 4), 2 * size, log=True)}
                if self.hidden_size
                else {}
            ),
            "dropout": kinds.FloatDistribution(0.0, max(0.5, self.given["dropout"])),
        }


class Studies:
    """What was tried of every cell, in one SQLite file, or in memory where there is no folder."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._lock = Lock()
        self._package = optuna()
        if folder is None:
            self._storage = self._package.storages.InMemoryStorage()
            return
        from sqlalchemy.engine import URL

        folder.mkdir(exist_ok=True)
        url = URL.create("sqlite", database=str(folder / "trials.db")).render_as_string()
        self._storage = self._package.storages.RDBStorage(url)

    def begin(self, cell: str) -> Any:
        """The study of a cell, without the trials that were cut off."""
        states = self._package.trial.TrialState
        with self._lock:
            study = self._package.create_study(storage=self._storage, study_name=cell, load_if_exists=True)
            for trial in study.get_trials(deepcopy=False, states=(states.RUNNING,)):
                study.tell(trial.number, state=states.FAIL)
        return study

    def done(self, study: Any) -> list[tuple[Settings, float]]:
        """Settings and loss of every finished trial, in their order."""
        with self._lock:
            trials = study.get_trials(deepcopy=False, states=(self._package.trial.TrialState.COMPLETE,))
            return [(dict(trial.params), float(trial.value)) for trial in trials]

    def ask(self, study: Any, space: Space, seed: int) -> Any:
        """The trial to make next. It follows from those that are done and the seed; the first is of the
        settings that were given."""
        states = self._package.trial.TrialState
        with self._lock:
            if not study.get_trials(deepcopy=False, states=(states.COMPLETE, states.WAITING)):
                study.enqueue_trial(space.given)
            study.sampler = self._package.samplers.TPESampler(seed=seed)
            return study.ask(space.distributions())

    def tell(self, study: Any, trial: Any, loss: float) -> None:
        """A trial is finished."""
        with self._lock:
            study.tell(trial, loss)

    def state_of(self, cell: str, number: int) -> Path | None:
        """Where the checkpoint of a trial under way is."""
        return None if self.folder is None else self.folder / f"{cell}-{number}.state"

    def close(self) -> None:
        if self.folder is not None:
            self._storage.engine.dispose()


@contextmanager
def quiet() -> Iterator[None]:
    """Optuna logs what goes wrong alone; every trial would be a line."""
    logging = optuna().logging
    before = logging.get_verbosity()
    logging.set_verbosity(logging.WARNING)
    try:
        yield
    finally:
        logging.set_verbosity(before)


@dataclass(frozen=True)
class Search:
    """The trials of one cell, one after the other, each trained with the same seed on `training`, with its
    loss on `validation`."""

    task: str
    cell: str
    training: Part
    validation: Part
    options: Settings
    space: Space
    num_trials: int
    seed: int
    studies: Studies

    def run(self, stop: Stop, board: Board) -> Tuned:
        """Make the trials that are not done yet; KeyboardInterrupt where `stop` is set before they are."""
        study = self.studies.begin(self.cell)
        for number in range(1, self.num_trials + 1):
            with board.replica(self.cell) as watch:
                done = self.studies.done(study)
                if len(done) >= number:
                    continue
                if stop.is_set:
                    raise KeyboardInterrupt
                trial = self.studies.ask(study, self.space, _seed_of(self.seed, number))
                self.studies.tell(study, trial, self._loss(trial.params, number, stop, watch))
        done = self.studies.done(study)
        losses = [loss for _, loss in done]
        best = int(np.argmin(losses))
        if not math.isfinite(losses[best]):
            raise FloatingPointError(
                f"every trial of the search for {self.cell} diverged: lower learning_rate or set clip_norm"
            )
        return Tuned(done[best][0], losses[best], best + 1, self.num_trials)

    def _loss(self, settings: Settings, number: int, stop: Stop, watch: Any) -> float:
        """The lowest validation loss of a training with these settings; infinite where it diverged at
        once."""
        own = {"validation": (self.validation.X, self.validation.y)}
        model = TASKS[self.task](**self.options | own | settings, random_state=self.seed, num_threads=1)
        checkpoint = self.studies.state_of(self.cell, number)
        try:
            model._fit(self.training.X, self.training.y, stop=stop, watch=watch, checkpoint=checkpoint)
        except Diverged:
            return math.inf
        return float(min(model.history_["val_loss"]))


def check_search(num_trials: int, options: Settings) -> None:
    """ValueError where no search can be made with these."""
    integer("tune", num_trials, 1, 10_000)
    optuna()
    if options["validation"] is None:
        raise ValueError(
            "tune expects a validation part in each training; got validation=None: pass a share, or leave "
            "tune out"
        )
    real("learning_rate", options["learning_rate"], above=True)


def search(
    task: str,
    training: Part,
    validation: Part | None,
    settings_of: dict[str, Settings],
    space: Space,
    num_trials: int,
    *,
    seed: int,
    folder: Path | None,
    num_threads: int,
    board: Board,
) -> tuple[dict[str, Tuned], bool]:
    """What was chosen for each cell, and whether Ctrl-C ended the search before.

    training: all that may be seen. validation: given, or None for a quarter of training. settings_of: each
    cell's, which the search starts from. folder: for what was tried, None for memory.
    """
    if validation is None:
        training, validation = training.split(HELD_OUT, task, seed)
    with quiet(), closing(Studies(folder)) as studies:
        jobs = [
            Search(task, cell, training, validation, options, space, num_trials, seed, studies)
            for cell, options in settings_of.items()
        ]
        found, interrupted = run_trials(jobs, min(num_threads, len(jobs)), board)
    if not interrupted:
        return dict(zip(settings_of, found)), False
    return {}, True


def _seed_of(seed: int, number: int) -> int:
    """Of a proposal: the same for all cells."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
