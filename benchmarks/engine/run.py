"""One run: the cases of one number of threads after another, their results compared, their times as rows."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import numpy as np

from benchmarks.engine.goals import (
    EFFICIENCIES,
    GROWTH_GOAL,
    GROWTHS,
    MEANS,
    Case,
    Contestant,
    Efficiency,
    Goal,
    Growth,
    exponent,
    geometric_mean,
)
from benchmarks.engine.processes import (
    Failed,
    PeerProcess,
    foreign_share,
    interleave,
    undisturbed,
)
from benchmarks.engine.timing import Burst, Times
from benchmarks.engine.work import Results, Task, Unsupported

TOLERANCE = 1e-3  # of the largest magnitude of each array, float32
NUM_CORES = len(os.sched_getaffinity(0))
GOAL_THREADS = 2
PEAK = Task("sgemm", shape=(2048, 2048))

Row = dict[str, Any]


@dataclass(frozen=True)
class Measured:
    """One contestant's times and what belongs to them."""

    times: Times
    bursts: list[Burst]
    built: dict[str, Any]
    attempts: int

    @property
    def num_faults(self) -> float:
        """Minor page faults a call."""
        return sum(one.used.num_faults for one in self.bursts) / sum(one.num_calls for one in self.bursts)


@dataclass
class Run:
    """rounds, seconds: of each contestant in each case: how many bursts, and how long. peers: whom to time;
    None is everyone. The rows collect in `rows`, peaks by threads (operations a second) in `peaks`."""

    rounds: int = 7
    seconds: float = 0.06
    peers: Sequence[str] | None = None
    say: Callable[[str], None] = print
    rows: list[Row] = field(default_factory=list)
    peaks: dict[int, float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    def measure(
        self,
        num_threads: int,
        cases: Sequence[Case],
        efficiencies: Sequence[Efficiency] = EFFICIENCIES,
        growths: Sequence[Growth] = GROWTHS,
    ) -> None:
        """Everything with one number of threads, in processes of its own. The peak is taken before and
        after."""
        self._num_threads = num_threads
        self._processes: dict[str, PeerProcess] = {}
        try:
            self._peak()
            for case in cases:
                try:
                    self._case(case)
                except Failed as error:
                    self._refuse(f"{case.key} {case.task.shape}: {error}")
            efficient = [(one, self._alone(one.task)) for one in efficiencies]
            for growth in growths:
                self._growth(growth)
            self._peak()
            for one, measured in efficient:
                self._efficiency(one, measured)
        finally:
            for process in self._processes.values():
                process.close()

    def _process(self, peer: str) -> PeerProcess:
        if peer not in self._processes or not self._processes[peer].is_alive:
            self._processes[peer] = PeerProcess(peer, self._num_threads)
            self.versions |= self._processes[peer].versions() if " " not in peer else {}
        return self._processes[peer]

    def _wanted(self, contestant: Contestant) -> bool:
        return (
            self.peers is None
            or contestant.peer.startswith("tidegate")
            or any(contestant.peer.startswith(peer) for peer in self.peers)
        )

    def _time(self, contestants: Sequence[Contestant]) -> dict[str, Measured]:
        """By name, the first always; without those that do not have the work, fail, or compute other
        numbers."""
        built: dict[str, dict[str, Any]] = {}
        first = contestants[0]
        for one in filter(self._wanted, contestants):
            try:
                found = self._process(one.peer).build(one.task)
                if one.same_work and one is not first:
                    check_same(found["results"], built[first.name]["results"])
            except Unsupported:
                continue
            except (Failed, Different) as error:
                if one is first:
                    raise
                self._refuse(f"{first.task}: {one.name}: {error}")
                continue
            built[one.name] = found
        turns = {
            one.name: (self._process(one.peer), one.task, built[one.name]["seconds"])
            for one in contestants
            if one.name in built
        }
        bursts, attempts = undisturbed(lambda: interleave(turns, self.rounds, self.seconds), NUM_CORES)
        for process in {id(turn[0]): turn[0] for turn in turns.values()}.values():
            process.release()
        return {
            name: Measured(
                Times.of([second for one in some for second in one.seconds], built[name]["scale"]),
                some,
                built[name],
                attempts,
            )
            for name, some in bursts.items()
        }

    def _refuse(self, what: str) -> None:
        self.refused.append(what)
        self.say(f"NOT TIMED: {what}")

    def _alone(self, task: Task) -> Measured:
        return self._time([Contestant("tidegate", task)])["tidegate"]

    def _peak(self) -> None:
        """The best of NumPy's and PyTorch's."""
        peers = (
            ["tidegate"]
            if self.peers is not None and "pytorch" not in self.peers
            else ["tidegate", "pytorch"]
        )
        for peer in peers:
            measured = self._time([Contestant(peer, PEAK)])[peer]
            best = min(second for one in measured.bursts for second in one.seconds)
            found = 2.0 * PEAK.shape[0] ** 3 / best
            self.peaks[self._num_threads] = max(found, self.peaks.get(self._num_threads, 0.0))
        self.say(f"peak at {self._num_threads} threads: {self.peaks[self._num_threads] / 1e9:.0f} GFLOP/s")

    def _add(
        self, work: str, cell: str, shape: Sequence[int], goal: Goal | None, met: bool | None, **rest: Any
    ) -> None:
        """A goal is one of two threads; at one the rows have none."""
        judged = goal is not None and self._num_threads == GOAL_THREADS
        head = {"work": work, "cell": cell, "shape": list(shape), "threads": self._num_threads}
        row = head | rest | {"goal": str(goal) if judged else None, "met": met if judged else None}
        self.rows.append(row)
        self.say(line(row))

    def _case(self, case: Case) -> None:
        measured = self._time(case.contestants)
        ours = measured[case.ours.name]
        task = case.task
        if case.goal is not None or len(measured) == 1:
            met = case.goal.met(ours.times) if case.goal else None
            self._add(case.work, task.cell, task.shape, case.goal, met, peer=None, **comparison(ours, None))
        for one in case.others:
            if one.name in measured:
                theirs = measured[one.name]
                met = one.goal.met(ours.times, theirs.times) if one.goal else None
                rest = {"peer": one.name} | comparison(ours, theirs)
                self._add(case.work, task.cell, task.shape, one.goal, met, **rest)

    def _efficiency(self, efficiency: Efficiency, measured: Measured) -> None:
        share = efficiency.operations / measured.times.median / self.peaks[self._num_threads]
        rest = {"peer": None} | comparison(measured, None) | {"share": round(share, 4)}
        goal = efficiency.goal
        self._add("efficiency", efficiency.cell, efficiency.shape, goal, goal.met(share), **rest)

    def _growth(self, growth: Growth) -> None:
        measured = [self._alone(growth.task(size)) for size in growth.sizes]
        found = exponent(growth.sizes, [one.times.median for one in measured])
        task = growth.task(growth.sizes[0])
        rest = (
            {"peer": None}
            | comparison(measured[-1], None)
            | {
                "of": growth.of,
                "sizes": list(growth.sizes),
                "seconds": [significant(one.times.median) for one in measured],
                "exponent": round(found, 4),
            }
        )
        self._add("growth", task.cell, task.shape, GROWTH_GOAL, GROWTH_GOAL.met(found), **rest)

    def means(self) -> None:
        """Rows of the geometric means over the ratios to the best peer, which need all shapes."""
        for mean in MEANS:
            rows = [
                row
                for row in self.rows
                if row["work"] == mean.work
                and row["threads"] == GOAL_THREADS
                and row.get("ratio")
                and mean.cell in ("", row["cell"])
            ]
            if rows:
                found = geometric_mean(best_ratios(rows))
                self._num_threads = GOAL_THREADS
                rest = {"peer": "best peer", "ratio": round(found, 3)}
                self._add(
                    f"{mean.work}, geometric mean", mean.cell, (), mean.goal, mean.goal.met(found), **rest
                )

    def document(self, hardware: str, complete: bool) -> dict[str, Any]:
        foreign = [row["foreign"] for row in self.rows if "foreign" in row]
        return {
            "date": datetime.now(UTC).isoformat(timespec="minutes"),
            "hardware": hardware,
            "cores": NUM_CORES,
            "versions": self.versions,
            "dtype": "float32",
            "rounds": self.rounds,
            "seconds_a_burst": self.seconds,
            "complete": complete,
            "peak": {str(threads): significant(peak) for threads, peak in self.peaks.items()},
            "foreign": {
                "median": round(statistics.median(foreign), 4) if foreign else None,
                "largest": max(foreign, default=None),
            },
            "refused": self.refused,
            "rows": self.rows,
        }


class Different(Exception):
    """A peer computes other numbers than we do."""


def check_same(theirs: Results, ours: Results) -> None:
    if not theirs or not set(theirs) <= set(ours):
        raise Different(f"arrays {sorted(theirs)} where {sorted(ours)} are expected")
    for name, array in theirs.items():
        if array.shape != ours[name].shape:
            raise Different(f"{name} has shape {array.shape}; ours {ours[name].shape}")
        worst = float(np.abs(array - ours[name]).max() / np.abs(ours[name]).max())
        if not worst <= TOLERANCE:
            raise Different(f"{name} differs by {worst:.1e} of its largest magnitude")


def best_ratios(rows: Sequence[Row]) -> list[float]:
    """The ratio to the fastest peer of each cell and shape."""
    place = lambda row: (row["cell"], row["shape"])  # noqa: E731
    return [min(row["ratio"] for row in group) for _, group in groupby(sorted(rows, key=place), key=place)]


def comparison(ours: Measured, theirs: Measured | None) -> Row:
    """Seconds of both, their quartiles and ratio, and how much other processes took meanwhile."""
    both = [ours] if theirs is None else [ours, theirs]
    row: Row = {
        "variant": theirs.built["variant"] if theirs else "",
        "theirs": significant(theirs.times.median) if theirs else None,
        "ours": significant(ours.times.median),
        "ratio": round(theirs.times.median / ours.times.median, 3) if theirs else None,
        "spread": {
            name: [significant(one.times.low), significant(one.times.high)]
            for name, one in zip(("ours", "theirs"), both)
        },
        "faults": {name: round(one.num_faults, 1) for name, one in zip(("ours", "theirs"), both)},
        "foreign": round(max(foreign_share(one.bursts, NUM_CORES) for one in both), 4),
        "attempts": ours.attempts,
    }
    if theirs and theirs.built["compile_seconds"]:
        row["compile_seconds"] = round(theirs.built["compile_seconds"], 2)
    if theirs and theirs.built["scale"] != 1:
        row["scale"] = theirs.built["scale"]
    return row


def significant(value: float) -> float:
    return float(f"{value:.4g}")


def line(row: Row) -> str:
    """A row as it is said while the run goes on."""
    shape = ",".join(map(str, row["shape"]))
    text = f"{row['threads']} thr  {row['work']:10} {row['cell']:18} {shape:16} {row['peer'] or '':18}"
    if row.get("ours") is not None:
        text += f" ours {row['ours'] * 1e3:9.4g} ms"
    if row.get("theirs") is not None:
        text += f"  theirs {row['theirs'] * 1e3:9.4g} ms"
    for name in ("ratio", "share", "exponent"):
        if row.get(name) is not None:
            text += f"  {name} {row[name]:.3f}"
    if row["goal"]:
        text += f"  goal {row['goal']}: {'met' if row['met'] else 'MISSED'}"
    if row.get("foreign", 0) > 0.05:
        text += f"  (others had {row['foreign']:.0%} of the machine)"
    return text
