import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.cells import CELLS
from tidegate.cells.table import cell_rows, layout
from tidegate.network import Network, recurrent_stack


@settings(deadline=None)
@given(
    input_size=st.integers(1, 50),
    hidden_size=st.integers(1, 50),
    num_layers=st.integers(1, 4),
    bidirectional=st.booleans(),
)
def test_counts_are_those_of_the_network_that_is_built(
    input_size: int, hidden_size: int, num_layers: int, bidirectional: bool
) -> None:
    for row in cell_rows(input_size, hidden_size, num_layers, bidirectional):
        nodes = recurrent_stack(row.name, input_size, hidden_size, num_layers, bidirectional)
        assert row.num_parameters == Network(nodes).num_parameters


def test_rows_hold_what_the_records_say() -> None:
    rows = {row.name: row for row in cell_rows(1, 10)}
    assert list(rows) == list(CELLS)
    assert rows["lstm_peephole"].gates == ("i", "f", "g", "o")
    assert rows["lstm_peephole"].states == ("h", "c")
    assert rows["lstm"].num_parameters == 4 * (10 + 100 + 10)
    assert "Gers" in rows["lstm_peephole"].source
    for name in ("gru", "gru_reset_before"):
        assert rows[name].note.startswith("z = 1 keeps the old state")


def test_layout_is_the_shapes_in_letters() -> None:
    assert layout(CELLS["gru"]) == {
        "weight_ih": "(3H, I)",
        "weight_hh": "(3H, H)",
        "bias": "(3H,)",
        "bias_hn": "(H,)",
    }
    assert layout(CELLS["rnn"])["weight_ih"] == "(H, I)"
    assert layout(CELLS["lstm_peephole"])["weight_ch"] == "(3H,)"
    assert layout(CELLS["lstm_peephole_full"])["weight_ch"] == "(3H, H)"


@pytest.mark.parametrize("size", ["input_size", "hidden_size", "num_layers"])
def test_a_size_that_is_none_is_named(size: str) -> None:
    with pytest.raises(ValueError, match=f"{size} expects a whole number from 1"):
        cell_rows(**{size: 0})
