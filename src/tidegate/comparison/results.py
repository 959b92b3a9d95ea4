"""What a comparison found: plain frozen records, as a table, in words and as JSON."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidegate.comparison.scores import CellResult, Scores
from tidegate.comparison.verdict import Verdict

if TYPE_CHECKING:
    from rich.table import Table

RESULT_FILE = "result.json"


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
        """Everything, as JSON has it: a score that is not a number (R^2 of one sequence) is None."""
        document: dict[str, Any] = _finite(
            {
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
        )
        return document

    def save(self, folder: str | Path) -> Path:
        """Write result.json into the folder, which is made if need be, and return its path. The file is there
        whole or, after an error, as it was before."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / RESULT_FILE
        text = json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"
        draft = folder / f".{RESULT_FILE}.{os.getpid()}"
        try:
            with open(draft, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)
        return path

    def table(self) -> Table:
        """A row a cell, for rich's print; it fits in 60 columns, where long names of cells are broken."""
        from rich import box
        from rich.table import Table

        table = Table(
            caption=f"{self.score_name}: median and range over {len(self.seeds)} seeds",
            box=box.SIMPLE_HEAD,
            show_edge=False,
            pad_edge=False,
            collapse_padding=True,
            padding=(0, 1),
        )
        table.add_column("cell\nparameters", overflow="fold")
        for title in ("train", "validation", "test", "seconds\nupdates/s"):
            table.add_column(title, justify="right", no_wrap=True)
        for result in self.cells:
            table.add_row(
                f"{result.cell}\n{result.num_parameters:,}",
                *map(_two_lines, (result.train_score, result.validation_score, result.test_score)),
                f"{result.seconds:.2f}\n{result.updates_per_second:,.0f}",
            )
        return table

    def __str__(self) -> str:
        """The table and the verdicts."""
        from rich.console import Console

        page = Console(width=80, color_system=None)
        with page.capture() as captured:
            page.print(self.table())
            for verdict in self.verdicts:
                page.print(verdict.text, highlight=False)
        return captured.get()


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _two_lines(scores: Scores | None) -> str:
    return "none" if scores is None else f"{scores.median:.3f}\n{scores.min:.3f}–{scores.max:.3f}"
