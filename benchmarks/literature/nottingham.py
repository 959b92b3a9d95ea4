"""Nottingham: settings."""

from __future__ import annotations

from typing import Any

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
NOISY = {**TRAINING, "learning_rate": 0.003, "batch_size": 2, "weight_noise": 0.05}


def row(cell: str, published: str, training: dict[str, Any], **network: float) -> Row:
    settings = {
        "data": "Nottingham",
        "network": {"cell": cell, **network},
        "training": training,
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
    rows=(
        row("lstm", "3.29; 3.20", TRAINING, hidden_size=200, dropout=0.5),
        row("gru", "3.46; 3.23", NOISY, hidden_size=100, dropout=0.0),
    ),
    beyond="averaged weights, gradients clipped at a norm of 0.05; for the GRU weight noise of 0.05.",
    tried="for the LSTM, judged by the validation loss of one seed (in brackets, in nats): windows of 64 to "
    "100 steps with the states carried on instead of whole tunes, dropout 0.5 (3.53 with chrono "
    "initialisation, then overfitted); dropout 0.2 at a rate of 0.01 (3.74); recurrent dropout of 0.2 "
    "(3.73, and hardly falling); 64 units without dropout (3.92); 300 units with recurrent and input "
    "dropout, and 400 units (both behind 200 in the same seconds). Batches of 8 with a cosine over 25 "
    "epochs end at 4.46: the loss stays near 4.4 for the first thousands of updates and falls only "
    "then. Whole tunes, batches of 4 and a constant rate with averaged weights brought most (3.30 "
    "after 60 epochs, and still falling); a cosine over 60 epochs from a rate of 0.005 was worse "
    "(3.49). Windows of 50 steps in batches of 4 make eight times the updates in the same seconds and "
    "fall faster: 200 units at a rate of 0.003 (3.82 after 8 epochs, stopped there), 100 units "
    "without dropout at 0.006 (3.75 after 12, stopped there); with weight noise of 0.05 and dropout "
    "0.2 they overfit (3.61 after 24, the training loss at 3.46). Whole tunes in batches of 2 with "
    "the same 100 units, noise and dropout are behind too (3.39 after 43 epochs, the training loss at "
    "3.30). For the GRU, 200 units with dropout 0.3 stay long near 4.5: whole tunes at rates of 0.003 "
    "to 0.008 and with weight decay of 0.1 (4.2 to 4.5 after 12 to 18 epochs, stopped there), chrono "
    "initialisation (4.7); clipping at a norm of 1 is no better (with 100 units, less than one "
    "gradient in 100 is longer than 0.05 after the first epoch). In windows of 50 a rate of 0.003 is "
    "worse (4.90 after 5 epochs, up and down), 0.001 better (4.13 after 6). Fewer units do not stay "
    "there: without dropout 64 in windows of 100 at 0.003 (3.97 after 32), 100 in windows of 50 at "
    "0.002 (4.06 after 16). With weight noise of 0.05 and a rate of 0.003 the last are ahead (3.94 "
    "after 16), but overfit as well (3.80 after 34, the training loss at 3.57). The settings of the "
    "row, whole tunes in batches of 2, were chosen after 12 epochs (4.27, and falling by 0.06 an "
    "epoch) and not varied. For the LSTM again, "
    "now for speed, 200 units and whole tunes, averaged weights at each epoch: the row's settings are at "
    "4.16 after 10 epochs; with he_normal for the weights of the inputs at 4.09, with that and a rate of "
    "0.01 at 3.88, with that and batches of 2 at a rate of 0.008 at 3.78, and an epoch of these takes "
    "about the same seconds. A rate of 0.02 is too high (5.46 after 5), 0.002 too low (5.21 after 4, the "
    "row's 4.90); batches of 1 at 0.004 (4.03 after 6) gain little on batches of 2 (4.06) and take a "
    "fifth longer; chrono initialisation for 40 steps (5.00 after 5) is worse. What wins on JSB slows "
    "this: in windows of 100 with a weight decay of 0.1, recurrent dropout of 0.3 has 4.55 after 5 "
    "epochs, none 4.43, which in equal seconds is no better than whole tunes. he_normal, batches of 2 and "
    "dropout 0.3 fall fastest: at a rate of 0.008 with averages 3.61 after 10; from 0.01 as a cosine over "
    "26 epochs without averages 3.40 after 15, but 3.365 after 19 and no lower, the training loss at 3.05 "
    "by 23: they overfit. Without averages, as a cosine over 45 epochs and with recurrent dropout of 0.25 "
    "beside dropout of 0.5 they end at 3.40, of 0.4 beside 0.3 at 3.45, still falling slowly. A GRU of 200 "
    "units with he_normal, dropout 0.3 and a rate of 0.001 (5.21 after 5) and one of 128 in batches of 1 "
    "with weight noise of 0.03 (4.54 after 8, falling by 0.06) are no faster",
)
