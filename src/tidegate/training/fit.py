"""The training loop: epochs until they are all done, the loss has converged, or someone interrupts."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tidegate.engine import Diverged, Engine, Floats, Position, Result, Steps, Stop, Target
from tidegate.engine.memory import evaluation_batch, evaluation_window
from tidegate.training.checkpoint import Checkpoint, Row, State
from tidegate.training.convergence import Convergence
from tidegate.training.metrics import r2_from_mse
from tidegate.training.schedules import schedule_of
from tidegate.training.settings import TrainingSettings

MEASURES = ("loss", "val_loss", "score", "val_score")


@dataclass(frozen=True)
class Part:
    """A part of the data as the engine takes it, with a target or one for each loss. variance: of each
    target, for R^2; None where the score is accuracy. drawn: the steps as an epoch of training reads them, of
    the same lengths; None: as they are."""

    steps: Steps
    target: Target | tuple[Target, ...]
    variance: float | tuple[float | None, ...] | None = None
    drawn: Callable[[np.random.Generator], Steps] | None = None

    @property
    def targets(self) -> tuple[Target, ...]:
        return (self.target,) if isinstance(self.target, Target) else self.target

    def __len__(self) -> int:
        return len(self.steps.starts)

    def score(self, measured: Result) -> float:
        """The engine's score as accuracy or R^2; of several targets the mean."""
        return sum(self.scores(measured)) / len(measured.parts)

    def scores(self, measured: Result) -> tuple[float, ...]:
        """Of each target."""
        variances = self.variance if isinstance(self.variance, tuple) else (self.variance,)
        return tuple(
            score if variance is None else r2_from_mse(score, variance)
            for (_, score), variance in zip(measured.parts, variances)
        )


class Run:
    """A fit under way. The loop writes it; any thread may read it at any time."""

    def __init__(self, engine: Engine, settings: TrainingSettings, updates_per_epoch: int) -> None:
        self.max_epochs = settings.max_epochs
        self.updates_per_epoch = updates_per_epoch
        self.seconds = 0.0
        self.best_epoch = 0
        self.stopped = ""
        self.interrupted = False
        self.diverged = False
        self.seconds_before = 0.0  # of the interrupted fit that this one goes on with
        self._epochs: list[tuple[Row, int]] = []  # with the updates made by its end
        self._engine = engine

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return len(self._epochs)

    @property
    def rows(self) -> list[Row]:
        return [row for row, _ in self._epochs]

    @property
    def updates_before(self) -> int:
        """Updates of the epochs done."""
        return self._epochs[-1][1] if self._epochs else 0

    @property
    def num_updates(self) -> int:
        """Updates done, those of the epoch under way included."""
        return self._engine.num_updates

    @property
    def total_updates(self) -> int:
        """Updates of all max_epochs, if those to come have as many as the last that was begun."""
        return self.updates_before + (self.max_epochs - self.epoch) * self.updates_per_epoch

    @property
    def updates_per_second(self) -> float:
        """Of the full epochs."""
        return self.updates_before / self.seconds if self.seconds else 0.0

    @property
    def history(self) -> dict[str, list[float]]:
        """loss, val_loss, score and val_score of each epoch done; NaN where there is no validation part."""
        columns = zip(*self.rows) if self._epochs else ((),) * len(MEASURES)
        return {name: list(column) for name, column in zip(MEASURES, columns)}

    def last(self, measure: str) -> float:
        """A measure of the last epoch done; NaN before the first."""
        return self._epochs[-1][0][MEASURES.index(measure)] if self._epochs else math.nan

    def add(self, row: Row, num_updates: int) -> None:
        # One append: an interrupt cannot leave columns of different lengths.
        self._epochs.append((row, num_updates))


Watch = Callable[[Run], None]


def fit(
    engine: Engine,
    training: Part,
    validation: Part | None,
    settings: TrainingSettings,
    rng: np.random.Generator,
    *,
    stop: Stop | None = None,
    watch: Watch | None = None,
    checkpoint: Checkpoint | None = None,
) -> Run:
    """Train the engine's parameters from where they are; with a validation part, those of the best epoch are
    kept.

    rng: order of the sequences and dropout. stop: ends the fit from another thread. watch: called before the
    first epoch and after each. checkpoint: where the state is kept meanwhile; what an interrupted fit left
    there is gone on with, and ends with the same bits as a fit that was not interrupted. An interruption
    leaves the state of the last complete update there. The run says why it ended: interrupted runs that
    finished an epoch return like others, with `interrupted` set; before that KeyboardInterrupt is raised.
    Diverged likewise ends a run that finished an epoch.
    """
    num_batches = math.ceil(len(training) / settings.batch_size)
    run = Run(engine, settings, num_batches)
    optimizer, schedule = settings.engine_optimizer(), schedule_of(settings.schedule)
    convergence = Convergence(settings.patience, settings.min_delta)
    monitored = "loss" if validation is None else "val_loss"
    losses: list[float] = []
    best, average = engine.flat.copy(), engine.flat.copy()
    drawn_from, position = rng.bit_generator.state, Position()
    began = time.perf_counter()

    def seconds() -> float:
        return run.seconds_before + time.perf_counter() - began

    def keep_state() -> None:
        """Write the checkpoint, if there is one, unless an exception left the state in the midst of a
        change."""
        fits = run.num_updates == run.updates_before + position.update
        if checkpoint is not None and fits:
            checkpoint.write(engine, State(run.rows, best, average, drawn_from, position, seconds()))

    def take_epoch(row: Row, num_updates: int) -> bool:
        """Add an epoch's measures and see whether it is the last; True where its loss is the lowest."""
        run.add(row, num_updates)
        losses.append(run.last(monitored))
        lowest = convergence.update(losses[-1])
        if lowest or validation is None:
            run.best_epoch = run.epoch
        if convergence.converged:
            run.stopped = (
                f"converged: {monitored} fell by no more than min_delta={settings.min_delta:g} "
                f"for patience={settings.patience} epochs"
            )
        elif run.epoch == settings.max_epochs:
            run.stopped = f"all max_epochs={settings.max_epochs} epochs done"
        return lowest

    def train_epoch() -> Result:
        """The epoch from `position` on, which moves with it; in pieces if the state is to be kept in
        between."""
        nonlocal position
        rates = schedule.rates(settings.learning_rate, run.epoch, run.max_epochs, num_batches, losses)
        order, seed = rng.permutation(len(training)), int(rng.integers(2**63))
        steps = training.steps if training.drawn is None else training.drawn(rng)
        if settings.bptt_steps is not None:  # the windows of a batch have the rate of the batch
            lengths, size = training.steps.lengths, settings.batch_size
            rates = rates.repeat(engine.updates_of_batches(lengths, order, size, settings.bptt_steps))
        run.updates_per_epoch = len(rates)
        while True:
            try:
                trained = engine.epoch(
                    steps,
                    training.target,
                    order,
                    settings.batch_size,
                    rates,
                    optimizer,
                    weight_noise=settings.weight_noise,
                    seed=seed,
                    position=position,
                    max_updates=None if checkpoint is None else checkpoint.updates_at_once(run.num_updates),
                    bptt_steps=settings.bptt_steps,
                    recompute=settings.recompute,
                    stop=stop,
                )
            except BaseException:
                position = engine.reached
                raise
            position = trained.position
            if position.update == len(rates):
                return trained
            keep_state()

    def averaged() -> Floats:
        """The weights after the epoch just trained, or the average that these become part of."""
        if not settings.averaging:
            return engine.flat
        return average + max(1.0 - settings.averaging, 1.0 / (run.epoch + 1)) * (engine.flat - average)

    if checkpoint is not None and (left := checkpoint.read(engine)) is not None:
        for row in left.rows:
            take_epoch(row, engine.num_updates - left.position.update)
        best[:], average[:] = left.best, left.average
        position, run.seconds_before = left.position, left.seconds
        rng.bit_generator.state = drawn_from = left.drawn_from
    try:
        if watch is not None:
            watch(run)
        while not run.stopped:
            if stop is not None and stop.is_set:
                raise KeyboardInterrupt
            trained = train_epoch()
            weights = averaged()
            val_loss, val_score = _evaluate(engine, weights, validation, settings, stop)
            row = (trained.loss, val_loss, training.score(trained), val_score)
            lowest = take_epoch(row, run.num_updates)
            if settings.averaging:
                average[:] = weights
            if lowest or validation is None:
                best[:] = weights
            drawn_from, position = rng.bit_generator.state, Position()
            run.seconds = seconds()
            if checkpoint is not None and checkpoint.is_due:
                keep_state()
            if watch is not None:
                watch(run)
    except KeyboardInterrupt:
        keep_state()
        if not run.epoch:
            raise
        run.interrupted = True
        run.stopped = f"interrupted after {run.num_updates} updates, {run.epoch} full epochs"
    except Diverged as error:
        stopped = f"diverged in epoch {run.epoch + 1}: {error}"
        if not run.epoch:
            raise Diverged(f"training {stopped}") from None
        run.diverged = True
        run.stopped = stopped
    run.seconds = seconds()
    if validation is not None or settings.averaging:
        engine.flat[:] = best
    if validation is not None:
        run.stopped += f"; the weights of epoch {run.best_epoch}, the best on the validation part, are kept"
    return run


def fingerprint(engine: Engine, settings: TrainingSettings, *parts: Part | None) -> str:
    """A digest of what the result of a fit depends on: network, initial weights, settings and data."""
    digest = hashlib.sha256(f"{engine.network.to_records()} {settings}".encode())
    digest.update(engine.flat.tobytes())
    for part in parts:
        if part is not None:
            steps, others = part.steps, [array for pair in part.steps.others for array in pair]
            sparse = [array for rows in steps.sparse for array in (rows.offsets, rows.columns, rows.values)]
            targets = [array for target in part.targets for array in (target.values, target.weights)]
            for array in (*steps.inputs, steps.lengths, *targets, *sparse, *others):
                digest.update(b"" if array is None else array.tobytes())
    return digest.hexdigest()


def _evaluate(
    engine: Engine, weights: Floats, part: Part | None, settings: TrainingSettings, stop: Stop | None
) -> tuple[float, float]:
    """Loss and score of a part with these weights; NaN where there is none. Diverged where the loss is not
    finite."""
    if part is None:
        return math.nan, math.nan
    steps = part.steps
    window = evaluation_window(steps.lengths, settings.bptt_steps, settings.recompute)
    size = evaluation_batch(steps.total_lengths)
    trained = None if weights is engine.flat else engine.flat.copy()
    if trained is not None:
        engine.flat[:] = weights
    try:
        measured = engine.evaluate(steps, part.target, np.arange(len(part)), size, stop, window)
    finally:
        if trained is not None:
            engine.flat[:] = trained
    if not math.isfinite(measured.loss):
        raise Diverged(f"the validation loss is {measured.loss}: lower learning_rate or set clip_norm")
    return measured.loss, part.score(measured)
