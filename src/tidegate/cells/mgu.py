"""The minimal gated unit: one gate that is the GRU's reset and update gate at once."""

from tidegate.cells.functions import sigmoid, tanh
from tidegate.cells.spec import Affine, CellSpec, Value


def _step(affine: Affine, x: Value, h: Value) -> tuple[tuple[Value], tuple[Value, Value]]:
    f = sigmoid(affine.x("f", x) + affine.h("f", h))
    n = tanh(affine.x("n", x) + affine.h("n", f * h))
    h = (1 - f) * h + f * n
    return (h,), (f, n)


MGU = CellSpec(
    name="mgu",
    title="Minimal gated unit",
    source="Zhou et al. 2016, Minimal gated unit for recurrent neural networks",
    gates=("f", "n"),
    states=("h",),
    step=_step,
    write_gates=("f",),
    note="f = 1 takes the new state, as in its paper; the GRU's z = 1 keeps the old one.",
)
