"""A peer's process: it builds a task, says what it computes, and times it when told to. Blocked on its pipe
otherwise.

python -m benchmarks.engine.worker PEER THREADS READ_FD WRITE_FD, started by processes.py.
"""

from __future__ import annotations

import importlib
import sys
import time
import traceback
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.engine.peers import PEERS
from benchmarks.engine.timing import Burst, burst, calls_per_sample, wait_until_idle, warm_up
from benchmarks.engine.work import Built, Task, Unsupported


class Worker:
    def __init__(self, peer: str, num_threads: int) -> None:
        self._peer = importlib.import_module(f"benchmarks.engine.{PEERS[peer].module}")
        self._num_threads = num_threads
        self._built: dict[Task, tuple[Built, float]] = {}

    def versions(self) -> dict[str, str]:
        return self._peer.versions()

    def build(self, task: Task) -> dict[str, Any]:
        began = time.perf_counter()
        built = self._peer.build(task, self._num_threads)
        results = built.results()
        seconds = warm_up(built.run)
        self._built[task] = (built, seconds)
        return {
            "results": results,
            "variant": built.variant,
            "compile_seconds": built.compile_seconds,
            "build_seconds": time.perf_counter() - began,
            "seconds": seconds,
            "scale": built.scale,
        }

    def burst(self, task: Task, seconds: float) -> Burst:
        built, estimate = self._built[task]
        if estimate < 0.2:
            built.run()  # the caches held another process's data
        num_calls = calls_per_sample(estimate) if built.before is None else 1
        return burst(built.run, num_calls, seconds, built.before)

    def release(self) -> None:
        self._built.clear()


def main() -> None:
    peer, num_threads, read_fd, write_fd = sys.argv[1], *map(int, sys.argv[2:])
    requests, answers = Connection(read_fd, writable=False), Connection(write_fd, readable=False)
    worker = Worker(peer, num_threads)
    while True:
        try:
            name, arguments = requests.recv()
        except EOFError:
            return
        try:
            answer: tuple[str, Any] = ("answer", getattr(worker, name)(*arguments))
        except Unsupported as error:
            answer = ("unsupported", str(error))
        except Exception as error:  # noqa: BLE001 - a library's failure is the row's alone
            traceback.print_exc()
            answer = ("failed", f"{type(error).__name__}: {error}")
        wait_until_idle()
        answers.send(answer)


if __name__ == "__main__":
    main()
