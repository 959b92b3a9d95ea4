"""Prints what it takes to build the package without pip's isolation, as pyproject.toml has it."""

import tomllib
from pathlib import Path

pyproject = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())
tools = pyproject["tool"]["scikit-build"]
print(*pyproject["build-system"]["requires"], sep="\n")
print(*(name + tools[name]["version"] for name in ("cmake", "ninja")), sep="\n")
