"""Prints what pyproject.toml requires to build the package, for pip."""

import tomllib
from pathlib import Path

pyproject = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())
print("\n".join(pyproject["build-system"]["requires"]))
