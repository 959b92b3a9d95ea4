"""tidegate ablate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def ablate(
    file: Annotated[
        Path, typer.Argument(help="A model file, .toml, as tidegate init writes it.", show_default=False)
    ],
    *,
    seeds: Annotated[int, typer.Option(help="Random splits; on each every model is trained.")] = 5,
    test: Annotated[float, typer.Option(help="The share of the sequences that is measured on.")] = 0.2,
    permutation: Annotated[
        bool,
        typer.Option(
            "--permutation", help="Train one model, and give it others' values for an input, instead."
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the first split; the others follow.")] = 0,
    format: Annotated[str, typer.Option(help="Of standard output: table, csv or json.")] = "table",
    output: Annotated[
        Path | None, typer.Option(help="A file for the result too, .json, .csv or .parquet.")
    ] = None,
) -> None:
    """Measure what each target loses without each input: by training without it, on the same random splits,
    judged as tidegate compare judges cells.
    """
    from tidegate.cli.described import ablate_described
    from tidegate.cli.options import format_of
    from tidegate.cli.outputs import check_file

    file_format = format_of(None, output)
    if output is not None:
        check_file(output, file)
    ablate_described(
        file,
        seeds,
        test,
        seed,
        permutation=permutation,
        format=format,
        output=output,
        file_format=file_format,
    )
