"""One bar over all replicas of a comparison, or all trials of the search before it: how many are done, best
validation score, updates a second, time left."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tidegate.training.progress import can_show

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from tidegate.training.fit import Run, Watch


class Board:
    """The replicas under way and done. Any thread may add to it, any may read it."""

    def __init__(self, num_replicas: int, noun: str = "replicas") -> None:
        self.num_replicas = num_replicas
        self.noun = noun
        self._lock = threading.Lock()
        self._runs: list[tuple[str, Run]] = []
        self._num_finished = 0
        self._began = time.perf_counter()

    @contextmanager
    def replica(self, cell: str) -> Iterator[Watch]:
        """A watcher for one replica's fit, which is finished when the block ends without an error."""
        known: list[Run] = []

        def watch(run: Run) -> None:
            if not known:
                known.append(run)
                with self._lock:
                    self._runs.append((cell, run))

        yield watch
        with self._lock:
            self._num_finished += 1

    @property
    def fraction(self) -> float:
        """Replicas done, those under way by their share of max_epochs, a part of all."""
        with self._lock:
            under_way = sum(run.epoch / run.max_epochs for _, run in self._runs if not run.stopped)
            return min(1.0, (self._num_finished + under_way) / self.num_replicas)

    @property
    def done(self) -> str:
        """ "4 of 15 replicas"."""
        return f"{self._num_finished} of {self.num_replicas} {self.noun}"

    @property
    def state(self) -> str:
        """ "4/15 replicas  best validation lstm 0.981  52000 updates/s"."""
        with self._lock:
            runs, finished = list(self._runs), self._num_finished
        parts = [f"{finished}/{self.num_replicas} {self.noun}"]
        best = max(((max(scores), cell) for cell, run in runs if (scores := _validation(run))), default=None)
        if best is not None:
            parts.append(f"best validation {best[1]} {best[0]:.3f}")
        updates = sum(run.num_updates for _, run in runs)
        parts.append(f"{updates / (time.perf_counter() - self._began):.0f} updates/s")
        return "  ".join(parts)


def _validation(run: Run) -> list[float]:
    """The validation scores so far; NaN, which no score equals, is none."""
    return [score for score in run.history["val_score"] if score == score]


@contextmanager
def shown(board: Board, console: Console | None = None) -> Iterator[None]:
    """Draw the board on standard error, or the console given, until the block ends; nothing where nobody
    looks."""
    if console is None and not can_show():
        yield
        return
    from rich.console import Console as RichConsole
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    class Live(Progress):
        def get_renderables(self) -> Iterable[RenderableType]:
            for task in self.task_ids:
                self.update(task, completed=board.fraction, state=board.state)
            return super().get_renderables()

    bar = Live(
        BarColumn(bar_width=24),
        TextColumn("{task.fields[state]}", markup=False),
        TimeRemainingColumn(),
        console=console or RichConsole(stderr=True),
        transient=True,
    )
    bar.add_task("", total=1.0, state="")
    with bar:
        yield
