"""JSB Chorales: settings."""

from __future__ import annotations

from benchmarks.literature.polyphony import FIGURE, SELECTION, measure
from benchmarks.literature.rows import Goal, Row, Task

TRAINING = {"learning_rate": 0.003, "batch_size": 8, "max_epochs": 300, "patience": 25}


def row(cell: str, published: str) -> Row:
    settings = {
        "data": "JSB_Chorales",
        "network": {"cell": cell, "hidden_size": 200, "dropout": 0.5},
        "training": TRAINING,
        "initializers": {},
    }
    return Row(f"jsb-{cell}", published, Goal("at most 8.43", 8.43, lower=True), measure, settings)


TASK = Task(
    title="Polyphonic music: JSB Chorales",
    data="382 chorales as piano rolls of 88 keys, 229 to train on, 76 for validation, 77 for the test "
    "(Boulanger-Lewandowski et al. 2012), in "
    "[benchmarks/literature/data](../benchmarks/literature/data/SOURCES.md).",
    figure=FIGURE,
    published="LSTM 8.45, GRU 8.43: Bai, Kolter & Koltun 2018 (the TCN paper), the best of a search at the "
    "size of their TCN. LSTM 8.67, GRU 8.54: Chung et al. 2014, chosen by the validation part.",
    selection=SELECTION,
    rows=(row("lstm", "8.45; 8.67"), row("gru", "8.43; 8.54")),
)
