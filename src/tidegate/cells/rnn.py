"""The plain recurrent network, the baseline that LSTM and GRU descend from."""

from tidegate.cells.functions import tanh
from tidegate.cells.spec import Affine, CellSpec, Value


def _step(affine: Affine, x: Value, h: Value) -> tuple[tuple[Value], tuple[Value]]:
    n = tanh(affine.x("n", x) + affine.h("n", h))
    return (n,), (n,)


RNN = CellSpec(
    name="rnn",
    title="Plain RNN",
    source="Elman 1990, Finding structure in time",
    gates=("n",),
    states=("h",),
    step=_step,
    note="tanh; its single product is named n, the new state, as in the GRU.",
)
