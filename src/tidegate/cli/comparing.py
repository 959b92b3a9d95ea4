"""What compare and ablate have in common: the options of a run, and how its result is shown."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tidegate.checks import choice, real

if TYPE_CHECKING:
    from tidegate.cli.predictions import Rows
    from tidegate.comparison import Comparison

FORMATS = ("table", "markdown", "json", "csv", "parquet")
# What says nothing of the comparison itself.
_OF_THE_FOLDER = ("--resume", "--overwrite")


@dataclass(frozen=True)
class RunOptions:
    """How a comparison is run and shown."""

    margin: Annotated[
        float, typer.Option(help="The largest difference of the score that does not matter to you.")
    ] = 0.0
    output: Annotated[
        Path | None,
        typer.Option(help="A folder for result.json, report.html, every model and what --resume needs."),
    ] = None
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where the same command was interrupted.")
    ] = False
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a comparison of other data or settings in --output.")
    ] = False
    format: Annotated[
        str,
        typer.Option(
            help="table, markdown or json; csv, a row a replica (of ablate a row a target and input); or "
            "parquet, the same as a file in --output."
        ),
    ] = "table"
    threads: Annotated[
        int | None, typer.Option(help="Replicas trained side by side. Default: as many as there are cores.")
    ] = None

    def check(self, file: str = "replicas") -> None:
        """ValueError before anything is read. file: what --format parquet writes."""
        from tidegate.comparison.folder import check_folder

        choice("--format", self.format, FORMATS)
        if self.format == "parquet" and self.output is None:
            raise ValueError(
                f"--format parquet expects a folder for {file}.parquet; got none: add --output FOLDER"
            )
        real("--margin", self.margin)
        if self.resume and self.output is None:
            raise ValueError("--resume expects the folder to go on with; got none: pass --output")
        if self.output is not None:
            check_folder(self.output, "--output")

    def arguments(self, words: Sequence[str]) -> dict[str, Any]:
        """As tidegate.compare takes them; words: of the command."""
        return {
            "margin": self.margin,
            "num_threads": self.threads,
            "output": self.output,
            "resume": self.resume,
            "overwrite": self.overwrite,
            "command": shlex.join(["tidegate", *(word for word in words if word not in _OF_THE_FOLDER)]),
        }

    def run(
        self,
        work: Callable[[], Comparison],
        name: str,
        *,
        file: str = "replicas",
        rows: Callable[[Any], Rows] | None = None,
        verdicts: bool = True,
    ) -> None:
        """Do the work and show what comes of it. name: of the data. file, rows: the table of --format csv and
        parquet; None: a row a replica. verdicts: whether to say them."""
        from rich.console import Console
        from rich.text import Text

        from tidegate.cli.rows import write
        from tidegate.comparison import Interrupted

        console = Console()
        try:
            found = work()
        except Interrupted as interrupt:
            if interrupt.comparison is not None:
                console.print(interrupt.comparison.table())
            goes_on = "; the same command with --resume goes on" if self.output is not None else ""
            raise KeyboardInterrupt(f"{interrupt}{goes_on}") from None
        if self.format in ("csv", "parquet"):
            path = None
            if self.format == "parquet" and self.output is not None:
                path = self.output / f"{file}.parquet"
            write(found.rows() if rows is None else rows(found), self.format, path)
            return
        if self.format != "table":
            markdown = self.format == "markdown"
            print(found.markdown() if markdown else json.dumps(found.to_dict(), indent=2))
            return
        train_part, test_part = found.data["train"], found.data["test"]
        counts = f"{train_part['sequences']} sequences to train on, {test_part['sequences']} to test on"
        console.print(Text(f"{name}: {counts} ({test_part['origin']})"))
        console.print(found.table())
        for verdict in found.verdicts if verdicts else ():
            console.print(Text(verdict.text))
        print(f"{found.seconds:.1f} s with {found.num_threads} at a time on {found.hardware}")
        if self.output is not None:
            print(f"Report: {self.output / 'report.html'}")
            print(f"Every score and setting: {self.output / 'result.json'}")
