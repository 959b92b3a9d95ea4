"""OpenVINO: the ONNX model's operators become its LSTMSequence and GRUSequence; latency hint, float32."""

from __future__ import annotations

import numpy as np
import openvino

from benchmarks.engine.onnx_model import layer_model
from benchmarks.engine.work import Built, LayerData, Results, Task, Unsupported


def versions() -> dict[str, str]:
    return {"openvino": openvino.__version__}


def build(task: Task, num_threads: int) -> Built:
    kinds = {"infer": _infer, "stream": _stream}
    if task.kind not in kinds:
        raise Unsupported(task.kind)
    return kinds[task.kind](task, num_threads)


def _request(model: bytes, num_threads: int) -> openvino.InferRequest:
    core = openvino.Core()
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": num_threads,
        "INFERENCE_PRECISION_HINT": "f32",
    }
    return core.compile_model(core.read_model(model), "CPU", settings).create_infer_request()


def _infer(task: Task, num_threads: int) -> Built:
    data = LayerData(task)
    request = _request(layer_model(task), num_threads)
    x = np.ascontiguousarray(data.x.swapaxes(0, 1))
    request.set_input_tensor(0, openvino.Tensor(x, shared_memory=True))

    def run() -> object:
        request.infer()
        return x  # which the tensor does not keep alive

    def results() -> Results:
        run()
        return {"output": request.get_output_tensor(0).data[:, 0].swapaxes(0, 1).copy()}

    return Built(run, results, "shared tensors")


def _stream(task: Task, num_threads: int) -> Built:
    data = LayerData(task)
    num_sequences, num_steps, _, hidden_size = task.shape
    request = _request(layer_model(task, states=True), num_threads)
    names = ["h", "c"] if task.cell.startswith("lstm") else ["h"]
    xs = [np.ascontiguousarray(data.x[np.newaxis, :, t]) for t in range(num_steps)]
    x = np.empty_like(xs[0])
    request.set_tensor("X", openvino.Tensor(x, shared_memory=True))
    states = [
        {
            name: openvino.Tensor(np.zeros((1, num_sequences, hidden_size), np.float32), shared_memory=True)
            for name in names
        }
        for _ in "ab"
    ]
    number = 0

    def run() -> np.ndarray:
        nonlocal number
        x[...] = xs[number % num_steps]
        for name in names:
            request.set_tensor(f"initial_{name}", states[number % 2][name])
            request.set_tensor(f"Y_{name}", states[(number + 1) % 2][name])
        request.infer()
        number += 1
        return request.get_tensor("Y").data

    def results() -> Results:
        nonlocal number
        number = 0
        for tensor in states[0].values():
            tensor.data[...] = 0
        return {"output": np.stack([run()[0, 0].copy() for _ in xs], axis=1)}

    return Built(run, results, "shared tensors")
