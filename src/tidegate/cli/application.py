"""The commands together, and what becomes of their errors."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer

from tidegate.checks import TooLarge
from tidegate.cli.ablate import ablate
from tidegate.cli.cells import cells
from tidegate.cli.compare import compare
from tidegate.cli.defaults import WithDefaults
from tidegate.cli.evaluate import evaluate
from tidegate.cli.fit import fit
from tidegate.cli.info import info
from tidegate.cli.init import init
from tidegate.cli.options import one_option_a_field
from tidegate.cli.predict import predict
from tidegate.cli.wording import as_on_the_command_line

FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130

# Of typer's errors only this one has a public name; the class above it is that of all wrong uses.
_WrongUse: type[Exception] = typer.BadParameter.__mro__[1]

_REMEDIES = {
    errno.ENOSPC: "free some space or write elsewhere",
    errno.EDQUOT: "free some space or write elsewhere",
    errno.EFBIG: "raise the limit of the size of a file (ulimit -f) or write elsewhere",
    errno.EACCES: "change its permissions or pass another",
    errno.EPERM: "change its permissions or pass another",
    errno.EROFS: "write elsewhere",
    errno.ENOENT: "pass one that is there",
    errno.EISDIR: "pass a file",
}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """SIGTERM interrupts as Ctrl-C does, where the program around does not handle it."""
    elsewhere = threading.current_thread() is not threading.main_thread()
    if elsewhere or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@_interrupted_by_sigterm()
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    warnings.formatwarning = lambda message, *_: f"tidegate: {as_on_the_command_line(str(message))}\n"
    try:
        # The command's own main would turn Ctrl-C into an exit without a word.
        command = typer.main.get_command(app)
        with command.make_context("tidegate", given or ["--help"], obj=given) as context:
            command.invoke(context)
        sys.stdout.flush()
    except typer.Exit as finished:
        return finished.exit_code
    except _WrongUse as error:
        return _end(f"{error.format_message()} (see tidegate --help)", BAD_INPUT)  # type: ignore[attr-defined]
    except BrokenPipeError:
        _forget_standard_output()
        return FAILED
    except OSError as error:
        return _end_of_system_error(error)
    except ValueError as error:
        return _end(as_on_the_command_line(str(error)), BAD_INPUT)
    except KeyboardInterrupt as interrupt:
        return _end(str(interrupt) or "interrupted", INTERRUPTED)
    except TooLarge as error:
        return _end(as_on_the_command_line(str(error)), FAILED)
    except MemoryError:
        return _end(
            "not enough memory: pass fewer sequences, or a smaller --hidden-size or --batch-size", FAILED
        )
    except ArithmeticError as error:
        return _end(str(error), FAILED)
    except Exception as error:  # noqa: BLE001  a person at a terminal has no use for our stack
        return _end(f"{type(error).__name__}: {error}", FAILED)
    return 0


def _end(message: str, code: int) -> int:
    print(f"tidegate: {' '.join(message.split())}", file=sys.stderr)
    return code


def _end_of_system_error(error: OSError) -> int:
    if error.errno is None:
        return _end(as_on_the_command_line(str(error)), BAD_INPUT)
    if error.filename is None:
        try:
            sys.stdout.flush()
        except OSError:
            _forget_standard_output()
    where = f"{error.filename}: " if error.filename else ""
    remedy = f": {_REMEDIES[error.errno]}" if error.errno in _REMEDIES else ""
    return _end(f"{where}{error.strerror}{remedy}", BAD_INPUT)


def _forget_standard_output() -> None:
    """Python flushes standard output once more at its end, where no one would catch an error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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


_EXAMPLES = "{}:\n\n\b\n  {}"

for _command, _summary, _title, *_examples in (
    (
        init,
        "Write a first model file for a table.",
        "Examples",
        "tidegate init speakers.csv --id utterance --time step --target speaker --output speakers.toml",
        "tidegate init --schema --output model.schema.json",
    ),
    (
        fit,
        "Train a model and write it to a file.",
        "Examples",
        "tidegate fit --max-epochs 10 --output vowels.safetensors",
        "tidegate fit speakers.csv --id utterance --time step --target speaker --output my.safetensors",
        "tidegate fit speakers.toml --output described.safetensors",
    ),
    (
        predict,
        "Predict with a model.",
        "Examples, after those of tidegate fit",
        "tidegate predict vowels.safetensors --output predictions.csv",
        "tidegate predict my.safetensors speakers.csv --format json",
    ),
    (
        evaluate,
        "Measure how well a model predicts.",
        "Examples, after those of tidegate fit",
        "tidegate evaluate vowels.safetensors",
        "tidegate evaluate my.safetensors speakers.csv --output measures.json",
    ),
    (
        compare,
        "Compare cells on sequences.",
        "Examples",
        "tidegate compare --cells lstm,gru --seeds 5 --output results",
        "tidegate compare speakers.csv --id utterance --time step --target speaker --cells lstm,gru",
    ),
    (
        ablate,
        "Measure what each input adds.",
        "Example, after those of tidegate init",
        "tidegate ablate speakers.toml --seeds 3",
    ),
    (
        info,
        "Describe a model, or versions and hardware.",
        "Examples, after those of tidegate fit",
        "tidegate info",
        "tidegate info vowels.safetensors",
    ),
    (cells, "List the cells or print their equations.", "Example", "tidegate cells lstm_peephole --latex"),
):
    _epilog = _EXAMPLES.format(_title, "\n  ".join(_examples))
    app.command(cls=WithDefaults, short_help=_summary, epilog=_epilog)(one_option_a_field(_command))
