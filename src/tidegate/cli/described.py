"""Commands on models of many inputs and targets, which a TOML file describes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate import persistence
from tidegate.checks import choice
from tidegate.cli.options import InputOptions, format_of
from tidegate.cli.outputs import check_file, check_model_file
from tidegate.cli.predictions import Rows, stamps_as_given
from tidegate.cli.rows import write
from tidegate.models import SequenceModel
from tidegate.models.description import read_description
from tidegate.models.tables import TableData, read_tables
from tidegate.models.targets import MultiLabel


def fit_described(
    path: Path,
    output: Path,
    columns: InputOptions,
    options: dict[str, Any],
    *,
    resume: bool,
    others: tuple[Any, ...],
) -> None:
    """tidegate fit FILE.toml."""
    refuse_columns(columns, path)
    if any(others):
        raise ValueError(f"--own-ids and --task are of tables; got them with {path}: leave them out")
    described = read_description(path)
    options = {"random_state": 0, **described.options, **_options(path, options)}
    files = [source.file for source in (described.source, *described.source.streams.values())]
    check_model_file(output, path, *(Path(file) for file in files if file is not None))
    checkpoint = output.with_name(f"{output.name}.checkpoint")
    if checkpoint.exists() and not resume:
        raise ValueError(
            f"{checkpoint} holds an interrupted fit: pass --resume to go on with it, or delete the file"
        )
    model = described.model(**{**options, "verbose": True})
    tables = read_tables(described.source, described.inputs, described.targets)
    print(tables.source, flush=True)
    print_records(model)
    try:
        model.fit(tables.data, checkpoint=checkpoint)
    except KeyboardInterrupt:
        goes_on = "; the same command with --resume goes on" if checkpoint.exists() else ""
        raise KeyboardInterrupt(f"interrupted: {output} was not written{goes_on}") from None
    from tidegate.models.summary import outcome

    model.verbose = False
    model.source_ = described.source
    model.save(output)
    print(f"{model.cell}, {model.num_parameters_:,} parameters; {outcome(model)}")
    for name, coding in model.codings_.items():
        if (own := coding.calibration) is not None:
            few = math.isnan(own.ece_after)
            after = "too few sequences to measure it after" if few else f"{own.ece_after:.3f} after"
            print(f"{name}: calibrated by {own.method}: ECE {own.ece_before:.3f} before, {after}")
    print(f"Model: {output} (tidegate info describes it)")


def predict_described(model: SequenceModel, path: Path | None, columns: InputOptions) -> Rows:
    """The answers as the columns of a table: a row a sequence, or a step where a target is per step."""
    tables = _tables(model, path, columns, with_targets=False)
    answers, chances = model.predict(tables.data), model.predict_proba(tables.data)
    per_step = [name for name, target in model.targets.items() if target.is_step]
    lengths = None
    if per_step:
        lengths = np.array([len(one) for one in answers[per_step[0]]])

    def of_rows(name: str, values: Any) -> NDArray[Any]:
        if lengths is None:
            return np.asarray(values)
        return np.concatenate(values) if name in per_step else np.repeat(values, lengths, axis=0)

    rows = {name: of_rows("", values) for name, values in tables.names.items()}
    if lengths is not None and tables.times is not None:  # targets are of the table whose times these are
        rows[tables.time] = stamps_as_given(tables.times, tables.time_kind == "dates")
    elif lengths is not None:
        rows["step"] = np.concatenate([np.arange(length) for length in lengths])
    for name, values in answers.items():
        found, record = of_rows(name, values), model.targets[name]
        names = model.codings_[name].names
        if found.ndim == 1:
            rows[f"prediction_{name}"] = found
        elif isinstance(record, MultiLabel):
            labels = [
                record.separator.join(str(label) for label, there in zip(names, row) if there)
                for row in found
            ]
            rows[f"prediction_{name}"] = np.array(labels)
        else:
            columns_of = names if record.kind == "quantiles" else record.columns or names
            for index, column in enumerate(columns_of):
                rows[f"prediction_{name}_{column}"] = found[:, index]
        if name in chances:
            probabilities = of_rows(name, chances[name])
            if probabilities.ndim == 1:
                rows[f"probability_{name}_{names[1]}"] = probabilities
            else:
                for index, label in enumerate(names):
                    rows[f"probability_{name}_{label}"] = probabilities[:, index]
    return rows


def evaluate_described(
    model: SequenceModel, path: Path | None, columns: InputOptions, format: str, output: Path | None
) -> None:
    """The measures of each target, a row each, on standard output and in a file."""
    choice("--format", format, ("table", "csv", "json"))
    tables = _tables(model, path, columns, with_targets=True)
    found = model.evaluate(tables.data)
    rows = {
        "target": np.array([name for name, own in found.items() for _ in own]),
        "measure": np.array([measure for own in found.values() for measure in own]),
        "value": np.array([value for own in found.values() for value in own.values()], dtype=np.float64),
    }
    text = json.dumps({"data": tables.source, "targets": found}, indent=2).replace("NaN", "null") + "\n"
    file_format = format_of(None, output)
    if output is not None:
        check_file(output)
        if file_format == "json":
            persistence.replace_file(output, text.encode())
        else:
            write(rows, file_format, output)
    if format == "json":
        print(text, end="")
    else:
        write(rows, format, None)


def print_records(model: SequenceModel) -> None:
    """What was taken for what, a line an input and target."""
    for argument, records in (("input", model.inputs), ("target", model.targets)):
        for name, record in records.items():
            of = ", ".join(record.columns or (name,))
            where = getattr(record, "role", None) or f"per {record.per}"  # type: ignore[union-attr]
            print(f"{argument} {name}: {record.kind.replace('_', ' ')}, {where}, of {of:.60}")


def record_of(model: SequenceModel) -> dict[str, Any]:
    """A fitted model, as JSON has it."""
    from tidegate.models.storage import record_document

    return {
        "estimator": "SequenceModel",
        "inputs": {name: record_document(record) for name, record in model.inputs.items()},
        "targets": {name: record_document(record) for name, record in model.targets.items()},
        "classes": {name: list(coding.names) for name, coding in model.codings_.items()},
        "network": model.network_.to_records(),
        "num_parameters": model.num_parameters_,
        "epochs": len(model.history_["loss"]),
        "best_epoch": model.best_epoch_,
        "updates": model.num_updates_,
        "seconds": model.seconds_,
        "stopped": model.stopped_,
    }


def _tables(
    model: SequenceModel, path: Path | None, columns: InputOptions, *, with_targets: bool
) -> TableData:
    """The data of a model file, or of a table that is read as the one that the model was fitted on."""
    if path is None:
        raise ValueError("DATA expects a table, or a model file, .toml; got none: pass one")
    if path.suffix.lower() == ".toml":
        refuse_columns(columns, path)
        source = read_description(path).source
    elif model.source_ is None:
        raise ValueError(
            "MODEL expects one that tidegate fit made of a model file; got one fitted in Python: "
            "predict there"
        )
    else:
        if model.source_.streams:
            raise ValueError(
                f"DATA expects a model file, .toml, as the model reads several tables; got {path}: "
                "write one with "
                "their [data]"
            )
        given = columns.columns()
        for option in given.keys() - {"id", "time"}:
            raise ValueError(f"--{option} is not of a model with many inputs: leave it out")
        source = replace(
            model.source_,
            file=path,
            id=tuple(given.get("id", model.source_.id)),
            time=given.get("time", model.source_.time),
        )
    return read_tables(source, model.inputs, model.targets, with_targets=with_targets)


def refuse_columns(columns: InputOptions, path: Path) -> None:
    """ValueError for what a model file says itself."""
    given = [*columns.columns(), *(["encoding"] if columns.encoding != "utf-8" else [])]
    if given:
        raise ValueError(f"--{min(given).replace('_', '-')} is of tables; {path} says it: leave it out")


def described_models(
    path: Path, options: dict[str, Any], cells: Iterable[str | None]
) -> tuple[dict[str, SequenceModel], TableData]:
    """The file's models, not fitted, one for each of these cells (None: the file's own) by its name, and
    their data."""
    described = read_description(path)
    given = _options(path, options)
    tables = read_tables(described.source, described.inputs, described.targets)
    models = {}
    for cell in cells:
        own = described.model(**(given if cell is None else {**given, "cell": cell}))
        own.source_ = described.source
        models[own.cell] = own
    return models, tables


def _options(path: Path, given: dict[str, Any]) -> dict[str, Any]:
    """Options of the command line; ValueError for one that a model file does not have."""
    known = {field.name for field in fields(SequenceModel) if field.init}
    for name in given.keys() - known:
        raise ValueError(
            f"--{name.replace('_', '-')} is not of a model of many inputs; got it with {path}: leave it out"
        )
    return given
