"""The gated recurrent unit, with the reset gate after or before the candidate's recurrent product.

z = 1 keeps the old state, as in PyTorch, Keras, ONNX and Cho et al. 2014. In Chung et al. 2014 and in the
article z = 1 takes the new one; the two are one model with the update gate's weights and bias negated.
"""

from tidegate.cells.functions import sigmoid, tanh
from tidegate.cells.spec import Affine, CellSpec, Value

Gates = tuple[Value, Value, Value]

_UPDATE_SIGN = (
    "z = 1 keeps the old state; Chung 2014 and the article negate the update gate's weights and bias."
)


def _step(affine: Affine, x: Value, h: Value) -> tuple[tuple[Value], Gates]:
    r = sigmoid(affine.x("r", x) + affine.h("r", h))
    z = sigmoid(affine.x("z", x) + affine.h("z", h))
    n = tanh(affine.x("n", x) + r * affine.h("n", h))
    h = (1 - z) * n + z * h
    return (h,), (r, z, n)


def _reset_before_step(affine: Affine, x: Value, h: Value) -> tuple[tuple[Value], Gates]:
    r = sigmoid(affine.x("r", x) + affine.h("r", h))
    z = sigmoid(affine.x("z", x) + affine.h("z", h))
    n = tanh(affine.x("n", x) + affine.h("n", r * h))
    h = (1 - z) * n + z * h
    return (h,), (r, z, n)


GRU = CellSpec(
    name="gru",
    title="GRU, reset after the product",
    source="Cho et al. 2014, Learning phrase representations; the form of cuDNN and PyTorch",
    gates=("r", "z", "n"),
    states=("h",),
    step=_step,
    recurrent_biases=("n",),
    keep_gates=("z",),
    note=_UPDATE_SIGN,
)

GRU_RESET_BEFORE = CellSpec(
    name="gru_reset_before",
    title="GRU, reset before the product",
    source="Cho et al. 2014; Chung et al. 2014; From LSTM to GRU, section 3.2",
    gates=("r", "z", "n"),
    states=("h",),
    step=_reset_before_step,
    keep_gates=("z",),
    note=_UPDATE_SIGN,
)
