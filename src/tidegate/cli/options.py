"""Options that several commands share: records, each field declared as typer has them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from tidegate.checks import choice

FORMATS = ("table", "csv", "json", "parquet")

DataArgument = Annotated[
    Path | None,
    typer.Argument(
        help="A table, .csv, .csv.gz or .parquet, a row a step; or arrays, .npz, .npy or .ts. Without one: "
        "the bundled Japanese Vowels.",
        show_default=False,
    ),
]
ModelArgument = Annotated[Path, typer.Argument(help="A file that tidegate fit wrote.", show_default=False)]
Threads = Annotated[int | None, typer.Option(help="Default: as many as there are cores.")]
Format = Annotated[
    str | None,
    typer.Option(help="table, csv, json or parquet. Default: by the ending of --output, else table."),
]


@dataclass(frozen=True)
class InputOptions:
    """Which columns of a table are what. Several names have commas between."""

    id: Annotated[
        str | None,
        typer.Option(help="The column that names the sequence of a row, or several. Without: one sequence."),
    ] = None
    time: Annotated[
        str | None, typer.Option(help="The column that orders the rows of a sequence. Without: as they are.")
    ] = None
    features: Annotated[str | None, typer.Option(help="Columns of the inputs. Default: all others.")] = None
    types: Annotated[
        str | None,
        typer.Option(
            help="Types for columns that look like something else: code=text,answer=category; of numeric, "
            "boolean, category, text, time."
        ),
    ] = None
    layout: Annotated[
        str | None, typer.Option(help="long, a row a step, or wide, a row a sequence of one feature.")
    ] = None
    encoding: Annotated[str, typer.Option(help="Of CSV files.")] = "utf-8"

    def columns(self) -> dict[str, Any]:
        """As tidegate.read takes them, those that were given."""
        given = {
            "id": _names(self.id),
            "time": self.time,
            "features": _names(self.features),
            "types": None if self.types is None else _pairs("types", self.types),
            "layout": self.layout,
        }
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class DataOptions(InputOptions):
    """The same, and what is to be predicted."""

    target: Annotated[str | None, typer.Option(help="The column to predict, or several of numbers.")] = None
    target_per: Annotated[
        str | None, typer.Option(help="sequence or step. Default: sequence where it does not change in any.")
    ] = None
    targets: Annotated[
        Path | None, typer.Option(help="A second table with the id and the target, a row a sequence.")
    ] = None

    def columns(self) -> dict[str, Any]:
        given = {"target": _names(self.target), "target_per": self.target_per}
        return super().columns() | {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class ModelOptions:
    """Options of the estimators; what is not given is as they have it."""

    hidden_size: Annotated[int | None, typer.Option(help="Units of each recurrent layer.")] = None
    num_layers: Annotated[int | None, typer.Option(help="Recurrent layers.")] = None
    bidirectional: Annotated[
        bool | None,
        typer.Option("--bidirectional/--one-direction", help="Read in both directions, or in one."),
    ] = None
    dropout: Annotated[float | None, typer.Option(help="Rate between layers and before the output.")] = None
    input_dropout: Annotated[float | None, typer.Option(help="Rate of dropout of the inputs.")] = None
    recurrent_dropout: Annotated[
        float | None,
        typer.Option(help="Rate of dropout of the state that the recurrent weights read, once a sequence."),
    ] = None
    variational_dropout: Annotated[
        bool | None,
        typer.Option(
            "--variational-dropout/--dropout-per-step", help="Drop the same at all steps of a sequence."
        ),
    ] = None
    zoneout: Annotated[
        str | None,
        typer.Option(
            help="Rate at which units keep their state in training: 0.1, or by state, h=0.05,c=0.5."
        ),
    ] = None
    pooling: Annotated[
        str | None, typer.Option(help="What is kept of the steps: last, mean, max or steps.")
    ] = None
    dense: Annotated[str | None, typer.Option(help="Layers before the output: 32:tanh,16:relu.")] = None
    initializers: Annotated[
        str | None, typer.Option(help="Of the weights: recurrent=orthogonal,bias=chrono.")
    ] = None
    loss: Annotated[
        str | None,
        typer.Option(help="softmax_cross_entropy or sigmoid_cross_entropy; mse, mae or huber."),
    ] = None
    class_weight: Annotated[str | None, typer.Option(help="balanced: classes weigh the same.")] = None
    standardize: Annotated[
        bool | None, typer.Option("--standardize/--as-measured", help="Scale inputs and numeric targets.")
    ] = None
    missing: Annotated[
        str | None,
        typer.Option(
            help="What becomes of missing values: refuse, fill, mask or decay. Default: decay where there "
            "are some, else refuse."
        ),
    ] = None
    fill: Annotated[
        str | None, typer.Option(help="What stands for them with fill and mask: mean, zero or last.")
    ] = None
    gap_dropout: Annotated[
        float | None,
        typer.Option(
            help="Rate at which a training sequence lacks, in an epoch, also what another one lacks."
        ),
    ] = None
    padding: Annotated[
        str | None,
        typer.Option(
            help="What becomes of padding: skip, gate or input. Sequences without any are filled up for gate "
            "and input. Default: skip."
        ),
    ] = None
    optimizer: Annotated[str | None, typer.Option(help="adam, adamw, rmsprop or sgd.")] = None
    learning_rate: Annotated[float | None, typer.Option(help="Of the optimiser.")] = None
    schedule: Annotated[str | None, typer.Option(help="constant, cosine or reduce_on_plateau.")] = None
    batch_size: Annotated[int | None, typer.Option(help="Sequences an update.")] = None
    clip_norm: Annotated[str | None, typer.Option(help="The largest norm of a gradient, or none.")] = None
    bptt_steps: Annotated[
        int | None,
        typer.Option(help="Truncated back-propagation: windows of so many steps, with carried states."),
    ] = None
    recompute: Annotated[
        bool | None,
        typer.Option(
            "--recompute/--keep-steps",
            help="Whole gradients of long sequences with the square root of their steps in memory, or with "
            "all of them.",
        ),
    ] = None
    input_noise: Annotated[
        float | None,
        typer.Option(help="Standard deviation of noise on standardised inputs, drawn for each epoch."),
    ] = None
    weight_noise: Annotated[
        float | None,
        typer.Option(help="Standard deviation of noise on the weights, drawn for each update's gradient."),
    ] = None
    averaging: Annotated[
        float | None, typer.Option(help="Share that a moving average of the weights keeps an epoch.")
    ] = None
    max_epochs: Annotated[int | None, typer.Option(help="The most epochs.")] = None
    patience: Annotated[
        str | None, typer.Option(help="Epochs without a lower validation loss before training ends, or none.")
    ] = None
    min_delta: Annotated[float | None, typer.Option(help="What counts as lower, beyond 0.")] = None

    def settings(self) -> dict[str, Any]:
        """As the estimators take them, those that were given."""
        given: dict[str, Any] = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) is not None
        }
        for name, read in (("clip_norm", float), ("patience", int)):
            if name in given:
                given[name] = number_or_none(name, given[name], read)
        if "dense" in given:
            layers = _pairs("dense", given["dense"], ":")
            given["dense"] = [
                (_read("dense", width, int), activation) for width, activation in layers.items()
            ]
        if "initializers" in given:
            given["initializers"] = _pairs("initializers", given["initializers"])
        if "zoneout" in given:
            text = given["zoneout"]
            rates = _pairs("zoneout", text) if "=" in text else {"": text}
            numbers = {state: _read("zoneout", rate, float) for state, rate in rates.items()}
            given["zoneout"] = numbers.get("", numbers)
        return given


def number_or_none(name: str, text: str, read: type[int] | type[float]) -> int | float | None:
    return None if text.lower() == "none" else _read(name, text, read)


def format_of(given: str | None, output: Path | None) -> str:
    """The format asked for, or that of the file's ending; a table where nothing says."""
    if given is not None:
        return choice("--format", given, FORMATS)
    if output is None:
        return "table"
    ending = output.suffix.lower().removeprefix(".")
    if ending not in FORMATS[1:]:
        raise ValueError(
            f"--output expects one of the endings .csv, .json, .parquet; got {output}: rename it or add "
            "--format"
        )
    return ending


def one_option_a_field(function: Callable[..., None]) -> Callable[..., None]:
    """A command with an option for each field of its parameters that are records."""
    parameters: list[inspect.Parameter] = []
    records: dict[str, Any] = {}
    hints = get_type_hints(function, include_extras=True)
    for name, parameter in inspect.signature(function).parameters.items():
        if is_dataclass(hints[name]):
            records[name] = hints[name]
            parameters += _parameters_of(hints[name])
        else:
            keyword = inspect.Parameter.KEYWORD_ONLY
            parameters.append(parameter.replace(annotation=hints[name], kind=keyword))

    @functools.wraps(function)
    def command(**given: Any) -> None:
        built = {
            name: record(**{field.name: given.pop(field.name) for field in fields(record)})
            for name, record in records.items()
        }
        function(**given, **built)

    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _parameters_of(record: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(record, include_extras=True)
    return [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )
        for field in fields(record)
    ]


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",")]


def _pairs(name: str, text: str, mark: str = "=") -> dict[str, str]:
    """ "a=b,c=d" as a dictionary."""
    pairs = [part.strip().rpartition(mark) for part in text.split(",")]
    for key, _, value in pairs:
        if not key or not value:
            raise ValueError(
                f"{name} expects pairs with commas between, a{mark}b,c{mark}d; got {text!r}: write it so"
            )
    return {key: value for key, _, value in pairs}


def _read(name: str, text: str, read: type[int] | type[float]) -> int | float:
    try:
        return read(text)
    except ValueError:
        kind = "a whole number" if read is int else "a number"
        raise ValueError(f"{name} expects {kind} or none; got {text!r}: pass one") from None
