"""Times of a call in this process, and what else the machine did meanwhile."""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

MOST_FOREIGN = 0.05  # of the machine's time; a row above it is timed again
SHORTEST_SAMPLE = 200e-6  # seconds; shorter calls are timed several at a time


@dataclass(frozen=True)
class Usage:
    """Seconds since some start: wall time, busy time of all cores, time stolen by the host, this process's
    own processor time; num_faults counts its minor page faults."""

    wall: float = 0.0
    busy: float = 0.0
    steal: float = 0.0
    own: float = 0.0
    num_faults: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def __sub__(self, other: Usage) -> Usage:
        return Usage(*(getattr(self, f.name) - getattr(other, f.name) for f in fields(self)))

    def foreign_share(self, num_cores: int) -> float:
        """The share of the machine's time that other processes, or the host, took."""
        if not self.wall:
            return 0.0
        return max(0.0, self.busy - self.own + self.steal) / (self.wall * num_cores)


def parse_stat(text: str, ticks_per_second: int) -> tuple[float, float]:
    """Seconds all cores were busy, and seconds stolen, of the text of /proc/stat (man 5 proc_stat). A
    guest's time is in user's and nice's already."""
    line = next(line for line in text.splitlines() if line.startswith("cpu "))
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, line.split()[1:9])
    return (user + nice + system + irq + softirq) / ticks_per_second, steal / ticks_per_second


def usage() -> Usage:
    busy, steal = parse_stat(Path("/proc/stat").read_text(), os.sysconf("SC_CLK_TCK"))
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    return Usage(time.perf_counter(), busy, steal, time.process_time(), faults)


@dataclass(frozen=True)
class Burst:
    """Seconds of each call (of several together where one is too short), and the use of the machine
    meanwhile."""

    seconds: tuple[float, ...]
    used: Usage
    num_calls: int


def calls_per_sample(seconds: float) -> int:
    return max(1, int(SHORTEST_SAMPLE / max(seconds, 1e-9)))


def burst(
    run: Callable[[], object],
    num_calls: int,
    seconds: float,
    before: Callable[[], object] | None = None,
) -> Burst:
    """Call `run` for about `seconds`, `num_calls` a sample; at least one sample. before: called before each
    sample, which it is not part of."""
    samples: list[float] = []
    at_first = usage()
    end = time.perf_counter() + seconds
    while not samples or time.perf_counter() < end:
        if before is not None:
            before()
        began = time.perf_counter()
        for _ in range(num_calls):
            run()
        samples.append((time.perf_counter() - began) / num_calls)
    return Burst(tuple(samples), usage() - at_first, len(samples) * num_calls)


def warm_up(run: Callable[[], object], seconds: float = 0.2) -> float:
    """Call `run` at least twice and for `seconds`, unless one call is longer; the seconds of the fastest
    call."""
    fastest = float("inf")
    began = time.perf_counter()
    for count in range(1000):
        start = time.perf_counter()
        run()
        fastest = min(fastest, time.perf_counter() - start)
        if time.perf_counter() - began > seconds and (count or fastest > 1):
            break
    return fastest


def fastest(variants: Mapping[str, Callable[[], object]]) -> str:
    """The name of the variant whose fastest call is the shortest; a variant that fails is out."""
    if len(variants) == 1:
        return next(iter(variants))
    seconds: dict[str, float] = {}
    failures = []
    for name, run in variants.items():
        try:
            seconds[name] = warm_up(run)
        except Exception as error:  # noqa: BLE001 - whatever a library raises, the others go on
            failures.append(f"{name}: {error!r}")
    if not seconds:
        raise RuntimeError("; ".join(failures))
    return min(seconds, key=seconds.__getitem__)


def wait_until_idle(most_seconds: float = 1.0) -> None:
    """Return when this process's threads have stopped spinning, so that the next process has the cores."""
    end = time.perf_counter() + most_seconds
    while time.perf_counter() < end:
        before = time.process_time()
        time.sleep(0.004)
        if time.process_time() - before < 0.0004:
            return


@dataclass(frozen=True)
class Times:
    """Median and quartiles of the seconds of one piece of work."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, seconds: list[float], scale: float = 1.0) -> Times:
        if len(seconds) == 1:
            return cls(*[seconds[0] * scale] * 3)
        low, median, high = statistics.quantiles(seconds, n=4, method="inclusive")
        return cls(median * scale, low * scale, high * scale)
