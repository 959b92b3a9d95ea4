"""Long short-term memory, without peepholes, with diagonal ones and with full-matrix ones."""

from dataclasses import replace

from tidegate.cells.functions import sigmoid, tanh
from tidegate.cells.spec import Affine, CellSpec, Value

States = tuple[Value, Value]
Gates = tuple[Value, Value, Value, Value]


def _step(affine: Affine, x: Value, h: Value, c: Value) -> tuple[States, Gates]:
    i = sigmoid(affine.x("i", x) + affine.h("i", h))
    f = sigmoid(affine.x("f", x) + affine.h("f", h))
    g = tanh(affine.x("g", x) + affine.h("g", h))
    o = sigmoid(affine.x("o", x) + affine.h("o", h))
    c = f * c + i * g
    h = o * tanh(c)
    return (h, c), (i, f, g, o)


def _peephole_step(affine: Affine, x: Value, h: Value, c: Value) -> tuple[States, Gates]:
    i = sigmoid(affine.x("i", x) + affine.h("i", h) + affine.c("i", c))
    f = sigmoid(affine.x("f", x) + affine.h("f", h) + affine.c("f", c))
    g = tanh(affine.x("g", x) + affine.h("g", h))
    c = f * c + i * g
    o = sigmoid(affine.x("o", x) + affine.h("o", h) + affine.c("o", c))
    h = o * tanh(c)
    return (h, c), (i, f, g, o)


def _coupled_step(affine: Affine, x: Value, h: Value, c: Value) -> tuple[States, tuple[Value, Value, Value]]:
    f = sigmoid(affine.x("f", x) + affine.h("f", h))
    g = tanh(affine.x("g", x) + affine.h("g", h))
    o = sigmoid(affine.x("o", x) + affine.h("o", h))
    c = f * c + (1 - f) * g
    h = o * tanh(c)
    return (h, c), (f, g, o)


LSTM = CellSpec(
    name="lstm",
    title="LSTM",
    source="Hochreiter & Schmidhuber 1997, Long short-term memory; forget gate: Gers et al. 2000",
    gates=("i", "f", "g", "o"),
    states=("h", "c"),
    step=_step,
    keep_gates=("f",),
    write_gates=("i",),
)

LSTM_PEEPHOLE = CellSpec(
    name="lstm_peephole",
    title="LSTM, diagonal peepholes",
    source="Gers & Schmidhuber 2000, Recurrent nets that time and count; Graves 2013, eqs. 7-11",
    gates=("i", "f", "g", "o"),
    states=("h", "c"),
    step=_peephole_step,
    peepholes=("i", "f", "o"),
    keep_gates=("f",),
    write_gates=("i",),
    note="The output gate sees the new cell state c_t, the other two the old one.",
)

LSTM_PEEPHOLE_FULL = replace(
    LSTM_PEEPHOLE,
    name="lstm_peephole_full",
    title="LSTM, full-matrix peepholes",
    source="From LSTM to GRU, section 3.1, read to the letter",
    peephole="full",
    note="The literature has diagonal peephole weights; here each is a matrix, as the article writes it.",
)

LSTM_COUPLED = CellSpec(
    name="lstm_coupled",
    title="LSTM, input and forget gates coupled",
    source="Greff et al. 2017, LSTM: a search space odyssey (variant CIFG)",
    gates=("f", "g", "o"),
    states=("h", "c"),
    step=_coupled_step,
    keep_gates=("f",),
    note="i = 1 - f: what is forgotten is what is written.",
)
