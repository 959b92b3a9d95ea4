"""tidegate evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli.options import DataArgument, DataOptions, ModelArgument, Threads


def evaluate(
    model: ModelArgument,
    data: DataArgument = None,
    *,
    format: Annotated[str, typer.Option(help="table or json.")] = "table",
    output: Annotated[
        Path | None, typer.Option(help="A file for the measures, as JSON. Without: standard output alone.")
    ] = None,
    columns: DataOptions,
    threads: Threads = None,
) -> None:
    """Measure how well a model predicts: for classes accuracy, balanced accuracy, macro F1, log loss and the
    confusion matrix; for numbers R2, RMSE and MAE.

    The model knows its columns by name; options replace what it knows. Without DATA: the bundled test part.
    """
    import json

    from tidegate import persistence
    from tidegate.checks import choice
    from tidegate.cli.data import bundled, like
    from tidegate.cli.measures import measures, print_measures
    from tidegate.cli.outputs import check_file
    from tidegate.estimators import load

    choice("--format", format, ("table", "json"))
    if output is not None:
        check_file(output, model, data)
    loaded = load(model)
    if threads is not None:
        loaded.set_params(num_threads=threads)
    if data is None:
        dataset = bundled("test")
    else:
        per_step = loaded.network_.is_per_step("output")
        dataset = like(vars(loaded).get("columns_"), data, columns, per_step)
    found = measures(loaded, dataset)
    text = json.dumps(found, indent=2, allow_nan=False) + "\n"
    if output is not None:
        persistence.replace_file(output, text.encode())
    if format == "json":
        print(text, end="")
    else:
        print_measures(found)
