"""The file of the oracle: what is given and what PyTorch made of it, without pickled objects.

oracle.npz holds three arrays. `index` is one JSON text: a list of cases in order, each with `kind`, `name`,
`settings`, and, by field name, the shapes of its `given` and `expected` arrays. `given` (float16) and
`expected` (float64) are these arrays flattened in C order and laid end to end, in the order of the index.
Given numbers are exact in float16, so that float32 and float64 runs start from the same ones; whole numbers
and booleans stand there as numbers. Field names with a slash belong to a dictionary:
"parameters/weight_ih_l0".
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

PATH = Path(__file__).with_name("oracle.npz")

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Entry:
    """One case: settings for JSON, arrays by field name."""

    kind: str
    name: str
    settings: dict[str, Any]
    given: dict[str, Array]
    expected: dict[str, Array]


def write(entries: list[Entry], path: Path = PATH) -> None:
    index = [
        {
            "kind": entry.kind,
            "name": entry.name,
            "settings": entry.settings,
            "given": {field: array.shape for field, array in entry.given.items()},
            "expected": {field: array.shape for field, array in entry.expected.items()},
        }
        for entry in entries
    ]
    given = np.concatenate([array.ravel() for entry in entries for array in entry.given.values()])
    expected = np.concatenate([array.ravel() for entry in entries for array in entry.expected.values()])
    assert np.array_equal(given, given.astype(np.float16))
    np.savez_compressed(
        path, index=np.array(json.dumps(index)), given=given.astype(np.float16), expected=expected
    )


def read(path: Path = PATH) -> list[Entry]:
    with np.load(path, allow_pickle=False) as file:
        index = json.loads(file["index"].item())
        flat = {part: file[part].astype(np.float64) for part in ("given", "expected")}
    used = {"given": 0, "expected": 0}

    def take(part: str, shape: list[int]) -> Array:
        start = used[part]
        used[part] += math.prod(shape)
        return flat[part][start : used[part]].reshape(shape)

    return [
        Entry(
            record["kind"],
            record["name"],
            record["settings"],
            *({field: take(part, shape) for field, shape in record[part].items()} for part in used),
        )
        for record in index
    ]
