"""The data of the examples: what the pages say is in them, and that no part knows of another."""

import csv
import gzip
import hashlib
import re
from collections import Counter

import numpy as np
import pytest

from examples import datasets

DATA = datasets.DATA
CHECKSUMS = {
    "debian_languages.csv.gz": "ae058c1cf50e492cee0c9460a6abfba8104865bff6a8a8ed2837b6cb6a52bb16",
    "debian_packages.csv.gz": "639438ba7f0a8c044b037fa98b2c374f2e341771b47f52844822b777c5eab0b4",
    "watch.npz": "f15ed81300772bab3ad0888d713ac5eee09b8f0d7f4dcab8b5d405e818cf94b3",
}


def test_the_files_are_those_that_the_scripts_made_and_each_has_its_source():
    files = {path.name: path for path in DATA.iterdir() if path.suffix != ".md"}
    assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()} == CHECKSUMS
    assert sum(path.stat().st_size for path in files.values()) < 1_100_000
    sources = (DATA / "SOURCES.md").read_text()
    assert set(re.findall(r"^\| (\S+[.]\S+) \|", sources, re.MULTILINE)) == set(CHECKSUMS)


def test_packages():
    data = datasets.load_packages()
    assert len(set(data.name)) == len(set(data.description)) == len(data.part) == 7170
    assert data.numbers.shape == (7170, len(data.number_names))
    assert (data.numbers >= 0).all()
    assert set(data.architecture) == {"all", "amd64"}
    sections = Counter(data.section.tolist())
    assert (len(sections), min(sections.values()), max(sections.values())) == (29, 59, 500)
    assert data.tags.shape == (7170, 149)
    assert data.tags.sum(axis=0).min() == 50
    assert (data.tags.sum(axis=1) == 0).sum() == 4
    at = data.name.tolist().index("2048-qt")
    assert (data.section[at], data.description[at]) == ("games", "mathematics based puzzle game")
    assert {name for name, has in zip(data.tag_names, data.tags[at]) if has} >= {
        "game::puzzle",
        "uitoolkit::qt",
    }
    assert dict(zip(data.number_names, data.numbers[at]))["depends"] == 8
    for part in ("train", "validation", "test"):
        assert set(data.section[data.part == part]) == set(sections)
        assert data.tags[data.part == part].any(axis=0).all()


def test_texts():
    data = datasets.load_texts()
    assert len(set(data.package)) == len(data.text) == 8400
    counts = Counter(zip(data.language.tolist(), data.part.tolist()))
    assert len(counts) == 14 * 3
    assert {counts[language, "train"] for language in set(data.language)} == {420}
    assert {counts[language, "test"] for language in set(data.language)} == {90}
    for letters, language in (("[а-яё]", "ru"), ("[가-힣]", "ko"), ("[ぁ-ヿ一-龯]", "ja")):
        own = data.text[data.language == language]
        assert np.mean([re.search(letters, text) is not None for text in own]) > 0.99


def test_chorales():
    data = datasets.load_chorales()
    assert Counter(data.part.tolist()) == {"train": 229, "validation": 76, "test": 77}
    assert data.keys.values.shape == (23134, 88)
    assert (data.keys.lengths.min(), data.keys.lengths.max()) == (25, 160)
    assert set(np.unique(data.keys.values)) == {0, 1}
    np.testing.assert_array_equal(np.flatnonzero(data.keys[0][0]) + 21, [60, 72, 79, 88])


def test_watch_has_streams_at_two_rates_over_the_same_time():
    data = datasets.load_watch()
    assert len(data.seconds) == len(data.accelerometer) == len(data.gyroscope) == 140
    for stream, rate in datasets.STEPS_A_SECOND.items():
        np.testing.assert_array_equal(getattr(data, stream).lengths, np.floor(data.seconds * rate + 1e-9))
    assert set(Counter(zip(data.subject, data.side)).values()) == {7}
    assert set(Counter(zip(data.exercise, data.side)).values()) == {10}
    # Gravity is 1 g and lies in what the accelerometer shows of an arm that moves slowly.
    norms = np.linalg.norm(data.accelerometer.values, axis=1)
    assert abs(np.median(norms) - 1) < 0.1


def test_watch_is_split_by_subjects():
    data = datasets.load_watch()
    held_out = np.zeros(140, dtype=int)
    for fold in datasets.FOLDS:
        train, test = data.split(fold)
        assert not set(data.subject[train]) & set(data.subject[test])
        assert train.sum() + test.sum() == 140
        held_out += test
    assert (held_out == 1).all()


@pytest.mark.parametrize("name", [name for name in CHECKSUMS if name.endswith(".csv.gz")])
def test_tables_have_no_empty_field_but_tags(name):
    with gzip.open(DATA / name, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    empty = {column for row in rows for column, value in row.items() if value == ""}
    assert empty <= {"tags", "keys"}
