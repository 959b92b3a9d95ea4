"""The table of a comparison at the widths of terminals."""

import re

import pytest
from rich.console import Console

from tidegate.comparison import CellResult, Comparison, Replica


def comparison_of(*cells, sign=-1):
    results = tuple(
        CellResult(
            cell,
            tuple(
                Replica(
                    cell, seed, 1_234_567, score, score, sign * score, 123.456, 98_765, 100, "all epochs done"
                )
                for seed, score in enumerate((0.123, 0.456, 0.789))
            ),
        )
        for cell in cells
    )
    return Comparison("regression", "R2", results, (0, 1, 2), {}, {}, {}, "", 1, 1.0)


def drawn(comparison, width):
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        console.print(comparison.table())
    return captured.get()


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("cell", ["gru", "lstm_peephole_full"])
def test_every_number_and_name_is_whole_on_a_line(cell, width):
    name, parameters = drawn(comparison_of("rnn", cell), width).splitlines()[5:7]
    assert name.split() == [cell, "0.456", "0.456", "-0.456", "123.46"]
    assert parameters.split() == ["1,234,567", "0.123–0.789", "0.123–0.789", "-0.789–-0.123", "800"]


def test_in_60_columns_numbers_stay_whole():
    text = drawn(comparison_of("gru", "lstm_peephole_full", sign=1), 60)
    assert max(map(len, text.splitlines())) <= 60
    assert "…" not in text
    assert len(re.findall(r"(?:0\.123–0\.789 +){3}", text)) == 2
