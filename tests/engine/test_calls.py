"""How the engine's calls end: interruption, divergence, wrong arrays; and the mode they leave behind."""

import os
import signal
import threading

import numpy as np
import pytest

from tidegate.engine import (
    Diverged,
    Engine,
    Optimizer,
    Steps,
    Stop,
    Target,
    instruction_set,
    instruction_sets,
    num_cores,
)
from tidegate.network import sequence_network
from tidegate.recurrent import Recurrent

NETWORK = sequence_network("lstm", 2, 8, 1, "mse")


def data(num_sequences: int, num_steps: int = 20) -> tuple[Steps, Target]:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(num_sequences * num_steps, 2))
    steps = Steps.of(values, np.arange(num_sequences + 1) * num_steps)
    return steps, Target(rng.normal(size=(num_sequences, 1)).astype(np.float32))


def engine_with_weights(num_threads: int = 1) -> Engine:
    engine = Engine(NETWORK, num_threads=num_threads)
    engine.flat[:] = 0.3 * np.random.default_rng(1).normal(size=engine.flat.size)
    return engine


def endless(engine: Engine, stop: Stop | None = None) -> None:
    """An epoch of five million updates."""
    steps, target = data(100)
    order = np.tile(np.arange(100, dtype=np.int64), 50_000)
    engine.epoch(steps, target, order, 1, np.full(len(order), 1e-3), Optimizer(), stop=stop)


@pytest.mark.parametrize("num_threads", [1, 2])
def test_ctrl_c_keeps_the_last_full_update(num_threads: int) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background begins with none
    engine = engine_with_weights(num_threads)
    watching = threading.Event()

    def interrupt_once_it_runs() -> None:
        while engine.num_updates < 10 and not watching.is_set():
            pass
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt_once_it_runs)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            endless(engine)
    finally:
        watching.set()
        thread.join()
    count = engine.num_updates
    assert count >= 10
    again = engine_with_weights()
    steps, target = data(100)
    order = np.resize(np.arange(100, dtype=np.int64), count)
    again.epoch(steps, target, order, 1, np.full(count, 1e-3), Optimizer())
    np.testing.assert_array_equal(again.flat, engine.flat)


def test_stop_ends_an_epoch_of_another_thread() -> None:
    engine, stop = engine_with_weights(), Stop()
    caught: list[BaseException] = []

    def run() -> None:
        try:
            endless(engine, stop)
        except KeyboardInterrupt as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while engine.num_updates < 10:
        pass
    stop.set()
    thread.join()
    assert caught
    assert stop.is_set


def test_a_stop_that_is_set_is_noticed_at_once() -> None:
    engine, stop = engine_with_weights(), Stop()
    steps, target = data(2)
    stop.set()
    with pytest.raises(KeyboardInterrupt):
        engine.epoch(steps, target, np.arange(2), 2, np.full(1, 0.01), Optimizer(), stop=stop)
    assert engine.num_updates == 0


@pytest.mark.parametrize("clip", [{}, {"clip_norm": 1.0}, {"clip_value": 1.0}])
def test_divergence_keeps_the_parameters_before_it(clip: dict[str, float]) -> None:
    engine = engine_with_weights()
    steps, target = data(6)
    steps.inputs[0][90] = np.inf
    before = engine.flat.copy()
    with pytest.raises(Diverged, match="update 3 of 3"):
        engine.epoch(steps, target, np.arange(6), 2, np.full(3, 0.01), Optimizer(**clip))
    assert engine.num_updates == 2
    expected = engine_with_weights()
    expected.epoch(steps, target, np.arange(4), 2, np.full(2, 0.01), Optimizer(**clip))
    assert not np.array_equal(engine.flat, before)
    np.testing.assert_array_equal(engine.flat, expected.flat)


@pytest.mark.parametrize("num_threads", [1, 2])
def test_denormals_are_flushed_inside_and_kept_outside(num_threads: int) -> None:
    # Each step shrinks the gradient a thousandfold: after 13 of them it is denormal in float32.
    layers = Recurrent("rnn", 1, 4, num_threads=num_threads)
    for value in layers.parameters.values():
        value[...] = 2.5e-4
    x = np.zeros((16, 60, 1), np.float32)
    layers.forward(x)
    gradient = np.zeros((16, 60, 4), np.float32)
    gradient[:, -1] = 1
    x_gradient = np.abs(layers.backward(gradient).x)
    tiny = np.finfo(np.float32).tiny
    assert (x_gradient[:, 50:] > 0).all()
    assert not ((x_gradient > 0) & (x_gradient < tiny)).any()
    assert (x_gradient[:, :20] == 0).all()
    assert np.float32(tiny) / np.float32(2) > 0


def test_instruction_sets_can_be_lowered(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = instruction_sets()
    assert everything[-1] == "portable"
    monkeypatch.setenv("TIDEGATE_INSTRUCTION_SET", "portable")
    assert instruction_sets() == ["portable"]
    assert instruction_set() == "portable"
    monkeypatch.setenv("TIDEGATE_INSTRUCTION_SET", "avx51")
    with pytest.raises(ValueError, match="TIDEGATE_INSTRUCTION_SET expects"):
        instruction_sets()


def test_cores_are_bounded_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    cores = num_cores()
    assert cores >= 1
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert num_cores() == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "4,2")
    assert num_cores() == cores


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda r: r.forward(np.zeros((2, 3))), "x expects shape"),
        (lambda r: r.forward(np.zeros((2, 3, 5))), "x expects shape"),
        (lambda r: r.forward(np.zeros((0, 3, 2))), "at least one"),
        (lambda r: r.forward(np.full((1, 3, 2), np.nan)), "finite"),
        (lambda r: r.forward(np.zeros((2, 3, 2)), [3, 4]), r"lengths\[1\]=4 exceeds the 3 time steps"),
        (lambda r: r.forward(np.zeros((2, 3, 2)), states={"c": np.zeros((1, 2, 4))}), "states"),
        (lambda r: r.forward(np.zeros((2, 3, 2)), states={"h": np.zeros((2, 4))}), "states"),
        (lambda r: r.forward(np.zeros((2, 3, 2)), mask=np.ones((2, 2), bool)), "mask"),
        (lambda r: r.backward(), "forward first"),
    ],
)
def test_layers_name_the_argument(call: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call(Recurrent("gru", 2, 4))  # type: ignore[operator]


def test_parameters_are_set_by_name() -> None:
    layers = Recurrent("gru", 2, 4)
    layers.parameters["bias_l0"] = np.arange(12)
    layers.parameters["bias_l0"] -= 1
    np.testing.assert_array_equal(layers.parameters["bias_l0"], np.arange(12) - 1.0)
    with pytest.raises(ValueError, match=r"expects shape \(12,\); got \(\)"):
        layers.parameters["bias_l0"] = 1.0
    with pytest.raises(ValueError, match="did you mean 'bias_l0'"):
        layers.parameters["bias_l1"] = np.arange(12)


def test_step_refuses_both_directions() -> None:
    with pytest.raises(ValueError, match="bidirectional=True"):
        Recurrent("gru", 2, 4, bidirectional=True).step(np.zeros((1, 2)))


def exploding(factor: float) -> Engine:
    """A plain RNN that multiplies the gradient by so much a step: on zeros it stays at zero, where tanh has
    its full slope, and what comes back overflows."""
    engine = Engine(sequence_network("rnn", 1, 2, 1, "mse"))
    engine.parameters["weight_hh_l0"] = factor * np.eye(2)
    engine.parameters["weight_output"] = np.ones((1, 2))
    return engine


def test_divergence_names_what_is_not_finite_and_the_remedy() -> None:
    steps, target = Steps.of(np.zeros((80, 1)), np.array([0, 80])), Target(np.ones((1, 1), np.float32))
    arguments = (steps, target, np.arange(1), 1, np.full(1, 0.01))
    engine = exploding(10.0)
    before = engine.flat.copy()
    message = (
        "update 1 of 1 in this epoch met a gradient of weight_ih_l0, weight_hh_l0, bias_l0 that is not "
        "finite; "
        "the parameters are those before it: lower learning_rate or set clip_norm"
    )
    with pytest.raises(Diverged, match=message):
        engine.epoch(*arguments, Optimizer())
    np.testing.assert_array_equal(engine.flat, before)
    with pytest.raises(Diverged, match="lower learning_rate or lower clip_norm"):
        engine.epoch(*arguments, Optimizer(clip_norm=1.0))
    engine.parameters["bias_output"] = [np.inf]
    with pytest.raises(Diverged, match="met a loss of inf and a gradient of every parameter"):
        engine.epoch(*arguments, Optimizer())
