import runpy
from pathlib import Path

import numpy as np
import pytest

from tidegate.data import Sequences, load_japanese_vowels
from tidegate.data.files import read

TS = """#a comment
@problemName Tiny
@data
1.5,2.5:3,4:yes
5:6:no
"""


def test_ts_lines_are_channels_by_steps(tmp_path):
    path = tmp_path / "tiny.ts"
    path.write_text(TS)
    X, y = read(path)
    np.testing.assert_array_equal(X[0], [[1.5, 3], [2.5, 4]])
    np.testing.assert_array_equal(X[1], [[5, 6]])
    assert y.tolist() == ["yes", "no"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_npz_holds_arrays_or_values_and_offsets(tmp_path, dtype):
    array = np.arange(12, dtype=dtype).reshape(2, 3, 2)
    np.savez(tmp_path / "dense.npz", X=array, y=["a", "b"])
    X, y = read(tmp_path / "dense.npz")
    np.testing.assert_array_equal(X[1], array[1])
    assert X.dtype == dtype
    assert y.tolist() == ["a", "b"]
    np.savez(tmp_path / "ragged.npz", values=array.reshape(6, 2), offsets=[0, 2, 6], y=[0.5, 1.5])
    X, y = read(str(tmp_path / "ragged.npz"))
    assert X.lengths.tolist() == [2, 4]
    assert y.tolist() == [0.5, 1.5]


def write(path, content):
    if isinstance(content, dict):
        np.savez(path, **content)
    else:
        path.write_text(content)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("data.parquet", "", "expects one of the endings .npz, .ts; got .parquet"),
        ("data", "", "got none"),
        ("data.npz", "not an archive", "is not a .npz archive"),
        ("data.npz", "", "is not a .npz archive"),
        ("data.npz", {"X": np.zeros((2, 2))}, "expects the arrays X and y, or values, offsets and y; got X"),
        ("data.npz", {"X": np.array([[1], [2, 3]], dtype=object), "y": [1, 2]}, "not a .npz archive"),
        ("data.npz", {"values": np.zeros((2, 1)), "offsets": [0, 3], "y": [1]}, "offsets expects to run"),
        ("data.ts", "1,2:a\n", "has no @data line"),
        ("data.ts", "@data\n", "at least one sequence; got none"),
        ("data.ts", "@data\n1,2:3:a\n", "line 2: expected as many numbers in every channel"),
        ("data.ts", "@data\n1,?:3,4:a\n", "line 2: expected as many numbers"),
        ("data.ts", "@data\n1,NaN:3,4:a\n", "NaN in sequence 0 at step 1"),
        ("data.ts", "@data\nalone\n", "line 2: expected channels and a label"),
    ],
)  # fmt: skip
def test_other_files_are_refused_with_what_is_wrong(tmp_path, name, content, message):
    path = tmp_path / name
    write(path, content)
    with pytest.raises(ValueError, match=message):
        read(path)


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none.npz")


def as_ts(sequences: Sequences, labels: np.ndarray) -> str:
    lines = [
        ":".join([",".join(f"{value:.6f}" for value in channel) for channel in sequence.T] + [label])
        for sequence, label in zip(sequences, labels)
    ]
    return "\n".join(["@data", *lines, ""])


def test_the_tool_makes_the_bundled_arrays(tmp_path):
    vowels = load_japanese_vowels()
    (tmp_path / "train.ts").write_text(as_ts(vowels.X, vowels.y))
    (tmp_path / "test.ts").write_text(as_ts(vowels.X_test, vowels.y_test))
    root = Path(__file__).parents[2]
    make = runpy.run_path(str(root / "tools/make_japanese_vowels.py"))["main"]
    make(*(str(tmp_path / name) for name in ("train.ts", "test.ts", "made.npz")))
    with (
        np.load(tmp_path / "made.npz") as made,
        np.load(root / "src/tidegate/data/japanese_vowels.npz") as bundled,
    ):
        assert set(made) == set(bundled)
        for name in made:
            assert made[name].dtype == bundled[name].dtype
            np.testing.assert_array_equal(made[name], bundled[name])
