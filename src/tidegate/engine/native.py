"""The compiled extension, of which there is one for each instruction set: the only place that imports it."""

from __future__ import annotations

import importlib
import importlib.util
import os
from functools import cache
from typing import Any

from tidegate.checks import choice


def instruction_sets() -> list[str]:
    """The instruction sets the engine was built for and this machine can run, the fastest first."""
    supported: list[str] = importlib.import_module("tidegate._cpu").instruction_sets()
    built = [name for name in supported if importlib.util.find_spec(f"tidegate._engine_{name}")]
    wanted = os.environ.get("TIDEGATE_INSTRUCTION_SET")
    if wanted is None:
        return built
    choice("TIDEGATE_INSTRUCTION_SET", wanted, built)
    return built[built.index(wanted) :]


def instruction_set() -> str:
    """The one in use."""
    return instruction_sets()[0]


def num_cores() -> int:
    """Cores this process may run on; OMP_NUM_THREADS, where it is set to a number, bounds them."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    bound = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores, int(bound)) if bound.isdecimal() and int(bound) > 0 else cores


@cache
def extension() -> Any:
    return importlib.import_module(f"tidegate._engine_{instruction_set()}")


class Stop:
    """Cancels an epoch that runs in another thread: it raises KeyboardInterrupt within a moment."""

    def __init__(self) -> None:
        self._native = extension().Stop()

    def set(self) -> None:
        self._native.set()

    @property
    def is_set(self) -> bool:
        return bool(self._native.is_set())
