"""PyTorch: nn.LSTM and nn.GRU in the faster layout, a loop over time for cells it does not have."""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pack_sequence, pad_packed_sequence

from benchmarks.engine.timing import fastest
from benchmarks.engine.work import (
    LEARNING_RATE,
    ArticleData,
    Built,
    LayerData,
    Results,
    Task,
    Unsupported,
    VowelsData,
)
from tidegate.exchange import from_pytorch, to_pytorch

warnings.filterwarnings("ignore", message="TF32 acceleration")

MODULES = {"lstm": nn.LSTM, "gru": nn.GRU}


def versions() -> dict[str, str]:
    return {"torch": torch.__version__}


def build(task: Task, num_threads: int) -> Built:
    torch.set_num_threads(num_threads)
    if os.environ.get("BENCH_FLUSH_DENORMALS"):
        torch.set_flush_denormal(True)
    kinds = {
        "train": _train,
        "infer": _infer,
        "stream": _stream,
        "article": _article,
        "vowels": _vowels,
        "sgemm": _sgemm,
    }
    if task.kind not in kinds:
        raise Unsupported(task.kind)
    return kinds[task.kind](task)


def _load(module: nn.Module, cell: str, parameters: Results) -> None:
    state = to_pytorch({f"{name}_l0": value for name, value in parameters.items()}, cell)
    module.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})


def _gradients(module: nn.Module, cell: str) -> Results:
    """By Tidegate's names. Both biases have one gradient: it is ours, but for the candidate's of a GRU,
    where each has its own."""
    found = {name: parameter.grad.numpy() for name, parameter in module.named_parameters()}
    results = {
        "weight_ih": found["weight_ih_l0"],
        "weight_hh": found["weight_hh_l0"],
        "bias": found["bias_ih_l0"],
    }
    if cell == "gru":
        results["bias_hn"] = found["bias_hh_l0"][-module.hidden_size :]
    return {name: value.copy() for name, value in results.items()}


class Layer:
    """A module on one batch, in one layout, with oneDNN or without."""

    def __init__(self, task: Task, batch_first: bool, onednn: bool = True) -> None:
        self.data = LayerData(task)
        self.cell, self.batch_first, self.onednn = task.cell, batch_first, onednn
        _, _, input_size, hidden_size = task.shape
        self.module = MODULES[task.cell](input_size, hidden_size, batch_first=batch_first)
        _load(self.module, task.cell, self.data.parameters)
        self.parameters = list(self.module.parameters())
        self.x, self.gradient = self.laid_out(self.data.x), self.laid_out(self.data.gradient)

    def laid_out(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(array if self.batch_first else np.ascontiguousarray(array.swapaxes(0, 1)))

    def forward(self) -> torch.Tensor:
        if self.onednn:
            return self.module(self.x)[0]
        with torch.backends.mkldnn.flags(enabled=False):
            return self.module(self.x)[0]

    def train(self) -> torch.Tensor:
        for parameter in self.parameters:
            parameter.grad = None
        output = self.forward()
        output.backward(self.gradient)
        return output

    def infer(self) -> torch.Tensor:
        with torch.inference_mode():
            return self.forward()

    def batch_major(self, output: torch.Tensor) -> np.ndarray:
        array = output.detach().numpy()
        return (array if self.batch_first else array.swapaxes(0, 1)).copy()


class PackedLayer(Layer):
    """The batch packed before the clock runs, the longest sequence first."""

    def __init__(self, task: Task) -> None:
        super().__init__(task, batch_first=True)
        lengths = torch.from_numpy(self.data.lengths)
        self.packed: PackedSequence = pack_padded_sequence(self.x, lengths, batch_first=True)
        self.packed_gradient = pack_padded_sequence(self.gradient, lengths, batch_first=True).data

    def train(self) -> torch.Tensor:
        for parameter in self.parameters:
            parameter.grad = None
        self.output, _ = self.module(self.packed)
        self.output.data.backward(self.packed_gradient)
        return self.output.data

    def batch_major(self, _output: torch.Tensor) -> np.ndarray:
        total = self.data.x.shape[1]
        padded, _ = pad_packed_sequence(self.output, batch_first=True, total_length=total)
        return padded.detach().numpy().copy()


def _layers(task: Task) -> dict[str, Layer]:
    layers = {"batch-first": Layer(task, True), "time-major": Layer(task, False)}
    if task.cell == "lstm":
        layers["time-major, without oneDNN"] = Layer(task, False, onednn=False)
    return layers


def _train(task: Task) -> Built:
    if task.cell in LOOPS:
        return _train_loop(task)
    if task.cell not in MODULES:
        raise Unsupported(task.cell)
    layers = {"packed": PackedLayer(task)} if task.option == "packed" else _layers(task)
    variant = fastest({name: layer.train for name, layer in layers.items()})
    layer = layers[variant]

    def results() -> Results:
        output = layer.batch_major(layer.train())
        found = {} if task.option == "padded" else {"output": output}
        return found | _gradients(layer.module, task.cell)

    return Built(layer.train, results, variant)


def _infer(task: Task) -> Built:
    if task.cell not in MODULES:
        raise Unsupported(task.cell)
    layers = _layers(task)
    variant = fastest({name: layer.infer for name, layer in layers.items()})
    layer = layers[variant]
    return Built(layer.infer, lambda: {"output": layer.batch_major(layer.infer())}, variant)


def peephole_loop(
    x: torch.Tensor,
    weight_ih: torch.Tensor,
    weight_hh: torch.Tensor,
    bias: torch.Tensor,
    weight_ch: torch.Tensor,
) -> torch.Tensor:
    """x: (T, B, I). The input's product over all steps at once."""
    hidden_size = weight_hh.shape[1]
    projected = torch.matmul(x, weight_ih.t()) + bias
    weight_h = weight_hh.t()
    peephole_i, peephole_f, peephole_o = weight_ch.chunk(3)
    h = torch.zeros([x.shape[1], hidden_size])
    c = torch.zeros([x.shape[1], hidden_size])
    outputs = []
    for step in projected.unbind(0):
        i, f, g, o = torch.addmm(step, h, weight_h).chunk(4, dim=1)
        i = torch.sigmoid(i + peephole_i * c)
        f = torch.sigmoid(f + peephole_f * c)
        c = f * c + i * torch.tanh(g)
        h = torch.sigmoid(o + peephole_o * c) * torch.tanh(c)
        outputs.append(h)
    return torch.stack(outputs)


def reset_before_loop(
    x: torch.Tensor, weight_ih: torch.Tensor, weight_hh: torch.Tensor, bias: torch.Tensor
) -> torch.Tensor:
    """x: (T, B, I). The input's product over all steps at once."""
    hidden_size = weight_hh.shape[1]
    projected = torch.matmul(x, weight_ih.t()) + bias
    weight_rz, weight_n = weight_hh[: 2 * hidden_size].t(), weight_hh[2 * hidden_size :].t()
    h = torch.zeros([x.shape[1], hidden_size])
    outputs = []
    for step in projected.unbind(0):
        r, z = torch.sigmoid(torch.addmm(step[:, : 2 * hidden_size], h, weight_rz)).chunk(2, dim=1)
        n = torch.tanh(torch.addmm(step[:, 2 * hidden_size :], r * h, weight_n))
        h = n + z * (h - n)
        outputs.append(h)
    return torch.stack(outputs)


LOOPS: dict[str, Callable[..., torch.Tensor]] = {
    "lstm_peephole": peephole_loop,
    "gru_reset_before": reset_before_loop,
}


def _train_loop(task: Task) -> Built:
    data = LayerData(task)
    x, gradient = (
        torch.from_numpy(np.ascontiguousarray(array.swapaxes(0, 1))) for array in (data.x, data.gradient)
    )
    parameters = {
        name: torch.from_numpy(value.copy()).requires_grad_() for name, value in data.parameters.items()
    }

    def step(loop: Callable[..., torch.Tensor]) -> torch.Tensor:
        for parameter in parameters.values():
            parameter.grad = None
        output = loop(x, **parameters)
        output.backward(gradient)
        return output

    def train(loop: Callable[..., torch.Tensor]) -> Callable[[], torch.Tensor]:
        return lambda: step(loop)

    loop = LOOPS[task.cell]
    variants = {"eager": train(loop), "jit.script": train(torch.jit.script(loop))}
    variant = fastest(variants)

    def results() -> Results:
        output = variants[variant]().detach().numpy().swapaxes(0, 1)
        return {"output": output.copy()} | {
            name: value.grad.numpy().copy() for name, value in parameters.items()
        }

    return Built(variants[variant], results, variant)


def _stream(task: Task) -> Built:
    if task.cell not in MODULES:
        raise Unsupported(task.cell)
    data = LayerData(task)
    num_sequences, num_steps, input_size, hidden_size = task.shape
    layer = MODULES[task.cell](input_size, hidden_size)
    _load(layer, task.cell, data.parameters)
    one_step = {"lstm": nn.LSTMCell, "gru": nn.GRUCell}[task.cell](input_size, hidden_size)
    one_step.load_state_dict({k.removesuffix("_l0"): v for k, v in layer.state_dict().items()})
    xs = [torch.from_numpy(np.ascontiguousarray(data.x[:, t])) for t in range(num_steps)]
    zero = torch.zeros(num_sequences, hidden_size)
    number = 0

    def advance() -> torch.Tensor:
        nonlocal number
        x = xs[number]
        number = (number + 1) % num_steps
        return x

    def begin(leading: tuple[int, ...] = ()) -> Any:
        start = zero.reshape(*leading, *zero.shape)
        return (start, start) if task.cell == "lstm" else start

    cell_state, layer_state = begin(), begin((1,))

    def run_cell() -> torch.Tensor:
        nonlocal cell_state
        with torch.inference_mode():
            cell_state = one_step(advance(), cell_state)
        return cell_state[0] if task.cell == "lstm" else cell_state

    def run_layer() -> torch.Tensor:
        nonlocal layer_state
        with torch.inference_mode():
            output, layer_state = layer(advance().unsqueeze(0), layer_state)
        return output[0]

    variants = {"cell": run_cell, "layer of one step": run_layer}
    variant = fastest(variants)

    def results() -> Results:
        nonlocal number, cell_state, layer_state
        number, cell_state, layer_state = 0, begin(), begin((1,))
        return {"output": np.stack([variants[variant]().numpy().copy() for _ in xs], axis=1)}

    return Built(variants[variant], results, variant)


class ArticleNetwork(nn.Module):
    def __init__(self, cell: str) -> None:
        super().__init__()
        self.recurrent = MODULES[cell](1, ArticleData.NUM_UNITS, batch_first=True)
        self.dense0 = nn.Linear(ArticleData.NUM_UNITS, 10)
        self.output = nn.Linear(10, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.output(torch.tanh(self.dense0(self.recurrent(x)[0][:, -1])))


def _load_network(network: nn.Module, cell: str, parameters: Results) -> None:
    recurrent = {name.removesuffix("_l0"): v for name, v in parameters.items() if name.endswith("_l0")}
    _load(network.get_submodule("recurrent"), cell, recurrent)
    with torch.no_grad():
        for name, parameter in _dense_parameters(network):
            parameter.copy_(torch.from_numpy(parameters[name]))


def _network_results(network: nn.Module, cell: str) -> Results:
    dense = {name: parameter.detach().numpy().copy() for name, parameter in _dense_parameters(network)}
    return from_pytorch(network.get_submodule("recurrent").state_dict(), cell) | dense


def _dense_parameters(network: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    for name, parameter in network.named_parameters():
        layer, kind = name.rsplit(".", 1)
        if layer != "recurrent":
            yield f"{kind}_{layer}", parameter


def _hold_second_bias(network: nn.Module, cell: str) -> None:
    """PyTorch has two biases where Tidegate has one, and an update moves their sum twice as far. To compare,
    the second is held, but for the candidate's of a GRU, which both have."""
    bias = network.get_parameter("recurrent.bias_hh_l0")
    moves = torch.zeros_like(bias)
    if cell == "gru":
        moves[-len(bias) // 3 :] = 1
    bias.register_hook(lambda gradient: gradient * moves)


def _article(task: Task) -> Built:
    if task.cell not in MODULES:
        raise Unsupported(task.cell)
    data = ArticleData(task.cell)
    xs = list(torch.from_numpy(data.x).split(1))
    ys = list(torch.from_numpy(data.y).split(1))
    loss_of = nn.MSELoss()
    num_epochs = 10  # of 100; an update costs the same in each

    def train(network: nn.Module, optimizer: torch.optim.Optimizer, order: Any) -> None:
        for index in order:
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(network(xs[index]), ys[index])
            loss.backward()
            optimizer.step()

    def fresh() -> tuple[ArticleNetwork, torch.optim.Optimizer]:
        network = ArticleNetwork(task.cell)
        _load_network(network, task.cell, data.parameters)
        return network, torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, fused=True)

    network, optimizer = fresh()

    def run() -> None:
        for epoch in range(num_epochs):
            train(network, optimizer, np.random.default_rng(epoch).permutation(data.NUM_SEQUENCES))

    def results() -> Results:
        network, optimizer = fresh()
        _hold_second_bias(network, task.cell)
        train(network, optimizer, range(data.CHECKED_UPDATES))
        return _network_results(network, task.cell)

    return Built(run, results, "batch-first, fused Adam", scale=data.NUM_EPOCHS / num_epochs)


class VowelsNetwork(nn.Module):
    def __init__(self, cell: str) -> None:
        super().__init__()
        self.cell = cell
        self.recurrent = MODULES[cell](12, VowelsData.NUM_UNITS)
        self.output = nn.Linear(VowelsData.NUM_UNITS, VowelsData.NUM_CLASSES)

    def forward(self, packed: PackedSequence) -> torch.Tensor:
        _, final = self.recurrent(packed)
        return self.output((final[0] if self.cell == "lstm" else final)[0])


def _vowels(task: Task) -> Built:
    data = VowelsData(task.cell)
    sequences = [torch.from_numpy(one) for one in data.sequences]
    classes = torch.from_numpy(data.classes.astype(np.int64))
    lengths = np.array([len(one) for one in sequences])
    loss_of = nn.CrossEntropyLoss()
    num_epochs = 10  # of 50; an epoch costs the same

    def train(network: nn.Module, optimizer: torch.optim.Optimizer, batches: Any) -> None:
        for batch in batches:
            longest_first = batch[np.argsort(-lengths[batch], kind="stable")]
            packed = pack_sequence([sequences[index] for index in longest_first])
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(network(packed), classes[longest_first])
            loss.backward()
            optimizer.step()

    def fresh() -> tuple[VowelsNetwork, torch.optim.Optimizer]:
        network = VowelsNetwork(task.cell)
        _load_network(network, task.cell, data.parameters)
        return network, torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, fused=True)

    def run() -> None:
        network, optimizer = fresh()
        for epoch in range(num_epochs):
            train(network, optimizer, data.batches(epoch))

    def results() -> Results:
        network, optimizer = fresh()
        _hold_second_bias(network, task.cell)
        train(network, optimizer, itertools.islice(data.batches(0), data.CHECKED_UPDATES))
        return _network_results(network, task.cell)

    return Built(run, results, "packed, fused Adam", scale=data.NUM_EPOCHS / num_epochs)


def _sgemm(task: Task) -> Built:
    a, b = torch.randn(2, *task.shape)
    out = torch.empty_like(a)
    return Built(lambda: torch.mm(a, b, out=out), dict)
