"""The generated C++: the LSTM's, what is refused, and that it needs the standard library alone.

That the code is right is shown by the engine's tests, which hold every value and gradient to the oracle.
"""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tidegate.cells import CELLS, CellSpec
from tidegate.cells.codegen import header, write_headers
from tidegate.cells.functions import sigmoid, tanh
from tidegate.cells.phases import phases_of
from tidegate.cells.spec import Affine, Value

LSTM_BACKWARD = """\
    const auto f = s.kept(F);
    const auto c_before = s.previous(C);
    const auto i = s.kept(I);
    const auto g = s.kept(G);
    const auto o = s.kept(O);
    const auto tanh_c = tanh(f * c_before + i * g);
    const auto dh = s.gradient(H);
    const auto dc = s.gradient(C) + dh * o * (1 - tanh_c * tanh_c);
    s.column_gradient(O, dh * tanh_c * o * (1 - o));
    s.column_gradient(G, dc * i * (1 - g * g));
    s.column_gradient(F, dc * c_before * f * (1 - f));
    s.column_gradient(I, dc * g * i * (1 - i));
    s.previous_gradient(H);
    s.previous_gradient(C, dc * f);
"""


def test_the_lstm_reads_like_its_equations() -> None:
    text = header(CELLS["lstm"])
    assert "const auto c = f * c_before + i * g;" in text
    assert "const auto h = o * tanh(c);" in text
    assert text.endswith(LSTM_BACKWARD + "  }\n};\n\n}  // namespace tidegate\n")


@pytest.mark.parametrize(
    ("name", "columns", "num_phases"),
    [
        ("rnn", ["N"], 1),
        ("lstm", ["I", "F", "G", "O"], 1),
        ("lstm_peephole_full", ["I", "F", "G", "O"], 2),
        ("gru", ["XN", "R", "Z", "HN"], 1),
        ("gru_reset_before", ["R", "Z", "N"], 2),
        ("mgu", ["F", "N"], 2),
    ],
)
def test_columns_and_phases(name: str, columns: list[str], num_phases: int) -> None:
    phases = phases_of(CELLS[name])
    assert [column.name for column in phases.columns] == columns
    assert phases.num_phases == num_phases


def test_a_half_finished_gradient_is_held() -> None:
    # The minimal gated unit's gate acts in both phases.
    text = header(CELLS["mgu"])
    assert ".num_held = 1," in text
    assert "s.hold(0, dh * (n - h_before));" in text
    assert "d_v * h_before + s.held(0)" in text


def with_step(step: object) -> CellSpec:
    return replace(CELLS["gru_reset_before"], step=step)  # type: ignore[arg-type]


def test_two_values_of_its_own_are_refused() -> None:
    def step(affine: Affine, x: Value, h: Value) -> tuple[tuple[Value], tuple[Value, Value, Value]]:
        r = sigmoid(affine.x("r", x) + affine.h("r", h))
        z = sigmoid(affine.x("z", x) + affine.h("z", r * h))
        n = tanh(affine.x("n", x) + affine.h("n", z * h))
        return (n,), (r, z, n)

    with pytest.raises(ValueError, match="multiplies 2 values of its own step; the engine keeps one"):
        header(with_step(step))


def test_a_sum_of_two_gates_is_refused() -> None:
    def step(affine: Affine, x: Value, h: Value) -> tuple[tuple[Value], tuple[Value, Value, Value]]:
        r = sigmoid(affine.x("r", x) + affine.h("z", h))
        z = sigmoid(affine.x("z", x))
        n = tanh(affine.x("n", x) + affine.h("n", h))
        return (r * n + z,), (r, z, n)

    with pytest.raises(ValueError, match="adds products of gates r, z"):
        header(with_step(step))


def test_unchanged_headers_keep_their_time(tmp_path: Path) -> None:
    write_headers(tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert set(before) == {f"{name}.h" for name in CELLS} | {"cells.h"}
    (tmp_path / "gru.h").write_text("old")
    write_headers(tmp_path)
    after = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert {name for name in before if before[name] != after[name]} == {"gru.h"}
    assert (tmp_path / "gru.h").read_text() == header(CELLS["gru"])


def test_it_needs_the_standard_library_alone(tmp_path: Path) -> None:
    source = Path(__file__).parents[2] / "src"
    code = f"import sys; sys.path.insert(0, {str(source)!r}); import tidegate.cells.codegen"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True, cwd=tmp_path)
