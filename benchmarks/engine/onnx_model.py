"""An ONNX model of one recurrent layer, for the runtimes that read one (ONNX operators LSTM and GRU, opset
14)."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from benchmarks.engine.work import LayerData, Task, Unsupported

# ONNX's order of gates in Tidegate's letters, and whether the reset comes after the product.
GATES = {"lstm": "iofg", "lstm_peephole": "iofg", "gru": "zrn", "gru_reset_before": "zrn"}
OURS = {"lstm": "ifgo", "lstm_peephole": "ifgo", "gru": "rzn", "gru_reset_before": "rzn"}


def layer_model(task: Task, states: bool = False) -> bytes:
    """X (T, B, I) -> Y (T, 1, B, H); with `states` also initial_h and Y_h (1, B, H), and initial_c and
    Y_c."""
    if task.cell not in GATES:
        raise Unsupported(task.cell)
    num_sequences, num_steps, input_size, hidden_size = task.shape
    num_steps = 1 if states else num_steps
    parameters = LayerData(task).parameters

    def reordered(
        array: np.ndarray, order: str = GATES[task.cell], given: str = OURS[task.cell]
    ) -> np.ndarray:
        blocks = dict(zip(given, np.split(array, len(given))))
        return np.concatenate([blocks[gate] for gate in order])

    recurrent_bias = np.zeros_like(parameters["bias"])
    if task.cell == "gru":
        recurrent_bias[-hidden_size:] = parameters["bias_hn"]
    constants = {
        "W": reordered(parameters["weight_ih"])[np.newaxis],
        "R": reordered(parameters["weight_hh"])[np.newaxis],
        "B": np.concatenate([reordered(parameters["bias"]), reordered(recurrent_bias)])[np.newaxis],
    }
    if task.cell == "lstm_peephole":
        constants["P"] = reordered(parameters["weight_ch"], "iof", "ifo")[np.newaxis]
    lstm = task.cell.startswith("lstm")
    state_names = (["h", "c"] if lstm else ["h"]) if states else []
    inputs = ["X", "W", "R", "B", "", *(f"initial_{name}" for name in state_names)]
    if "P" in constants:
        inputs += [""] * (7 - len(inputs)) + ["P"]
    outputs = ["Y", *(f"Y_{name}" for name in state_names)]
    attributes = {} if lstm else {"linear_before_reset": int(task.cell == "gru")}
    node = helper.make_node("LSTM" if lstm else "GRU", inputs, outputs, hidden_size=hidden_size, **attributes)

    def value(name: str, shape: list[int]) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    state_shape = [1, num_sequences, hidden_size]
    graph = helper.make_graph(
        [node],
        task.cell,
        [value("X", [num_steps, num_sequences, input_size])]
        + [value(f"initial_{name}", state_shape) for name in state_names],
        [value("Y", [num_steps, 1, num_sequences, hidden_size])]
        + [value(f"Y_{name}", state_shape) for name in state_names],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()
