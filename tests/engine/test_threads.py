"""Threads: those an engine starts, and those of Python that each train an engine of their own."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tidegate.cells import CELLS
from tidegate.engine import Engine, Optimizer, Steps, Stop, Target
from tidegate.network import sequence_network

Array = npt.NDArray[Any]
TASKS = Path("/proc/self/task")


def some_data(num_sequences: int = 48, num_steps: int = 25) -> tuple[Steps, Target]:
    """Enough steps that an engine of `some_engine` uses all its threads."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(num_steps // 2, num_steps, num_sequences)
    steps = Steps.of(rng.normal(size=(lengths.sum(), 6)), np.concatenate([[0], np.cumsum(lengths)]))
    return steps, Target(rng.normal(size=(num_sequences, 2)).astype(np.float32))


def some_engine(cell: str, num_threads: int) -> Engine:
    network = sequence_network(cell, 6, 40, 2, "mse", bidirectional=True, dropout=0.2, pooling="mean")
    engine = Engine(network, num_threads=num_threads)
    engine.flat[:] = 0.2 * np.random.default_rng(1).normal(size=engine.flat.size)
    return engine


def train(engine: Engine, epochs: int = 2) -> Array:
    steps, target = some_data()
    for epoch in range(epochs):
        order = np.random.default_rng(epoch).permutation(len(steps))
        engine.epoch(steps, target, order, 24, np.full(2, 0.01), Optimizer(), seed=epoch)
    return np.concatenate([engine.flat, engine.predict(steps).ravel()])


def test_engines_of_several_threads_do_not_meet() -> None:
    expected = {cell: train(some_engine(cell, 1)) for cell in CELLS}
    got: dict[tuple[str, int], Array] = {}
    for first in range(0, len(CELLS), 4):
        chosen = [(cell, copy) for cell in list(CELLS)[first : first + 4] for copy in (0, 1)]
        together = threading.Barrier(len(chosen))

        def run(key: tuple[str, int], together: threading.Barrier = together) -> None:
            engine = some_engine(key[0], 2)
            together.wait()
            got[key] = train(engine)

        threads = [threading.Thread(target=run, args=(key,)) for key in chosen]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(got) == 2 * len(CELLS)
    for (cell, _), result in got.items():
        np.testing.assert_array_equal(result, expected[cell])


@contextmanager
def running(engine: Engine) -> Iterator[None]:
    """While another thread trains the engine, in an epoch of half a million updates."""
    steps, target = some_data()
    order = np.tile(np.arange(len(steps), dtype=np.int64), 250_000)
    stop = Stop()

    def run() -> None:
        with pytest.raises(KeyboardInterrupt):
            engine.epoch(steps, target, order, 24, np.full(len(order) // 24, 1e-4), Optimizer(), stop=stop)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        while engine.num_updates < 2 and thread.is_alive():
            pass
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.skipif(not TASKS.is_dir(), reason="counts threads in /proc")
@pytest.mark.parametrize("num_threads", [1, 2, 3])
def test_an_engine_starts_no_more_threads_than_it_may(num_threads: int) -> None:
    before = set(os.listdir(TASKS))
    with running(some_engine("lstm", num_threads)):
        started = set(os.listdir(TASKS)) - before
    # Python's thread that called, and the others of the team, unless they wait from an earlier call
    assert 1 <= len(started) <= num_threads


@pytest.mark.skipif(not TASKS.is_dir(), reason="counts threads in /proc")
def test_waiting_threads_are_used_again() -> None:
    for _ in range(3):
        with running(some_engine("lstm", 3)):
            pass
    before = set(os.listdir(TASKS))
    for _ in range(20):
        with running(some_engine("lstm", 3)):
            started = set(os.listdir(TASKS)) - before
        assert len(started) == 1  # Python's


def test_an_engine_serves_one_thread_at_a_time() -> None:
    engine = some_engine("gru", 1)
    steps, _ = some_data()
    with running(engine), pytest.raises(RuntimeError, match="another thread"):
        engine.predict(steps)
    engine.predict(steps)


@pytest.mark.skipif(
    not TASKS.is_dir() or "tsan" in os.environ.get("LD_PRELOAD", ""), reason="counts threads in /proc"
)
def test_prediction_starts_no_more_threads_than_it_may() -> None:
    code = """
import os
import numpy as np
from tidegate.engine import Engine, Steps
from tidegate.network import sequence_network
engine = Engine(sequence_network("lstm", 4, 64, 64, "mse", pooling=None), num_threads=2)
before = len(os.listdir("/proc/self/task"))
engine.predict(Steps.of(np.ones((64 * 50, 4)), np.arange(65) * 50))
print(len(os.listdir("/proc/self/task")) - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"


@pytest.mark.skipif(not hasattr(signal, "sigwait"), reason="the system has no sigwait")
def test_waiting_threads_leave_signals_to_the_program() -> None:
    code = """
import os, signal
import numpy as np
from tidegate.engine import Engine, Steps
from tidegate.network import sequence_network
engine = Engine(sequence_network("lstm", 4, 64, 64, "mse", pooling=None), num_threads=2)
engine.predict(Steps.of(np.ones((64 * 50, 4)), np.arange(65) * 50))
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
os.kill(os.getpid(), signal.SIGUSR1)
assert signal.sigwait({signal.SIGUSR1}) == signal.SIGUSR1
print("ours")
"""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}  # whose threads would take it
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stdout.strip()) == (0, "ours"), done.stderr
