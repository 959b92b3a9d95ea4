import re

import pytest
from report.pages import REGRESSION, example, with_cells

from tidegate.report import to_markdown
from tidegate.report.markdown import escaped


def rows(text: str) -> list[list[str]]:
    """Fields of the lines of tables, cut at bars that are not escaped."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[field.strip() for field in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


@pytest.mark.parametrize(
    "result", [example(), REGRESSION, with_cells(6), {}], ids=["example", "regression", "six", "nothing"]
)
def test_tables_have_a_rule_and_as_many_fields_in_every_row(result):
    blocks = [block for block in to_markdown(result).split("\n\n") if block.startswith("|")]
    assert bool(blocks) == bool(result)
    for block in blocks:
        table = rows(block)
        assert len({len(row) for row in table}) == 1
        assert all(re.fullmatch("---:?", field) for field in table[1])


def test_the_table_of_cells_is_that_of_the_page():
    table = {row[0]: row[1:] for row in rows(to_markdown(example()))}
    assert table["cell"] == ["epochs", "epochs to converge", *table["cell"][2:]]
    scores = rows(to_markdown(example()).partition("## Cells")[2].partition("##")[0])
    score = example()["cells"]["gru"]["test_score"]
    assert scores[0][:2] == ["cell", "test"]
    assert scores[4][:2] == ["gru", f"{score['median']:.3f} ({score['min']:.3f} to {score['max']:.3f})"]
    assert scores[1][:2] == ["---", "---:"]


def test_text_of_the_result_is_never_markup():
    hostile = "a|b *c* _d_ `e` <script> [x](y) # & ~\nz"
    result = {"title": hostile, "cells": {hostile: {"hidden_size": 3}}, "claims": [{"claim": hostile}]}
    text = to_markdown(result)
    assert "\n" not in escaped(hostile)
    assert rows(text)[2] == [escaped(hostile), "3"]
    assert not re.search(r"(?<!\\)[*`<>\[\]|&~]", escaped(hostile))
    assert escaped("lstm_peephole") == "lstm_peephole"


def test_the_command_is_fenced_whatever_it_holds():
    text = to_markdown({"command": "tidegate compare ```x```"})
    assert "\n````\ntidegate compare ```x```\n````\n" in text


def test_an_interrupted_comparison_says_so():
    assert "> This comparison was interrupted" in to_markdown({"interrupted": True})
    assert "interrupted" not in to_markdown({})
