"""Draws shapes, arrays and calls for the engine until the time is over: right ones must give the reference's
numbers, wrong ones an error that names the argument, and none may end the process.

Each trial is drawn from its own number, which is printed first: --first N --trials 1 runs it again. One file,
since nothing else uses its parts.
"""

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tidegate.cells import CELLS
from tidegate.engine import Diverged, Engine, Optimizer, Parameters, Position, SparseRows, Steps, Target
from tidegate.network import (
    Dense,
    Embedding,
    Input,
    Loss,
    Network,
    Pool,
    Repeat,
    SparseInput,
    sequence_network,
)
from tidegate.network import Recurrent as Layer
from tidegate.recurrent import Recurrent
from tidegate.reference import run_stack

Array = npt.NDArray[Any]
Random = np.random.Generator
WIDTHS = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 61, 64, 65)
TOLERANCES = {"float32": 2e-4, "float64": 1e-9}
GRADIENT_TOLERANCES = {"float32": 2e-3, "float64": 2e-6}


class Wrong(Exception):
    """The engine did what it must not do."""


def close(what: str, got: npt.ArrayLike, expected: npt.ArrayLike, tolerance: float) -> None:
    got, expected = np.asarray(got, np.float64), np.asarray(expected, np.float64)
    if got.shape != expected.shape:
        raise Wrong(f"{what} has shape {got.shape}, expected {expected.shape}")
    error = np.abs(got - expected).max(initial=0.0) / max(1.0, np.abs(expected).max(initial=0.0))
    if not error <= tolerance:
        raise Wrong(f"{what} is off by {error:.3g}, allowed {tolerance:.3g}")


def refused(call: Callable[[], Any], argument: str) -> None:
    try:
        call()
    except (ValueError, MemoryError) as error:
        if not re.search(rf"\b{argument}\b", str(error)):
            raise Wrong(f"{type(error).__name__} does not name {argument}: {error}") from error
        return
    raise Wrong(f"{argument} was accepted")


# ---- layers on padded arrays ----


@dataclass(frozen=True)
class Given:
    """What Recurrent.forward is called with, and the layers."""

    layers: Recurrent
    x: Array
    lengths: Array | None
    states: dict[str, Array] | None
    mask: Array | None
    multiplier: dict[str, Array] | None

    def forward(self, **changed: Any) -> tuple[Array, dict[str, Array]]:
        fields = ("x", "lengths", "states", "mask", "multiplier")
        return self.layers.forward(**({name: getattr(self, name) for name in fields} | changed))


def draw_layers(rng: Random) -> Given:
    cell = str(rng.choice(sorted(CELLS)))
    input_size, hidden_size, batch_size = (int(rng.choice(WIDTHS)) for _ in range(3))
    num_steps, num_layers, bidirectional = (
        int(rng.integers(1, 9)),
        int(rng.integers(1, 3)),
        bool(rng.integers(2)),
    )
    layers = Recurrent(
        cell,
        input_size,
        hidden_size,
        num_layers,
        bidirectional,
        dtype=str(rng.choice(["float32", "float64"])),
        num_threads=int(rng.integers(1, 4)),
    )
    for value in layers.parameters.values():
        value[...] = rng.normal(size=value.shape) / np.sqrt(hidden_size)
    shape = (num_layers * (1 + bidirectional), batch_size)

    def some(draw: Callable[[], Any]) -> Any:
        return draw() if rng.integers(2) else None

    def by_state(*sizes: int) -> dict[str, Array]:
        names = [name for name in layers.cell.states if rng.integers(3)]
        return {name: rng.uniform(-1, 1, size=(*shape, *sizes, hidden_size)) for name in names}

    return Given(
        layers,
        rng.normal(size=(batch_size, num_steps, input_size)),
        some(lambda: rng.integers(1, num_steps + 1, batch_size)),
        some(by_state),
        some(lambda: rng.random((batch_size, num_steps)) < 0.7),
        some(lambda: by_state(num_steps)),
    )


def right_layers(rng: Random) -> None:
    given = draw_layers(rng)
    layers = given.layers
    output, final = given.forward()
    parameters = {name: value.astype(np.float64) for name, value in layers.parameters.items()}

    def reference(parameters: dict[str, Array], x: Array, states: Any, multiplier: Any) -> Any:
        return run_stack(layers.cell, parameters, x, states, given.lengths, given.mask, multiplier)

    expected = reference(parameters, given.x, given.states, given.multiplier)
    close("output", output, expected.output, TOLERANCES[layers.dtype])
    for name, value in expected.final.items():
        close(f"final {name}", final[name], value, TOLERANCES[layers.dtype])

    # The gradients of sum(output * weights), along one direction of all that it depends on.
    weights = rng.normal(size=output.shape) / np.sqrt(output.size)
    gradients = layers.backward(weights)
    ends = []
    direction = [
        {name: rng.normal(size=np.shape(value)) for name, value in (values or {}).items()}
        for values in (parameters, {"x": given.x}, given.states, given.multiplier)
    ]
    for step in (1e-5, -1e-5):
        moved = [
            {name: np.asarray(value) + step * along[name] for name, value in (values or {}).items()}
            for values, along in zip((parameters, {"x": given.x}, given.states, given.multiplier), direction)
        ]
        ends.append((reference(moved[0], moved[1]["x"], moved[2], moved[3]).output * weights).sum())
    parts = [gradients.parameters, {"x": gradients.x}, gradients.states, gradients.multiplier]
    slope = sum(
        float((np.asarray(part[name], np.float64) * values).sum())
        for part, along in zip(parts, direction)
        for name, values in along.items()
    )
    close("gradient", slope, (ends[0] - ends[1]) / 2e-5, GRADIENT_TOLERANCES[layers.dtype])


def wrong_layers(rng: Random) -> None:
    given = draw_layers(rng)
    batch_size, num_steps, _ = given.x.shape
    state = str(rng.choice(given.layers.cell.states))
    bad_length = int(rng.choice([0, -1, num_steps + 1, -(2**63), 2**63 - 1]))
    at = int(rng.integers(batch_size))

    def wrong_shape(*shape: int) -> Array:
        sizes = list(shape)
        sizes[rng.integers(len(sizes))] += int(rng.choice([1, 2, 10]))
        return rng.normal(size=sizes)

    lengths = np.full(batch_size, num_steps)
    lengths[at] = bad_length
    layers = given.layers.num_layers * (1 + given.layers.bidirectional)
    hidden = given.layers.hidden_size
    unread = given.x.copy()
    unread[at, 0, 0] = rng.choice([np.nan, np.inf, -np.inf])
    argument, changed = [
        ("x", {"x": given.x[:, :, :0]}),
        ("x", {"x": given.x[0]}),
        ("x", {"x": given.x.astype(complex)}),
        ("x", {"x": unread, "mask": None}),
        ("x", {"x": np.full(given.x.shape, "a")}),
        ("lengths", {"lengths": lengths}),
        ("lengths", {"lengths": np.ones(batch_size + 1, int)}),
        ("lengths", {"lengths": np.ones(batch_size)}),
        ("mask", {"mask": np.ones((batch_size, num_steps), np.uint8)}),
        ("mask", {"mask": np.ones((batch_size, num_steps + 1), bool)}),
        ("states", {"states": {state: wrong_shape(layers, batch_size, hidden)}}),
        ("states", {"states": {"z": np.zeros((layers, batch_size, hidden))}}),
        ("multiplier", {"multiplier": {state: wrong_shape(layers, batch_size, num_steps, hidden)}}),
    ][rng.integers(13)]
    refused(lambda: given.forward(**changed), argument)
    given.forward()
    shape = (batch_size, num_steps, hidden * (1 + given.layers.bidirectional))
    refused(lambda: given.layers.backward(wrong_shape(*shape)), "output_gradient|backward")


# ---- whole networks ----


@dataclass(frozen=True)
class Job:
    """An engine, ragged data, and what an epoch is told."""

    engine: Engine
    arguments: dict[str, Any]
    steps: Steps
    target: Target
    told: dict[str, Any]

    def epoch(self, **changed: Any) -> Any:
        told = {"steps": self.steps, "target": self.target, **self.told} | changed
        return self.engine.epoch(**told)


def draw_job(rng: Random) -> Job:
    dtype = str(rng.choice(["float32", "float64"]))
    loss = str(rng.choice(["mse", "mae", "huber", "softmax_cross_entropy", "sigmoid_cross_entropy"]))
    arguments = {
        "cell": str(rng.choice(sorted(CELLS))),
        "input_size": int(rng.choice(WIDTHS)),
        "hidden_size": int(rng.choice(WIDTHS)),
        "output_size": int(rng.integers(1, 20)),
        "loss": loss,
        "num_layers": int(rng.integers(1, 3)),
        "bidirectional": bool(rng.integers(2)),
        "dropout": float(rng.choice([0.0, 0.3])),
        "pooling": [None, "last", "mean", "max", "steps"][rng.integers(5)],
        "dense": [(), ((int(rng.choice(WIDTHS)), "relu"),), ((3, "tanh"), (2, "none"))][rng.integers(3)],
    }
    if arguments["pooling"] == "steps":
        arguments["num_steps"] = int(rng.integers(1, 15))
    engine = Engine(sequence_network(**arguments), dtype=dtype, num_threads=int(rng.integers(1, 4)))
    engine.flat[:] = rng.normal(size=engine.flat.size) / np.sqrt(arguments["hidden_size"])
    num_sequences = int(rng.integers(1, 40))
    lengths = rng.integers(0, 12, num_sequences)
    starts = np.zeros(num_sequences, np.int64)
    order = rng.permutation(num_sequences)  # of the sequences in memory
    starts[order] = np.cumsum(lengths[order]) - lengths[order] + rng.integers(3)
    num_rows = int(lengths.sum()) + int(rng.integers(3)) + 3
    values = rng.normal(size=(num_rows, arguments["input_size"])).astype(dtype)
    values.flags.writeable = bool(rng.integers(2))
    compared = num_rows if arguments["pooling"] is None else num_sequences
    if loss == "softmax_cross_entropy":
        targets = rng.integers(0, arguments["output_size"], compared).astype(np.int32)
    else:
        targets = rng.random(size=(compared, arguments["output_size"])).astype(dtype)
    weights = rng.uniform(0.5, 2, compared).astype(dtype) if rng.integers(2) else None
    count = int(rng.integers(0, 50)) if num_sequences else 0
    batch_size = int(rng.choice([1, 2, 7, 64, 2**31 - 1]))
    updates = -(-count // batch_size)
    told = {
        "order": rng.integers(0, max(num_sequences, 1), count),
        "batch_size": batch_size,
        "learning_rates": rng.uniform(0, 1e-2, updates),
        "optimizer": Optimizer(
            str(rng.choice(["adam", "adamw", "rmsprop", "sgd"])), clip_norm=[None, 1.0][rng.integers(2)]
        ),
        "seed": int(rng.integers(2**62)),
    }
    return Job(engine, arguments, Steps((values,), starts, lengths), Target(targets, weights), told)


def predicted(job: Job) -> Array:
    """The outputs by the reference and NumPy."""
    steps, arguments = job.steps, job.arguments
    parameters = {name: value.astype(np.float64) for name, value in job.engine.parameters.items()}
    stack = {name: value for name, value in parameters.items() if re.search(r"_l\d+(_reverse)?$", name)}
    per_step = arguments["pooling"] is None
    width = arguments["output_size"]
    outputs = np.zeros((len(steps.inputs[0]) if per_step else len(steps), width))
    for index, (start, length) in enumerate(zip(steps.starts, steps.lengths)):
        run = run_stack(CELLS[arguments["cell"]], stack, steps.inputs[0][np.newaxis, start : start + length])
        rows = run.output[0]
        half = arguments["hidden_size"]
        if length == 0 and not per_step:  # zeros, whatever the pool
            rows = np.zeros((1, rows.shape[1] * arguments.get("num_steps", 1)))
        elif arguments["pooling"] == "last":
            rows = np.concatenate([rows[-1:, :half], rows[:1, half:]], axis=1)
        elif arguments["pooling"] == "steps":
            ways = rows[: arguments["num_steps"]].reshape(-1, rows.shape[1] // half, half)
            rows = np.zeros((ways.shape[1], arguments["num_steps"], half))
            rows[:, : len(ways)] = ways.swapaxes(0, 1)
            rows = rows.reshape(1, -1)
        elif not per_step:
            rows = getattr(np, arguments["pooling"])(rows, axis=0)[np.newaxis]
        activations = [activation for _, activation in arguments["dense"]] + ["none"]
        for name, activation in zip(
            [f"dense{i}" for i in range(len(activations) - 1)] + ["output"], activations
        ):
            rows = rows @ parameters[f"weight_{name}"].T + parameters[f"bias_{name}"]
            rows = {"none": rows, "tanh": np.tanh(rows), "relu": np.maximum(rows, 0)}[activation]
        outputs[slice(start, start + length) if per_step else slice(index, index + 1)] = rows
    return outputs


def right_job(rng: Random) -> None:
    job = draw_job(rng)
    engine, tolerance = job.engine, TOLERANCES[job.engine.dtype]
    expected = predicted(job)
    batch_size = int(rng.integers(1, 50))
    close("prediction", engine.predict(job.steps, batch_size), expected, tolerance)
    if not any(getattr(node, "reverse", False) for node in engine.network.nodes):
        in_windows = engine.predict(job.steps, batch_size, window=int(rng.integers(1, 20)))
        if not np.array_equal(in_windows, engine.predict(job.steps, batch_size)):
            raise Wrong("a prediction depends on its windows")
    engine.forward(job.steps, target=job.target, training=bool(rng.integers(2)), seed=1)
    loss = engine.evaluate(job.steps, job.target, batch_size=batch_size).loss
    close("loss in batches", loss, engine.evaluate(job.steps, job.target, batch_size=10**6).loss, tolerance)

    alone = Engine(engine.network, dtype=engine.dtype, num_threads=1)
    alone.flat[:] = engine.flat
    results = []
    for one in (job, replace(job, engine=alone)):
        try:
            results.append(one.epoch())
        except Diverged as error:
            results.append(str(error))
    if repr(results[0]) != repr(results[1]) or not np.array_equal(engine.flat, alone.flat):
        raise Wrong("an epoch depends on the number of threads")


def wrong_job(rng: Random) -> None:
    job = draw_job(rng)
    engine, steps, told = job.engine, job.steps, job.told
    values = steps.inputs[0]
    other = "float64" if engine.dtype == "float32" else "float32"
    num_sequences, num_rows = len(steps), len(values)
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("inputs", {"steps": replace(steps, inputs=(values.astype(other),))}),
        ("inputs", {"steps": replace(steps, inputs=(values.astype(values.dtype.newbyteorder()),))}),
        ("inputs", {"steps": replace(steps, inputs=(np.concatenate([values, values])[::2],))}),
        ("inputs", {"steps": replace(steps, inputs=(np.concatenate([values, values], axis=1),))}),
        ("inputs", {"steps": replace(steps, inputs=(values, values))}),
        ("starts", {"steps": replace(steps, starts=np.append(steps.starts, 0))}),
        (
            "targets",
            {
                "target": replace(
                    job.target, values=np.concatenate([job.target.values, job.target.values[:1]])
                )
            },
        ),
        (
            "weights",
            {"target": replace(job.target, weights=np.ones(len(job.target.values) + 1, engine.dtype))},
        ),
        ("weights", {"target": replace(job.target, weights=np.ones(len(job.target.values), other))}),
        ("order", {"order": np.append(told["order"], rng.choice([-1, num_sequences, 2**62, -(2**63)]))}),
        ("order", {"order": told["order"].astype(np.int32)}),
        ("batch_size", {"batch_size": int(rng.choice([0, -1, -(2**62)]))}),
        ("learning_rates", {"learning_rates": np.append(told["learning_rates"], 0.1)}),
        ("position", {"position": Position(int(rng.choice([-1, len(told["learning_rates"]) + 1, 2**62])))}),
        ("max_updates", {"max_updates": -1}),
    ]
    if num_sequences:
        at = int(rng.integers(num_sequences))
        for name, bad in (
            ("lengths", [-1, num_rows + 1, 2**63 - 1, -(2**63)]),
            # A sequence without steps may begin where the rows end.
            ("starts", [-1, num_rows + (steps.lengths[at] == 0), 2**63 - 1, -(2**63)]),
        ):
            array = getattr(steps, name).copy()
            array[at] = rng.choice(np.array(bad, np.int64))
            wrong.append((name, {"steps": replace(steps, **{name: array})}))
    argument, changed = wrong[rng.integers(len(wrong))]
    before = engine.flat.copy()
    if argument == "targets" and not len(job.target.values):
        return
    refused(lambda: job.epoch(**changed), argument)
    if not np.array_equal(engine.flat, before) or engine.num_updates:
        raise Wrong("a call that was refused changed the parameters")


def calls_in_any_order(rng: Random) -> None:
    """Reads of a pass that is there have its shapes; of one that is not, they are refused."""
    jobs = [draw_job(rng) for _ in range(2)]
    engine = jobs[0].engine
    second = draw_job(np.random.default_rng(rng.integers(2**32)))
    values = np.zeros((len(second.steps.inputs[0]), jobs[0].arguments["input_size"]), engine.dtype)
    data = [jobs[0].steps, replace(second.steps, inputs=(values,))]
    kept: Steps | None = None
    differentiable = differentiated = recorded = False
    for _ in range(int(rng.integers(2, 12))):
        steps = data[rng.integers(2)]
        match rng.choice(["forward", "backward", "read", "gradients", "predict", "wrong"]):
            case "forward":
                differentiable, differentiated, kept = bool(rng.integers(2)), False, steps
                engine.forward(steps, training=differentiable)
            case "backward" if differentiable:
                recorded = bool(rng.integers(2))
                engine.backward(
                    {"l0": np.zeros((len(kept.inputs[0]), engine.network.widths["l0"]), engine.dtype)},
                    record=recorded,
                )
                differentiable, differentiated = False, True
            case "backward":
                refused(engine.backward, "backward")
            case "read":
                name = str(rng.choice([node.name for node in engine.network.nodes if node.kind != "loss"]))
                if kept is None:
                    refused(lambda name=name: engine.value(name), "value")
                else:
                    rows = len(kept.inputs[0]) if engine.network.is_per_step(name) else len(kept)
                    if engine.value(name).shape != (rows, engine.network.widths[name]):
                        raise Wrong(f"value of {name} has shape {engine.value(name).shape}")
                    assert engine.final_states("l0").shape[1] == len(kept)
                if kept is None or differentiated:
                    refused(lambda: engine.trace("l0"), "trace")
                else:
                    shapes = {rows.shape for rows in engine.trace("l0").values()}
                    assert shapes == {(len(kept.inputs[0]), engine.network.widths["l0"])}
            case "gradients" if differentiated:
                assert engine.initial_state_gradients("l0").shape[1] == len(kept)
                refused(engine.input_gradient, "needs_gradient")
                if recorded:
                    shapes = {rows.shape for rows in engine.state_gradients("l0").values()}
                    assert shapes == {(len(kept.inputs[0]), engine.network.widths["l0"])}
                else:
                    refused(lambda: engine.state_gradients("l0"), "record")
            case "gradients":
                refused(lambda: engine.initial_state_gradients("l0"), "backward")
            case "predict":
                engine.predict(steps, int(rng.integers(1, 9)))
                kept, differentiable, differentiated = None, False, False
            case "wrong":
                refused(lambda steps=steps: engine.forward(steps, mask=np.ones(10**4, np.uint8)), "mask")


# ---- sparse rows, what is per sequence, and windows of time ----


@dataclass(frozen=True)
class Wired:
    """An engine on an input and sparse rows of steps; whole: also on sparse rows of sequences, which stand at
    every step and begin some states, so that it does not go in windows."""

    engine: Engine
    whole: bool
    steps: Steps
    target: Target
    initial: dict[str, Array] | None
    mask: Array | None

    @property
    def layer(self) -> Layer:
        return next(node for node in self.engine.network.nodes if isinstance(node, Layer))

    def predicted(self, parameters: dict[str, Array]) -> Array:
        """By the reference and NumPy, (rows, K) with zeros in rows of no sequence."""
        steps, layer, sparse = self.steps, self.layer, self.steps.sparse
        stack = {name: value for name, value in parameters.items() if name.endswith("_l0")}
        words = product(sparse[0], parameters["weight_words"])
        columns = [steps.inputs[0], words]
        begins = np.zeros((len(steps), layer.hidden_size))
        if self.whole:
            kinds = product(sparse[1], parameters["weight_kinds"])
            begins = np.tanh(kinds @ parameters["weight_begin"].T + parameters["bias_begin"])
        per_step = self.engine.network.is_per_step("output")
        out = np.zeros((len(steps.inputs[0]) if per_step else len(steps), 2))
        for index, (start, length) in enumerate(zip(steps.starts, steps.lengths)):
            own = slice(start, start + length)
            x = [part[own] for part in columns]
            if self.whole:
                x.append(np.repeat(kinds[index : index + 1], length, axis=0))
            names = zip(CELLS[layer.cell].states, layer.beginnings)
            states = {name: begins[np.newaxis, index : index + 1] for name, of in names if of is not None}
            if self.initial is not None:
                states = {
                    name: value[np.newaxis, np.newaxis, index]
                    for name, value in zip(CELLS[layer.cell].states, self.initial["l0"])
                }
            mask = None if self.mask is None else self.mask[np.newaxis, own].astype(bool)
            rows = run_stack(
                CELLS[layer.cell], stack, np.concatenate(x, axis=1)[np.newaxis], states or None, None, mask
            ).output[0]
            if not per_step:
                rows = rows.mean(axis=0, keepdims=True) if length else np.zeros((1, layer.hidden_size))
            rows = rows @ parameters["weight_output"].T + parameters["bias_output"]
            out[own if per_step else slice(index, index + 1)] = rows
        return out

    def loss(self, parameters: dict[str, Array]) -> float:
        error = (self.predicted(parameters) - self.target.values) ** 2
        if not self.engine.network.is_per_step("output"):
            return float(error.mean())
        own = np.zeros(len(error), bool)
        for start, length in zip(self.steps.starts, self.steps.lengths):
            own[start : start + length] = True
        return float(error[own].mean()) if own.any() else 0.0


def product(rows: SparseRows, table: Array) -> Array:
    out = np.zeros((len(rows.offsets) - 1, table.shape[1]))
    at = np.repeat(np.arange(len(out)), np.diff(rows.offsets))
    values = np.ones(len(at)) if rows.values is None else rows.values
    np.add.at(out, at, values[:, np.newaxis] * table[rows.columns])
    return out


def draw_wired(rng: Random) -> Wired:
    dtype, cell = str(rng.choice(["float32", "float64"])), str(rng.choice(sorted(CELLS)))
    hidden_size, size, input_size = (int(rng.choice(WIDTHS)) for _ in range(3))
    whole, per_step = bool(rng.integers(2)), bool(rng.integers(2))
    states = CELLS[cell].states
    beginnings = tuple("begin" if rng.integers(2) else None for _ in states) if whole else ()
    of_steps, of_sequences = (int(rng.choice([1, 2, 50, 1000])) for _ in range(2))
    nodes: list[Any] = [Input("x", input_size), SparseInput("w", of_steps), Embedding("words", ("w",), size)]
    if whole:
        nodes += [
            SparseInput("k", of_sequences, None),
            Embedding("kinds", ("k",), 3),
            Dense("begin", ("kinds",), hidden_size, "tanh"),
            Repeat("kind_steps", ("kinds",), "x"),
        ]
    read = ("x", "words", *(["kind_steps"] if whole else []))
    nodes.append(Layer("l0", read, cell, hidden_size, beginnings=beginnings))
    nodes += [] if per_step else [Pool("pool", ("l0",), "mean")]
    nodes += [Dense("output", ("l0" if per_step else "pool",), 2), Loss("loss", ("output",), "mse")]
    engine = Engine(Network(tuple(nodes)), dtype=dtype, num_threads=int(rng.integers(1, 4)))
    engine.flat[:] = rng.normal(size=engine.flat.size) / np.sqrt(hidden_size + size + input_size)
    lengths = rng.integers(0, 12, int(rng.integers(1, 30)))
    starts, num_rows = np.cumsum(lengths) - lengths, int(lengths.sum())

    def sparse(rows: int, columns: int) -> SparseRows:
        offsets = np.concatenate(([0], np.cumsum(rng.integers(0, 4, rows)))).astype(np.int64)
        entries = rng.integers(0, columns, offsets[-1]).astype(np.int32)
        return SparseRows(
            offsets, entries, rng.normal(size=len(entries)).astype(dtype) if rng.integers(2) else None
        )

    rows = (sparse(num_rows, of_steps), *([sparse(len(lengths), of_sequences)] if whole else []))
    x = rng.normal(size=(num_rows, input_size)).astype(dtype)
    y = rng.normal(size=(num_rows if per_step else len(lengths), 2)).astype(dtype)
    initial = {"l0": rng.uniform(-1, 1, size=(len(states), len(lengths), hidden_size)).astype(dtype)}
    return Wired(
        engine,
        whole,
        Steps((x,), starts, lengths, rows),
        Target(y),
        None if whole or rng.integers(2) else initial,
        None if whole or rng.integers(2) else (rng.random(num_rows) < 0.7).astype(np.uint8),
    )


def right_wired(rng: Random) -> None:
    wired = draw_wired(rng)
    engine, steps, target = wired.engine, wired.steps, wired.target
    tolerance, gradient_tolerance = TOLERANCES[engine.dtype], GRADIENT_TOLERANCES[engine.dtype]
    parameters = {name: value.astype(np.float64) for name, value in engine.parameters.items()}
    begun = {"initial": wired.initial, "mask": wired.mask}
    result = engine.forward(steps, target=target, training=True, seed=None, **begun)
    close("values", engine.value("output"), wired.predicted(parameters), tolerance)
    close("loss", result.loss, wired.loss(parameters), tolerance)
    engine.backward()
    gradients = {name: value.copy() for name, value in engine.gradients.items()}
    along = {name: rng.normal(size=value.shape) for name, value in parameters.items()}
    ends = [
        wired.loss({name: value + step * along[name] for name, value in parameters.items()})
        for step in (1e-5, -1e-5)
    ]
    slope = sum(float((gradients[name].astype(np.float64) * along[name]).sum()) for name in along)
    close("gradient", slope, (ends[0] - ends[1]) / 2e-5, gradient_tolerance)

    window = int(rng.integers(1, 15))
    if wired.whole:
        refused(lambda: engine.differentiate(steps, target=target, window=window), "window")
        refused(lambda: engine.predict(steps, window=window), "window")
    else:
        final, initial = engine.final_states("l0"), engine.initial_state_gradients("l0")
        engine.differentiate(steps, target=target, window=window, **begun)
        for name, gradient in gradients.items():
            close(f"gradient of {name} in windows", engine.gradients[name], gradient, tolerance)
        close("initial gradients in windows", engine.initial_state_gradients("l0"), initial, tolerance)
        if not np.array_equal(engine.final_states("l0"), final):
            raise Wrong("final states depend on the windows")

    order = rng.permutation(len(steps))
    batch_size = int(rng.integers(1, len(steps) + 1))
    told = {} if wired.whole else [{}, {"recompute": True}, {"bptt_steps": window}][rng.integers(3)]
    told |= {"weight_noise": [0.0, 0.1][rng.integers(2)]}
    optimizer = Optimizer(
        str(rng.choice(["adam", "adamw", "rmsprop", "sgd"])), clip_norm=[None, 1.0][rng.integers(2)]
    )
    updates = engine.updates_of_batches(steps.lengths, order, batch_size, told.get("bptt_steps"))
    by_window = told.get("bptt_steps") and engine.network.is_per_step("output")
    rates = rng.uniform(0, 1e-2, sum(updates) if by_window else len(updates))
    alone = Engine(engine.network, dtype=engine.dtype, num_threads=1)
    alone.flat[:] = before = engine.flat.copy()
    for one in (engine, alone):
        one.epoch(steps, target, order, batch_size, rates, optimizer, **told)
    if not np.array_equal(engine.flat, alone.flat):
        raise Wrong("an epoch depends on the number of threads")
    unread = np.setdiff1d(np.arange(len(parameters["weight_words"])), steps.sparse[0].columns)
    table = Parameters(before, engine.network.parameter_shapes)["weight_words"]
    if not np.array_equal(engine.parameters["weight_words"][unread], table[unread]):
        raise Wrong("an epoch changed rows of a table that no step reads")


def wrong_wired(rng: Random) -> None:
    wired = draw_wired(rng)
    steps, rows = wired.steps, wired.steps.sparse[0]
    columns = next(node.size for node in wired.engine.network.nodes if node.name == "w")
    other = "float64" if wired.engine.dtype == "float32" else "float32"
    changed: list[tuple[str, dict[str, Any]]] = [
        ("sparse", {"offsets": np.append(rows.offsets, rows.offsets[-1])}),
        ("sparse", {"offsets": rows.offsets + 1}),
        ("sparse", {"columns": np.append(rows.columns, np.int32(0))}),
        ("sparse", {"values": np.ones(len(rows.columns) + 1, wired.engine.dtype)}),
        ("sparse", {"values": np.ones(len(rows.columns), other)}),
    ]
    if len(rows.columns):
        bad = rows.columns.copy()
        bad[rng.integers(len(bad))] = rng.choice([columns, -1, 2**31 - 1, -(2**31)])
        falling = rows.offsets.copy()
        falling[rng.integers(len(falling))] = rng.choice([-1, rows.offsets[-1] + 1, 2**62, -(2**63)])
        changed += [("sparse", {"columns": bad}), ("sparse", {"offsets": falling})]
    argument, what = changed[rng.integers(len(changed))]
    given = {"offsets": rows.offsets, "columns": rows.columns, "values": rows.values} | what
    wrong = replace(steps, sparse=(SparseRows(**given), *steps.sparse[1:]))
    refused(lambda: wired.engine.forward(wrong), argument)
    refused(lambda: wired.engine.forward(replace(steps, sparse=())), "sparse")
    states = {"l0": np.zeros((9, len(steps), wired.layer.hidden_size), wired.engine.dtype)}
    refused(lambda: wired.engine.forward(steps, initial=states), "initial")


def sizes_that_do_not_fit(rng: Random) -> None:
    sizes = {name: int(2.0 ** rng.uniform(18, 31)) - 1 for name in ("input_size", "hidden_size")}
    refused(lambda: Recurrent(str(rng.choice(sorted(CELLS))), **sizes), "hidden_size")


KINDS = (
    right_layers,
    wrong_layers,
    right_job,
    wrong_job,
    right_wired,
    wrong_wired,
    calls_in_any_order,
    sizes_that_do_not_fit,
)
SHARES = (0.22, 0.11, 0.2, 0.11, 0.2, 0.05, 0.09, 0.02)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long")
    parser.add_argument("--trials", type=int, default=sys.maxsize, help="at most so many")
    parser.add_argument("--first", type=int, default=0, help="number of the first")
    arguments = parser.parse_args()
    made: Counter[str] = Counter()
    end = time.monotonic() + arguments.seconds
    trial = arguments.first
    while time.monotonic() < end and trial - arguments.first < arguments.trials:
        rng = np.random.default_rng(trial)
        kind = KINDS[rng.choice(len(KINDS), p=SHARES)]
        print(f"\rtrial {trial} {kind.__name__:<22}", end="", flush=True)  # a crash leaves the number behind
        kind(rng)
        made[kind.__name__] += 1
        trial += 1
    print("\r" + ", ".join(f"{count} {name}" for name, count in sorted(made.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
