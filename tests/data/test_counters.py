"""A column that counts the steps of each sequence is told, and nothing else is."""

import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tidegate
from tidegate.data.counters import counters


@given(st.lists(st.integers(1, 6), min_size=1, max_size=6), st.integers(0, 1), st.randoms())
def test_a_count_is_found_in_any_order_and_one_that_is_off_is_not(lengths, start, random):
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    counts = [random.sample(range(start, start + length), length) for length in lengths]
    column = np.concatenate(counts)
    off = column.astype(float)
    off[random.randrange(len(off))] += 0.5
    values = np.stack([off, column, column + 2], axis=1)
    assert counters(values, offsets) == ([1] if max(lengths) >= 3 else [])


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    lengths = (3, 5, 2)
    return pd.DataFrame(
        {
            "name": np.repeat(["a", "b", "c"], lengths),
            "step": np.concatenate([np.arange(1, length + 1) for length in lengths]),
            "row": np.arange(10),
            "x": rng.normal(size=10),
            "y": np.repeat(["u", "v", "u"], lengths),
        }
    )


def test_it_is_warned_of_with_the_remedy(table):
    with pytest.warns(
        UserWarning,
        match="column 'step' counts the steps .* pass time='step', or name the others by features=",
    ) as caught:
        tidegate.read(table, id="name", target="y")
    assert len(caught) == 1
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="column 'step' counts .*feature: name the others by features="):
        tidegate.read(table, id="name", time="row", target="y")


def test_a_column_that_rises_in_every_sequence_is_warned_of_as_a_time():
    rng = np.random.default_rng(1)
    lengths = (9, 14, 1)
    days = np.concatenate([np.cumsum(rng.exponential(size=length)) for length in lengths])
    table = pd.DataFrame({"name": np.repeat(["a", "b", "c"], lengths), "x": rng.normal(size=24), "day": days})
    with pytest.warns(UserWarning, match="'day' rises within .* pass time='day', or name the others by"):
        tidegate.read(table, id="name")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tidegate.read(table, id="name", time="day")
        tidegate.read(table, id="name", features=["day", "x"])
        table.loc[20, "day"] = 0.0
        tidegate.read(table, id="name")


@pytest.mark.parametrize("roles", [{"time": "step"}, {"features": ["step", "x"]}, {"features": ["x"]}])
def test_what_was_named_is_not_warned_of(table, roles):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tidegate.read(table, id="name", target="y", **roles)


def test_on_the_command_line_it_is_one_line(folder):
    arguments = ["fit", "speakers.csv", "--id", "utterance", "--target", "speaker", "--output", "my.st"]
    command = [sys.executable, "-m", "tidegate", *arguments, "--max-epochs", "1", "--hidden-size", "2"]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 0
    assert ended.stderr == (
        "tidegate: column 'step' counts the steps of each sequence and is taken as a feature: pass --time "
        "step, or name the others by --features\n"
    )
