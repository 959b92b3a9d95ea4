"""Nottingham: settings."""

from __future__ import annotations

from benchmarks.literature.polyphony import FIGURE, SELECTION, measure
from benchmarks.literature.rows import Goal, Row, Task

TRAINING = {
    "learning_rate": 0.004,
    "batch_size": 4,
    "max_epochs": 120,
    "patience": 12,
    "clip_norm": 0.05,
    "averaging": 0.8,
}
DROPOUT = {"lstm": 0.5, "gru": 0.3}


def row(cell: str, published: str) -> Row:
    settings = {
        "data": "Nottingham",
        "network": {"cell": cell, "hidden_size": 200, "dropout": DROPOUT[cell]},
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
    beyond="averaged weights, gradients clipped at a norm of 0.05.",
    tried="for the LSTM, judged by the validation loss of one seed (in brackets, in nats): windows of 64 to "
    "100 steps with the states carried on instead of whole tunes, dropout 0.5 (3.53 with chrono "
    "initialisation, then overfitted); dropout 0.2 at a rate of 0.01 (3.74); recurrent dropout of 0.2 "
    "(3.73, and hardly falling); 64 units without dropout (3.92); 300 units with recurrent and input "
    "dropout, and 400 units (both behind 200 in the same seconds). Batches of 8 with a cosine over 25 "
    "epochs end at 4.46: the loss stays near 4.4 for the first thousands of updates and falls only then. "
    "Whole tunes, batches of 4 and a constant rate with averaged weights brought most (3.30 after 60 "
    "epochs, and still falling); a cosine over 60 epochs from a rate of 0.005 was worse (3.49). For the GRU "
    "whole tunes at rates of 0.003 and 0.008 and with weight decay of 0.1 (4.2 to 4.5 after 12 to 18 "
    "epochs, stopped there) and chrono initialisation (4.7) fall more slowly than the LSTM's.",
)
