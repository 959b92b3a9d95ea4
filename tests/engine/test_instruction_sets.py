"""The engine's other builds: each runs, as its own process, what the one in use is tested with in full."""

import os
import subprocess
import sys

import pytest

from tidegate.engine import instruction_set, instruction_sets

IN_USE = instruction_set()
OTHERS = instruction_sets()[1:]
SMOKE = (
    "(test_layers and (rnn or lstm or gru) and mask) or test_float32_agrees or test_losses or test_networks"
)


def run(instruction_set: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"TIDEGATE_INSTRUCTION_SET": instruction_set}
    return subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", OTHERS)
def test_it_agrees_with_the_oracle(name: str) -> None:
    path = os.path.join(os.path.dirname(__file__), "test_oracle.py")
    ran = run(name, "-m", "pytest", "-q", "-p", "no:cacheprovider", path, "-k", SMOKE)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "passed" in ran.stdout


@pytest.mark.parametrize("name", [IN_USE, *OTHERS])
def test_info_names_the_one_that_computes(name: str) -> None:
    ran = run(name, "-m", "tidegate", "info")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1].endswith(f", {name}")
    loaded = run(
        name,
        "-c",
        "import tidegate.engine as e, sys; e.Stop(); print(*(m for m in sys.modules if '_engine_' in m))",
    )
    assert loaded.stdout.split() == [f"tidegate._engine_{name}"]
