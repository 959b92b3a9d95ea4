import datetime
import sys
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tidegate
from tidegate import Sequences, read
from tidegate.data import has_step_targets

FRAMES = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "arrow": pa.table,
}


@pytest.mark.parametrize(
    ("targets", "described"),
    [
        ([None, 2.0, 4.5, None], "one a step: 2 to 4.5, 2 missing"),
        ([None] * 4, "one a step: none, 4 missing"),
        ([1.0, 2.0, 4.5, 3.0], "one a step: 1 to 4.5\n"),
    ],
)
def test_the_description_says_what_targets_are_there_and_how_many_not(targets, described):
    frame = pd.DataFrame({"id": list("aabb"), "x": np.arange(4.0), "y": pd.array(targets, "Float64")})
    assert described in f"{read(frame, id='id', target='y', target_per='step')}\n"


@pytest.mark.parametrize(
    ("column", "shared"),
    [
        (pd.Series([0.0, 5.0, 2.0, 3.0]), True),
        (pl.Series("x", [0.0, 5.0, 2.0, 3.0]), True),
        (pd.Series([0.0, 5.0, 2.0, 3.0], dtype=object), False),
        (pd.Series([0.0, None, 2.0, 3.0], dtype="Float64"), False),
        (pl.Series("x", [0.0, None, 2.0, 3.0]), False),
        (pd.Series([0, 5, 2, 3]), False),
    ],
)
def test_a_feature_is_said_to_be_the_frames_own_memory_where_it_is(column, shared):
    kind = pl.DataFrame if isinstance(column, pl.Series) else pd.DataFrame
    frame = kind({"x": column, "y": np.arange(4.0)})
    dataset = read(frame, target="y", target_per="step")
    assert ("values are the frame's own memory" in dataset.notes) == shared
    assert np.shares_memory(dataset.X.values, frame["x"].to_numpy()) == shared


IDS = {
    "integers": lambda code: code - 3,
    "text": lambda code: f"säge {code}",
    "booleans": lambda code: code % 2 == 0,
    "dates": lambda code: datetime.date(2024, 1, 1 + code),
    "floats": lambda code: code / 4,
}
TIMES = {
    "integers": lambda tick: tick,
    "floats": lambda tick: tick / 8,
    "stamps": lambda tick: datetime.datetime(2024, 1, 1) + datetime.timedelta(milliseconds=tick),
    "text": lambda tick: (datetime.datetime(2024, 1, 1) + datetime.timedelta(seconds=tick)).isoformat(),
}


def by_hand(columns: dict[str, list], ids: list[str], time: str | None) -> dict[tuple, list[dict]]:
    """Rows of each sequence in order, the sequences as they first appear."""
    rows = [dict(zip(columns, values)) for values in zip(*columns.values())]
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in ids), []).append(row)
    if time is not None:
        for group in groups.values():
            group.sort(key=lambda row: row[time])
    return groups


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_what_is_read_is_what_grouping_by_hand_gives(data):
    frame = FRAMES[data.draw(st.sampled_from(sorted(FRAMES)))]
    codes = data.draw(st.lists(st.integers(0, 9), min_size=1, max_size=40))
    names = data.draw(st.sampled_from([["id"], ["id", "part"]]))
    kinds = [data.draw(st.sampled_from(sorted(IDS))) for _ in names]
    ticks = data.draw(st.permutations(range(len(codes))))
    tick_kind = data.draw(st.sampled_from([None, *sorted(TIMES)]))
    columns: dict[str, list] = {}
    for name, kind, divisor in zip(names, kinds, (1, 3)):
        columns[name] = [IDS[kind](code // divisor) for code in codes]
    time = None
    if tick_kind is not None:
        time = "when"
        columns[time] = [TIMES[tick_kind](tick) for tick in ticks]
    columns["a"] = [tick / 3 for tick in ticks]
    columns["b"] = [tick % 2 == 0 for tick in ticks]
    columns["label"] = [str(row) for row in range(len(codes))]

    dataset = read(frame(columns), id=names, time=time, target="label", target_per="step")

    groups = by_hand(columns, names, time)
    assert len(dataset.X) == len(groups)
    assert dataset.features == ("a", "b")
    for sequence, labels, rows in zip(dataset.X, dataset.y, groups.values()):
        np.testing.assert_array_equal(sequence, [[row["a"], row["b"]] for row in rows])
        assert labels.tolist() == [row["label"] for row in rows]
    got = dataset.X.ids.tolist()
    expected = [key[0] if len(names) == 1 else key for key in groups]
    if "dates" not in kinds:
        assert got == expected
    if tick_kind == "integers":
        assert dataset.times.tolist() == [row["when"] for rows in groups.values() for row in rows]
    if tick_kind == "stamps":
        utc = [row["when"].replace(tzinfo=datetime.UTC) for rows in groups.values() for row in rows]
        np.testing.assert_allclose(dataset.times, [stamp.timestamp() for stamp in utc], rtol=0, atol=1e-6)


@settings(deadline=None)
@given(st.permutations(range(12)))
def test_the_order_of_rows_changes_the_order_of_sequences_alone(order):
    table = pd.DataFrame(
        {"id": [1, 1, 1, 1, 2, 3, 3, 3, 3, 3, 3, 4], "t": range(12), "x": np.arange(12) ** 2}
    )
    label = {1: "a", 2: "b", 3: "a", 4: "c"}
    table["y"] = table["id"].map(label)
    dataset = read(table.iloc[list(order)], id="id", time="t", target="y")
    assert dataset.X.ids.tolist() == list(dict.fromkeys(table["id"].iloc[list(order)]))
    for name, sequence, answer in zip(dataset.X.ids.tolist(), dataset.X, dataset.y):
        assert sequence[:, 0].tolist() == table["x"][table["id"] == name].tolist()
        assert answer == label[name]
    assert ("rows were put in order of time" in dataset.notes) == (list(order) != sorted(order))


@pytest.fixture
def trips() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "trip": ["b", "b", "a", "a", "a"],
            "t": [0, 1, 0, 1, 2],
            "speed": [1.5, 2.5, 3.5, 4.5, 5.5],
            "stops": [1, 2, 3, 4, 5],
            "mode": ["bus", "bus", "car", "car", "car"],
        }
    )


@pytest.mark.parametrize("name", ["table.csv", "table.csv.gz", "table.parquet", "TABLE.CSV"])
def test_files_hold_what_the_frame_holds(tmp_path, trips, name):
    path = tmp_path / name
    (trips.to_parquet if name.endswith("parquet") else trips.to_csv)(path, index=False)
    for source in (path, str(path)):
        dataset = read(source, id="trip", time="t", target="mode")
        assert dataset.X.ids.tolist() == ["b", "a"]
        assert dataset.y.tolist() == ["bus", "car"]
        np.testing.assert_array_equal(dataset.X[1], [[3.5, 3], [4.5, 4], [5.5, 5]])
        assert dataset.times.tolist() == [0, 1, 0, 1, 2]
        assert dataset.source == str(path)


def test_what_comes_back_says_what_was_taken_for_what(trips):
    dataset = read(trips.iloc[::-1], id="trip", time="t", target="mode")
    assert (
        repr(dataset)
        == dataset.describe()
        == "\n  ".join(
            [
                "the pandas.DataFrame: 2 sequences of 2 to 3 steps, 2 features, float64",
                "id: 'trip' (text)",
                "time: 't' (numeric)",
                "target: 'mode' (text), one a sequence: bus, car",
                "features: 'speed' (numeric), 'stops' (numeric)",
                "rows were put in order of time",
                "values are a copy",
            ]
        )
    )
    assert (dataset.id, dataset.time, dataset.target) == (("trip",), "t", ("mode",))
    assert dict(dataset.types) == {
        "trip": "text", "t": "numeric", "mode": "text", "speed": "numeric", "stops": "numeric",
    }  # fmt: skip


def test_the_description_of_many_columns_is_short():
    frame = pd.DataFrame({f"c{i}": [1.0, 2.0] for i in range(100)})
    dataset = read(frame.assign(target=[0.5, 0.25]), target="target", layout="long")
    assert "'c7' (numeric), ... 100 in all" in dataset.describe()
    assert "target: 'target' (numeric), one a step: 0.25 to 0.5" in dataset.describe()
    assert "no id: all rows are one sequence" in dataset.describe()


class TestMemory:
    def test_a_frame_s_own_memory_is_used_where_it_lies_row_after_row(self):
        values = np.random.default_rng(0).normal(size=(6, 3))
        frame = pd.DataFrame(values, columns=list("abc"), copy=False)
        frame.insert(0, "id", [1, 1, 2, 2, 2, 3])
        # Sequences that begin when the one before ends, or earlier, are in order.
        dataset = read(frame.assign(t=[0, 2, 2, 3, 4, 1]), id="id", time="t")
        assert np.shares_memory(dataset.X.values, values)
        assert "values are the frame's own memory" in dataset.notes
        assert np.shares_memory(read(frame, id="id", features=["b", "c"]).X.values, values) is False

    @pytest.mark.parametrize("kind", sorted(FRAMES))
    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_a_column_alone_is_used_as_it_is(self, kind, dtype):
        column = np.arange(5, dtype=dtype)
        frame = FRAMES[kind]({"x": column, "id": [1, 1, 2, 2, 2]})
        held = frame["x"].to_numpy()
        dataset = read(frame, id="id")
        assert np.shares_memory(dataset.X.values, held)
        assert dataset.X.dtype == dtype
        assert "values are the frame's own memory" in dataset.notes

    def test_rows_out_of_order_are_copied(self):
        values = np.arange(8.0).reshape(4, 2)
        frame = pd.DataFrame(values, columns=list("ab"), copy=False)
        dataset = read(frame.assign(id=[1, 2, 1, 2]), id="id")
        assert not np.shares_memory(dataset.X.values, values)
        np.testing.assert_array_equal(dataset.X.values, values[[0, 2, 1, 3]])
        assert "values are a copy" in dataset.notes

    @pytest.mark.parametrize("kind", sorted(FRAMES))
    def test_float32_stays_float32_only_where_all_features_are(self, kind):
        single = np.arange(3, dtype=np.float32) / 2
        frame = FRAMES[kind]({"a": single, "b": single, "c": [4, 5, 6]})
        assert read(frame, features=["a", "b"]).X.dtype == np.float32
        assert read(frame).X.dtype == np.float64

    def test_the_frame_stays_as_it_was(self, trips):
        before = trips.copy(deep=True)
        read(trips.iloc[::-1], id="trip", time="t", target="mode")
        pd.testing.assert_frame_equal(trips, before)

    def test_a_model_fits_what_shares_a_frame_s_memory(self):
        values = np.random.default_rng(0).normal(size=(24, 2)).astype(np.float32)
        frame = pd.DataFrame(values, columns=list("ab"), copy=False)
        frame["id"] = np.repeat(range(8), 3)
        dataset = read(frame.assign(y=np.repeat(["p", "q"] * 4, 3)), id="id", target="y")
        assert np.shares_memory(dataset.X.values, values)
        model = tidegate.SequenceClassifier(
            hidden_size=2, max_epochs=1, validation=None, standardize=False, random_state=0
        )
        model.fit(dataset.X, dataset.y)
        assert set(model.predict(dataset.X)) <= {"p", "q"}


class TestTypes:
    def test_numbers_as_text_are_numbers_where_asked(self, trips):
        trips["speed"] = trips["speed"].astype(str)
        dataset = read(trips, id="trip", features="speed", types={"speed": "numeric"})
        assert dataset.X.values[:, 0].tolist() == [1.5, 2.5, 3.5, 4.5, 5.5]
        assert dataset.types["speed"] == "numeric"

    def test_booleans_are_0_and_1(self):
        frame = pl.DataFrame({"on": [True, False], "said": ["yes", "no"], "told": ["False", "1"]})
        dataset = read(frame, features=["on", "told"], types={"told": "boolean"})
        np.testing.assert_array_equal(dataset.X[0], [[1, 0], [0, 1]])

    @pytest.mark.parametrize("kind", sorted(FRAMES))
    def test_targets_keep_their_type(self, kind):
        frame = FRAMES[kind](
            {"id": [1, 2], "x": [0.0, 1.0], "i": [3, 4], "b": [True, False], "f": [0.5, 1.5], "s": ["p", "q"]}
        )
        kinds = {"i": "i", "b": "b", "f": "f", "s": "U"}
        for name, expected in kinds.items():
            assert read(frame, id="id", features="x", target=name).y.dtype.kind == expected
        as_text = read(frame, id="id", features="x", target="i", types={"i": "category"})
        assert as_text.y.tolist() == ["3", "4"]
        assert as_text.types["i"] == "category"
        several = read(frame, id="id", features="x", target=["i", "f"])
        assert several.y.tolist() == [[3, 0.5], [4, 1.5]]

    def test_categories_are_ids_and_targets(self):
        frame = pd.DataFrame(
            {"id": pd.Categorical(["b", "a", "b"]), "y": pd.Categorical([2, 1, 2]), "x": [1.0, 2, 3]}
        )
        dataset = read(frame, id="id", target="y")
        assert dataset.X.ids.tolist() == ["b", "a"]
        assert dataset.y.tolist() == [2, 1]
        assert dataset.types["id"] == "category"

    def test_ids_with_zeros_in_front_stay_apart_as_text(self, tmp_path):
        path = tmp_path / "ids.csv"
        path.write_text("id,x\n07,1\n7,2\n")
        assert len(read(path, id="id").X) == 1
        assert read(path, id="id", types={"id": "text"}).X.ids.tolist() == ["07", "7"]

    def test_decimals_and_python_s_own_dates_are_understood(self):
        import decimal

        frame = pd.DataFrame(
            {
                "day": [datetime.date(2024, 1, 2), datetime.date(2024, 1, 1)],
                "x": [decimal.Decimal("1.5"), decimal.Decimal(2)],
            }
        )
        dataset = read(frame, time="day")
        assert dataset.X.values[:, 0].tolist() == [2, 1.5]
        assert np.diff(dataset.times).tolist() == [86_400]

    def test_columns_named_by_numbers_are_named_by_their_text(self):
        dataset = read(pd.DataFrame(np.arange(6.0).reshape(3, 2)), target=1)
        assert dataset.features == ("0",)
        assert dataset.target == ("1",)

    @pytest.mark.parametrize("kind", sorted(FRAMES))
    def test_stamps_of_any_zone_are_seconds_since_1970_in_utc(self, kind):
        zone = datetime.timezone(datetime.timedelta(hours=2))
        stamps = [datetime.datetime(1970, 1, 1, 2, 0, tick, tzinfo=zone) for tick in (7, 3)]
        dataset = read(FRAMES[kind]({"t": stamps, "x": [1.0, 2.0]}), time="t")
        assert dataset.times.tolist() == [3, 7]
        assert dataset.X.values[:, 0].tolist() == [2, 1]
        text = [stamp.isoformat() for stamp in stamps]
        assert read(FRAMES[kind]({"t": text, "x": [1.0, 2.0]}), time="t").times.tolist() == [3, 7]

    @pytest.mark.parametrize("zone", ["America/New_York", "America/Sao_Paulo", "Etc/GMT+5", "Europe/Berlin"])
    @pytest.mark.parametrize("dtype", ["datetime64[us, {}]", "timestamp[us, tz={}][pyarrow]"])
    def test_stamps_of_a_zone_of_any_name_are_in_utc_and_the_frame_stays_as_it_was(self, zone, dtype):
        stamps = [datetime.datetime(2024, 7, day, tzinfo=ZoneInfo(zone)) for day in (3, 1)]
        values = np.arange(6.0).reshape(2, 3)
        frame = pd.DataFrame(values, columns=list("abc"), copy=False)
        frame["t"] = pd.Series(stamps).astype(dtype.format(zone))
        before = frame.copy()
        dataset = read(frame, id="t", features=["a", "b", "c"])
        assert np.shares_memory(dataset.X.values, values)
        timed = read(frame, time="t", features="a")
        assert timed.times.tolist() == sorted(stamp.timestamp() for stamp in stamps)
        assert timed.X.time_kind == "dates"
        assert timed.X.values[:, 0].tolist() == [3, 0]
        pd.testing.assert_frame_equal(frame, before)

    def test_stamps_apart_by_a_nanosecond_are_in_order(self):
        stamps = pd.to_datetime([1_700_000_000_000_000_001, 1_700_000_000_000_000_000])
        assert read(pd.DataFrame({"t": stamps, "x": [1.0, 2.0]}), time="t").X.values[:, 0].tolist() == [2, 1]

    def test_durations_are_seconds(self):
        frame = pl.DataFrame({"t": [datetime.timedelta(minutes=1), datetime.timedelta(0)], "x": [1.0, 2.0]})
        assert read(frame, time="t").times.tolist() == [0, 60]


class TestTargets:
    def test_targets_that_change_are_one_a_step(self, trips):
        dataset = read(trips, id="trip", target="stops", features="speed")
        assert dataset.has_step_targets
        assert [rows.tolist() for rows in dataset.y] == [[1, 2], [3, 4, 5]]
        assert "'stops' changes within 2 of 2 sequences: one target a step" in dataset.notes

    def test_targets_that_do_not_change_are_one_a_step_where_asked(self, trips):
        dataset = read(trips, id="trip", target="mode", features="speed", target_per="step")
        assert [rows.tolist() for rows in dataset.y] == [["bus"] * 2, ["car"] * 3]
        assert not read(trips, id="trip", target="mode", features="speed").has_step_targets

    def test_as_many_targets_as_steps_are_still_a_sequence_s(self):
        frame = pd.DataFrame({"id": [1, 1, 2, 2], "x": range(4), "p": [5, 5, 6, 6], "q": [7, 7, 8, 8]})
        dataset = read(frame, id="id", target=["p", "q"])
        assert dataset.y.tolist() == [[[5, 7]], [[6, 8]]]
        assert not has_step_targets(dataset.y, dataset.X)

    @pytest.mark.parametrize("suffix", [".csv", ".parquet", None])
    def test_a_second_table_has_the_targets_by_id(self, tmp_path, trips, suffix):
        answers = pd.DataFrame({"mode": ["car", "bus"], "trip": ["a", "b"]})
        if suffix is not None:
            path = tmp_path / f"answers{suffix}"
            (answers.to_parquet if suffix == ".parquet" else answers.to_csv)(path, index=False)
            answers = path
        source = trips.drop(columns="mode")
        for target in (None, "mode"):
            dataset = read(source, id="trip", time="t", targets=answers, target=target)
            assert dataset.y.tolist() == ["bus", "car"]
            assert dataset.target == ("mode",)
            assert dataset.types["mode"] == "text"

    def test_a_second_table_matches_several_ids_of_other_widths(self):
        steps = pl.DataFrame({"who": ["x", "x", "y"], "day": np.array([1, 2, 1], np.int8), "v": [1.0, 2, 3]})
        answers = pl.DataFrame({"day": [2, 1, 1], "who": ["x", "y", "x"], "y": [0.5, 1.5, 2.5]})
        dataset = read(steps, id=["who", "day"], targets=answers)
        assert dataset.y.tolist() == [2.5, 0.5, 1.5]
        assert dataset.X.ids["who"].tolist() == ["x", "x", "y"]


class TestLayouts:
    def test_a_wide_table_is_a_row_a_sequence(self):
        frame = pd.DataFrame(np.arange(30.0).reshape(3, 10)).assign(y=["a", "b", "a"])
        with pytest.raises(
            ValueError, match=r"layout expects 'wide' or 'long' .* '0' to '9' are numbered like steps"
        ):
            read(frame, target="y")
        dataset = read(frame, target="y", layout="wide")
        assert dataset.X.lengths.tolist() == [10] * 3
        assert dataset.X.num_features == 1
        np.testing.assert_array_equal(dataset.X[1][:, 0], np.arange(10.0, 20))
        assert dataset.y.tolist() == ["a", "b", "a"]
        assert "each row is a sequence; its steps are '0' to '9'" in dataset.notes
        assert read(frame, target="y", layout="long").X.lengths.tolist() == [3]

    def test_a_wide_table_may_have_ids(self):
        frame = pd.DataFrame({f"t{i}": [1.0, 2.0] for i in range(8)}).assign(name=["p", "q"])
        with pytest.raises(ValueError, match="layout expects 'wide' or 'long'"):
            read(frame, id="name")
        assert read(frame, id="name", layout="wide").X.ids.tolist() == ["p", "q"]
        assert read(frame, id="name", layout="long").X.lengths.tolist() == [1, 1]

    def test_numbered_columns_are_channels_where_there_is_a_time_or_an_id_of_several_rows(self):
        frame = pd.DataFrame({f"c{i}": [1.0, 2.0] for i in range(9)})
        assert len(read(frame.assign(t=[1, 2]), time="t").X) == 1
        assert len(read(frame.assign(id=[1, 1]), id="id").X) == 1

    def test_one_row_is_a_sequence_of_one_step(self):
        assert read(pd.DataFrame({"x": [1.5]})).X.lengths.tolist() == [1]

    def test_ten_thousand_columns(self, tmp_path):
        values = np.random.default_rng(0).normal(size=(4, 10_000)).round(3)
        frame = pd.DataFrame(values, columns=[f"c{i}" for i in range(10_000)]).assign(id=[1, 1, 2, 2])
        frame.to_csv(tmp_path / "many.csv", index=False)
        for source in (frame, tmp_path / "many.csv"):
            dataset = read(source, id="id")
            np.testing.assert_array_equal(dataset.X.values, values)
            assert len(dataset.describe()) < 1_000

    def test_features_are_taken_in_the_order_given(self, trips):
        dataset = read(trips, id="trip", features=["stops", "speed"])
        assert dataset.features == ("stops", "speed")
        np.testing.assert_array_equal(dataset.X[0], [[1, 1.5], [2, 2.5]])

    def test_the_time_may_be_a_feature_too(self, trips):
        assert read(trips, id="trip", time="t", features=["t", "speed"]).X[0].tolist() == [[0, 1.5], [1, 2.5]]


class TestArrays:
    @pytest.mark.parametrize("named", [True, False])
    def test_npz(self, tmp_path, named):
        values = np.arange(10.0).reshape(5, 2)
        ids = {"ids": ["p", "q"]} if named else {}
        np.savez(tmp_path / "data.npz", values=values, offsets=[0, 2, 5], y=["a", "b"], **ids)
        dataset = read(tmp_path / "data.npz")
        assert dataset.X.lengths.tolist() == [2, 3]
        assert dataset.y.tolist() == ["a", "b"]
        assert (dataset.X.ids is not None) == named
        assert dataset.features == ("feature_0", "feature_1")

    def test_npz_without_targets_or_with_one_a_step(self, tmp_path):
        np.savez(tmp_path / "X.npz", X=np.ones((2, 3)))
        assert read(tmp_path / "X.npz").y is None
        np.savez(tmp_path / "steps.npz", values=np.ones((5, 1)), offsets=[0, 2, 5], y=np.arange(5))
        assert [rows.tolist() for rows in read(tmp_path / "steps.npz").y] == [[0, 1], [2, 3, 4]]
        np.savez(tmp_path / "even.npz", X=np.ones((2, 3)), y=np.arange(6).reshape(2, 3))
        assert [rows.tolist() for rows in read(tmp_path / "even.npz").y] == [[0, 1, 2], [3, 4, 5]]

    def test_npy_and_its_targets(self, tmp_path):
        np.save(tmp_path / "X.npy", np.arange(12.0).reshape(2, 3, 2))
        np.save(tmp_path / "y.npy", np.array([0.5, 1.5]))
        assert read(tmp_path / "X.npy").y is None
        dataset = read(tmp_path / "X.npy", targets=tmp_path / "y.npy")
        np.testing.assert_array_equal(dataset.X[1], [[6, 7], [8, 9], [10, 11]])
        assert dataset.y.tolist() == [0.5, 1.5]


def test_what_is_read_is_what_models_and_comparisons_take(trips):
    dataset = read(trips, id="trip", time="t", target="stops", features="speed")
    assert isinstance(dataset.X, Sequences)
    model = tidegate.SequenceRegressor(hidden_size=2, max_epochs=1, validation=None, random_state=0)
    model.fit(dataset.X, dataset.y)
    assert [len(rows) for rows in model.predict(dataset.X)] == [2, 3]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "uint64", "float32", "bool"])
def test_ids_of_any_width_and_range(dtype):
    extremes = {"bool": [True, False]}.get(dtype)
    if extremes is None:
        limits = np.finfo(dtype) if dtype == "float32" else np.iinfo(dtype)
        extremes = [limits.max, limits.min]
    ids = np.array([*extremes, extremes[0]] * 3, dtype=dtype)
    dataset = read(pd.DataFrame({"id": ids, "x": range(9)}), id="id")
    np.testing.assert_array_equal(dataset.X.ids, np.array(extremes, dtype=dtype))
    assert dataset.X[1][:, 0].tolist() == [1, 4, 7]


@pytest.mark.parametrize("kind", [*sorted(FRAMES), "table.csv", "table.parquet", "csv module"])
def test_tables_of_many_blocks(tmp_path, monkeypatch, kind):
    monkeypatch.setattr("tidegate.data.table._FEW_ROWS", 3)
    monkeypatch.setattr("tidegate.data.table._MANY_ROWS", 4)
    monkeypatch.setattr("tidegate.data.extract._ROWS_AT_A_TIME", 5)
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "id": [f"s{number}" for number in random.integers(0, 6, 50)],
            "t": random.permutation(50),
            "x": random.normal(size=50),
            "on": random.random(50) < 0.5,
            "n": random.integers(0, 9, 50),
        }
    )
    frame["y"] = frame["id"].str.replace("s", "class ")
    source = tmp_path / "table.csv"
    if kind == "table.parquet":
        source = tmp_path / kind
        frame.to_parquet(source, row_group_size=7)
    elif kind in FRAMES:
        source = FRAMES[kind](frame.to_dict("list"))
    else:
        frame.to_csv(source, index=False)
    with monkeypatch.context() as patch:
        if kind == "csv module":
            patch.setitem(sys.modules, "pyarrow", None)
            patch.setattr("tidegate.data.csv_files._ROWS_AT_A_TIME", 6)
        dataset = read(source, id="id", time="t", target="y")
    assert dataset.X.ids.tolist() == frame["id"].unique().tolist()
    for name, sequence, answer in zip(dataset.X.ids, dataset.X, dataset.y):
        expected = frame[frame["id"] == name].sort_values("t")
        np.testing.assert_array_equal(sequence, expected[["x", "on", "n"]].astype(float))
        assert answer == expected["y"].iloc[0]


@pytest.mark.parametrize("kind", ["polars", "arrow"])
def test_decimals_are_numbers(kind):
    column = pa.array([1, 2]).cast(pa.decimal128(21, 2))
    frame = pa.table({"x": column, "y": column})
    source = pl.from_arrow(frame) if kind == "polars" else frame
    assert read(source).X.values.tolist() == [[1, 1], [2, 2]]
