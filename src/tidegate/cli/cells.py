"""tidegate cells."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli.options import Format, format_of


def cells(
    name: Annotated[str | None, typer.Argument(help="One cell. Without a name: all of them.")] = None,
    input_size: Annotated[int, typer.Option(help="Features of a step.")] = 12,
    hidden_size: Annotated[int, typer.Option(help="Units of each layer.")] = 64,
    num_layers: Annotated[int, typer.Option(help="Layers.")] = 1,
    bidirectional: Annotated[bool, typer.Option("--bidirectional", help="Count both directions.")] = False,
    latex: Annotated[bool, typer.Option("--latex", help="Print the equations in LaTeX.")] = False,
    format: Format = None,
    output: Annotated[
        Path | None, typer.Option(help="A file, .csv, .json or .parquet. Without: standard output.")
    ] = None,
) -> None:
    """List the cells with their gates and parameter counts, or print their equations."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from tidegate.cells import CELLS, get
    from tidegate.cells.latex import align
    from tidegate.cells.table import cell_rows
    from tidegate.cli.outputs import check_file

    shape = format_of(format, output)
    if output is not None:
        check_file(output)
    chosen = CELLS.values() if name is None else [get(name)]
    if latex:
        print("\n\n".join(f"% {cell.title}. {cell.source}\n{align(cell)}" for cell in chosen))
        return
    rows = [
        row
        for row in cell_rows(input_size, hidden_size, num_layers, bidirectional)
        if name is None or row.name == name
    ]
    if shape != "table" or output is not None:
        import numpy as np

        from tidegate.cli.rows import write

        columns = {
            "cell": [row.name for row in rows],
            "title": [row.title for row in rows],
            "gates": [" ".join(row.gates) for row in rows],
            "states": [" ".join(row.states) for row in rows],
            "parameters": [row.num_parameters for row in rows],
        }
        write({column: np.array(values) for column, values in columns.items()}, shape, output)
        return
    sizes = f"input_size {input_size}, hidden_size {hidden_size}, num_layers {num_layers}"
    table = Table(box=box.SIMPLE, caption=sizes + ", bidirectional" * bidirectional)
    for title in ("cell", "", "gates", "states"):
        table.add_column(title)
    table.add_column("parameters", justify="right")
    for row in rows:
        gates, states = " ".join(row.gates), " ".join(row.states)
        table.add_row(row.name, row.title, gates, states, f"{row.num_parameters:,}")
    Console().print(table)
    if name is not None:
        for row in rows:
            shapes = ", ".join(f"{parameter} {shape}" for parameter, shape in row.layout.items())
            print("\n".join(filter(None, (row.source, row.note, f"One layer: {shapes}"))))
