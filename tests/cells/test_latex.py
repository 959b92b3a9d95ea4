import re
from dataclasses import replace
from typing import Any

import pytest

from tidegate.cells import CELLS
from tidegate.cells.functions import sigmoid
from tidegate.cells.latex import align, equations

EXPECTED = {
    "rnn": [
        r"n_t = \tanh(W_{xn} x_t + W_{hn} h_{t-1} + b_n)",
        r"h_t = n_t",
    ],
    "lstm": [
        r"i_t = \sigma(W_{xi} x_t + W_{hi} h_{t-1} + b_i)",
        r"f_t = \sigma(W_{xf} x_t + W_{hf} h_{t-1} + b_f)",
        r"g_t = \tanh(W_{xg} x_t + W_{hg} h_{t-1} + b_g)",
        r"o_t = \sigma(W_{xo} x_t + W_{ho} h_{t-1} + b_o)",
        r"c_t = f_t \odot c_{t-1} + i_t \odot g_t",
        r"h_t = o_t \odot \tanh(c_t)",
    ],
    "lstm_peephole": [
        r"i_t = \sigma(W_{xi} x_t + W_{hi} h_{t-1} + w_{ci} \odot c_{t-1} + b_i)",
        r"f_t = \sigma(W_{xf} x_t + W_{hf} h_{t-1} + w_{cf} \odot c_{t-1} + b_f)",
        r"g_t = \tanh(W_{xg} x_t + W_{hg} h_{t-1} + b_g)",
        r"c_t = f_t \odot c_{t-1} + i_t \odot g_t",
        r"o_t = \sigma(W_{xo} x_t + W_{ho} h_{t-1} + w_{co} \odot c_t + b_o)",
        r"h_t = o_t \odot \tanh(c_t)",
    ],
    "lstm_peephole_full": [
        r"i_t = \sigma(W_{xi} x_t + W_{hi} h_{t-1} + W_{ci} c_{t-1} + b_i)",
        r"f_t = \sigma(W_{xf} x_t + W_{hf} h_{t-1} + W_{cf} c_{t-1} + b_f)",
        r"g_t = \tanh(W_{xg} x_t + W_{hg} h_{t-1} + b_g)",
        r"c_t = f_t \odot c_{t-1} + i_t \odot g_t",
        r"o_t = \sigma(W_{xo} x_t + W_{ho} h_{t-1} + W_{co} c_t + b_o)",
        r"h_t = o_t \odot \tanh(c_t)",
    ],
    "lstm_coupled": [
        r"f_t = \sigma(W_{xf} x_t + W_{hf} h_{t-1} + b_f)",
        r"g_t = \tanh(W_{xg} x_t + W_{hg} h_{t-1} + b_g)",
        r"o_t = \sigma(W_{xo} x_t + W_{ho} h_{t-1} + b_o)",
        r"c_t = f_t \odot c_{t-1} + (1 - f_t) \odot g_t",
        r"h_t = o_t \odot \tanh(c_t)",
    ],
    "gru": [
        r"r_t = \sigma(W_{xr} x_t + W_{hr} h_{t-1} + b_r)",
        r"z_t = \sigma(W_{xz} x_t + W_{hz} h_{t-1} + b_z)",
        r"n_t = \tanh(W_{xn} x_t + r_t \odot (W_{hn} h_{t-1} + b_{hn}) + b_n)",
        r"h_t = (1 - z_t) \odot n_t + z_t \odot h_{t-1}",
    ],
    "gru_reset_before": [
        r"r_t = \sigma(W_{xr} x_t + W_{hr} h_{t-1} + b_r)",
        r"z_t = \sigma(W_{xz} x_t + W_{hz} h_{t-1} + b_z)",
        r"n_t = \tanh(W_{xn} x_t + W_{hn} (r_t \odot h_{t-1}) + b_n)",
        r"h_t = (1 - z_t) \odot n_t + z_t \odot h_{t-1}",
    ],
    "mgu": [
        r"f_t = \sigma(W_{xf} x_t + W_{hf} h_{t-1} + b_f)",
        r"n_t = \tanh(W_{xn} x_t + W_{hn} (f_t \odot h_{t-1}) + b_n)",
        r"h_t = (1 - f_t) \odot h_{t-1} + f_t \odot n_t",
    ],
}


def test_every_cell_is_expected() -> None:
    assert list(EXPECTED) == list(CELLS)


@pytest.mark.parametrize("name", CELLS)
def test_equations_are_printed_as_the_papers_write_them(name: str) -> None:
    assert equations(CELLS[name]) == EXPECTED[name]


@pytest.mark.parametrize("name", CELLS)
def test_align_holds_the_same_lines(name: str) -> None:
    text = align(CELLS[name])
    assert text.startswith("\\begin{align}\n")
    assert text.endswith("\n\\end{align}")
    assert [line.removesuffix(r" \\").replace("&", "") for line in text.splitlines()[1:-1]] == EXPECTED[name]


def test_brackets_keep_sums_and_products_together() -> None:
    def step(affine: Any, x: Any, h: Any) -> Any:
        n = sigmoid(affine.h("n", 2 * h + x) - (h - x)) * (h - 1.5)
        return (n + 1,), (n,)

    (n, h) = equations(replace(CELLS["rnn"], step=step))
    assert n == r"n_t = \sigma(W_{hn} (2 \odot h_{t-1} + x_t) - (h_{t-1} - x_t)) \odot (h_{t-1} - 1.5)"
    assert h == "h_t = n_t + 1"


@pytest.mark.parametrize("name", CELLS)
def test_every_parameter_of_a_cell_stands_in_its_equations(name: str) -> None:
    cell = CELLS[name]
    biases = len(cell.gates) + len(cell.recurrent_biases)
    weights = 2 * len(cell.gates) + len(cell.peepholes)
    text = " ".join(equations(cell))
    assert len(set(re.findall(r"\bb_(?:\w|\{\w+\})", text))) == biases
    assert len(set(re.findall(r"[Ww]_\{\w+\}", text))) == weights
