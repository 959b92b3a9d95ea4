"""tidegate predict."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli.options import DataArgument, Format, InputOptions, ModelArgument, Threads, format_of


def predict(
    model: ModelArgument,
    data: DataArgument = None,
    *,
    output: Annotated[
        Path | None, typer.Option(help="A file, .csv, .json or .parquet. Without: standard output.")
    ] = None,
    format: Format = None,
    columns: InputOptions,
    threads: Threads = None,
) -> None:
    """Predict with a model: a row a sequence, or a step where the model answers steps.

    The model knows its columns by name; options replace what it knows. Without DATA: the bundled test part.
    """
    from tidegate.cli.data import bundled, like
    from tidegate.cli.outputs import check_file
    from tidegate.cli.predictions import predictions
    from tidegate.cli.rows import write
    from tidegate.estimators import load

    chosen = format_of(format, output)
    if output is not None:
        check_file(output, model, data)
    loaded = load(model)
    if threads is not None:
        loaded.num_threads = threads
    if type(loaded).__name__ == "SequenceModel":
        from tidegate.cli.described import predict_described

        rows = predict_described(loaded, data, columns)
    else:
        dataset = bundled("test") if data is None else like(vars(loaded).get("columns_"), data, columns)
        rows = predictions(loaded, dataset)
    write(rows, chosen, output)
    if output is not None:
        print(f"Predictions: {output}, {len(next(iter(rows.values())))} rows", file=sys.stderr)
