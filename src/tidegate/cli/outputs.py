"""Where results go, looked at before anything is computed."""

from __future__ import annotations

from pathlib import Path

from tidegate import persistence


def check_file(output: Path, *inputs: Path | None) -> None:
    """ValueError where a file cannot be written there, or is one that is read."""
    if output.is_dir():
        raise ValueError(f"--output expects a file; got the folder {output}: add a file's name")
    folder = output.parent
    if not folder.is_dir():
        raise ValueError(
            f"--output expects a folder that is there; got {output}: make the folder {folder} first, or "
            "write elsewhere"
        )
    for given in inputs:
        if given is not None and output.exists() and given.exists() and output.samefile(given):
            raise ValueError(f"--output expects another file than {given}, which is read: write elsewhere")


def check_model_file(output: Path, *inputs: Path | None) -> None:
    """ValueError where a model cannot be written there, or would take the place of something else."""
    check_file(output, *inputs)
    if output.exists() and output.stat().st_size:
        try:
            persistence.read(output)
        except ValueError:
            raise ValueError(
                f"--output expects a new file, or a model to replace; got {output}, which is neither: write "
                "elsewhere"
            ) from None
