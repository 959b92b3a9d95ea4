"""What a comparison found: plain frozen records, as a table, in words and as JSON."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tidegate import report
from tidegate.comparison.claims import Claim
from tidegate.comparison.folder import REPORT_FILE, RESULT_FILE
from tidegate.comparison.scores import CellResult, Scores
from tidegate.persistence import replace_file
from tidegate.statistics import Verdict

if TYPE_CHECKING:
    from rich.table import Table

# "Time to a given score": of the best cell's median validation score.
SHARE_TO_REACH = 0.95


@dataclass(frozen=True)
class Comparison:
    """What `compare` found.

    task: "classification" or "regression". score_name: "accuracy" or "R2". cells: in the order asked for; of
    an interrupted comparison those with a finished replica. verdicts: one for each pair of cells that share a
    seed, p-values adjusted by Holm. claims: the article's, answered. seconds: of the whole on the clock; of
    one that was resumed, since then. command: what makes it again. created: the day.
    """

    task: str
    score_name: str
    cells: tuple[CellResult, ...]
    verdicts: tuple[Verdict, ...]
    claims: list[Claim]
    seeds: tuple[int, ...]
    settings: dict[str, Any]
    data: dict[str, Any]
    versions: dict[str, str]
    hardware: str
    num_threads: int
    seconds: float
    command: str | None
    created: str
    interrupted: bool = False

    def __getitem__(self, cell: str) -> CellResult:
        return {result.cell: result for result in self.cells}[cell]

    @property
    def score_to_reach(self) -> float | None:
        """95 % of the best cell's median validation score; None without one above zero."""
        medians = [own.median for cell in self.cells if (own := cell.validation_score) is not None]
        best = max((own for own in medians if math.isfinite(own)), default=0.0)
        return SHARE_TO_REACH * best if best > 0.0 else None

    def _verdict(self, verdict: Verdict) -> dict[str, Any]:
        """With the differences of every seed."""
        others = {replica.seed: replica.test_score for replica in self[verdict.second].replicas}
        values = [
            replica.test_score - others[replica.seed]
            for replica in self[verdict.first].replicas
            if replica.seed in others
        ]
        return verdict.to_dict() | {"differences": asdict(Scores.of(values))}

    def _insights(self, name: str) -> list[dict[str, Any]]:
        """Gates or gradients of every cell."""
        return [
            {"cell": cell.cell} | one
            for cell in self.cells
            for replica in cell.replicas
            for one in (replica.insight or {}).get(name, ())
        ]

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON has it: a score that is not a number (R^2 of one sequence) is None."""
        document: dict[str, Any] = _finite(
            {
                "task": self.task,
                "score": self.score_name,
                "cells": {result.cell: result.to_dict(self.score_to_reach) for result in self.cells},
                "score_to_reach": self.score_to_reach,
                "verdicts": [self._verdict(verdict) for verdict in self.verdicts],
                "claims": self.claims,
                "gates": self._insights("gates"),
                "gradients": self._insights("gradients"),
                "seeds": list(self.seeds),
                "settings": self.settings,
                "data": self.data,
                "versions": self.versions,
                "hardware": self.hardware,
                "num_threads": self.num_threads,
                "seconds": self.seconds,
                "command": self.command,
                "created": self.created,
                "interrupted": self.interrupted,
            }
        )
        return document

    def rows(self) -> dict[str, NDArray[Any]]:
        """The columns of a table with a row a replica: what is one number, or a word, of each."""
        replicas = [replica.to_dict() for result in self.cells for replica in result.replicas]
        return {
            name: np.array([math.nan if own[name] is None else own[name] for own in replicas])
            for name in replicas[0]
            if name != "history"
        }

    def save(self, folder: str | Path) -> Path:
        """Write result.json and report.html into the folder, which is made if need be, and return the path of
        the first. Each file is there whole or, after an error, as it was before."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / RESULT_FILE
        document = self.to_dict()
        replace_file(path, (_text(document) + "\n").encode())
        report.write_html(document, folder / REPORT_FILE)
        return path

    def markdown(self) -> str:
        """The report as Markdown."""
        return report.to_markdown(self.to_dict())

    def table(self) -> Table:
        """A row a cell, for rich's print; it fits in 60 columns, where long names of cells are broken."""
        from rich import box
        from rich.table import Table

        table = Table(
            caption="\n".join(
                [
                    f"{self.score_name}: median and range over {len(self.seeds)} seeds",
                    *(f"{own.cell}: {own.tuned}" for own in self.cells if own.tuned is not None),
                ]
            ),
            caption_justify="left" if any(own.tuned for own in self.cells) else "center",
            box=box.SIMPLE_HEAD,
            show_edge=False,
            pad_edge=False,
            collapse_padding=True,
            padding=(0, 1),
        )
        table.add_column("cell, size\nparameters", overflow="fold")
        for title in ("train", "validation", "test", "seconds\nupdates/s"):
            table.add_column(title, justify="right", no_wrap=True)
        for result in self.cells:
            table.add_row(
                f"{result.cell} {result.hidden_size}\n{result.num_parameters:,}",
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


def _text(document: dict[str, Any]) -> str:
    """As JSON, a list of numbers on one line."""
    text = json.dumps(document, indent=2, allow_nan=False)
    return re.sub(r"\[\n\s+((?:null|[-+.\de]+)(?:,\n\s+(?:null|[-+.\de]+))*)\n\s+\]", _joined, text)


def _joined(numbers: re.Match[str]) -> str:
    return "[" + re.sub(r"\s+", " ", numbers[1]) + "]"


def _two_lines(scores: Scores | None) -> str:
    return "none" if scores is None else f"{scores.median:.3f}\n{scores.min:.3f}–{scores.max:.3f}"
