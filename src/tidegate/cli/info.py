"""tidegate info."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from tidegate import persistence
from tidegate.cli.options import Format, format_of


def info(
    model: Annotated[
        Path | None, typer.Argument(help="A file that tidegate fit wrote.", show_default=False)
    ] = None,
    format: Format = None,
    output: Annotated[
        Path | None, typer.Option(help="A file, .csv, .json or .parquet. Without: standard output.")
    ] = None,
) -> None:
    """Describe a model; without one print the versions and what the engine runs on."""
    from tidegate.cli.outputs import check_file

    shape = format_of(format, output)
    if output is not None:
        check_file(output)
    if model is None:
        from tidegate.comparison.machine import hardware, versions

        if shape != "table" or output is not None:
            _write({"versions": versions(), "hardware": hardware()}, shape, output)
            return
        for name, version in versions().items():
            print(f"{name} {version}")
        print(hardware())
        return

    from tidegate.estimators import load

    loaded = load(model)
    if shape != "table" or output is not None:
        _write(_record(loaded), shape, output)
        return
    print(loaded.summary())
    if type(loaded).__name__ == "SequenceModel":
        from tidegate.cli.described import print_records

        print_records(loaded)
        return
    if hasattr(loaded, "classes_"):
        print(f"classes: {_few(loaded.classes_.tolist())}")
    if "columns_" in vars(loaded):
        columns = loaded.columns_
        for role, names in (
            ("id", columns.id),
            ("time", [columns.time] if columns.time else []),
            ("target", columns.target),
            ("features", columns.features),
        ):
            if names:
                print(f"{role}: {_few(names)}")
    else:
        print(f"features: {loaded.n_features_in_}")


def _record(model: Any) -> dict[str, Any]:
    if type(model).__name__ == "SequenceModel":
        from tidegate.cli.described import record_of

        return record_of(model)
    columns = vars(model).get("columns_")
    return {
        "estimator": type(model).__name__,
        "network": model.network_.to_records(),
        "num_parameters": model.num_parameters_,
        "num_features": model.n_features_in_,
        "classes": model.classes_.tolist() if hasattr(model, "classes_") else None,
        "columns": None if columns is None else columns.to_document(),
        "epochs": len(model.history_["loss"]),
        "best_epoch": model.best_epoch_,
        "updates": model.num_updates_,
        "seconds": model.seconds_,
        "stopped": model.stopped_,
    }


def _write(record: dict[str, Any], shape: str, output: Path | None) -> None:
    """JSON as it is; in a table a row for each entry, its value as text or in JSON."""
    if shape == "json":
        text = json.dumps(record, indent=2) + "\n"
        if output is None:
            print(text, end="")
        else:
            persistence.replace_file(output, text.encode())
        return
    import numpy as np

    from tidegate.cli.rows import write

    entries = {
        name: value
        for key, one in record.items()
        for name, value in (one.items() if isinstance(one, dict) else [(key, one)])
    }
    values = [value if isinstance(value, str) else json.dumps(value) for value in entries.values()]
    write({"name": np.array(list(entries)), "value": np.array(values)}, shape, output)


def _few(names: object) -> str:
    listed = list(map(str, names))  # type: ignore[call-overload]
    return ", ".join(listed[:12]) + (f", ... ({len(listed)} of them)" if len(listed) > 12 else "")
