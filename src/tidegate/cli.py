"""The command line. Whatever goes wrong is one line on standard error and an exit code; --help says which."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tidegate.data.files import Labelled

FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130

# Of typer's errors only this one has a public name; the class above it is that of all wrong uses.
_WrongUse: type[Exception] = typer.BadParameter.__mro__[1]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    warnings.formatwarning = lambda message, *_: f"tidegate: {message}\n"
    try:
        # The command's own main would turn Ctrl-C into an exit without a word.
        command = typer.main.get_command(app)
        with command.make_context("tidegate", given or ["--help"]) as context:
            command.invoke(context)
    except typer.Exit as finished:
        return finished.exit_code
    except _WrongUse as error:
        return _end(f"{error.format_message()} (see tidegate --help)", BAD_INPUT)  # type: ignore[attr-defined]
    except BrokenPipeError:
        # Python flushes standard output once more at its end, where no one would catch it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        return _end(f"{error.filename}: {error.strerror}" if error.filename else str(error), BAD_INPUT)
    except ValueError as error:
        return _end(str(error), BAD_INPUT)
    except KeyboardInterrupt as interrupt:
        return _end(str(interrupt) or "interrupted", INTERRUPTED)
    except Exception as error:  # noqa: BLE001  a person at a terminal has no use for our stack
        return _end(f"{type(error).__name__}: {error}", FAILED)
    return 0


def _end(message: str, code: int) -> int:
    print(f"tidegate: {' '.join(message.split())}", file=sys.stderr)
    return code


def _print_version(wanted: bool) -> None:
    if wanted:
        from tidegate import __version__

        print(f"tidegate {__version__}")
        raise typer.Exit


@app.callback(
    epilog="Exit codes: 0 done, 1 failed, 2 bad input, 130 interrupted. Example: tidegate compare --seeds 5"
)
def tidegate(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train LSTM, GRU and their relatives on sequences, and compare them."""


@app.command(
    short_help="Compare cells on sequences.",
    epilog="Example: tidegate compare train.npz --cells lstm,gru --seeds 5 --output results",
)
def compare(
    data: Annotated[
        Path | None,
        typer.Argument(
            help="A .npz file of X and y, or of values, offsets and y; or a .ts file as aeon writes it. "
            "Without one: the bundled Japanese Vowels.",
            show_default=False,
        ),
    ] = None,
    test: Annotated[
        Path | None, typer.Option(help="A file to test on. Without one a quarter of DATA is split off.")
    ] = None,
    cells: Annotated[str, typer.Option(help="Cells, with commas between.")] = "rnn,lstm,gru",
    seeds: Annotated[int, typer.Option(help="Replicas of each cell.")] = 5,
    output: Annotated[Path | None, typer.Option(help="A folder for result.json.")] = None,
    threads: Annotated[
        int | None, typer.Option(help="Replicas trained side by side. Default: as many as there are cores.")
    ] = None,
    hidden_size: Annotated[int | None, typer.Option(help="Units of each recurrent layer.")] = None,
    num_layers: Annotated[int | None, typer.Option(help="Recurrent layers.")] = None,
    bidirectional: Annotated[
        bool | None,
        typer.Option("--bidirectional/--one-direction", help="Read in both directions, or in one."),
    ] = None,
    dropout: Annotated[float | None, typer.Option(help="Rate between layers and before the output.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Of the optimiser.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Sequences an update.")] = None,
    max_epochs: Annotated[int | None, typer.Option(help="The most epochs of a replica.")] = None,
    patience: Annotated[
        int | None, typer.Option(help="Epochs without a lower validation loss before a replica ends.")
    ] = None,
) -> None:
    """Train several cells with several seeds each, and say which is better, by how much, at what cost.

    Settings that are not given are the estimators' defaults.
    """
    settings: dict[str, Any] = {
        "hidden_size": hidden_size,
        "num_layers": num_layers,
        "bidirectional": bidirectional,
        "dropout": dropout,
        "learning_rate": learning_rate,
        "batch_size": batch_size,
        "max_epochs": max_epochs,
        "patience": patience,
    }
    name, training, testing = _data(data, test)

    from rich.console import Console

    from tidegate.comparison import Interrupted
    from tidegate.comparison import compare as run

    console = Console()
    try:
        comparison = run(
            *training,
            test=testing,
            cells=[cell.strip() for cell in cells.split(",")],
            seeds=seeds,
            num_threads=threads,
            output=output,
            **{key: value for key, value in settings.items() if value is not None},
        )
    except Interrupted as interrupt:
        if interrupt.comparison is not None:
            console.print(interrupt.comparison.table())
        raise
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
        print(f"Every score and setting: {output / 'result.json'}")


def _data(data: Path | None, test: Path | None) -> tuple[str, Labelled, Labelled | None]:
    """A name, sequences with their targets, and those to test on, None where they are to be split off."""
    if data is None:
        if test is not None:
            raise typer.BadParameter("--test expects DATA to train on beside it; got none")
        from tidegate.data.bundled import load_japanese_vowels

        vowels = load_japanese_vowels()
        return vowels.name, (vowels.X, vowels.y), (vowels.X_test, vowels.y_test)
    from tidegate.data.files import read

    return data.name, read(data), None if test is None else read(test)


@app.command(
    short_help="List the cells or print their equations.",
    epilog="Example: tidegate cells lstm_peephole --latex",
)
def cells(
    name: Annotated[str | None, typer.Argument(help="One cell. Without a name: all of them.")] = None,
    input_size: Annotated[int, typer.Option(help="Features of a step.")] = 12,
    hidden_size: Annotated[int, typer.Option(help="Units of each layer.")] = 64,
    num_layers: Annotated[int, typer.Option(help="Layers.")] = 1,
    bidirectional: Annotated[bool, typer.Option("--bidirectional", help="Count both directions.")] = False,
    latex: Annotated[bool, typer.Option("--latex", help="Print the equations in LaTeX.")] = False,
) -> None:
    """List the cells with their gates and parameter counts, or print their equations."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from tidegate.cells import CELLS, get
    from tidegate.cells.latex import align
    from tidegate.cells.table import cell_rows

    chosen = CELLS.values() if name is None else [get(name)]
    if latex:
        print("\n\n".join(f"% {cell.title}. {cell.source}\n{align(cell)}" for cell in chosen))
        return
    rows = [
        row
        for row in cell_rows(input_size, hidden_size, num_layers, bidirectional)
        if name is None or row.name == name
    ]
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


@app.command(epilog="Example: tidegate info")
def info() -> None:
    """Print the versions and what the engine runs on."""
    from tidegate.comparison.machine import hardware, versions

    for name, version in versions().items():
        print(f"{name} {version}")
    print(hardware())


if __name__ == "__main__":
    sys.exit(main())
