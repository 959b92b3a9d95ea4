"""A fit as a user's call makes it: with a checkpoint, Ctrl-C progress, and what is said at its end."""

from __future__ import annotations

import os
import warnings
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from tidegate.engine import Engine, Stop
from tidegate.training import progress
from tidegate.training.checkpoint import Checkpoint
from tidegate.training.fit import Part, Run, Watch, fingerprint, fit
from tidegate.training.interrupt import CtrlC
from tidegate.training.settings import TrainingSettings


def checkpoint_at(
    path: str | os.PathLike[str] | None,
    random_state: Any,
    engine: Engine,
    settings: TrainingSettings,
    *parts: Part | None,
) -> Checkpoint | None:
    """The checkpoint at a path, None for none; ValueError where the call could not draw the same again."""
    if path is None:
        return None
    if not isinstance(random_state, int | np.integer):
        raise ValueError(
            f"checkpoint expects a whole number as random_state; got {random_state!r}: pass one so that the "
            "same call can go on with the same fit"
        )
    return Checkpoint(Path(path), fingerprint(engine, settings, *parts))


def fit_in_sight(
    engine: Engine,
    training: Part,
    validation: Part | None,
    settings: TrainingSettings,
    rng: np.random.Generator,
    *,
    title: str,
    verbose: bool,
    checkpoint: Checkpoint | None,
    stop: Stop | None = None,
    watch: Watch | None = None,
) -> Run:
    """`fit`, with progress under this title unless a caller watches, and Ctrl-C leaving the last complete
    update in the checkpoint unless a caller stops it."""
    with ExitStack() as stack:
        if stop is None and checkpoint is not None:
            stop = Stop()
            stack.enter_context(CtrlC(stop))
        if watch is None and verbose and progress.can_show():
            watch = stack.enter_context(progress.shown(title))
        return fit(engine, training, validation, settings, rng, stop=stop, watch=watch, checkpoint=checkpoint)


def conclude(run: Run, checkpoint: Checkpoint | None, *, stacklevel: int) -> None:
    """Once the model has what the run left: the checkpoint goes, an interruption goes on, a divergence is
    warned of."""
    if checkpoint is not None and not run.interrupted:
        checkpoint.remove()
    if run.interrupted:
        raise KeyboardInterrupt
    if run.diverged:
        from sklearn.exceptions import ConvergenceWarning

        warnings.warn(f"training {run.stopped}", ConvergenceWarning, stacklevel=stacklevel + 1)
