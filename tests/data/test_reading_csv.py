import datetime
import gzip
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tidegate import Dataset, read

CELLS = {
    "whole": st.integers(-(10**6), 10**6),
    "number": st.floats(-1e6, 1e6, width=32),
    "truth": st.booleans(),
    "text": st.text(alphabet="ab,;\"é\n x'", min_size=1, max_size=5),
    "date": st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2100, 1, 1)).map(
        lambda stamp: stamp.replace(microsecond=0)
    ),
}


@pytest.fixture(params=["pyarrow", "csv module"])
def reader(request, monkeypatch):
    if request.param == "csv module":
        monkeypatch.setitem(sys.modules, "pyarrow", None)


def assert_same(got: Dataset, expected: Dataset) -> None:
    np.testing.assert_array_equal(got.X.values, expected.X.values)
    np.testing.assert_array_equal(got.X.offsets, expected.X.offsets)
    np.testing.assert_array_equal(got.X.ids, expected.X.ids)
    np.testing.assert_array_equal(got.times, expected.times)
    assert got.types == expected.types
    assert [np.asarray(row).tolist() for row in got.y] == [np.asarray(row).tolist() for row in expected.y]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_both_readers_agree_with_the_frame_that_was_written(tmp_path_factory, data):
    num_rows = data.draw(st.integers(1, 12))

    def column(kind: str) -> list:
        return data.draw(st.lists(CELLS[kind], min_size=num_rows, max_size=num_rows))

    kinds = [kind for kind in CELLS if kind != "date"]
    target_kind = data.draw(st.sampled_from(kinds))
    id_kind = data.draw(st.sampled_from(["whole", "text"]))
    frame = pd.DataFrame(
        {
            "id": column(id_kind),
            "when": data.draw(st.lists(CELLS["date"], min_size=num_rows, max_size=num_rows, unique=True)),
            "a": column("whole"),
            "b": column("number"),
            "c": column("truth"),
            "y": column(target_kind),
        }
    )
    frame["b"] = frame["b"].astype(np.float64)
    path = tmp_path_factory.mktemp("csv") / "table.csv"
    separator = data.draw(st.sampled_from([",", ";", "\t", "|"]))
    frame.to_csv(path, index=data.draw(st.booleans()), sep=separator, date_format="%Y-%m-%d %H:%M:%S")
    arguments = {"id": "id", "time": "when", "target": "y", "features": ["a", "b", "c"], "target_per": "step"}
    by_pyarrow = read(path, **arguments)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "pyarrow", None)
        by_csv_module = read(path, **arguments)
    types = {"id": "text"} if id_kind == "text" else {}
    expected = read(frame, **arguments, types=types)
    if target_kind == "text" or id_kind == "text":
        # Text that looks like numbers or blanks is another matter.
        assert_same(by_csv_module, by_pyarrow)
    else:
        assert_same(by_pyarrow, expected)
        assert_same(by_csv_module, expected)


@pytest.mark.usefixtures("reader")
class TestReaders:
    def test_a_column_that_turns_to_text_late_is_text_throughout(self, tmp_path, monkeypatch):
        monkeypatch.setattr("tidegate.data.csv_files._ROWS_AT_A_TIME", 2)
        path = tmp_path / "late.csv"
        path.write_text("id,x,y\n1,1,0\n2,2,0\n3,3,0\nfour,4.5,1\n")
        dataset = read(path, id="id", target="y", features="x")
        assert dataset.X.ids.tolist() == ["1", "2", "3", "four"]
        assert dataset.X.values[:, 0].tolist() == [1, 2, 3, 4.5]
        assert dataset.y.tolist() == [0, 0, 0, 1]
        assert dataset.y.dtype == np.int64

    def test_columns_without_a_name_are_left_out(self, tmp_path):
        path = tmp_path / "indexed.csv"
        pd.DataFrame({"x": [1.0, 2.0]}).to_csv(path)
        dataset = read(path)
        assert dataset.features == ("x",)
        assert "left out: a column without a name" in dataset.notes

    @pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
    def test_the_separator_is_found(self, tmp_path, separator):
        path = tmp_path / "separated.csv"
        path.write_text("\n".join([separator.join(row) for row in ("abc", "123")]))
        assert read(path).X[0].tolist() == [[1, 2, 3]]

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
    def test_encodings(self, tmp_path, encoding):
        path = tmp_path / "encoded.csv"
        path.write_bytes("größe,label\n1,é\n".encode(encoding))
        given_encoding = "utf-8" if encoding == "utf-8-sig" else encoding
        dataset = read(path, target="label", encoding=given_encoding)
        assert dataset.features == ("größe",)
        assert dataset.y.tolist() == ["é"]

    def test_a_column_that_is_not_asked_for_need_not_be_readable(self, tmp_path):
        path = tmp_path / "notes.csv"
        path.write_text("x,note\n1,fine\n2,\n")
        assert read(path, features="x").X.values[:, 0].tolist() == [1, 2]

    def test_blank_lines_and_lines_in_quotes(self, tmp_path):
        path = tmp_path / "quoted.csv"
        path.write_text('x,y\n1,"a\nb"\n\n2,"c,""d"""\n')
        dataset = read(path, target="y")
        assert [rows.tolist() for rows in dataset.y] == [["a\nb", 'c,"d"']]

    def test_compressed(self, tmp_path):
        path = tmp_path / "t.csv.gz"
        path.write_bytes(gzip.compress(b"x\n1\n2\n"))
        assert read(path).X.values[:, 0].tolist() == [1, 2]

    def test_times_with_a_zone_and_times_with_parts_of_a_second(self, tmp_path):
        path = tmp_path / "times.csv"
        path.write_text("t,x\n1970-01-01T01:00:00.5+01:00,1\n1970-01-01T00:00:00.25+00:00,2\n")
        assert read(path, time="t").times.tolist() == [0.25, 0.5]

    def test_types_that_are_asked_for(self, tmp_path):
        path = tmp_path / "typed.csv"
        path.write_text("id,on,y\n01,1,2\n1,0,3\n")
        dataset = read(path, id="id", target="y", types={"id": "text", "on": "boolean", "y": "category"})
        assert dataset.X.ids.tolist() == ["01", "1"]
        assert dataset.X.values[:, 0].tolist() == [1, 0]
        assert dataset.y.tolist() == ["2", "3"]
        assert dict(dataset.types) == {"id": "text", "on": "boolean", "y": "category"}

    def test_a_line_longer_than_a_block(self, tmp_path):
        path = tmp_path / "long.csv"
        names = [f"c{index}" for index in range(300)]
        path.write_text(",".join(names) + "\n" + ",".join(["0." + "1" * 20_000] * 300) + "\n")
        assert read(path, features=["c7", "c3"]).X[0].tolist() == [[float("0." + "1" * 20)] * 2]


def test_a_column_that_turns_to_text_after_the_first_block(tmp_path):
    path = tmp_path / "late.csv"
    path.write_text("x,y\n" + "1,1\n" * 300_000 + "2.5,two\n")
    dataset = read(path, target="y")
    assert dataset.X.values[-1].tolist() == [2.5]
    assert dataset.y[0][[0, -1]].tolist() == ["1", "two"]
    assert dict(dataset.types) == {"x": "numeric", "y": "text"}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_empty_fields_are_missing_values_in_order_of_time(reader, tmp_path, order):
    rows = ["0,1,0.5,true", "1,,1.5,", "2,3,NA,false"]
    path = tmp_path / "data.csv"
    path.write_text("\n".join(["t,whole,part,on", *(rows[row] for row in order)]) + "\n")
    found = read(path, time="t", types={"on": "boolean"})
    expected = [[1, 0.5, 1], [np.nan, 1.5, np.nan], [3, np.nan, 0]]
    np.testing.assert_array_equal(found.X.values, expected)
    assert "missing: 33.3% of the values, in 2 steps" in found.describe()
