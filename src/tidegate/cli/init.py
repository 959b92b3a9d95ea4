"""tidegate init."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def init(
    data: Annotated[
        Path | None, typer.Argument(help="A table, .csv, .csv.gz or .parquet.", show_default=False)
    ] = None,
    *,
    output: Annotated[
        Path | None, typer.Option(help="The model file, .toml. Without: standard output.")
    ] = None,
    id: Annotated[
        str | None,
        typer.Option(help="The column that names the sequence of a row, or several. Without: a row each."),
    ] = None,
    time: Annotated[str | None, typer.Option(help="The column that orders the rows of a sequence.")] = None,
    target: Annotated[
        str | None, typer.Option(help="Columns to predict, with commas between. Without: the last one.")
    ] = None,
    encoding: Annotated[str, typer.Option(help="Of a CSV file.")] = "utf-8",
    schema: Annotated[
        bool, typer.Option("--schema", help="Write the JSON Schema of model files, for editors, instead.")
    ] = False,
) -> None:
    """Write a first model file for a table: what each column is taken for, and why.

    It describes a model of many inputs and targets for tidegate fit, evaluate, predict, ablate and compare.
    """
    from tidegate import persistence
    from tidegate.cli.outputs import check_file

    if output is not None:
        check_file(output, data)
        if output.exists() and output.stat().st_size:
            raise ValueError(f"--output expects a new file; got {output}, which is there: write elsewhere")
    if schema:
        import json

        from tidegate.models.description import schema as document

        text = json.dumps(document(), indent=2) + "\n"
    else:
        from tidegate.models.guessing import model_file

        if data is None:
            raise ValueError("DATA expects a table; got none: pass one, or --schema")
        folder = Path() if output is None else output.parent
        text = model_file(data, folder, id=_names(id), time=time, targets=_names(target), encoding=encoding)
    if output is None:
        print(text, end="")
        return
    persistence.replace_file(output, text.encode())
    print(f"{output}: look it through, then tidegate fit {output} --output MODEL")


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",")]
