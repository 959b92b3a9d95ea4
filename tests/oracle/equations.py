"""The cells in PyTorch, written out from their papers one sequence and one step at a time.

Independent of tidegate.cells on purpose: gradients come from autograd, so that nothing here is shared with
what it judges. Weights of one gate are named as in the papers: W_xi, W_hi, W_ci (or w_ci, diagonal), b_i,
b_hn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, sigmoid, tanh

Weights = dict[str, Tensor]
States = tuple[Tensor, ...]


def rnn(w: Weights, x: Tensor, h: Tensor) -> States:
    return (tanh(w["W_xn"] @ x + w["W_hn"] @ h + w["b_n"]),)


def lstm(w: Weights, x: Tensor, h: Tensor, c: Tensor) -> States:
    i = sigmoid(w["W_xi"] @ x + w["W_hi"] @ h + w["b_i"])
    f = sigmoid(w["W_xf"] @ x + w["W_hf"] @ h + w["b_f"])
    g = tanh(w["W_xg"] @ x + w["W_hg"] @ h + w["b_g"])
    o = sigmoid(w["W_xo"] @ x + w["W_ho"] @ h + w["b_o"])
    c_new = f * c + i * g
    return o * tanh(c_new), c_new


def lstm_peephole(w: Weights, x: Tensor, h: Tensor, c: Tensor) -> States:
    i = sigmoid(w["W_xi"] @ x + w["W_hi"] @ h + w["w_ci"] * c + w["b_i"])
    f = sigmoid(w["W_xf"] @ x + w["W_hf"] @ h + w["w_cf"] * c + w["b_f"])
    c_new = f * c + i * tanh(w["W_xg"] @ x + w["W_hg"] @ h + w["b_g"])
    o = sigmoid(w["W_xo"] @ x + w["W_ho"] @ h + w["w_co"] * c_new + w["b_o"])
    return o * tanh(c_new), c_new


def lstm_peephole_full(w: Weights, x: Tensor, h: Tensor, c: Tensor) -> States:
    i = sigmoid(w["W_xi"] @ x + w["W_hi"] @ h + w["W_ci"] @ c + w["b_i"])
    f = sigmoid(w["W_xf"] @ x + w["W_hf"] @ h + w["W_cf"] @ c + w["b_f"])
    c_new = f * c + i * tanh(w["W_xg"] @ x + w["W_hg"] @ h + w["b_g"])
    o = sigmoid(w["W_xo"] @ x + w["W_ho"] @ h + w["W_co"] @ c_new + w["b_o"])
    return o * tanh(c_new), c_new


def lstm_coupled(w: Weights, x: Tensor, h: Tensor, c: Tensor) -> States:
    f = sigmoid(w["W_xf"] @ x + w["W_hf"] @ h + w["b_f"])
    o = sigmoid(w["W_xo"] @ x + w["W_ho"] @ h + w["b_o"])
    c_new = f * c + (1 - f) * tanh(w["W_xg"] @ x + w["W_hg"] @ h + w["b_g"])
    return o * tanh(c_new), c_new


def gru(w: Weights, x: Tensor, h: Tensor) -> States:
    r = sigmoid(w["W_xr"] @ x + w["W_hr"] @ h + w["b_r"])
    z = sigmoid(w["W_xz"] @ x + w["W_hz"] @ h + w["b_z"])
    n = tanh(w["W_xn"] @ x + w["b_n"] + r * (w["W_hn"] @ h + w["b_hn"]))
    return ((1 - z) * n + z * h,)


def gru_reset_before(w: Weights, x: Tensor, h: Tensor) -> States:
    r = sigmoid(w["W_xr"] @ x + w["W_hr"] @ h + w["b_r"])
    z = sigmoid(w["W_xz"] @ x + w["W_hz"] @ h + w["b_z"])
    n = tanh(w["W_xn"] @ x + w["W_hn"] @ (r * h) + w["b_n"])
    return ((1 - z) * n + z * h,)


def mgu(w: Weights, x: Tensor, h: Tensor) -> States:
    f = sigmoid(w["W_xf"] @ x + w["W_hf"] @ h + w["b_f"])
    n = tanh(w["W_xn"] @ x + w["W_hn"] @ (f * h) + w["b_n"])
    return ((1 - f) * h + f * n,)


EQUATIONS: dict[str, Callable[..., States]] = {
    function.__name__: function
    for function in (
        rnn,
        lstm,
        lstm_peephole,
        lstm_peephole_full,
        lstm_coupled,
        gru,
        gru_reset_before,
        mgu,
    )
}
STATES = {name: ("h", "c") if name.startswith("lstm") else ("h",) for name in EQUATIONS}
GATES = {
    "rnn": "n",
    "lstm": "ifgo",
    "lstm_peephole": "ifgo",
    "lstm_peephole_full": "ifgo",
    "lstm_coupled": "fgo",
    "gru": "rzn",
    "gru_reset_before": "rzn",
    "mgu": "fn",
}


def unpack(cell: str, parameters: dict[str, Tensor]) -> Weights:
    """Packed parameters of one layer and direction, by gate: weight_ih (G*H, I) to W_xi (H, I), and so on."""
    gates, hidden_size = GATES[cell], parameters["weight_hh"].shape[1]
    weights: Weights = {}

    def slice_rows(packed: str, letters: str, name: str) -> None:
        for index, gate in enumerate(letters):
            weights[f"{name}{gate}"] = parameters[packed][index * hidden_size : (index + 1) * hidden_size]

    slice_rows("weight_ih", gates, "W_x")
    slice_rows("weight_hh", gates, "W_h")
    slice_rows("bias", gates, "b_")
    if cell == "lstm_peephole":
        slice_rows("weight_ch", "ifo", "w_c")
    if cell == "lstm_peephole_full":
        slice_rows("weight_ch", "ifo", "W_c")
    if cell == "gru":
        weights["b_hn"] = parameters["bias_hn"]
    return weights


def run(
    cell: str, given: dict[str, Tensor], layers: tuple[str, ...], lengths: list[int]
) -> dict[str, Tensor]:
    """output (B, T, D*H), zero in padding, and final states (L*D, B, H), from a case's fields."""
    below = given["x"]
    batch_size, num_steps, _ = below.shape
    directions = 2 if "l0_reverse" in layers else 1
    finals: dict[str, list[Tensor]] = {state: [] for state in STATES[cell]}
    outputs: list[Tensor] = []
    for index, layer in enumerate(layers):
        if index and index % directions == 0:
            below, outputs = torch.cat(outputs, dim=2), []
        prefix, suffix = "parameters/", f"_{layer}"
        packed = {
            field.removeprefix(prefix).removesuffix(suffix): tensor
            for field, tensor in given.items()
            if field.startswith(prefix) and field.endswith(suffix)
        }
        weights = unpack(cell, packed)
        rows: list[Tensor] = []
        last: list[States] = []
        for b in range(batch_size):
            states = tuple(given[f"initial/{state}"][index, b] for state in STATES[cell])
            steps: dict[int, Tensor] = {}
            order = range(lengths[b])
            for t in reversed(order) if layer.endswith("_reverse") else order:
                states = tuple(
                    value * given[f"multiplier/{name}"][index, b, t]
                    if f"multiplier/{name}" in given
                    else value
                    for name, value in zip(STATES[cell], states)
                )
                if "mask" not in given or bool(given["mask"][b, t]):
                    states = EQUATIONS[cell](weights, below[b, t], *states)
                steps[t] = states[0]
            padding = torch.zeros_like(states[0])
            rows.append(torch.stack([steps.get(t, padding) for t in range(num_steps)]))
            last.append(states)
        outputs.append(torch.stack(rows))
        for name, values in zip(STATES[cell], zip(*last)):
            finals[name].append(torch.stack(values))
    results: dict[str, Any] = {"output": torch.cat(outputs, dim=2)}
    return results | {f"final/{name}": torch.stack(values) for name, values in finals.items()}
