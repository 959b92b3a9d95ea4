"""After a fork, and in a subinterpreter, the engine works or says that it does not."""

import multiprocessing
import os
import re
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tidegate.engine import Engine, Optimizer, Steps, Target
from tidegate.network import sequence_network

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),  # of Python 3.12 on, where threads run
]


WATCHED = any(f"lib{name}san" in os.environ.get("LD_PRELOAD", "") for name in ("a", "t"))


def engine_of_two_threads() -> Engine:
    engine = Engine(sequence_network("lstm", 6, 40, 2, "mse"), num_threads=2)
    engine.flat[:] = 0.2 * np.random.default_rng(1).normal(size=engine.flat.size)
    return engine


def train(engine: Engine) -> npt.NDArray[Any]:
    """Enough work that both threads are started."""
    rng = np.random.default_rng(0)
    steps = Steps.of(rng.normal(size=(1200, 6)), np.arange(0, 1201, 25))
    target = Target(rng.normal(size=(48, 2)).astype(np.float32))
    engine.epoch(steps, target, np.arange(48), 24, np.full(2, 0.01), Optimizer())
    return engine.flat.copy()


def trained_twice(_: int = 0) -> npt.NDArray[Any]:
    engine = engine_of_two_threads()
    train(engine)
    return train(engine)


def test_an_engine_that_trained_goes_on_in_a_forked_child() -> None:
    engine = engine_of_two_threads()
    train(engine)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.write(writing, train(engine).tobytes()[:1024])
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        got = pipe.read()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert got == trained_twice().tobytes()[:1024]


def test_forked_workers_train() -> None:
    expected = trained_twice()
    with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
        for result in pool.map(trained_twice, range(4)):
            np.testing.assert_array_equal(result, expected)


@pytest.mark.skipif(WATCHED, reason="a sanitizer's own locks do not survive such a fork")
def test_a_fork_while_another_thread_trains_leaves_new_engines_working() -> None:
    expected = trained_twice()
    done = threading.Event()

    def keep_training() -> None:
        while not done.is_set():
            trained_twice()

    thread = threading.Thread(target=keep_training)
    thread.start()
    try:
        for _ in range(5):
            child = os.fork()
            if child == 0:
                os._exit(not np.array_equal(trained_twice(), expected))
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        done.set()
        thread.join()


SUBINTERPRETER = """
    import os
    import sys
    try:
        import _interpreters as interpreters
    except ImportError:
        import _xxsubinterpreters as interpreters
    if sys.argv[1] == "both":
        import tidegate.engine
        tidegate.engine.Stop()
    code = '''
    import warnings
    warnings.simplefilter("ignore")
    try:
        from tidegate.recurrent import Recurrent
        print(Recurrent("gru", 2, 3).forward([[[0.0, 1.0]]])[0].shape, flush=True)
    except ImportError as error:
        print("ImportError", error, flush=True)
    '''
    import textwrap
    made = interpreters.create()
    failed = interpreters.run_string(made, textwrap.dedent(code))
    os._exit(failed is not None)  # ending the two interpreters in order is Python's matter
"""


REFUSAL = (
    r"ImportError .*(main interpreter only|subinterpreter|more than once per process)"  # ours or NumPy's
)


@pytest.mark.parametrize("where", ["there alone", "both"])
def test_a_subinterpreter_works_or_says_no(where: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SUBINTERPRETER), where],
        capture_output=True,
        text=True,
        timeout=60,  # where the lock of the wrong interpreter is taken, it never comes
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "(1, 1, 3)\n" or re.match(REFUSAL, ran.stdout)
