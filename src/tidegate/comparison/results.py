"""What a comparison found: plain frozen records, as numbers, as a table, in words and as JSON."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

RESULT_FILE = "result.json"

# Were two cells equally good, all n paired differences would point the same way once in 2 ** (n - 1)
# comparisons, with five seeds once in sixteen. With fewer seeds no winner is named.
FEWEST_SEEDS = 5


@dataclass(frozen=True)
class Replica:
    """One cell trained with one seed. Scores are the accuracy or R^2 of the weights that were kept; the
    validation score is None where there was no validation part. seconds: of the training alone. stopped: why
    it ended."""

    cell: str
    seed: int
    num_parameters: int
    train_score: float
    validation_score: float | None
    test_score: float
    seconds: float
    updates: int
    epochs: int
    stopped: str


@dataclass(frozen=True)
class Scores:
    """A score of every seed, in the order of the seeds."""

    median: float
    min: float
    max: float
    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float]) -> Scores:
        return cls(median(values), min(values), max(values), tuple(values))

    def __str__(self) -> str:
        return f"{self.median:.3f} ({self.min:.3f} to {self.max:.3f})"


@dataclass(frozen=True)
class CellResult:
    """One cell's replicas, in the order of the seeds. seconds, updates and epochs are medians of one
    replica."""

    cell: str
    replicas: tuple[Replica, ...]

    @property
    def num_parameters(self) -> int:
        return self.replicas[0].num_parameters

    @property
    def train_score(self) -> Scores:
        return Scores.of([replica.train_score for replica in self.replicas])

    @property
    def validation_score(self) -> Scores | None:
        scores = [
            replica.validation_score for replica in self.replicas if replica.validation_score is not None
        ]
        return Scores.of(scores) if scores else None

    @property
    def test_score(self) -> Scores:
        return Scores.of([replica.test_score for replica in self.replicas])

    @property
    def seconds(self) -> float:
        return median(replica.seconds for replica in self.replicas)

    @property
    def updates(self) -> float:
        return median(replica.updates for replica in self.replicas)

    @property
    def epochs(self) -> float:
        return median(replica.epochs for replica in self.replicas)

    @property
    def updates_per_second(self) -> float:
        """Of all replicas together."""
        seconds = sum(replica.seconds for replica in self.replicas)
        return sum(replica.updates for replica in self.replicas) / seconds if seconds else 0.0

    def to_dict(self) -> dict[str, Any]:
        return {
            "num_parameters": self.num_parameters,
            "train_score": asdict(self.train_score),
            "validation_score": None if self.validation_score is None else asdict(self.validation_score),
            "test_score": asdict(self.test_score),
            "seconds": self.seconds,
            "updates": self.updates,
            "updates_per_second": self.updates_per_second,
            "epochs": self.epochs,
            "stopped": [replica.stopped for replica in self.replicas],
            "replicas": [asdict(replica) for replica in self.replicas],
        }


@dataclass(frozen=True)
class Verdict:
    """Two cells, seed by seed: differences are first minus second in test score.

    winner: the cell that is ahead with every seed, five seeds at least; otherwise None, no difference shown.
    This is a thin first rule: the seeds vary weights, validation part and order, the test part stays one.
    effect: the chance that a replica of the first scores above one of the second, ties halved (Vargha &
    Delaney 2000). time_ratio, parameter_ratio: the first's seconds and parameters over the second's.
    """

    first: str
    second: str
    differences: tuple[float, ...]
    effect: float
    winner: str | None
    time_ratio: float
    parameter_ratio: float
    score_name: str

    @classmethod
    def of(cls, first: CellResult, second: CellResult, score_name: str) -> Verdict:
        """The verdict over the seeds that both have; at least one."""
        seconds = {replica.seed: replica.test_score for replica in second.replicas}
        pairs = [(one.test_score, seconds[one.seed]) for one in first.replicas if one.seed in seconds]
        differences = tuple(one - other for one, other in pairs)
        above = [(one > other) + (one == other) / 2 for one, _ in pairs for _, other in pairs]
        enough = len(differences) >= FEWEST_SEEDS
        winner = None
        if enough and min(differences) > 0:
            winner = first.cell
        elif enough and max(differences) < 0:
            winner = second.cell
        return cls(
            first=first.cell,
            second=second.cell,
            differences=differences,
            effect=sum(above) / len(above),
            winner=winner,
            time_ratio=first.seconds / second.seconds,
            parameter_ratio=first.num_parameters / second.num_parameters,
            score_name=score_name,
        )

    @property
    def text(self) -> str:
        """The verdict in words."""
        num_seeds = f"{len(self.differences)} seed" + "s" * (len(self.differences) != 1)
        if self.winner is None:
            few = f", and fewer than {FEWEST_SEEDS} show none" * (len(self.differences) < FEWEST_SEEDS)
            return (
                f"{self.first} and {self.second}: no difference shown; test {self.score_name} of "
                f"{self.first} minus {self.second}: {Scores.of(self.differences)} over {num_seeds}{few}. "
                f"{self._cost(self.first)}"
            )
        loser = self.second if self.winner == self.first else self.first
        gains = Scores.of([abs(difference) for difference in self.differences])
        return (
            f"{self.winner} is better than {loser}: test {self.score_name} higher with every one of "
            f"{num_seeds}, by {gains}. {self._cost(self.winner)}"
        )

    def _cost(self, cell: str) -> str:
        seconds, parameters = self.time_ratio, self.parameter_ratio
        other = self.second
        if cell == self.second:
            seconds, parameters, other = 1 / seconds, 1 / parameters, self.first
        return f"{cell} takes {seconds:.2f} of the time and {parameters:.2f} of the parameters of {other}."

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"differences": asdict(Scores.of(self.differences)), "text": self.text}


@dataclass(frozen=True)
class Comparison:
    """What `compare` found.

    task: "classification" or "regression". score_name: "accuracy" or "R2". cells: in the order asked for; of
    an interrupted comparison those with a finished replica. seconds: of the whole on the clock.
    """

    task: str
    score_name: str
    cells: tuple[CellResult, ...]
    seeds: tuple[int, ...]
    settings: dict[str, Any]
    data: dict[str, Any]
    versions: dict[str, str]
    hardware: str
    num_threads: int
    seconds: float
    interrupted: bool = False

    def __getitem__(self, cell: str) -> CellResult:
        return {result.cell: result for result in self.cells}[cell]

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """One for each pair of cells that share a seed."""
        return tuple(
            Verdict.of(first, second, self.score_name)
            for first, second in combinations(self.cells, 2)
            if {replica.seed for replica in first.replicas} & {replica.seed for replica in second.replicas}
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        return {
            "task": self.task,
            "score": self.score_name,
            "cells": {result.cell: result.to_dict() for result in self.cells},
            "verdicts": [verdict.to_dict() for verdict in self.verdicts],
            "seeds": list(self.seeds),
            "settings": self.settings,
            "data": self.data,
            "versions": self.versions,
            "hardware": self.hardware,
            "num_threads": self.num_threads,
            "seconds": self.seconds,
            "interrupted": self.interrupted,
        }

    def save(self, folder: str | Path) -> Path:
        """Write result.json into the folder, which is made if need be, and return its path. The file is there
        whole or, after an error, as it was before."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / RESULT_FILE
        text = json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"
        handle, name = tempfile.mkstemp(dir=folder, prefix=f".{RESULT_FILE}-")
        try:
            with open(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
        return path

    def table(self) -> Table:
        """A row a cell, for rich's print."""
        from rich import box
        from rich.table import Table

        table = Table(
            caption=f"{self.score_name}: median and range over {len(self.seeds)} seeds", box=box.SIMPLE
        )
        table.add_column("cell")
        for title in ("parameters", "train", "validation", "test", "seconds", "updates/s"):
            table.add_column(title, justify="right")
        for result in self.cells:
            table.add_row(
                result.cell,
                f"{result.num_parameters:,}",
                *map(_two_lines, (result.train_score, result.validation_score, result.test_score)),
                f"{result.seconds:.2f}",
                f"{result.updates_per_second:,.0f}",
            )
        return table

    def __str__(self) -> str:
        """The table and the verdicts."""
        from rich.console import Console

        page = Console(width=100, color_system=None)
        with page.capture() as captured:
            page.print(self.table())
            for verdict in self.verdicts:
                page.print(verdict.text, highlight=False)
        return captured.get()


def _two_lines(scores: Scores | None) -> str:
    return "none" if scores is None else f"{scores.median:.3f}\n{scores.min:.3f} to {scores.max:.3f}"
