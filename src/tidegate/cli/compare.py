"""tidegate compare."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer

from tidegate.checks import choice, integer, real
from tidegate.cli.fit import OwnIds, Task
from tidegate.cli.options import DataArgument, DataOptions, ModelOptions

FORMATS = ("table", "markdown", "json", "csv", "parquet")
# What says nothing of the comparison itself.
_OF_THE_FOLDER = ("--resume", "--overwrite")


def compare(
    context: typer.Context,
    data: DataArgument = None,
    *,
    columns: DataOptions,
    test: Annotated[
        Path | None,
        typer.Option(help="A file like DATA to test on. Without one each seed splits a quarter off anew."),
    ] = None,
    own_ids: OwnIds = False,
    task: Task = None,
    cells: Annotated[str, typer.Option(help="Cells, with commas between.")] = "rnn,lstm,gru",
    seeds: Annotated[int, typer.Option(help="Replicas of each cell.")] = 5,
    match: Annotated[
        str | None,
        typer.Option(
            help="What the cells have in common: hidden, the size; or parameters, their number, as near as "
            "can be to the first cell's. Default: hidden; with --tune neither."
        ),
    ] = None,
    tune: Annotated[
        int | None,
        typer.Option(
            help="Trials of each cell before the comparison, to find its learning rate and dropout, and "
            "without --match its hidden size, on sequences to train on alone. Default: none."
        ),
    ] = None,
    margin: Annotated[
        float, typer.Option(help="The largest difference of the score that does not matter to you.")
    ] = 0.0,
    output: Annotated[
        Path | None, typer.Option(help="A folder for result.json, report.html and what --resume needs.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where the same command was interrupted.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a comparison of other data or settings in --output.")
    ] = False,
    format: Annotated[
        str,
        typer.Option(
            help="table, markdown or json; csv, a row a replica; or parquet, the same as a file in --output."
        ),
    ] = "table",
    threads: Annotated[
        int | None, typer.Option(help="Replicas trained side by side. Default: as many as there are cores.")
    ] = None,
    model: ModelOptions,
) -> None:
    """Train several cells with several seeds each, and say which is better, by how much, at what cost.

    DATA may be a model file, .toml, as tidegate init writes it: each seed then splits a fifth off to test on.
    Settings that are not given are the estimators' defaults.
    """
    if data is None and test is not None:
        raise typer.BadParameter("--test expects DATA to train on beside it; got none")
    if data is not None and data.suffix.lower() == ".toml":
        from tidegate.cli.described import compare_described

        refused = {
            "--test": test, "--own-ids": own_ids, "--task": task, "--match": match, "--tune": tune,
            "--margin": margin, "--output": output, "--resume": resume, "--overwrite": overwrite,
            "--threads": threads,
        }  # fmt: skip
        for option, given in refused.items():
            if given:
                raise ValueError(f"{option} is not of a model file; got it with {data}: leave it out")
        compare_described(data, cells, seeds, columns, model.settings(), format=format)
        return
    from rich.console import Console

    from tidegate.cli.data import (
        bundled,
        check_apart,
        check_can_split,
        check_classes,
        check_seen,
        columns_of,
        labelled,
        like,
        task_of,
    )
    from tidegate.cli.rows import write
    from tidegate.comparison import Interrupted
    from tidegate.comparison import compare as run
    from tidegate.comparison.folder import check_folder
    from tidegate.comparison.sizes import MATCHES

    choice("--format", format, FORMATS)
    if format == "parquet" and output is None:
        raise ValueError(
            "--format parquet expects a folder for replicas.parquet; got none: add --output FOLDER"
        )
    if match is not None:
        choice("--match", match, MATCHES)
    real("--margin", margin)
    if tune is not None:
        integer("--tune", tune)
    if resume and output is None:
        raise ValueError("--resume expects the folder to go on with; got none: pass --output")
    if output is not None:
        check_folder(output, "--output")
    if data is None:
        training, testing = bundled("training"), bundled("test")
        name = "Japanese Vowels"
    else:
        training, testing, name = labelled(data, columns), None, data.name
    if test is not None:
        per_step = training.has_step_targets
        testing = like(columns_of(training, columns), test, columns, per_step, argument="--test")
        if not own_ids:
            check_apart(training, testing, "--test")
    kind = task_of(training, task)
    check_can_split(training, "add sequences")
    classes = f", {check_classes(training, splits=True)}" if kind == "classification" else ""
    if kind == "classification" and testing is not None:
        check_seen(training, testing, "--test")
    ids = training.X.ids
    groups = ids if ids is not None and len(set(ids.tolist())) < len(ids) else None

    if data is not None and format == "table":
        print(f"{training.describe()}\ntask: {kind}{classes}", flush=True)
    console = Console()
    settings = model.settings()
    if "," in settings.get("padding", ""):
        settings["padding"] = [way.strip() for way in settings["padding"].split(",")]
    try:
        comparison = run(
            training.X,
            training.y,
            test=None if testing is None else (testing.X, testing.y),
            groups=groups,
            task=kind,
            cells=[cell.strip() for cell in cells.split(",")],
            seeds=seeds,
            match=match,
            tune=tune,
            margin=margin,
            num_threads=threads,
            output=output,
            resume=resume,
            overwrite=overwrite,
            command=shlex.join(["tidegate", *(word for word in context.obj if word not in _OF_THE_FOLDER)]),
            **settings,
        )
    except Interrupted as interrupt:
        if interrupt.comparison is not None:
            console.print(interrupt.comparison.table())
        goes_on = "; the same command with --resume goes on" if output is not None else ""
        raise KeyboardInterrupt(f"{interrupt}{goes_on}") from None
    if format in ("csv", "parquet"):
        file = output / "replicas.parquet" if format == "parquet" and output is not None else None
        write(comparison.rows(), format, file)
        return
    if format != "table":
        print(comparison.markdown() if format == "markdown" else json.dumps(comparison.to_dict(), indent=2))
        return
    train_part, test_part = comparison.data["train"], comparison.data["test"]
    console.print(
        f"{name}: {train_part['sequences']} sequences to train on, {test_part['sequences']} to test on "
        f"({test_part['origin']})",
        highlight=False,
    )
    console.print(comparison.table())
    for verdict in comparison.verdicts:
        console.print(verdict.text, highlight=False)
    print(f"{comparison.seconds:.1f} s with {comparison.num_threads} at a time on {comparison.hardware}")
    if output is not None:
        print(f"Report: {output / 'report.html'}\nEvery score and setting: {output / 'result.json'}")
