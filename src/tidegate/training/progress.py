"""A bar for a fit under way: epoch, losses, updates a second, time left."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tidegate.training.fit import Run, Watch

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


def can_show() -> bool:
    """Whether a person may be looking: standard error is a terminal, or this is a notebook."""
    return sys.stderr.isatty() or "ipykernel" in sys.modules


@contextmanager
def shown(title: str, console: Console | None = None) -> Iterator[Watch]:
    """A watcher for `fit` that draws a bar on standard error, or the console given, until the block ends.

    The bar moves within an epoch: rich's own thread reads the run's count of updates while the engine works.
    """
    from rich.console import Console as RichConsole
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    run: Run | None = None

    class Live(Progress):
        def get_renderables(self) -> Iterable[RenderableType]:
            if run is not None:
                self.update(task, completed=run.num_updates, total=run.total_updates, state=state_of(run))
            return super().get_renderables()

    bar = Live(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[state]}"),
        TimeRemainingColumn(),
        console=console or RichConsole(stderr=True),
        transient=True,
    )
    task = bar.add_task(title, total=None, state="")

    def watch(watched: Run) -> None:
        nonlocal run
        run = watched

    with bar:
        yield watch


def state_of(run: Run) -> str:
    """The run in one line: "epoch 3/100  loss 0.1234  val_loss 0.2345  5000 updates/s"."""
    parts = [f"epoch {run.epoch}/{run.max_epochs}"]
    parts += [
        f"{measure} {run.last(measure):.4f}"
        for measure in ("loss", "val_loss")
        if math.isfinite(run.last(measure))
    ]
    if run.seconds:
        parts.append(f"{run.updates_per_second:.0f} updates/s")
    return "  ".join(parts)
