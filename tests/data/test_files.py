import runpy
from pathlib import Path

import numpy as np
import pytest

from tidegate import Sequences, load_japanese_vowels, read


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_npz_holds_arrays_or_values_and_offsets(tmp_path, dtype):
    array = np.arange(12, dtype=dtype).reshape(2, 3, 2)
    np.savez(tmp_path / "dense.npz", X=array, y=["a", "b"])
    data = read(tmp_path / "dense.npz")
    np.testing.assert_array_equal(data.X[1], array[1])
    assert data.X.dtype == dtype
    assert data.y.tolist() == ["a", "b"]
    np.savez(tmp_path / "ragged.npz", values=array.reshape(6, 2), offsets=[0, 2, 6], y=[0.5, 1.5])
    data = read(str(tmp_path / "ragged.npz"))
    assert data.X.lengths.tolist() == [2, 4]
    assert data.y.tolist() == [0.5, 1.5]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y": [1, 2]}, "expects the array X, or values and offsets, and y; got y: write them"),
        ({"values": np.zeros((2, 1))}, "got values"),
        ({"X": np.array([[1], [2, 3]], dtype=object), "y": [1, 2]}, "not a .npz archive of plain arrays"),
        ({"values": np.zeros((2, 1)), "offsets": [0, 3], "y": [1]}, "offsets expects to run"),
        ({"X": np.full((2, 2), np.inf)}, "infinity in sequence 0 at step 0"),
        ({"X": np.ones((2, 2)), "times": [[0, 1], [3, 2]]}, "got 2.0 after 3.0 in sequence 1 at step 1"),
    ],
)
def test_other_archives_are_refused_with_what_is_wrong(tmp_path, arrays, message):
    np.savez(tmp_path / "data.npz", **arrays)
    with pytest.raises(ValueError, match=message):
        read(tmp_path / "data.npz")


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
