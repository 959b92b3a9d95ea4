"""What a measurement was made on: hardware and versions."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import tidegate
from tidegate.engine import instruction_sets


def num_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """The processor's name where the system tells it, otherwise its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def hardware() -> str:
    """One line: processor, cores, the engine's instruction set."""
    cores = num_cores()
    return f"{processor()}, {cores} core{'s' * (cores != 1)}, {instruction_sets()[0]}"


def versions() -> dict[str, str]:
    """Versions of what has a say in the numbers."""
    return {"tidegate": tidegate.__version__, "python": platform.python_version()} | {
        name: version(name) for name in ("numpy", "scikit-learn")
    }
