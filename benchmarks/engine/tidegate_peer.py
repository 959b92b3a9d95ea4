"""Tidegate's side: how its calls are driven in every piece of work."""

from __future__ import annotations

import platform
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

import tidegate
from benchmarks.engine.timing import wait_until_idle
from benchmarks.engine.work import (
    LEARNING_RATE,
    ArticleData,
    Built,
    LayerData,
    Results,
    Task,
    Unsupported,
    VowelsData,
    article_network,
    vowels_network,
)
from tidegate.engine import Engine, Optimizer, Steps, Target, instruction_set
from tidegate.network import Input, Network, Node, Recurrent, recurrent_stack


def versions() -> dict[str, str]:
    return {
        "tidegate": tidegate.__version__,
        "instruction set": instruction_set(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def build(task: Task, num_threads: int) -> Built:
    kinds = {
        "train": _train,
        "infer": _infer,
        "stream": _stream,
        "article": _article,
        "vowels": _vowels,
        "epoch": _epoch,
        "replicas": _replicas,
        "sgemm": _sgemm,
    }
    if task.kind not in kinds:
        raise Unsupported(task.kind)
    return kinds[task.kind](task, num_threads)


class Layers:
    """A stack of recurrent layers on one batch, in the arrays the engine takes."""

    def __init__(self, task: Task, num_threads: int) -> None:
        self.data = LayerData(task)
        num_sequences, num_steps, input_size, hidden_size = task.shape
        nodes: list[Node] = list(recurrent_stack(task.cell, input_size, hidden_size, task.num_layers))
        inputs = [self.data.x.reshape(-1, input_size)]
        if task.option == "input gradient":
            nodes[0] = replace(nodes[0], needs_gradient=True)
        if task.option == "multiplied":
            layer = nodes[1]
            assert isinstance(layer, Recurrent)
            nodes[1:1] = [Input("factor", hidden_size)]
            nodes[2] = replace(layer, multipliers=("factor", *(None,) * (layer.num_states - 1)))
            inputs.append(np.ones((num_sequences * num_steps, hidden_size), np.float32))
        self.engine = Engine(Network(tuple(nodes)), num_threads=num_threads)
        rng = np.random.default_rng(0)
        self.engine.flat[:] = rng.normal(size=self.engine.flat.size) * hidden_size**-0.5
        for name, value in self.data.parameters.items():
            self.engine.parameters[f"{name}_l0"] = value
        starts = np.arange(num_sequences) * num_steps
        lengths = np.full(num_sequences, num_steps) if task.option == "padded" else self.data.lengths
        self.steps = Steps(tuple(inputs), starts, lengths)
        self.mask = None
        if task.option == "masked":  # every fifth step
            self.mask = (np.arange(num_sequences * num_steps) % 5 != 0).astype(np.uint8)
        self.top = f"l{task.num_layers - 1}"
        self.gradient = {self.top: self.data.gradient.reshape(-1, hidden_size)}

    def train(self) -> None:
        self.engine.forward(self.steps, mask=self.mask, training=True)
        self.engine.backward(self.gradient)

    def infer(self) -> np.ndarray:
        return self.engine.values([self.top], self.steps)[0]

    def train_results(self) -> Results:
        self.train()
        return {"output": self.output()} | {
            name.removesuffix("_l0"): value.copy() for name, value in self.engine.gradients.items()
        }

    def output(self) -> np.ndarray:
        return self.engine.value(self.top).reshape(self.data.gradient.shape)


def _train(task: Task, num_threads: int) -> Built:
    layers = Layers(task, num_threads)
    return Built(layers.train, layers.train_results, before=_pytorch_before(task.option, num_threads))


def _pytorch_before(option: str, num_threads: int) -> Callable[[], object] | None:
    """An operation of PyTorch in the same process, whose threads are left spinning or not."""
    if option not in ("just after pytorch", "pytorch idle"):
        return None
    import torch

    torch.set_num_threads(num_threads)
    square = torch.ones(512, 512)

    def operate() -> None:
        torch.relu(square @ square)
        if option == "pytorch idle":
            wait_until_idle()

    return operate


def _infer(task: Task, num_threads: int) -> Built:
    layers = Layers(task, num_threads)

    def results() -> Results:
        return {"output": layers.infer().reshape(layers.data.gradient.shape)}

    return Built(layers.infer, results)


def _stream(task: Task, num_threads: int) -> Built:
    data = LayerData(task)
    num_sequences, num_steps, input_size, hidden_size = task.shape
    layer = tidegate.Recurrent(task.cell, input_size, hidden_size, num_threads=num_threads)
    for name, value in data.parameters.items():
        layer.parameters[f"{name}_l0"] = value
    xs = [np.ascontiguousarray(data.x[:, t]) for t in range(num_steps)]
    stream, number = layer.stream(num_sequences), 0

    def run() -> None:
        nonlocal number
        stream.step(xs[number])
        number = (number + 1) % num_steps

    def results() -> Results:
        stream.reset()
        return {"output": np.stack([stream.step(x).copy() for x in xs], axis=1)}

    return Built(run, results)


def _article(task: Task, num_threads: int) -> Built:
    data = ArticleData(task.cell)
    model = tidegate.SequenceRegressor(
        task.cell,
        hidden_size=data.NUM_UNITS,
        dense=[(10, "tanh")],
        batch_size=1,
        learning_rate=LEARNING_RATE,
        max_epochs=data.NUM_EPOCHS,
        patience=None,
        validation=None,
        random_state=0,
        num_threads=num_threads,
    )

    def updated(optimizer: Optimizer, rate: float, count: int) -> Results:
        engine = Engine(article_network(task.cell), num_threads=num_threads)
        for name, value in data.parameters.items():
            engine.parameters[name] = value
        steps = Steps.of(data.x.reshape(-1, 1), np.arange(data.NUM_SEQUENCES + 1) * data.NUM_STEPS)
        engine.epoch(steps, Target(data.y), np.arange(count), 1, np.full(count, rate), optimizer)
        return {name: value.copy() for name, value in engine.parameters.items()}

    def results() -> Results:
        by_sgd = updated(Optimizer("sgd"), 1.0, 1)
        return updated(Optimizer(), LEARNING_RATE, data.CHECKED_UPDATES) | {
            f"{name}, one step down the gradient": value for name, value in by_sgd.items()
        }

    return Built(lambda: model.fit(data.x, data.y), results)


class Fit:
    """The fit of the vowels: the engine with given batches."""

    def __init__(self, cell: str, num_threads: int) -> None:
        self.data = VowelsData(cell)
        lengths = [len(one) for one in self.data.sequences]
        self.engine = Engine(vowels_network(cell), num_threads=num_threads)
        self.steps = Steps.of(np.concatenate(self.data.sequences), np.cumsum([0, *lengths]))
        self.target = Target(self.data.classes)

    def begin(self) -> None:
        for name, value in self.data.parameters.items():
            self.engine.parameters[name] = value
        for state in self.engine.optimizer_state.values():
            state[:] = 0
        self.engine.num_updates = 0

    def epoch(self, number: int, max_updates: int | None = None) -> None:
        rates = np.full(len(self.data.batches(number)), LEARNING_RATE)
        order = self.data.order(number)
        size = self.data.BATCH_SIZE
        self.engine.epoch(self.steps, self.target, order, size, rates, Optimizer(), max_updates=max_updates)


def _vowels(task: Task, num_threads: int) -> Built:
    fit = Fit(task.cell, num_threads)

    def run() -> None:
        fit.begin()
        for number in range(fit.data.NUM_EPOCHS):
            fit.epoch(number)

    def results() -> Results:
        fit.begin()
        fit.epoch(0, fit.data.CHECKED_UPDATES)
        return {name: value.copy() for name, value in fit.engine.parameters.items()}

    return Built(run, results)


def _epoch(task: Task, num_threads: int) -> Built:
    return Built(_epoch_of_sequences(task, num_threads), dict)


def _epoch_of_sequences(task: Task, num_threads: int) -> Callable[[], object]:
    """One epoch over the B sequences of the task in batches of 32, with Adam."""
    num_sequences, num_steps, input_size, hidden_size = task.shape
    rng = np.random.default_rng(0)
    from tidegate.network import sequence_network

    network = sequence_network(task.cell, input_size, hidden_size, 1, "mse")
    engine = Engine(network, num_threads=num_threads)
    engine.flat[:] = rng.normal(size=engine.flat.size) * 0.1
    values = rng.normal(size=(num_sequences * num_steps, input_size)).astype(np.float32)
    steps = Steps.of(values, np.arange(num_sequences + 1) * num_steps)
    target = Target(rng.normal(size=(num_sequences, 1)).astype(np.float32))
    order = np.arange(num_sequences)
    rates = np.full(-(-num_sequences // 32), 1e-5)
    return lambda: engine.epoch(steps, target, order, 32, rates, Optimizer())


def _replicas(task: Task, num_threads: int) -> Built:
    """An epoch of as many replicas as threads, each on one thread: side by side on Python's threads,
    or one after the other."""
    epochs = [_epoch_of_sequences(task, 1) for _ in range(num_threads)]
    if task.option == "side by side":
        pool = ThreadPoolExecutor(num_threads)
        return Built(lambda: list(pool.map(lambda epoch: epoch(), epochs)), dict)
    return Built(lambda: [epoch() for epoch in epochs], dict)


def _sgemm(task: Task, _num_threads: int) -> Built:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, *task.shape)).astype(np.float32)
    out = np.empty_like(a)
    return Built(lambda: np.matmul(a, b, out=out), dict)
