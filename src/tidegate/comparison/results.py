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
from tidegate.comparison.scores import UNNAMED, CellResult, Scores, by_target
from tidegate.persistence import replace_file
from tidegate.statistics import Verdict

if TYPE_CHECKING:
    from rich.table import Table

# "Time to a given score": of the best cell's median validation score.
SHARE_TO_REACH = 0.95


@dataclass(frozen=True)
class Comparison:
    """What `compare` found.

    task: "classification", "regression" or in words. score_names: by target, "accuracy" or "R2" of one
    without a name. curve: what a history's score is. noun: what is compared, "cell" or "model". cells: in the
    order asked for; of an interrupted comparison those with a finished replica. verdicts: of each target one
    for each pair of cells that share a seed, p-values adjusted by Holm. claims: the article's, answered.
    seconds: of the whole on the clock; of one that was resumed, since then. command: what makes it again.
    created: the day.
    """

    task: str
    score_names: dict[str, str]
    curve: str
    noun: str
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
    def score_name(self) -> str:
        """ "accuracy", or of several targets "pace accuracy, tags micro F1"."""
        return ", ".join(f"{target} {score}".lstrip() for target, score in self.score_names.items())

    @property
    def score_to_reach(self) -> float | None:
        """95 % of the best cell's median validation score; None without one above zero."""
        best = max((cell.kept_score for cell in self.cells if math.isfinite(cell.kept_score)), default=0.0)
        return SHARE_TO_REACH * best if best > 0.0 else None

    def _verdict(self, verdict: Verdict) -> dict[str, Any]:
        """With the differences of every seed."""
        first, second = (
            {replica.seed: replica.targets[verdict.target].test_score for replica in self[name].replicas}
            for name in (verdict.first, verdict.second)
        )
        values = [score - second[seed] for seed, score in first.items() if seed in second]
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
        document: dict[str, Any] = finite(
            {
                "task": self.task,
                **by_target({name: {"score": score} for name, score in self.score_names.items()}),
                "curve": self.curve,
                "noun": self.noun,
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
        replicas = [_flat(replica.to_dict()) for result in self.cells for replica in result.replicas]
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
        """A row a cell and target, for rich's print; it fits in 60 columns, where long names are broken."""
        from rich.text import Text

        notes = [
            f"{self.score_name}: median and range over {len(self.seeds)} seeds",
            *(f"{own.cell}: {own.tuned}" for own in self.cells if own.tuned is not None),
        ]
        several = UNNAMED not in self.score_names
        table = plain_table("\n".join(notes), left=several or len(notes) > 1)
        table.add_column(f"{self.noun}, size\nparameters", overflow="fold")
        if several:
            table.add_column("target", overflow="fold")
        for title in ("train", "validation", "test", "seconds\nupdates/s"):
            table.add_column(title, justify="right", no_wrap=True)
        for result in self.cells:
            name = Text(f"{result.cell} {result.hidden_size}\n{result.num_parameters:,}")
            times = f"{result.seconds:.2f}\n{result.updates_per_second:,.0f}"
            for target, own in result.targets.items():
                scores_of = map(_two_lines, (own.train_score, own.validation_score, own.test_score))
                table.add_row(name, *([Text(target)] if several else []), *scores_of, times)
                name, times = Text(), ""
        return table

    def __str__(self) -> str:
        """The table and the verdicts."""
        from rich.console import Console
        from rich.text import Text

        page = Console(width=80, color_system=None)
        with page.capture() as captured:
            page.print(self.table())
            for verdict in self.verdicts:
                page.print(Text(verdict.text))
        return captured.get()


def plain_table(caption: str, *, left: bool) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    return Table(
        caption=Text(caption, style="table.caption"),
        caption_justify="left" if left else "center",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
        padding=(0, 1),
    )


def _flat(replica: dict[str, Any]) -> dict[str, Any]:
    """With the scores of targets by "TARGET_SCORE"."""
    targets = replica.pop("targets", {})
    named = {f"{target}_{name}": score for target, own in targets.items() for name, score in own.items()}
    return replica | named


def finite(value: Any) -> Any:
    """With None in the place of each number that JSON lacks."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _text(document: dict[str, Any]) -> str:
    """As JSON, a list of numbers on one line."""
    text = json.dumps(document, indent=2, allow_nan=False)
    return re.sub(r"\[\n\s+((?:null|[-+.\de]+)(?:,\n\s+(?:null|[-+.\de]+))*)\n\s+\]", _joined, text)


def _joined(numbers: re.Match[str]) -> str:
    return "[" + re.sub(r"\s+", " ", numbers[1]) + "]"


def _two_lines(scores: Scores | None) -> str:
    return "none" if scores is None else f"{scores.median:.3f}\n{scores.min:.3f}–{scores.max:.3f}"
