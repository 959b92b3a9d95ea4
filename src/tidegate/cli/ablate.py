"""tidegate ablate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli.comparing import RunOptions
from tidegate.cli.options import ModelOptions


def ablate(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="A model file, .toml, as tidegate init writes it.", show_default=False)
    ],
    *,
    cell: Annotated[
        str | None, typer.Option(help="One of those that tidegate cells lists. Default: the file's.")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Random splits; on each every model is trained.")] = 5,
    seed: Annotated[int, typer.Option(help="Of the first split; the others follow.")] = 0,
    test: Annotated[float, typer.Option(help="The share of the sequences that is measured on.")] = 0.25,
    permutation: Annotated[
        bool,
        typer.Option(
            "--permutation", help="Train the model with all inputs alone, and measure by permutation alone."
        ),
    ] = False,
    running: RunOptions,
    model: ModelOptions,
) -> None:
    """Measure what each target loses without each input.

    By training anew without it, on the same random splits, judged as tidegate compare judges cells; and by
    permutation, where its values are those of other sequences. Settings that are not given are the file's.
    """
    from tidegate.cells import CELLS
    from tidegate.checks import choice, integer, real
    from tidegate.cli.described import described_models, print_records
    from tidegate.comparison.ablation import ablate as run

    running.check("losses")
    integer("--seeds", seeds, 1, 10_000)
    integer("--seed", seed, 0, 2**32 - 1 - seeds)
    real("--test", test, 0.05, 0.9)
    if cell is not None:
        choice("--cell", cell, CELLS)
    models, tables = described_models(file, model.settings(), [cell])
    (own,) = models.values()
    if running.format == "table":
        print(tables.source, flush=True)
        print_records(own)
    running.run(
        lambda: run(
            own,
            tables.data,
            retrain=not permutation,
            test=test,
            seeds=range(seed, seed + seeds),
            **running.arguments(context.obj),
        ),
        file.name,
        file="losses",
        rows=lambda found: found.loss_rows(),
        verdicts=False,
    )
