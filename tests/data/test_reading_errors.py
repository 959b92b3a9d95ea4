"""What cannot be read is refused in one line that names what is wrong and says what to do."""

import datetime
import os
import re
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from tidegate import read

NAN = float("nan")


def trips(**changes) -> pd.DataFrame:
    columns = {
        "trip": ["b", "b", "a", "a", "a"],
        "t": [0, 1, 0, 1, 2],
        "speed": [1.5, 2.5, 3.5, 4.5, 5.5],
        "mode": ["bus", "bus", "car", "car", "car"],
    }
    return pd.DataFrame({**columns, **changes})


ROLES = {"id": "trip", "time": "t", "target": "mode"}


def refused(source, expected_error=ValueError, **arguments) -> str:
    """The message: one line, with a remedy after the last colon."""
    before = source.copy(deep=True) if isinstance(source, pd.DataFrame) else None
    with pytest.raises(expected_error) as error:
        read(source, **arguments)
    message = str(error.value)
    assert "\n" not in message
    assert re.search(r"[:?] \S", message), message
    if before is not None:
        pd.testing.assert_frame_equal(source, before)
    return message


@pytest.mark.parametrize(
    ("source", "arguments", "message"),
    [
        (
            trips(), {"id": "tripp"},
            "id expects a column of the pandas.DataFrame; got 'tripp': did you mean 'trip'?",
        ),
        (
            trips(), {"target": "zzz"},
            "target expects a column .* got 'zzz': pass one of 'trip', 't', 'speed', 'mode'",
        ),
        (trips(), {"features": ["sped"]}, "features expects a column .* did you mean 'speed'"),
        (trips(), {"features": ["speed", "speed"]}, "features expects each column once"),
        (trips().set_index("trip"), {"id": "trip"}, "got 'trip': it is in the index: reset_index"),
        (
            trips(), {"id": "trip", "target": "trip"},
            "target expects a column of its own; got 'trip', which is id too",
        ),
        (
            trips(), {"id": "trip", "features": "trip"},
            "features expects other columns than id has; got 'trip'",
        ),
        (trips(), {"time": ["t", "speed"]}, "time expects one column; got 't', 'speed'"),
        (
            trips()[["trip", "t"]], {"id": "trip", "time": "t"},
            "features expects at least one column; got none",
        ),
        (
            trips(), {"target": "mode", "types": {"sped": "numeric"}},
            "types expects columns .* did you mean 'speed'",
        ),
        (
            trips(), {"target": "mode", "types": {"speed": "number"}},
            r"types\['speed'\] expects .* did you mean 'numeric'",
        ),
        (
            trips(), {"id": "trip"},
            "column 'mode' expects numbers, as a feature; got text, 'bus' in row 0: name it by id= if",
        ),
        (
            trips(speed=["1", "2", "n.a.", "4", "5"]), ROLES,
            r"column 'speed' expects numbers.* got text, 'n\.a\.' in row 2: .*go into a SequenceModel",
        ),
        (
            trips(speed=["1", "2", "n.a.", "4", "5"]), {**ROLES, "types": {"speed": "numeric"}},
            r"column 'speed' expects a number; got 'n\.a\.' in row 2: mend it",
        ),
        (
            trips(), {"id": "trip", "features": "speed", "types": {"speed": "boolean"}},
            "expects true or false, 1 or 0; got ",
        ),
        (
            trips(day=[datetime.datetime(2024, 1, 1)] * 5), ROLES,
            "column 'day' .* got times: name it by time=",
        ),
        (trips(o=[{}] * 5), ROLES, "column 'o' expects numbers, booleans, text or times; got"),
        (trips(empty=[None] * 5), ROLES, "column 'empty' expects values; got none in any row"),
        (
            trips(t=[0, 1, 5, 4, 5]), ROLES,
            "time expects each stamp of 't' once in a sequence; got 5 twice in sequence 'a' at step .: le",
        ),
        (
            trips(t=[0, 1, 0, 1, 2]), {"time": "t", "target": "mode"},
            "got 0 twice in the one sequence at step .: name the sequences by id=",
        ),
        (
            trips(t=["2024-01-01", "2024-01-02", "01/02/2024", "x", "y"]), ROLES,
            "column 't' expects a date in ISO 8601; got '01/02/2024' in row 2",
        ),
        (
            trips(t=["2024-01-01", "2024-01-02T00:00Z", "2024-01-01", "2024-01-02", "2024-01-03"]), ROLES,
            "column 't' expects a date in ISO 8601; got dates with a time zone and dates without",
        ),
        (trips(t=[0, 1, NAN, 1, 2]), ROLES, "time column 't' expects a finite number .* none in row 2"),
        (trips(t=[0, 1, np.inf, 1, 2]), ROLES, "time column 't' expects a finite number .* none in row 2"),
        (
            trips(t=["2024-01-01", None, "2024-01-01", "2024-01-02", "2024-01-03"]), ROLES,
            "time column 't' .* none in row 1",
        ),
        (trips(t=[True] * 5), ROLES, "time expects numbers or dates; got booleans"),
        (
            trips(trip=["b", None, "a", "a", "a"]), ROLES,
            "id column 'trip' expects a value in every row; got none in row 1",
        ),
        (trips(speed=[NAN] * 5), ROLES, "column 'speed' expects values; got none in any row: leave it out"),
        (
            trips(speed=[1.5, -np.inf, 3.5, 4.5, 5]), ROLES,
            "column 'speed' .* got infinity in sequence 'b' at step 1",
        ),
        (
            trips(mode=["bus", "bus", "car", None, "car"]), ROLES,
            "target column 'mode' .* none in row 3: of text none can be missing",
        ),
        (trips(), {**ROLES, "target": "speed", "features": "t", "target_per": "sequence"},
            "target expects one value of 'speed' a sequence; got 1.5 and then 2.5 in sequence 'b' at step 1: "
            "mend it, or pass target_per='step'",
        ),
        (
            trips(), {"id": "trip", "target": ["speed", "mode"]},
            "target expects numbers; got text in column 'mode'",
        ),
        (
            trips(), {"target": "t", "types": {"t": "time"}},
            "column 't' expects a date in ISO 8601; got 0 in row 0",
        ),
        (
            trips(day=pd.Timestamp("2024-01-01")), {"id": "trip", "target": "day"},
            "target expects numbers, booleans or text; got time",
        ),
        (trips().iloc[:0], ROLES, "expects at least one row; got none"),
        (trips(), {**ROLES, "target_per": "row"}, "target_per expects one of sequence, step; got 'row'"),
        (trips(), {**ROLES, "layout": "tall"}, "layout expects one of long, wide; got 'tall'"),
        (trips(), {**ROLES, "layout": "wide"}, "time expects None in layout 'wide'"),
        (
            trips(), {"id": "trip", "target": "mode", "layout": "wide"},
            "id expects one row a sequence .* several of 'a'",
        ),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), {}, "expects a name for each column"),
        (pl.DataFrame({"x": [[1.0], [2.0]]}), {}, r"column 'x' .* got List\(Float64\): explode\(\) it"),
        (pd.DataFrame({"x": [1j]}), {}, "column 'x' expects .* got complex128: convert it, or leave it out"),
        (pd.DataFrame({"x": pd.period_range("2024", periods=2, freq="D")}), {}, r"got period\[D\]: conv"),
        (pl.DataFrame({"x": [1.0]}).lazy(), {}, r"got polars.LazyFrame: collect\(\) it first"),
        (pa.table({"x": [b"a"]}), {}, "column 'x' expects numbers, .* got (Binary|Unknown)"),
        (
            np.ones((2, 3)), {},
            "source expects the path of a file .* got numpy.ndarray: .* Sequences.from_any",
        ),
        (None, {}, "got builtins.NoneType"),
        (
            pd.DataFrame({"who": [1, 1], "day": [3, 3], "t": [5, 5], "x": [0.0, 1]}),
            {"id": ["who", "day"], "time": "t"},
            r"got 5 twice in sequence \(who 1, day 3\) at step",
        ),
        (pd.DataFrame({"x": [Decimal(1), "a"]}), {}, "column 'x' expects a number; got 'a' in row 1"),
    ],
)  # fmt: skip
def test_frames(source, arguments, message):
    assert re.search(message, refused(source, **arguments))


@pytest.mark.parametrize("target_per", [None, "step"])
@pytest.mark.parametrize("place", [0, 3])
def test_an_infinite_target_is_named_with_its_row(place, target_per):
    targets = np.where(np.arange(4) == place, -np.inf, [1.0, 2.0, np.nan, 4.0])
    frame = pd.DataFrame({"trip": list("aabb"), "x": [1.0, 3.0, 0.0, 1.0], "y": targets})
    message = refused(frame, id="trip", target="y", target_per=target_per)
    assert f"target column 'y' expects finite numbers; got infinity in row {place}:" in message


ANSWERS = pd.DataFrame({"trip": ["a", "b"], "mode": ["car", "bus"]})


@pytest.mark.parametrize(
    ("targets", "arguments", "message"),
    [
        (
            ANSWERS.iloc[:1], {"id": "trip"},
            "targets expects a row for each id of source; got none for 'b': add",
        ),
        (
            pd.concat([ANSWERS, ANSWERS.replace({"trip": {"a": "c", "b": "d"}})]), {"id": "trip"},
            "targets expects ids of source; got 'c', 'd', of which it has no sequence: leave the rows out",
        ),
        (
            pd.concat([ANSWERS, ANSWERS]), {"id": "trip"},
            "targets expects one row for each id; got 'a' more than once",
        ),
        (
            ANSWERS.assign(trip=[1, 2]), {"id": "trip"},
            r"none for 'b', 'a' \(it has 1, source 'b': give the column one type",
        ),
        (
            ANSWERS.rename(columns={"trip": "Trip"}), {"id": "trip"},
            "id expects a column .* did you mean 'Trip'",
        ),
        (
            ANSWERS.assign(other=1), {"id": "trip"},
            "target expects a column of the pandas.DataFrame, which has 2 beside",
        ),
        (
            ANSWERS.assign(mode=[None, "bus"]), {"id": "trip"},
            "target column 'mode' .* row 0: of text none can be missing",
        ),
        (ANSWERS, {}, "targets expects the id columns .* name them by id="),
        (ANSWERS, {"id": "trip", "target": "moda"}, "target expects a column .* did you mean 'mode'"),
        (ANSWERS.iloc[:0], {"id": "trip"}, "expects at least one row; got none"),
        ("missing.csv", {"id": "trip"}, "targets expects a file; got missing.csv, which does not exist"),
        (3, {"id": "trip"}, "targets expects the path of a file"),
    ],
)  # fmt: skip
def test_second_tables(targets, arguments, message):
    source = trips().drop(columns="mode")
    assert re.search(message, refused(source, (ValueError, OSError), targets=targets, **arguments))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("data.csv", b"", "expects a first line that names the columns; got none"),
        ("data.csv", b"a,b\n", "expects at least one row; got none"),
        ("data.csv", b"a,b\n1,2\n3\n", "expects rows of 2 columns; .*mend the file"),
        ("data.csv", b"a,a\n1,2\n", "expects a name for each column; got 'a' 2 times"),
        ("data.csv", b"1.5,2.5\n3.5,4.5\n", "got the number 1.5 among them: add a line of names"),
        (
            "data.csv", "a,b\n1,2\n3,é\n".encode("latin-1"),
            "expects text in utf-8; got byte 0xe9 in line 3: .*'latin-1'",
        ),
        (
            "data.csv", "é,b\n1,2\n".encode("latin-1"),
            "expects text in utf-8; got byte 0xe9 in line 1: .*'latin-1'",
        ),
        (
            "data.csv", "a,b\n1,2\n".encode("utf-16"),
            "expects text in utf-8; got byte 0xff in line 1: .*'utf-16'",
        ),
        ("data.csv", b"a,b\n1,\n", "column 'b' expects values; got none in any row"),
        ("data.csv.gz", b"a,b\n1,2\n", "is not a whole .gz file"),
        ("data.parquet", b"a,b\n1,2\n", "is not a Parquet file"),
        ("data.parquet", b"", "is not a Parquet file"),
        (
            "data.xlsx", b"",
            "source expects one of the endings .csv, .csv.gz, .parquet, .npz, .npy, .ts; got .xlsx of ",
        ),
        ("data", b"", "expects one of the endings .* got none of"),
        ("data.npy", b"nonsense", "is not a .npy file of numbers"),
        ("data.npz", b"nonsense", "is not a .npz archive"),
        ("data.ts", b"1,2:a\n", "has no @data line"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("by_pyarrow", [True, False])
def test_files(tmp_path, monkeypatch, by_pyarrow, name, content, message):
    if not by_pyarrow:
        if name.endswith(".parquet"):
            message = r"expects the package pyarrow .* pip install 'tidegate\[tables\]'"
        monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    path = tmp_path / name
    path.write_bytes(content)
    got = refused(path)
    assert re.search(message, got)
    assert str(path) in got or "column" in got
    assert path.read_bytes() == content


def test_a_missing_file_names_the_nearest(tmp_path):
    (tmp_path / "trips.csv").write_text("a\n1\n")
    message = refused(tmp_path / "trip.csv", FileNotFoundError)
    assert message.endswith(f"which does not exist: did you mean {tmp_path / 'trips.csv'}?")
    assert "pass the path of one that does" in refused(tmp_path / "none" / "x.csv", FileNotFoundError)


def test_a_folder_is_no_file(tmp_path):
    assert "got the folder" in refused(tmp_path, IsADirectoryError)


def test_a_file_that_may_not_be_read(tmp_path):
    path = tmp_path / "secret.csv"
    path.write_text("a\n1\n")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    assert "change its permissions" in refused(path, PermissionError)


def test_a_damaged_gz_and_a_damaged_parquet_file(tmp_path):
    for name, write in (("t.csv.gz", "to_csv"), ("t.parquet", "to_parquet")):
        path = tmp_path / name
        getattr(pd.DataFrame({"x": np.random.default_rng(0).normal(size=5_000)}), write)(path)
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        refused(path)
        middle = len(whole) // 2
        path.write_bytes(whole[:middle] + bytes(64) + whole[middle + 64 :])
        if name == "t.csv.gz":
            assert "is not a whole .gz file" in refused(path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"target": "y"},
            "target expects a table of columns; got 'y' for .*, which holds arrays: leave it out",
        ),
        ({"layout": "wide"}, "layout expects a table of columns"),
        ({"targets": pd.DataFrame({"y": [1.0]})}, "targets expects None for .*, or another .npy file"),
        ({"targets": "none.npy"}, "targets expects a file; got none.npy, which does not exist"),
    ],
)
def test_files_of_arrays_have_no_columns(tmp_path, arguments, message):
    np.save(tmp_path / "X.npy", np.ones((2, 3)))
    assert re.search(message, refused(tmp_path / "X.npy", (ValueError, OSError), **arguments))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.ones(3), "expects an entry for each of 2 sequences, or for each of their 6 steps; got 3"),
        (np.array([1.0, NAN]), "expects finite numbers, booleans or text; got NaN or infinity"),
        (np.array(1.0), "expects finite numbers"),
        (np.array([1j, 2j]), "got complex128"),
    ],
)
def test_targets_of_npz_files(tmp_path, y, message):
    np.savez(tmp_path / "data.npz", X=np.ones((2, 3)), y=y)
    assert re.search(message, refused(tmp_path / "data.npz"))


def test_objects_are_not_unpickled(tmp_path):
    np.save(tmp_path / "X.npy", np.array([[1], [2, 3]], dtype=object))
    assert "is not a .npy file of numbers" in refused(tmp_path / "X.npy")


def test_an_unknown_encoding(tmp_path):
    (tmp_path / "t.csv").write_text("a\n1\n")
    assert "encoding expects one that Python knows" in refused(tmp_path / "t.csv", encoding="klingon")


@pytest.mark.parametrize("by_pyarrow", [True, False])
def test_errors_of_a_csv_file_name_its_line(tmp_path, monkeypatch, by_pyarrow):
    if not by_pyarrow:
        monkeypatch.setattr("tidegate.data.csv_files.find_spec", lambda name: None)
    path = tmp_path / "lines.csv"
    path.write_text('id,note,x\na,"one\ntwo",1\n\na,"three",2\n,"four",3\nb,"five",oops\n')
    for features, line, got in ((["x"], 6, "none"), (["id", "x"], 3, "text")):
        message = refused(path, id="id" if "id" not in features else None, features=features)
        assert got in message
        if got == "none":
            assert f"line {line} of lines.csv" in message
    path.write_text('note,x\n"one\ntwo",1\n\n"three",oops\n')
    assert "'oops' in line 5 of lines.csv" in refused(path, features="x")


@pytest.mark.parametrize("target_per", [None, "step"])
def test_a_step_without_a_target_is_nan_and_a_sequence_without_one_is_named(tmp_path, target_per):
    path = tmp_path / "targets.csv"
    path.write_text("id,x,y\na,3,5\na,3,\na,4,6\nb,1,\nb,2,7\n")
    first, second = read(path, id="id", target="y", target_per=target_per).y
    np.testing.assert_array_equal(first, [5, np.nan, 6])
    np.testing.assert_array_equal(second, [np.nan, 7])
    path.write_text("id,x,y\na,3,5\na,3,5\nb,1,\nb,2,7\n")
    assert re.search(
        "'y' expects a value in every row of a sequence; got none in sequence 'b' at step 0: fill",
        refused(path, id="id", target="y"),
    )
    assert len(read(path, id="id", target="y", target_per="step").y) == 2
    path.write_text("id,x,y\na,3,5\na,3,\na,4,6\nb,1,7\n")
    message = refused(path, id="id", target="y", target_per="sequence")
    assert "got 5.0 and then 6.0 in sequence 'a' at step 2" in message
