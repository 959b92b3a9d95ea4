"""Candidates trained with several seeds each, on threads, in a folder: what comes of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import tidegate
from tidegate.checks import integer, real
from tidegate.comparison.arguments import seeds_of
from tidegate.comparison.claims import claims
from tidegate.comparison.differences import verdicts
from tidegate.comparison.folder import Folder
from tidegate.comparison.machine import hardware, versions
from tidegate.comparison.progress import Board, shown
from tidegate.comparison.results import Comparison
from tidegate.comparison.scores import CellResult
from tidegate.comparison.subject import Subject
from tidegate.comparison.trials import Trial, run_trials
from tidegate.engine import num_cores

Search = Callable[[Path | None], Subject]


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during a comparison. comparison: the replicas that were finished, None where there were none."""

    def __init__(self, message: str, comparison: Comparison | None) -> None:
        super().__init__(message)
        self.comparison = comparison


@dataclass(frozen=True)
class Running:
    """How a comparison is run, of whatever it is: the arguments of tidegate.compare of these names,
    checked."""

    seeds: tuple[int, ...]
    margin: float
    num_threads: int
    progress: bool
    output: Path | None
    resume: bool
    overwrite: bool
    command: str | None
    began: float

    @classmethod
    def of(
        cls,
        seeds: int | Iterable[int],
        margin: float,
        num_threads: int | None,
        progress: bool,
        output: str | Path | None,
        resume: bool,
        overwrite: bool,
        command: str | None,
    ) -> Running:
        """ValueError where an argument does not fit."""
        if resume and output is None:
            raise ValueError("resume expects the folder to go on with; got none: pass output")
        return cls(
            seeds_of(seeds),
            real("margin", margin),
            num_cores() if num_threads is None else integer("num_threads", num_threads),
            progress,
            None if output is None else Path(output),
            resume,
            overwrite,
            command,
            time.perf_counter(),
        )

    def at_a_time(self, num_candidates: int) -> int:
        """Replicas that are trained side by side."""
        return min(self.num_threads, num_candidates * len(self.seeds))

    def run(
        self,
        subject: Subject,
        search: Search | None = None,
        result: Callable[..., Comparison] = Comparison,
    ) -> Comparison:
        """Train every candidate of the subject with every seed, or take what the folder has of them.

        search: gives the subject with the settings that it found, in the folder it is given; made first.
        result: makes the result of its fields. Interrupted where Ctrl-C ended it.
        """
        identity = {
            "cells": list(subject.names),
            "seeds": list(self.seeds),
            **subject.identity,
            "version": tidegate.__version__,
        }
        with (
            Folder(self.output, identity, self.resume, self.overwrite)
            if self.output is not None
            else nullcontext()
        ) as folder:
            if search is not None:
                subject = search(None if folder is None else folder.search)
            trials = [Trial(subject, name, seed, folder) for seed in self.seeds for name in subject.names]
            board = Board(len(trials))
            at_a_time = self.at_a_time(len(subject.names))
            with shown(board) if self.progress else nullcontext():
                replicas, interrupted = run_trials(trials, at_a_time, board)
            results = []
            for name in subject.names:
                if own := tuple(replica for replica in replicas if replica.cell == name):
                    latency = None if interrupted else subject.latency_seconds(name)
                    memory, tuned = subject.memory_bytes(name), subject.tuned.get(name)
                    results.append(CellResult(name, own, memory, latency, tuned))
            found = verdicts(
                results,
                subject.score_names,
                subject.pairs,
                sizes=subject.sizes,
                groups=subject.groups,
                margin=self.margin,
            )
            named_by_cell = [own for own in results if own.cell == subject.cell_of(own.cell)]
            comparison = result(
                task=subject.task,
                score_names=dict(subject.score_names),
                curve=subject.curve,
                noun=subject.noun,
                cells=tuple(results),
                verdicts=found,
                claims=claims(named_by_cell, found, subject.match, subject.whole),
                seeds=self.seeds,
                settings={**subject.settings, "margin": self.margin},
                data=dict(subject.data),
                versions={**versions(), **subject.versions},
                hardware=hardware(),
                num_threads=at_a_time,
                seconds=time.perf_counter() - self.began,
                command=self.command,
                created=datetime.now(UTC).date().isoformat(),
                interrupted=interrupted,
            )
            saved = comparison.save(self.output) if self.output is not None and replicas else None
        if interrupted:
            kept = f", kept in {saved}" if saved else ""
            raise Interrupted(
                f"interrupted: {len(replicas)} of {len(trials)} replicas finished{kept}",
                comparison if replicas else None,
            )
        return comparison
