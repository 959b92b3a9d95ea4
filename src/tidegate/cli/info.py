"""tidegate info."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from tidegate.checks import choice


def info(
    model: Annotated[
        Path | None, typer.Argument(help="A file that tidegate fit wrote.", show_default=False)
    ] = None,
    format: Annotated[str, typer.Option(help="table or json.")] = "table",
) -> None:
    """Describe a model; without one print the versions and what the engine runs on."""
    choice("--format", format, ("table", "json"))
    if model is None:
        from tidegate.comparison.machine import hardware, versions

        if format == "json":
            print(json.dumps({"versions": versions(), "hardware": hardware()}, indent=2))
            return
        for name, version in versions().items():
            print(f"{name} {version}")
        print(hardware())
        return

    from tidegate.estimators import load

    loaded = load(model)
    if format == "json":
        print(json.dumps(_record(loaded), indent=2))
        return
    print(loaded.summary())
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


def _few(names: object) -> str:
    listed = list(map(str, names))  # type: ignore[call-overload]
    return ", ".join(listed[:12]) + (f", ... ({len(listed)} of them)" if len(listed) > 12 else "")
