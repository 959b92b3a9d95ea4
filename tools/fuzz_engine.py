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
from tidegate.engine import Diverged, Engine, Optimizer, Position, Steps, Target
from tidegate.network import sequence_network
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
            ("starts", [-1, num_rows, 2**63 - 1, -(2**63)]),
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


def sizes_that_do_not_fit(rng: Random) -> None:
    sizes = {name: int(2.0 ** rng.uniform(18, 31)) - 1 for name in ("input_size", "hidden_size")}
    refused(lambda: Recurrent(str(rng.choice(sorted(CELLS))), **sizes), "hidden_size")


KINDS = (right_layers, wrong_layers, right_job, wrong_job, calls_in_any_order, sizes_that_do_not_fit)
SHARES = (0.3, 0.15, 0.25, 0.15, 0.13, 0.02)


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
