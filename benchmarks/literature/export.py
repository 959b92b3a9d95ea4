"""Data that other packages hold or make, written as NumPy's .npz into a folder: one file a data set.

    python -m benchmarks.literature.export FOLDER

Needs the packages mnist1d and aeon, which `make literature` installs apart from ours
(requirements-literature.txt). X is (N, T, I) float32, y are labels (N,) as text."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from aeon.datasets import load_classification
from mnist1d.data import get_dataset_args, make_dataset

AEON = ("GunPoint", "ItalyPowerDemand", "OSULeaf", "ArrowHead", "BasicMotions")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    made = make_dataset(get_dataset_args())
    sets = {"MNIST-1D": {"X": made["x"], "y": made["y"], "X_test": made["x_test"], "y_test": made["y_test"]}}
    for name in AEON:
        X, y = load_classification(name, split="train")  # (N, I, T)
        X_test, y_test = load_classification(name, split="test")
        sets[name] = {"X": X.swapaxes(1, 2), "y": y, "X_test": X_test.swapaxes(1, 2), "y_test": y_test}
    for name, arrays in sets.items():
        for key in ("X", "X_test"):
            arrays[key] = arrays[key].reshape(*arrays[key].shape[:2], -1).astype(np.float32)
        for key in ("y", "y_test"):
            arrays[key] = arrays[key].astype(str)
        np.savez_compressed(folder / f"{name}.npz", **arrays)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
