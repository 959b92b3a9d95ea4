"""The table of a comparison at the widths of terminals."""

import re
from dataclasses import replace

import pytest
from comparison.made_up import cell as cell_of
from rich.console import Console

from tidegate.comparison import CellResult, Comparison
from tidegate.comparison.scores import UNNAMED


def _scored(own):
    return replace(own, train_score=abs(own.test_score), validation_score=abs(own.test_score))


def comparison_of(*cells, sign=-1):
    measures = {"num_parameters": 1_234_567, "seconds": 123.456, "updates": 98_765, "hidden_size": 100}
    results = []
    for name in cells:
        made = cell_of(name, [sign * score for score in (0.123, 0.456, 0.789)], **measures)
        replicas = (replace(own, targets={UNNAMED: _scored(own.targets[UNNAMED])}) for own in made.replicas)
        results.append(CellResult(name, tuple(replicas)))
    return Comparison(
        task="regression",
        score_names={UNNAMED: "R2"},
        curve="R2",
        noun="cell",
        cells=tuple(results),
        verdicts=(),
        claims=[],
        seeds=(0, 1, 2),
        settings={},
        data={},
        versions={},
        hardware="",
        num_threads=1,
        seconds=1.0,
        command=None,
        created="2026-11-23",
    )


def drawn(comparison, width):
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        console.print(comparison.table())
    return captured.get()


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("cell", ["gru", "lstm_peephole_full"])
def test_every_number_and_name_is_whole_on_a_line(cell, width):
    name, parameters = drawn(comparison_of("rnn", cell), width).splitlines()[5:7]
    assert name.split() == [cell, "100", "0.456", "0.456", "-0.456", "123.46"]
    assert parameters.split() == ["1,234,567", "0.123–0.789", "0.123–0.789", "-0.789–-0.123", "800"]


def test_in_60_columns_numbers_stay_whole():
    text = drawn(comparison_of("gru", "lstm_peephole_full", sign=1), 60)
    assert max(map(len, text.splitlines())) <= 60
    assert "…" not in text
    assert len(re.findall(r"(?:0\.123–0\.789 +){3}", text)) == 2
