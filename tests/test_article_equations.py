"""The article "From LSTM to GRU", sections 3.1 and 3.2, to the letter, against every path that computes.

Every W is a matrix, as the article has it, and z = 1 takes the new state, the other way round from ours.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy import tanh

from tidegate.cells import CELLS
from tidegate.recurrent import Recurrent
from tidegate.reference import run

Array = npt.NDArray[np.float64]
Arrays = dict[str, Array]
# path(cell, parameters, x (B, T, I), initial states (B, H)) -> output (B, T, H), final states (B, H)
Path = Callable[[str, Arrays, Array, Arrays], tuple[Array, Arrays]]


def sigma(value: Array) -> Array:
    return 1 / (1 + np.exp(-value))


def article_lstm(W: Arrays, b: Arrays, x: Array, h: Array, c: Array) -> tuple[Array, Array]:
    i = sigma(W["xi"] @ x + W["hi"] @ h + W["ci"] @ c + b["i"])
    f = sigma(W["xf"] @ x + W["hf"] @ h + W["cf"] @ c + b["f"])
    c = f * c + i * tanh(W["xc"] @ x + W["hc"] @ h + b["c"])
    o = sigma(W["xo"] @ x + W["ho"] @ h + W["co"] @ c + b["o"])
    h = o * tanh(c)
    return h, c


def article_gru(W: Arrays, b: Arrays, x: Array, h: Array) -> tuple[Array]:
    z = sigma(W["xz"] @ x + W["hz"] @ h + b["z"])
    r = sigma(W["xr"] @ x + W["hr"] @ h + b["r"])
    n = tanh(W["xn"] @ x + W["hn"] @ (r * h) + b["n"])
    h = (1 - z) * h + z * n
    return (h,)


class Article:
    """Random weights under the article's names, and the article's lines run with them."""

    def __init__(self, gates: str, input_size: int, hidden_size: int, seed: int) -> None:
        random = np.random.default_rng(seed)
        self.states = ("h", "c") if gates == "ifco" else ("h",)
        self.W = {f"x{gate}": random.normal(size=(hidden_size, input_size)) for gate in gates}
        self.W |= {f"h{gate}": random.normal(size=(hidden_size, hidden_size)) for gate in gates}
        self.W |= {f"c{gate}": random.normal(size=(hidden_size, hidden_size)) for gate in "ifo"}
        self.b = {gate: random.normal(size=hidden_size) for gate in gates}
        self.x = random.normal(size=(3, 5, input_size))
        self.initial = {state: random.normal(size=(3, hidden_size)) for state in self.states}

    def packed(self, gates: str) -> Arrays:
        """Our packing, gates in that order."""
        return {
            "weight_ih": np.concatenate([self.W[f"x{gate}"] for gate in gates]),
            "weight_hh": np.concatenate([self.W[f"h{gate}"] for gate in gates]),
            "bias": np.concatenate([self.b[gate] for gate in gates]),
        }

    def run(self) -> tuple[Array, Arrays]:
        step = article_lstm if "c" in self.states else article_gru
        output = np.empty((*self.x.shape[:2], self.initial["h"].shape[1]))
        final = {state: value.copy() for state, value in self.initial.items()}
        for b, sequence in enumerate(self.x):
            for t, x in enumerate(sequence):
                values = step(self.W, self.b, x, *(final[state][b] for state in self.states))
                for state, value in zip(self.states, values):
                    final[state][b] = value
                output[b, t] = final["h"][b]
        return output, final


def by_reference(cell: str, parameters: Arrays, x: Array, initial: Arrays) -> tuple[Array, Arrays]:
    result = run(CELLS[cell], parameters, x, initial)
    return result.output, result.final


def by_engine(cell: str, parameters: Arrays, x: Array, initial: Arrays) -> tuple[Array, Arrays]:
    layer = Recurrent(cell, x.shape[2], initial["h"].shape[1], dtype="float64")
    for name, value in parameters.items():
        layer.parameters[f"{name}_l0"][...] = value
    output, final = layer.forward(x, states={state: value[np.newaxis] for state, value in initial.items()})
    return output, {state: value[0] for state, value in final.items()}


PATHS: dict[str, Path] = {"reference": by_reference, "engine": by_engine}
EACH_PATH = pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
SIZES = given(input_size=st.integers(1, 4), hidden_size=st.integers(1, 9), seed=st.integers(0, 999))
FEW = settings(deadline=None, max_examples=20)


def agree(path: Path, cell: str, parameters: Arrays, article: Article) -> None:
    output, final = path(cell, parameters, article.x, article.initial)
    expected_output, expected_final = article.run()
    np.testing.assert_allclose(output, expected_output, rtol=0, atol=1e-12)
    for state, expected in expected_final.items():
        np.testing.assert_allclose(final[state], expected, rtol=0, atol=1e-12)


@EACH_PATH
@FEW
@SIZES
def test_lstm_without_peepholes_is_the_article_with_zero_ones(
    path: Path, input_size: int, hidden_size: int, seed: int
) -> None:
    article = Article("ifco", input_size, hidden_size, seed)
    for gate in "ifo":
        article.W[f"c{gate}"][:] = 0.0
    agree(path, "lstm", article.packed("ifco"), article)


@EACH_PATH
@FEW
@SIZES
def test_lstm_peephole_is_the_article_with_diagonal_ones(
    path: Path, input_size: int, hidden_size: int, seed: int
) -> None:
    article = Article("ifco", input_size, hidden_size, seed)
    diagonals = [np.diag(article.W[f"c{gate}"]).copy() for gate in "ifo"]
    for gate, diagonal in zip("ifo", diagonals):
        article.W[f"c{gate}"] = np.diag(diagonal)
    parameters = article.packed("ifco") | {"weight_ch": np.concatenate(diagonals)}
    agree(path, "lstm_peephole", parameters, article)


@EACH_PATH
@FEW
@SIZES
def test_lstm_peephole_full_is_the_article_to_the_letter(
    path: Path, input_size: int, hidden_size: int, seed: int
) -> None:
    article = Article("ifco", input_size, hidden_size, seed)
    peepholes = np.concatenate([article.W[f"c{gate}"] for gate in "ifo"])
    agree(path, "lstm_peephole_full", article.packed("ifco") | {"weight_ch": peepholes}, article)


@EACH_PATH
@FEW
@SIZES
def test_gru_reset_before_is_the_article_with_the_update_gate_negated(
    path: Path, input_size: int, hidden_size: int, seed: int
) -> None:
    article = Article("zrn", input_size, hidden_size, seed)
    parameters = article.packed("rzn")
    z = slice(hidden_size, 2 * hidden_size)
    for packed in parameters.values():
        packed[z] *= -1
    agree(path, "gru_reset_before", parameters, article)
