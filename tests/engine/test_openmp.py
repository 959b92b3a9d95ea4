"""The threads of GCC's OpenMP runtime, which other libraries use and which spin while they are idle."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/task").is_dir() or "san" in os.environ.get("LD_PRELOAD", ""),
    reason="lists threads in /proc",
)

LIBRARIES = {
    "scikit-learn": """
from sklearn.metrics import pairwise_distances_argmin
points = np.random.default_rng(0).normal(size=(500, 30))
def use():
    return pairwise_distances_argmin(points, points)
""",
    "PyTorch": """
import torch
points = torch.from_numpy(np.arange(1e6))
def use():
    return torch.tanh(points).numpy()
""",
}
BEGIN = """
import os
import numpy as np
def threads():
    return set(os.listdir("/proc/self/task"))
def train(num_sequences):
    from tidegate.engine import Engine, Optimizer, Steps, Target
    from tidegate.network import sequence_network
    engine = Engine(sequence_network("lstm", 4, 64, 1, "mse"), num_threads=2)
    steps = Steps.of(np.ones((num_sequences * 50, 4)), np.arange(num_sequences + 1) * 50)
    target = Target(np.ones((num_sequences, 1), np.float32))
    engine.epoch(steps, target, np.arange(num_sequences), 32, np.full(num_sequences // 32, 0.01), Optimizer())
"""


def ran(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "2"},
        timeout=60,  # a thread that waits for one which a fork left behind waits for ever
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


libraries = pytest.mark.parametrize(
    "library", ["scikit-learn", pytest.param("PyTorch", marks=pytest.mark.torch)]
)


@libraries
def test_no_idle_thread_is_left_to_a_long_call(library: str) -> None:
    code = f"""{BEGIN}{LIBRARIES[library]}
before = threads()
first = use()
workers = threads() - before
assert workers, "the library started no thread"
train(320)
print(len(workers & threads()))
assert np.array_equal(use(), first)
assert len(threads() - before - workers) >= len(workers), "the library started no thread again"
"""
    assert ran(code) == "0"


def test_a_short_call_leaves_them() -> None:
    code = f"""{BEGIN}{LIBRARIES["scikit-learn"]}
before = threads()
use()
workers = threads() - before
from tidegate.engine import Engine, Steps
from tidegate.network import sequence_network
engine = Engine(sequence_network("lstm", 4, 64, 1, "mse"), num_threads=2)
engine.predict(Steps.of(np.ones((32 * 10, 4)), np.arange(33) * 10))
print(workers <= threads() and len(workers) > 0)
"""
    assert ran(code) == "True"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.parametrize("loaded", ["before the fork", "after it"])
def test_a_forked_child_does_not_wait_for_threads_of_its_parent(loaded: str) -> None:
    code = f"""{BEGIN}{LIBRARIES["scikit-learn"]}
if {loaded == "before the fork"}:
    train(320)
use()
child = os.fork()
if child == 0:
    train(320)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert ran(code) == "0"
