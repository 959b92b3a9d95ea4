"""Nottingham: settings."""

from __future__ import annotations

from benchmarks.literature.polyphony import FIGURE, SELECTION, measure
from benchmarks.literature.rows import Goal, Row, Task

TRAINING = {"learning_rate": 0.003, "batch_size": 8, "max_epochs": 40, "patience": 8}


def row(cell: str, published: str) -> Row:
    settings = {
        "data": "Nottingham",
        "network": {"cell": cell, "hidden_size": 200, "dropout": 0.5},
        "training": TRAINING,
        "initializers": {},
    }
    return Row(f"nottingham-{cell}", published, Goal("at most 3.20", 3.20, lower=True), measure, settings)


TASK = Task(
    title="Polyphonic music: Nottingham",
    data="1,037 folk tunes as piano rolls of 88 keys, 694 to train on, 173 for validation, 170 for the test"
    " (Boulanger-Lewandowski et al. 2012), in "
    "[benchmarks/literature/data](../benchmarks/literature/data/SOURCES.md).",
    figure=FIGURE,
    published="LSTM 3.29, GRU 3.46: Bai, Kolter & Koltun 2018 (the TCN paper), the best of a search at the "
    "size of their TCN. LSTM 3.20, GRU 3.23: Chung et al. 2014, chosen by the validation part.",
    selection=SELECTION,
    rows=(row("lstm", "3.29; 3.20"), row("gru", "3.46; 3.23")),
    tried="the setting of the chorales with fewer epochs and no search of its own.",
)
