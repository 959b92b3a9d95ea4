import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split
from sklearn.utils import _safe_indexing, resample

from tidegate.data.ragged import Sequences, steps_of

lengths_lists = st.lists(st.integers(1, 6), min_size=1, max_size=8)


def ragged_list(lengths: list[int], num_features: int = 2, dtype: str = "float64") -> list[np.ndarray]:
    """Sequence i, step t, feature j is 100 i + t + j / 10."""
    return [
        (100 * i + np.arange(length)[:, None] + np.arange(num_features) / 10).astype(dtype)
        for i, length in enumerate(lengths)
    ]


def assert_same(sequences: Sequences, expected: list[np.ndarray]) -> None:
    assert len(sequences) == len(expected)
    for got, item in zip(sequences, expected):
        np.testing.assert_array_equal(got, item)


@settings(deadline=None)
@given(lengths_lists, st.integers(1, 3), st.sampled_from(["float32", "float64"]))
def test_a_list_comes_back_sequence_by_sequence(lengths, num_features, dtype):
    items = ragged_list(lengths, num_features, dtype)
    sequences = Sequences.from_any(items)
    assert_same(sequences, items)
    assert sequences.lengths.tolist() == lengths
    assert sequences.total_steps == sum(lengths)
    assert sequences.num_features == num_features
    assert sequences.dtype == dtype
    assert_same(Sequences(sequences.values, sequences.offsets), items)


@settings(deadline=None)
@given(st.data(), lengths_lists)
def test_every_selection_is_the_same_selection_of_a_list(data, lengths):
    items = ragged_list(lengths)
    names = np.array([f"s{i}" for i in range(len(items))])
    sequences = Sequences.from_any(items, ids=names)
    bound = st.integers(-len(items) - 2, len(items) + 2)
    part = slice(
        data.draw(st.none() | bound),
        data.draw(st.none() | bound),
        data.draw(st.sampled_from([None, 1, 2, -1])),
    )
    assert_same(sequences[part], items[part])
    positions = data.draw(st.lists(st.integers(-len(items), len(items) - 1), max_size=9))
    for chosen in (sequences[positions], sequences.take(positions)):
        assert_same(chosen, [items[i] for i in positions])
        assert chosen.ids.tolist() == [names[i] for i in positions]
        assert chosen.num_features == 2
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(items), max_size=len(items))))
    assert_same(sequences[mask], [item for item, kept in zip(items, mask) if kept])
    index = data.draw(st.integers(-len(items), len(items) - 1))
    np.testing.assert_array_equal(sequences[index], items[index])


def everything(count: int) -> tuple[Sequences, list[tuple]]:
    """Sequences that have ids, time stamps and padding; and of each what it has."""
    rng = np.random.default_rng(count)
    x, mask = rng.normal(size=(count, 7, 2)), rng.random((count, 7)) < 0.6
    mask[:, 2] = True
    days = np.cumsum(rng.exponential(size=(count, 7)), axis=1)
    names = np.array([f"s{index}" for index in range(count)])
    kept = Sequences.from_padded(x, mask=mask, padding="keep", ids=names, times=days)
    rows = np.where(mask[:, :, None], x, 0.0), np.where(mask, days, np.nan), ~mask
    return kept, list(zip(names, *rows))


def assert_has(sequences: Sequences, expected: list[tuple]) -> None:
    assert isinstance(sequences, Sequences)
    assert sequences.ids.tolist() == [name for name, *_ in expected]
    assert_same(sequences, [values for _, values, _, _ in expected])
    empty = np.zeros((0, 7))
    np.testing.assert_array_equal(sequences.times.reshape(-1, 7), [own[2] for own in expected] or empty)
    np.testing.assert_array_equal(sequences.padding.reshape(-1, 7), [own[3] for own in expected] or empty)


@settings(deadline=None)
@given(st.data(), st.integers(2, 9))
def test_what_scikit_learn_chooses_keeps_everything(data, count):
    sequences, expected = everything(count)
    positions = data.draw(st.lists(st.integers(0, count - 1), max_size=9))
    flags = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    chosen = [expected[index] for index in positions]
    flagged = [own for own, flag in zip(expected, flags) if flag]
    for key in (positions, tuple(positions), np.array(positions, dtype=np.int32)):
        assert_has(_safe_indexing(sequences, key), chosen)
    for key in (flags, np.array(flags)):
        assert_has(_safe_indexing(sequences, key), flagged)
    part = slice(*sorted(data.draw(st.tuples(st.integers(0, count), st.integers(0, count)))))
    assert_has(_safe_indexing(sequences, part), expected[part])
    np.testing.assert_array_equal(_safe_indexing(sequences, count - 1), expected[-1][1])
    numbers = np.arange(count)
    *parts, training, test = train_test_split(sequences, numbers, random_state=count)
    for part, own in zip(parts, (training, test)):
        assert_has(part, [expected[index] for index in own])
    drawn, own = resample(sequences, numbers, random_state=count)
    assert_has(drawn, [expected[index] for index in own])


def test_an_array_of_sequences_is_that_of_their_values():
    x = np.arange(24.0).reshape(3, 4, 2)
    np.testing.assert_array_equal(np.asarray(Sequences.from_any(x)), x)
    assert Sequences.from_any(x).shape == (3,)


@settings(deadline=None)
@given(st.data(), lengths_lists, st.integers(1, 3), st.integers(1, 4), st.integers(1, 7))
def test_frames_are_those_of_a_loop(data, lengths, num_features, length, hop):
    lengths = [length + more for more in lengths]
    items = ragged_list(lengths, num_features, data.draw(st.sampled_from(["float32", "float64"])))
    items[0][0, 0] = np.nan
    times = [np.cumsum(np.arange(1, count + 1)) for count in lengths]
    names = [f"s{i}" for i in range(len(items))]
    framed = Sequences.from_any(items, ids=names, times=times).frames(length, hop)
    starts = [range(0, count - length + 1, hop) for count in lengths]
    assert_same(framed, [np.stack([x[t : t + length].ravel() for t in own]) for x, own in zip(items, starts)])
    ends = [stamps[t + length - 1] for stamps, own in zip(times, starts) for t in own]
    np.testing.assert_array_equal(framed.times, ends)
    assert framed.ids.tolist() == names
    assert framed.dtype == items[0].dtype


def test_frames_that_cannot_be_say_why():
    sequences = Sequences.from_any(ragged_list([4, 2, 3]))
    with pytest.raises(ValueError, match=r"length expects .* got 3, and sequence 1 has 2: pass fewer"):
        sequences.frames(3, 1)
    with pytest.raises(ValueError, match="hop expects a whole number from 1"):
        sequences.frames(2, 0)
    with pytest.raises(ValueError, match="frames expects sequences without padding"):
        sequences.with_padding(4).frames(2, 1)


@settings(deadline=None)
@given(st.data(), lengths_lists, st.integers(1, 3), st.integers(1, 5))
def test_differences_are_those_of_a_loop_and_add_up_again(data, lengths, num_features, lag):
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    dtype = data.draw(st.sampled_from(["float32", "float64"]))
    items = [rng.normal(size=(lag + more, num_features)).astype(dtype) for more in lengths]
    times = [np.cumsum(np.arange(1, len(item) + 1)) for item in items]
    names = [f"s{i}" for i in range(len(items))]
    found = Sequences.from_any(items, ids=names, times=times).differences(lag)
    assert_same(found, [np.stack([x[t + lag] - x[t] for t in range(len(x) - lag)]) for x in items])
    np.testing.assert_array_equal(found.times, np.concatenate([own[lag:] for own in times]))
    assert found.ids.tolist() == names
    assert found.dtype == dtype
    if lag == 1:
        for item, own in zip(items, found):
            np.testing.assert_allclose(item[0] + own.cumsum(axis=0), item[1:], rtol=1e-4, atol=1e-4)


def test_differences_of_gaps_are_gaps():
    found = Sequences.from_any([[1.0, np.nan, 4.0, 6.0, 7.0]]).differences()
    np.testing.assert_array_equal(found[0][:, 0], [np.nan, np.nan, 2.0, 1.0])


def test_differences_that_cannot_be_say_why():
    sequences = Sequences.from_any(ragged_list([4, 2, 3]))
    with pytest.raises(ValueError, match=r"lag expects less than .* got 2, and sequence 1 has 2: pass fewer"):
        sequences.differences(2)
    with pytest.raises(ValueError, match="lag expects a whole number from 1"):
        sequences.differences(0)
    with pytest.raises(ValueError, match="differences expects sequences without padding"):
        sequences.with_padding(4).differences()


def test_steps_of_gives_the_rows_in_the_order_asked_for():
    offsets = np.array([0, 2, 5, 6])
    assert steps_of(offsets, np.array([2, 0])).tolist() == [5, 0, 1]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arrays_in_order_share_their_memory(dtype):
    array = np.arange(24, dtype=dtype).reshape(2, 4, 3)
    sequences = Sequences.from_any(array)
    assert np.shares_memory(sequences.values, array)
    assert_same(sequences, list(array))
    assert np.shares_memory(sequences[1], array)
    assert np.shares_memory(sequences[1:].values, array)
    assert not np.shares_memory(sequences[::-1].values, array)


def test_arrays_out_of_order_are_copied_into_order():
    array = np.arange(24.0).reshape(3, 4, 2).transpose(2, 1, 0)
    sequences = Sequences.from_any(array)
    assert sequences.values.flags.c_contiguous
    assert_same(sequences, list(array))


def test_two_axes_are_one_feature():
    array = np.arange(6.0).reshape(2, 3)
    assert_same(Sequences.from_any(array), list(array[:, :, None]))
    assert_same(Sequences.from_any([[1, 2, 3], [4]]), [np.array([[1.0], [2], [3]]), np.array([[4.0]])])


def test_an_array_of_arrays_is_a_list():
    items = ragged_list([2, 3])
    array = np.empty(2, dtype=object)
    array[:] = items
    assert_same(Sequences.from_any(array), items)


def test_sequences_come_back_themselves():
    sequences = Sequences.from_any(ragged_list([2, 3]))
    assert Sequences.from_any(sequences) is sequences
    named = Sequences.from_any(sequences, ids=["a", "b"])
    assert named.ids.tolist() == ["a", "b"]
    assert named.values is sequences.values


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("int32", "float64"), ("bool", "float64"), ("float16", "float32"), (">f4", "=f4"), (">f8", "=f8")],
)
def test_numbers_become_floats_of_the_machine(dtype, expected):
    array = np.array([[1, 0, 1]]).astype(dtype)
    sequences = Sequences.from_any(array)
    assert sequences.dtype == np.dtype(expected)
    assert sequences.dtype.isnative
    np.testing.assert_array_equal(sequences[0][:, 0], [1, 0, 1])


def test_offsets_cannot_be_changed():
    given_offsets = np.array([0, 2, 4])
    sequences = Sequences(np.zeros((4, 1)), given_offsets)
    with pytest.raises(ValueError, match="read-only"):
        sequences.offsets[1] = 9
    given_offsets[1] = 3
    assert sequences.offsets.tolist() == [0, 2, 4]
    with pytest.raises(AttributeError):
        sequences.values = np.zeros((4, 1))


def test_the_representation_says_how_many_and_how_long():
    sequences = Sequences.from_any(ragged_list([3, 3, 5], dtype="float32"))
    assert repr(sequences) == "Sequences(3 sequences of 3 to 5 steps, 2 features, float32)"
    assert repr(sequences[:2]) == "Sequences(2 sequences of 3 steps, 2 features, float32)"
    assert repr(sequences[:0]) == "Sequences(none, 2 features, float32)"


def bad_step(value: float) -> list[np.ndarray]:
    items = ragged_list([2, 4])
    items[1][3, 0] = value
    return items


class Sparse:
    """Like a sparse matrix: neither an array nor a list."""


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (bad_step(-np.inf), r"X .*infinity in sequence 1 at step 3, feature 0"),
        (np.ma.masked_array([[1.0, 2.0]], [[False, True]]), "masked values: missing values are NaN"),
        ([], "at least one sequence; got none"),
        (np.empty((0, 3, 2)), r"at least one sequence; got none, shape \(0, 3, 2\)"),
        (np.empty((3, 0, 2)), r"at least one step .* got shape \(3, 0, 2\)"),
        (np.empty((3, 2, 0)), r"at least one step and one feature"),
        ([np.ones((2, 1)), np.ones((0, 1))], r"X\[1\] .* an empty sequence, shape \(0, 1\)"),
        ([np.ones((2, 1)), np.ones((2, 3))], r"X\[1\] expects 1 features, as X\[0\] has; got 3"),
        ([np.ones((2, 1, 1))], r"X\[0\] .* got shape \(2, 1, 1\)"),
        ([[[1, 2], [3]]], r"X\[0\] .* rows of different lengths"),
        ([1.0, 2.0], r"X\[0\] .* a single number"),
        (np.ones(3), r"got an array of shape \(3,\): one sequence alone"),
        (np.ones((1, 1, 1, 1)), r"shape \(1, 1, 1, 1\)"),
        (3.0, "got float"),
        ("abc", "got str"),
        ({"a": [1]}, "got dict"),
        (None, "got NoneType"),
        (Sparse(), "got Sparse"),
        ([Sparse()], r"X\[0\] expects real numbers; got Sparse"),
        ([["a", "b"]], r"X\[0\] expects real numbers; got str.*convert it"),
        (np.array([["1", "2"]]), "expects real numbers; got str"),
        (np.array([[1, 2]], dtype=object), "expects real numbers; got object: convert it"),
        (np.array([[1j]]), "expects real numbers; got complex128"),
        (np.array([["2020-01-01"]], dtype="datetime64[D]"), "expects real numbers; got datetime64"),
        (np.broadcast_to(np.float32(0), (2**30, 2**28)), r"fit in memory; got \d+ .* as float32"),
        (np.broadcast_to(np.int8(0), (2**31, 2**30)), r"fit in memory; got \d+ .* as float64"),
        (Sequences.from_any([[1.0]])[:0], "at least one sequence; got none"),
    ],
)  # fmt: skip
def test_bad_sequences_say_what_is_wrong(X, message):
    with pytest.raises(ValueError, match=message):
        Sequences.from_any(X)


def test_errors_use_the_argument_s_name():
    with pytest.raises(ValueError, match=r"^X_test\[0\] expects"):
        Sequences.from_any([["a"]], argument="X_test")


def test_bad_input_is_left_as_it_was():
    items = bad_step(np.inf)
    before = [item.copy() for item in items]
    with pytest.raises(ValueError):
        Sequences.from_any(items)
    for item, copy in zip(items, before):
        np.testing.assert_array_equal(item, copy)
        assert item.flags.writeable


@pytest.mark.parametrize(
    ("values", "offsets", "ids", "message"),
    [
        (np.zeros((4, 1)), [0, 2], None, "run from 0 to the 4 steps of values; got 0 to 2"),
        (np.zeros((4, 1)), [1, 4], None, "got 1 to 4"),
        (np.zeros((4, 1)), [0, 2, 2, 4], None, "got an empty sequence at sequence 1, 2 to 2"),
        (np.zeros((4, 1)), [0, 3, 2, 4], None, "got a fall at sequence 1, 3 to 2"),
        (np.zeros((4, 1)), [0], None, "at least one sequence"),
        (np.zeros((4, 1)), [0.0, 4.0], None, "whole numbers; got float64"),
        (np.zeros((4, 1)), np.array([0, 2**64 - 1, 4], dtype=np.uint64), None, "fit int64"),
        (np.zeros((4, 0)), [0, 4], None, r"values expects shape \(steps, features\)"),
        (np.zeros((2, 2, 1)), [0, 4], None, r"values expects shape \(steps, features\)"),
        (np.array([[0.0], [np.inf]]), [0, 1, 2], None, "infinity in sequence 1 at step 0"),
        (np.zeros((4, 1)), [0, 4], ["a", "b"], r"ids .* for each of 1 sequences; got shape \(2,\)"),
    ],
)  # fmt: skip
def test_parts_that_do_not_fit_are_refused(values, offsets, ids, message):
    with pytest.raises(ValueError, match=message):
        Sequences(values, offsets, ids)


@pytest.mark.parametrize("key", [2, -3, [0, 2], np.array([True]), [0.5], [[0]]])
def test_positions_out_of_reach_are_index_errors(key):
    sequences = Sequences.from_any(ragged_list([1, 2]))
    with pytest.raises(IndexError):
        sequences[key]
