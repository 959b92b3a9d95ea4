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
    format: Annotated[str, typer.Option(help="Of standard output: table, csv or json.")] = "table",
    output: Annotated[
        Path | None,
        typer.Option(
            help="A file for the measures too, .json, or .csv or .parquet with one row. Without: standard "
            "output alone."
        ),
    ] = None,
    columns: DataOptions,
    threads: Threads = None,
) -> None:
    """Measure how well a model predicts: for classes accuracy, balanced accuracy, macro F1, log loss and the
    confusion matrix; for numbers R2, RMSE and MAE.

    The model knows its columns by name; options replace what it knows. Without DATA: the bundled test part.
    """
    from tidegate import persistence
    from tidegate.checks import choice
    from tidegate.cli.data import bundled, like
    from tidegate.cli.measures import as_json, as_row, measures, print_measures
    from tidegate.cli.options import format_of
    from tidegate.cli.outputs import check_file
    from tidegate.cli.rows import write
    from tidegate.estimators import load

    choice("--format", format, ("table", "csv", "json"))
    file_format = format_of(None, output)
    if output is not None:
        check_file(output, model, data)
    loaded = load(model)
    if threads is not None:
        loaded.num_threads = threads
    if type(loaded).__name__ == "SequenceModel":
        from tidegate.cli.described import evaluate_described

        evaluate_described(loaded, data, columns, format, output)
        return
    if data is None:
        dataset = bundled("test")
    else:
        per_step = loaded.network_.is_per_step("output")
        dataset = like(vars(loaded).get("columns_"), data, columns, per_step)
    found = measures(loaded, dataset)
    if output is not None and file_format == "json":
        persistence.replace_file(output, as_json(found).encode())
    elif output is not None:
        write(as_row(found), file_format, output)
    if format == "json":
        print(as_json(found), end="")
    elif format == "csv":
        write(as_row(found), "csv", None)
    else:
        print_measures(found)
