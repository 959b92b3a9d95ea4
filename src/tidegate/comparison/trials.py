"""Replicas trained side by side on threads."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from threadpoolctl import threadpool_limits

from tidegate.comparison.answers import Answers
from tidegate.comparison.folder import Folder
from tidegate.comparison.insight import insight
from tidegate.comparison.parts import Division
from tidegate.comparison.progress import Board
from tidegate.comparison.scores import Replica
from tidegate.engine import Stop
from tidegate.estimators import SequenceClassifier, SequenceRegressor
from tidegate.training.interrupt import CtrlC

TASKS = {"classification": SequenceClassifier, "regression": SequenceRegressor}


@dataclass(frozen=True)
class Trial:
    """One replica to train. cell: the name of what is compared, whose settings are the options. inspected:
    what it does on some sequences is looked at, too. folder: where it is kept, None for nowhere."""

    task: str
    cell: str
    seed: int
    division: Division
    options: dict[str, Any]
    inspected: bool = False
    folder: Folder | None = None

    def run(self, stop: Stop, board: Board) -> Replica:
        """Train and score it, or take it as it was finished before; KeyboardInterrupt where `stop` is set
        before it is trained."""
        if stop.is_set:
            raise KeyboardInterrupt
        with board.replica(self.cell) as watch:
            if self.folder is not None and (kept := self.folder.read(self.cell, self.seed)) is not None:
                return kept
            training, testing = self.division.of_seed(self.seed)
            validation = share = self.options["validation"]
            if isinstance(share, float):
                training, held_out = training.split(share, self.task, self.seed)
                validation = (held_out.X, held_out.y)
            model = TASKS[self.task](
                **self.options | {"validation": validation},
                random_state=self.seed,
                num_threads=1,
            )
            checkpoint = None if self.folder is None else self.folder.checkpoint(self.cell, self.seed)
            model._fit(training.X, training.y, stop=stop, watch=watch, checkpoint=checkpoint)
            replica = Replica(
                cell=self.cell,
                seed=self.seed,
                hidden_size=model.hidden_size,
                num_parameters=model.num_parameters_,
                train_score=float(model.score(training.X, training.y)),
                validation_score=None if validation is None else float(model.score(*validation)),
                test_score=float(model.score(testing.X, testing.y)),
                seconds=model.seconds_,
                updates=model.num_updates_,
                epochs=len(model.history_["loss"]),
                best_epoch=model.best_epoch_,
                stopped=model.stopped_,
                history=model.history_,
                answers=Answers.of(model, testing),
                insight=insight(model, testing) if self.inspected else None,
            )
            if self.folder is not None:
                self.folder.write(replica)
        return replica


Found = TypeVar("Found", covariant=True)


class Job(Protocol[Found]):
    """What a thread does; KeyboardInterrupt where `stop` ended it."""

    def run(self, stop: Stop, board: Board) -> Found: ...


def run_trials(trials: Sequence[Job[Found]], num_threads: int, board: Board) -> tuple[list[Found], bool]:
    """What the trials found that were finished, in their order, and whether Ctrl-C ended the others.

    An error of one ends them all.
    """
    stop = Stop()
    # A replica has one thread. BLAS, which the initial weights need, would add its own, which spin while they
    # wait: on a busy machine of two cores a QR of 100 by 100 took 340 ms, and 0.4 ms with one thread.
    blas = threadpool_limits(1, user_api="blas")
    with CtrlC(stop) as ctrl_c, blas, ThreadPoolExecutor(num_threads) as pool:
        try:
            futures = [pool.submit(trial.run, stop, board) for trial in trials]
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            stop.set()
    errors = [error for future in futures if (error := future.exception())]
    for error in errors:
        if not isinstance(error, KeyboardInterrupt):
            raise error
    return [future.result() for future in futures if not future.exception()], ctrl_c.pressed
