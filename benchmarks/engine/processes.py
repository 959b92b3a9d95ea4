"""The peers' processes, of which one computes at a time, and the rounds in which they take turns."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Any, Protocol

from benchmarks.engine.peers import cores_of, environment
from benchmarks.engine.timing import MOST_FOREIGN, Burst, Usage
from benchmarks.engine.work import Task, Unsupported

MOST_ATTEMPTS = 3
LONGEST = 4.0  # seconds of one contestant in all rounds together, from which on it has fewer of them
FEWEST_ROUNDS = 3


class Failed(Exception):
    """A peer's process raised, or ended; its traceback is on standard error."""


class Timed(Protocol):
    """What takes turns: `burst` times a task for about so many seconds."""

    def burst(self, task: Task, seconds: float) -> Burst: ...


class PeerProcess:
    """A peer's long-lived process, which loads the library once. Used in turn, never two at once."""

    def __init__(self, peer: str, num_threads: int) -> None:
        self.peer = peer
        request_end, self_write = os.pipe()
        self_read, answer_end = os.pipe()
        cores = cores_of(peer, num_threads)
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.worker", peer]
            + [str(number) for number in (num_threads, request_end, answer_end)],
            env=environment(peer, num_threads),
            pass_fds=(request_end, answer_end),
            stdin=subprocess.DEVNULL,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
        os.close(request_end)
        os.close(answer_end)
        self._requests = Connection(self_write, readable=False)
        self._answers = Connection(self_read, writable=False)

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def _ask(self, name: str, *arguments: object) -> Any:
        try:
            self._requests.send((name, arguments))
            kind, answer = self._answers.recv()
        except (EOFError, BrokenPipeError):
            raise Failed(f"the process of {self.peer} ended with code {self._process.wait()}") from None
        if kind == "unsupported":
            raise Unsupported(answer)
        if kind == "failed":
            raise Failed(answer)
        return answer

    def versions(self) -> dict[str, str]:
        return self._ask("versions")

    def build(self, task: Task) -> dict[str, Any]:
        return self._ask("build", task)

    def burst(self, task: Task, seconds: float) -> Burst:
        return self._ask("burst", task, seconds)

    def release(self) -> None:
        self._ask("release")

    def close(self) -> None:
        self._requests.close()
        self._process.wait()
        self._answers.close()


def rounds_for(seconds: float, rounds: int) -> int:
    """How many of `rounds` a contestant takes part in whose call lasts `seconds`."""
    return max(min(FEWEST_ROUNDS, rounds), min(rounds, int(LONGEST / max(seconds, 1e-9))))


def interleave(
    contestants: Mapping[str, tuple[Timed, Task, float]], rounds: int, seconds: float
) -> dict[str, list[Burst]]:
    """A burst of each in turn, `rounds` times, each round begun by another one, so that nobody always
    follows the same. contestants: by name, with the seconds one call lasts."""
    bursts: dict[str, list[Burst]] = {name: [] for name in contestants}
    names = list(contestants)
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            timed, task, estimate = contestants[name]
            if len(bursts[name]) < rounds_for(estimate, rounds):
                bursts[name].append(timed.burst(task, seconds))
    return bursts


def undisturbed(
    measure: Callable[[], dict[str, list[Burst]]], num_cores: int, attempts: int = MOST_ATTEMPTS
) -> tuple[dict[str, list[Burst]], int]:
    """Measure again while other processes took more than MOST_FOREIGN of the machine, `attempts` times at
    most; the least disturbed one, and how many were made."""

    def foreign(bursts: dict[str, list[Burst]]) -> float:
        return max(foreign_share(one, num_cores) for one in bursts.values())

    made = [measure()]
    while foreign(made[-1]) > MOST_FOREIGN and len(made) < attempts:
        made.append(measure())
    return min(made, key=foreign), len(made)


def foreign_share(bursts: Sequence[Burst], num_cores: int) -> float:
    return sum((one.used for one in bursts), Usage()).foreign_share(num_cores)
