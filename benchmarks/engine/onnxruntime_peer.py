"""ONNX Runtime: its LSTM and GRU operators with bound buffers, so that no call allocates or copies."""

from __future__ import annotations

import numpy as np
import onnxruntime

from benchmarks.engine.onnx_model import layer_model
from benchmarks.engine.work import Built, LayerData, Results, Task, Unsupported


def versions() -> dict[str, str]:
    return {"onnxruntime": onnxruntime.__version__}


def build(task: Task, num_threads: int) -> Built:
    kinds = {"infer": _infer, "stream": _stream}
    if task.kind not in kinds:
        raise Unsupported(task.kind)
    return kinds[task.kind](task, num_threads)


def _session(model: bytes, num_threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = num_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _bind(
    session: onnxruntime.InferenceSession, inputs: dict[str, np.ndarray], outputs: dict[str, np.ndarray]
) -> onnxruntime.IOBinding:
    """The arrays' own memory, read and written in place."""
    binding = session.io_binding()
    for name, array in inputs.items():
        binding.bind_input(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
    for name, array in outputs.items():
        binding.bind_output(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
    return binding


def _infer(task: Task, num_threads: int) -> Built:
    data = LayerData(task)
    num_sequences, num_steps, _, hidden_size = task.shape
    session = _session(layer_model(task), num_threads)
    x = np.ascontiguousarray(data.x.swapaxes(0, 1))
    output = np.empty((num_steps, 1, num_sequences, hidden_size), np.float32)
    binding = _bind(session, {"X": x}, {"Y": output})

    def run() -> object:
        session.run_with_iobinding(binding)
        return x  # which the binding points into

    def results() -> Results:
        run()
        return {"output": output[:, 0].swapaxes(0, 1).copy()}

    return Built(run, results, "bound buffers")


def _stream(task: Task, num_threads: int) -> Built:
    data = LayerData(task)
    num_sequences, num_steps, _, hidden_size = task.shape
    session = _session(layer_model(task, states=True), num_threads)
    names = ["h", "c"] if task.cell.startswith("lstm") else ["h"]
    xs = [np.ascontiguousarray(data.x[np.newaxis, :, t]) for t in range(num_steps)]
    x = np.empty_like(xs[0])
    output = np.empty((1, 1, num_sequences, hidden_size), np.float32)
    states = [{name: np.zeros((1, num_sequences, hidden_size), np.float32) for name in names} for _ in "ab"]
    bindings = [
        _bind(
            session,
            {"X": x} | {f"initial_{name}": array for name, array in before.items()},
            {"Y": output} | {f"Y_{name}": array for name, array in after.items()},
        )
        for before, after in (states, states[::-1])
    ]
    number = 0

    def run() -> np.ndarray:
        nonlocal number
        x[...] = xs[number % num_steps]
        session.run_with_iobinding(bindings[number % 2])
        number += 1
        return output

    def results() -> Results:
        nonlocal number
        number = 0
        for array in states[0].values():
            array[...] = 0
        return {"output": np.stack([run()[0, 0].copy() for _ in xs], axis=1)}

    return Built(run, results, "bound buffers")
