"""The loop against a fake engine that records its calls, and against the real one for what it keeps."""

import math
import signal
from types import SimpleNamespace

import numpy as np
import pytest

from tidegate.engine import Diverged, Engine, Position, Result, Steps, Stop, Target
from tidegate.network import sequence_network
from tidegate.network.initializers import Initializers, initialize
from tidegate.training.fit import MEASURES, Part, fit
from tidegate.training.settings import TrainingSettings


class FakeEngine:
    """Its parameter counts epochs; the losses of training and validation are as told."""

    def __init__(self, losses, val_losses=(), fails=None):
        self.flat = np.zeros(1)
        self.num_updates = 0
        self.reached = Position()
        self.losses, self.val_losses, self.fails = losses, val_losses, fails or {}
        self.calls = []

    def epoch(
        self,
        steps,
        target,
        order,
        batch_size,
        learning_rates,
        optimizer,
        *,
        weight_noise,
        seed,
        position,
        max_updates,
        bptt_steps,
        recompute,
        stop,
    ):
        done = len(self.calls)
        if done in self.fails:
            raise self.fails[done]
        self.calls.append(SimpleNamespace(order=order, rates=learning_rates, seed=seed))
        self.flat += 1
        self.num_updates += len(learning_rates)
        self.reached = Position(len(learning_rates))
        return Result(self.losses[done], 0.5, self.reached, ((self.losses[done], 0.5),))

    def evaluate(self, steps, target, order=None, batch_size=256, stop=None, window=None):
        loss = self.val_losses[len(self.calls) - 1]
        return Result(loss, 0.25, parts=((loss, 0.25),))


def part(count=10, variance=None):
    steps = Steps.of(np.zeros((count, 1)), np.arange(count + 1))
    return Part(steps, Target(np.zeros((count, 1), "float32")), variance)


def run_fake(engine, validation=None, **options):
    settings = TrainingSettings(**{"batch_size": 4, "patience": None, "max_epochs": 5, **options})
    return fit(engine, part(), validation, settings, np.random.default_rng(0))


def test_every_epoch_visits_every_sequence_once_in_an_order_of_its_own():
    engine = FakeEngine([1.0] * 5)
    run = run_fake(engine)
    for call in engine.calls:
        np.testing.assert_array_equal(np.sort(call.order), np.arange(10))
        assert len(call.rates) == 3
    assert len({call.order.tobytes() for call in engine.calls}) == 5
    assert len({call.seed for call in engine.calls}) == 5
    assert run.stopped == "all max_epochs=5 epochs done"
    assert (run.epoch, run.best_epoch, run.num_updates, run.total_updates) == (5, 5, 15, 15)


def test_history_has_lists_of_one_length_and_nan_without_validation():
    history = run_fake(FakeEngine([5.0, 4.0, 3.0, 2.0, 1.0])).history
    assert tuple(history) == MEASURES
    assert history["loss"] == [5.0, 4.0, 3.0, 2.0, 1.0]
    assert all(math.isnan(value) for value in history["val_loss"] + history["val_score"])
    assert {len(values) for values in history.values()} == {5}


def test_stops_by_the_validation_loss_and_restores_the_best_weights():
    engine = FakeEngine([1.0] * 9, [0.9, 0.5, 0.6, 0.7, 0.8, 0.1])
    run = run_fake(engine, part(), max_epochs=9, patience=3)
    assert (run.epoch, run.best_epoch) == (5, 2)
    assert engine.flat == 2
    assert run.stopped == (
        "converged: val_loss fell by no more than min_delta=0 for patience=3 epochs; "
        "the weights of epoch 2, the best on the validation part, are kept"
    )


def test_without_validation_it_stops_by_the_training_loss_and_keeps_the_last_weights():
    engine = FakeEngine([0.9, 0.5, 0.6, 0.7, 0.1])
    run = run_fake(engine, patience=2)
    assert (run.epoch, run.best_epoch) == (4, 4)
    assert engine.flat == 4
    assert run.stopped.startswith("converged: loss fell by no more than")


class Evaluated(FakeEngine):
    """Its validation loss is how far its parameter, 1 more after each epoch, is from 2."""

    def evaluate(self, *arguments):
        loss = abs(float(self.flat[0]) - 2.0)
        return Result(loss, 0.25, parts=((loss, 0.25),))


def test_a_moving_average_of_the_weights_is_validated_and_kept():
    engine = Evaluated([1.0] * 5)
    run = run_fake(engine, part(), averaging=0.6)
    # 1; (1 + 2) / 2; 0.6 * 1.5 + 0.4 * 3; ...: the mean of all while 1 / epoch is more than 0.4
    averages = [1.0, 1.5, 2.1, 2.86, 3.716]
    np.testing.assert_allclose(run.history["val_loss"], np.abs(np.array(averages) - 2.0))
    assert run.best_epoch == 3
    np.testing.assert_allclose(engine.flat, 2.1)


def test_averaged_without_validation_the_last_average_is_kept():
    engine = FakeEngine([1.0] * 3)
    run_fake(engine, averaging=0.6, max_epochs=3)
    np.testing.assert_allclose(engine.flat, 2.1)


def test_the_schedule_sees_the_monitored_losses():
    engine = FakeEngine([1.0] * 8, [0.5] * 8)
    run_fake(engine, part(), max_epochs=8, schedule="reduce_on_plateau", learning_rate=1.0)
    assert [call.rates[0] for call in engine.calls] == [1, 1, 1, 1, 1, 1, 0.5, 0.5]


def test_interrupted_after_an_epoch_keeps_the_best_weights_and_says_so():
    engine = FakeEngine([1.0] * 3, [0.5, 0.9, 0.9], {2: KeyboardInterrupt()})
    run = run_fake(engine, part())
    assert run.interrupted
    assert engine.flat == 1
    assert run.stopped.startswith("interrupted after 6 updates, 2 full epochs; the weights of epoch 1")
    assert len(run.history["loss"]) == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Diverged("update 1")])
def test_ended_before_the_first_epoch_it_raises(error):
    with pytest.raises(type(error)):
        run_fake(FakeEngine([], fails={0: error}))


def test_divergence_ends_the_run_with_the_best_weights():
    engine = FakeEngine([1.0] * 3, [0.5, 0.4, 0.9], {2: Diverged("update 2 of 3")})
    run = run_fake(engine, part())
    assert run.diverged
    assert engine.flat == 2
    assert "diverged in epoch 3: update 2 of 3" in run.stopped


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_validation_loss_that_is_not_finite_is_divergence(bad):
    engine = FakeEngine([1.0] * 3, [0.5, bad, 0.1])
    run = run_fake(engine, part())
    assert run.diverged
    assert engine.flat == 1
    assert len(run.history["val_loss"]) == 1


def test_r2_is_what_the_engine_measures_over_the_variance():
    engine = FakeEngine([1.0] * 5, [1.0] * 5)
    run = fit(
        engine,
        part(variance=2.0),
        part(variance=0.5),
        TrainingSettings(batch_size=4, max_epochs=5),
        np.random.default_rng(0),
    )
    assert run.last("score") == 1 - 0.5 / 2.0
    assert run.last("val_score") == 1 - 0.25 / 0.5


def real_engine():
    network = sequence_network("gru", 2, 5, 1, "mse")
    engine = Engine(network, num_threads=1)
    for name, value in initialize(network, Initializers(), np.random.default_rng(0), 4).items():
        engine.parameters[name][...] = value
    values = np.random.default_rng(1).normal(size=(40, 2))
    target = Target(np.random.default_rng(2).normal(size=(10, 1)).astype("float32"))
    return engine, Part(Steps.of(values, np.arange(0, 41, 4)), target, 1.0)


def test_kept_weights_give_the_best_validation_loss_again():
    engine, examples = real_engine()
    settings = TrainingSettings(learning_rate=0.3, max_epochs=12, patience=None)
    run = fit(engine, examples, examples, settings, np.random.default_rng(0))
    assert 0 < run.best_epoch < 12
    kept = engine.evaluate(examples.steps, examples.target).loss
    assert kept == min(run.history["val_loss"]) == run.history["val_loss"][run.best_epoch - 1]


def test_a_stop_that_is_set_ends_the_run():
    engine, examples = real_engine()
    stop = Stop()

    def watch(run):
        if run.epoch == 3:
            stop.set()

    run = fit(engine, examples, None, TrainingSettings(), np.random.default_rng(0), stop=stop, watch=watch)
    assert run.interrupted
    assert run.epoch == 3


def test_ctrl_c_ends_the_run_with_what_it_has():
    engine, examples = real_engine()

    def watch(run):
        if run.epoch == 2:
            signal.raise_signal(signal.SIGINT)

    run = fit(engine, examples, examples, TrainingSettings(), np.random.default_rng(0), watch=watch)
    assert run.interrupted
    assert run.epoch == 2
    assert engine.evaluate(examples.steps, examples.target).loss == min(run.history["val_loss"])


def test_watch_sees_the_run_before_the_first_epoch_and_after_each():
    seen = []
    settings = TrainingSettings(max_epochs=3, patience=None, batch_size=4)
    fit(
        FakeEngine([1.0] * 3),
        part(),
        None,
        settings,
        np.random.default_rng(0),
        watch=lambda run: seen.append((run.epoch, run.num_updates)),
    )
    assert seen == [(0, 0), (1, 3), (2, 6), (3, 9)]
