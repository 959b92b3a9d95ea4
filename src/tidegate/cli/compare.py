"""tidegate compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tidegate.checks import choice, integer
from tidegate.cli.comparing import RunOptions
from tidegate.cli.fit import OwnIds, Task
from tidegate.cli.options import DataArgument, DataOptions, ModelOptions, number_or_none


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
    validation: Annotated[
        str | None,
        typer.Option(help="A share held out of what is trained on, or none. Default: 0.1, or the file's."),
    ] = None,
    running: RunOptions,
    model: ModelOptions,
) -> None:
    """Train several cells with several seeds each, and say which is better, by how much, at what cost.

    DATA may be a model file, .toml, as tidegate init writes it: each of its targets is then judged. Settings
    that are not given are the estimators' defaults, or the file's.
    """
    if data is None and test is not None:
        raise typer.BadParameter("--test expects DATA to train on beside it; got none")
    from tidegate.comparison.sizes import MATCHES

    running.check()
    if match is not None:
        choice("--match", match, MATCHES)
    names = [cell.strip() for cell in cells.split(",")]
    settings = model.settings()
    if validation is not None:
        settings["validation"] = number_or_none("validation", validation, float)
    if data is not None and data.suffix.lower() == ".toml":
        refused = {
            "--test": (test, "each seed splits a quarter off to test on: leave it out"),
            "--own-ids": (own_ids, "ids are in one table: leave it out"),
            "--task": (task, "the file's targets say it: leave it out"),
            "--tune": (tune, "set learning_rate, hidden_size and dropout in [model]"),
        }
        for option, (given, remedy) in refused.items():
            if given:
                raise ValueError(f"{option} is not of a model file; got it with {data}: {remedy}")
        _compare_described(context, data, names, seeds, match, columns, settings, running)
        return
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
    from tidegate.comparison import compare as run

    if tune is not None:
        integer("--tune", tune)
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

    if data is not None and running.format == "table":
        print(f"{training.describe()}\ntask: {kind}{classes}", flush=True)
    if "," in settings.get("padding", ""):
        settings["padding"] = [way.strip() for way in settings["padding"].split(",")]
    running.run(
        lambda: run(
            training.X,
            training.y,
            test=None if testing is None else (testing.X, testing.y),
            groups=groups,
            task=kind,
            cells=names,
            seeds=seeds,
            match=match,
            tune=tune,
            columns=None if data is None else columns_of(training, columns),
            **running.arguments(context.obj),
            **settings,
        ),
        name,
    )


def _compare_described(
    context: typer.Context,
    path: Path,
    cells: list[str],
    seeds: int,
    match: str | None,
    columns: DataOptions,
    settings: dict[str, Any],
    running: RunOptions,
) -> None:
    from tidegate.cli.described import described_models, print_records, refuse_columns
    from tidegate.comparison.arguments import cells_of
    from tidegate.comparison.described import compare_models

    refuse_columns(columns, path)
    models, tables = described_models(path, settings, cells_of(cells))
    if running.format == "table":
        print(tables.source, flush=True)
        print_records(next(iter(models.values())))
    running.run(
        lambda: compare_models(
            models, tables.data, seeds=seeds, match=match, **running.arguments(context.obj)
        ),
        path.name,
    )
