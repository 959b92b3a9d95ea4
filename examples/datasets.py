"""The data in examples/data, and the chorales of the literature's tasks, as arrays; the SOURCES.md beside
each has source and licence.

N packages, texts or recordings; each has its part: "train", "validation" or "test".
"""

import csv
import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

from tidegate import Sequences

DATA = Path(__file__).with_name("data")
CHORALES = DATA.parents[1] / "benchmarks" / "literature" / "data" / "JSB_Chorales.mat"
PARTS = {"train": "traindata", "validation": "validdata", "test": "testdata"}
STEPS_A_SECOND = {"accelerometer": 10, "gyroscope": 5}
FOLDS = ((1, 2), (3, 4), (5, 6), (7, 8), (9, 10))


@dataclass(frozen=True)
class Packages:
    """Packages of Debian: name and description are text, section is one of 29 classes, tags (N, 149) are
    labels."""

    name: NDArray[np.str_]
    description: NDArray[np.str_]
    architecture: NDArray[np.str_]
    numbers: NDArray[np.float64]  # (N, 5)
    number_names: tuple[str, ...]
    section: NDArray[np.str_]
    tags: NDArray[np.bool_]
    tag_names: tuple[str, ...]
    part: NDArray[np.str_]


@dataclass(frozen=True)
class Texts:
    """Short descriptions of packages of Debian, each in one of 14 languages."""

    package: NDArray[np.str_]
    text: NDArray[np.str_]
    language: NDArray[np.str_]
    part: NDArray[np.str_]


@dataclass(frozen=True)
class Chorales:
    """Chorales of J. S. Bach: which of 88 keys sound at each step, 0 or 1."""

    keys: Sequences
    part: NDArray[np.str_]


@dataclass(frozen=True)
class Watch:
    """Exercises of the shoulder, twenty repetitions each, as felt by a watch at the wrist: g at 10 steps a
    second, rad/s at 5."""

    accelerometer: Sequences
    gyroscope: Sequences
    seconds: NDArray[np.float64]
    exercise: NDArray[np.str_]
    side: NDArray[np.str_]
    subject: NDArray[np.int64]

    def split(self, held_out: tuple[int, ...]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which recordings to train on, and those of the subjects held out."""
        test = np.isin(self.subject, held_out)
        return ~test, test


def columns(name: str) -> dict[str, NDArray[np.str_]]:
    with gzip.open(DATA / name, "rt", encoding="utf-8", newline="") as file:
        heading, *rows = csv.reader(file)
    return {title: np.array(column) for title, column in zip(heading, zip(*rows))}


def labels(column: NDArray[np.str_]) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Of texts like "b,c", which labels each has, (N, L), and their L names, sorted."""
    sets = [text.split(",") if text else [] for text in column.tolist()]
    names = tuple(sorted({name for own in sets for name in own}))
    place = {name: at for at, name in enumerate(names)}
    found = np.zeros((len(sets), len(names)), dtype=bool)
    for row, own in zip(found, sets):
        row[[place[name] for name in own]] = True
    return found, names


def load_packages() -> Packages:
    table = columns("debian_packages.csv.gz")
    names = ("installed_kib", "package_bytes", "depends", "recommends", "suggests")
    tags, tag_names = labels(table["tags"])
    return Packages(
        name=table["package"],
        description=table["description"],
        architecture=table["architecture"],
        numbers=np.stack([table[name].astype(float) for name in names], axis=1),
        number_names=names,
        section=table["section"],
        tags=tags,
        tag_names=tag_names,
        part=table["part"],
    )


def load_texts() -> Texts:
    return Texts(**columns("debian_languages.csv.gz"))


def load_chorales() -> Chorales:
    stored = loadmat(CHORALES)
    rolls = [(part, roll) for part, key in PARTS.items() for roll in stored[key][0]]
    keys = [roll.astype(np.float32) for _, roll in rolls]
    offsets = np.cumsum([0, *map(len, keys)])
    return Chorales(Sequences(np.concatenate(keys), offsets), np.array([part for part, _ in rolls]))


def load_watch() -> Watch:
    with np.load(DATA / "watch.npz", allow_pickle=False) as archive:
        arrays = dict(archive)
    samples = arrays.pop("samples").astype(np.int64)  # 50 a second
    streams = {
        name: Sequences(
            arrays.pop(name).astype(np.float32) / 1000, np.append(0, np.cumsum(samples // (50 // rate)))
        )
        for name, rate in STEPS_A_SECOND.items()
    }
    return Watch(**streams, seconds=samples / 50, **arrays)
