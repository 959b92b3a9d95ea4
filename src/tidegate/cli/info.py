"""tidegate info."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def info(
    model: Annotated[
        Path | None, typer.Argument(help="A file that tidegate fit wrote.", show_default=False)
    ] = None,
) -> None:
    """Describe a model; without one print the versions and what the engine runs on."""
    if model is None:
        from tidegate.comparison.machine import hardware, versions

        for name, version in versions().items():
            print(f"{name} {version}")
        print(hardware())
        return

    from tidegate.estimators import load

    loaded = load(model)
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


def _few(names: object) -> str:
    listed = list(map(str, names))  # type: ignore[call-overload]
    return ", ".join(listed[:12]) + (f", ... ({len(listed)} of them)" if len(listed) > 12 else "")
