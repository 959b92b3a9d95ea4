from typing import Any

import numpy as np
import pytest

from tidegate.cells import CELLS, CellSpec
from tidegate.cells.functions import sigmoid
from tidegate.cells.symbols import Symbol, symbolic_step
from tidegate.reference import run

CALCULATE: dict[str, Any] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "scale": np.multiply,
    "product": np.matmul,
    "sigmoid": sigmoid,
    "tanh": np.tanh,
}


@pytest.mark.parametrize("name", CELLS)
def test_the_graph_computes_what_the_step_computes(name: str) -> None:
    cell = CELLS[name]
    random = np.random.default_rng(0)
    parameters = {key: random.normal(size=shape) for key, shape in cell.parameter_shapes(2, 3).items()}
    previous = {state: random.normal(size=3) for state in cell.states}
    x = random.normal(size=2)
    values = {"x": x} | previous | by_gate(cell, parameters)

    step = symbolic_step(cell)
    computed: dict[Symbol, Any] = {}
    for node in step.nodes:
        operands = [computed.get(operand, operand) for operand in node.operands]
        weight = [values[node.name]] if node.operator in ("product", "scale") else []
        leaf = node.operator in ("value", "bias")
        computed[node] = values[node.name] if leaf else CALCULATE[node.operator](*weight, *operands)

    expected = run(cell, parameters, x[None, None], {state: value[None] for state, value in previous.items()})
    for key, symbol in (step.gates | step.states).items():
        np.testing.assert_allclose(computed[symbol], expected.trace[key][0, 0], rtol=1e-13)


def by_gate(cell: CellSpec, parameters: dict[str, Any]) -> dict[str, Any]:
    names = {"weight_ih": "W_x", "weight_hh": "W_h", "bias": "b_"}
    values = {
        f"{letter}{gate}": part
        for packed, letter in names.items()
        for gate, part in zip(cell.gates, np.split(parameters[packed], len(cell.gates)))
    }
    values |= {f"b_h{gate}": parameters[f"bias_h{gate}"] for gate in cell.recurrent_biases}
    if cell.peepholes:
        letter = "W_c" if cell.peephole == "full" else "w_c"
        parts = np.split(parameters["weight_ch"], len(cell.peepholes))
        values |= {f"{letter}{gate}": part for gate, part in zip(cell.peepholes, parts)}
    return values


def test_nodes_stand_in_the_order_of_the_text() -> None:
    assert [name for name, _ in symbolic_step(CELLS["lstm"]).assignments()] == list("ifgoch")
    assert [name for name, _ in symbolic_step(CELLS["lstm_peephole"]).assignments()] == list("ifgcoh")
