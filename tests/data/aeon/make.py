"""Writes expected.json: what the package aeon reads from the .ts files beside it.

    python tests/data/aeon/make.py            write the file
    python tests/data/aeon/make.py --check    read again and compare, write nothing; then compare Tidegate's
                                              reader with aeon's on every .ts file that comes with aeon

expected.json: {file: {"sequences": [channels by steps of each], "targets": [...]}}; aeon puts labels into
lower case.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import aeon
import numpy as np
from aeon.datasets import load_from_ts_file

HERE = Path(__file__).parent
EXPECTED = HERE / "expected.json"


def by_aeon(path: Path) -> dict[str, Any]:
    sequences, targets = load_from_ts_file(str(path))
    return {"sequences": [item.tolist() for item in sequences], "targets": targets.tolist()}


def by_tidegate(path: Path) -> dict[str, Any]:
    from tidegate.data.ts_files import read_ts

    sequences, targets = read_ts(path)
    if targets is not None and targets.dtype.kind == "U":
        targets = np.char.lower(targets)
    return {
        "sequences": [item.T.tolist() for item in sequences],
        "targets": [] if targets is None else targets.tolist(),
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Write tests/data/aeon/expected.json with aeon, or check it."
    )
    parser.add_argument("--check", action="store_true", help="compare; write nothing")
    arguments = parser.parse_args()
    made = {path.name: by_aeon(path) for path in sorted(HERE.glob("*.ts"))}
    if not arguments.check:
        EXPECTED.write_text(json.dumps(made, indent=1) + "\n")
        print(f"{EXPECTED}: {len(made)} files")
        return 0
    differing = [name for name in made if made[name] != json.loads(EXPECTED.read_text())[name]]
    shipped = sorted(Path(aeon.__file__).parent.glob("datasets/data/**/*.ts"))
    refused = []
    for path in shipped:
        try:
            ours = by_tidegate(path)
        except ValueError as error:
            refused.append(str(error))
            continue
        if ours != by_aeon(path):
            differing.append(str(path))
    for name in differing:
        print(f"differs: {name}", file=sys.stderr)
    for message in refused:
        print(f"refused: {message}")
    num_shipped = len(shipped) - len(refused)
    print(f"aeon {aeon.__version__}: {len(made)} files of ours and {num_shipped} of aeon's compared")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
