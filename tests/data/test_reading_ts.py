"""The reader of .ts files against what the package aeon read from the same files (aeon/make.py)."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tidegate import read

FILES = Path(__file__).parent / "aeon"
EXPECTED = json.loads((FILES / "expected.json").read_text())


def test_every_file_has_been_read_by_aeon():
    assert set(EXPECTED) == {path.name for path in FILES.glob("*.ts")}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_sequences_and_targets_are_aeon_s(name):
    dataset = read(FILES / name)
    expected = EXPECTED[name]
    assert len(dataset.X) == len(expected["sequences"])
    for got, channels in zip(dataset.X, expected["sequences"]):
        np.testing.assert_array_equal(got, np.array(channels).T)
    if not expected["targets"]:
        assert dataset.y is None
    elif isinstance(expected["targets"][0], str):
        # aeon puts labels into lower case.
        assert [label.lower() for label in dataset.y.tolist()] == expected["targets"]
    else:
        assert dataset.y.tolist() == expected["targets"]


@pytest.mark.parametrize("line", ["1,?:3,4:a", "1,NaN:3,4:a", "1, ? :3,4:a"])
def test_missing_values_are_nan(tmp_path, line):
    path = tmp_path / "data.ts"
    path.write_text(f"@data\n{line}\n")
    np.testing.assert_array_equal(read(path).X[0], [[1, 3], [np.nan, 4]])


def test_labels_are_as_they_are_written():
    assert read(FILES / "unequal.ts").y.tolist() == ["Walk", "run", "run"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("@timeStamps true\n@data\n(0,1):a\n", "expects @timeStamps false; got true: time stamps"),
        ("@data\n1,2:3:a\n", "got 2 in channel 0 and 1 in channel 1: give each step a value"),
        ("@data\n1,2:a\n1,2:3,4:b\n", r"\[1\] expects 1 features, as .*\[0\] has; got 2"),
        ("@data\n1,x:a\n", "could not convert string to float: 'x': mend the line"),
        ("@data\n\n1,2:3,4\n", "line 3: expected a label last, .* got the values '3,4': add the label"),
        ("@data\n1,2:\n", "line 2: expected a label last, after a colon; got '': missing targets"),
        ("@data\n1,2:?\n", r"got '\?': missing targets are not supported yet"),
        ("@targetLabel true\n@data\n1,2:a\n", "expected a number last, as @targetLabel is true; got 'a'"),
        ("@data\n:a\n", "could not convert string to float"),
        ("@data\n", "at least one sequence; got none"),
    ],
)  # fmt: skip
def test_other_lines_are_refused_with_what_is_wrong(tmp_path, content, message):
    path = tmp_path / "data.ts"
    path.write_text(content)
    with pytest.raises(ValueError, match=message) as error:
        read(path)
    assert "\n" not in str(error.value)
    assert re.search(r": \S", str(error.value))
