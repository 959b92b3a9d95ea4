"""Replicas trained side by side on threads."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Protocol, TypeVar

from threadpoolctl import threadpool_limits

from tidegate.comparison.folder import Folder
from tidegate.comparison.progress import Board
from tidegate.comparison.scores import Replica
from tidegate.comparison.subject import Subject
from tidegate.engine import Stop
from tidegate.training.interrupt import CtrlC


@dataclass(frozen=True)
class Trial:
    """One replica to train. folder: where it is kept, None for nowhere."""

    subject: Subject
    name: str
    seed: int
    folder: Folder | None = None

    def run(self, stop: Stop, board: Board) -> Replica:
        """Train and score it, or take it as it was finished before; KeyboardInterrupt where `stop` is set
        before it is trained."""
        if stop.is_set:
            raise KeyboardInterrupt
        with board.replica(self.name) as watch:
            if self.folder is not None and (kept := self.folder.read(self.name, self.seed)) is not None:
                return kept
            checkpoint = None if self.folder is None else self.folder.checkpoint(self.name, self.seed)
            trained = self.subject.train(self.name, self.seed, stop, watch, checkpoint)
            model = trained.model
            replica = Replica(
                cell=self.name,
                seed=self.seed,
                hidden_size=model.hidden_size,
                num_parameters=model.num_parameters_,
                targets=trained.targets,
                seconds=model.seconds_,
                updates=model.num_updates_,
                epochs=len(model.history_["loss"]),
                best_epoch=model.best_epoch_,
                stopped=model.stopped_,
                history=model.history_,
                insight=trained.insight,
            )
            if self.folder is not None:
                self.folder.write(replica, model)
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
