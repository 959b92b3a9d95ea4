"""JAX: a compiled scan over time, the input's product over all steps at once; for the article's example a
whole epoch in one compiled call."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.engine.timing import fastest
from benchmarks.engine.work import LEARNING_RATE, ArticleData, Built, LayerData, Results, Task, Unsupported

Arrays = dict[str, Any]


def versions() -> dict[str, str]:
    return {"jax": jax.__version__}


def build(task: Task, num_threads: int) -> Built:
    kinds = {"train": _train, "article": _article}
    if task.kind not in kinds or task.cell not in STEPS or task.option:
        raise Unsupported(f"{task.kind} {task.option}")
    return kinds[task.kind](task)


# Each: parameters, a step's input product (B, G*H), states -> states, h first.


def _lstm(p: Arrays, xw: Any, states: Any) -> Any:
    h, c = states
    i, f, g, o = jnp.split(xw + h @ p["weight_hh"].T, 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def _lstm_peephole(p: Arrays, xw: Any, states: Any) -> Any:
    h, c = states
    i, f, g, o = jnp.split(xw + h @ p["weight_hh"].T, 4, axis=-1)
    peephole_i, peephole_f, peephole_o = jnp.split(p["weight_ch"], 3)
    i, f = jax.nn.sigmoid(i + peephole_i * c), jax.nn.sigmoid(f + peephole_f * c)
    c = f * c + i * jnp.tanh(g)
    return jax.nn.sigmoid(o + peephole_o * c) * jnp.tanh(c), c


def _gru(p: Arrays, xw: Any, states: Any) -> Any:
    (h,) = states
    x_r, x_z, x_n = jnp.split(xw, 3, axis=-1)
    h_r, h_z, h_n = jnp.split(h @ p["weight_hh"].T, 3, axis=-1)
    r, z = jax.nn.sigmoid(x_r + h_r), jax.nn.sigmoid(x_z + h_z)
    n = jnp.tanh(x_n + r * (h_n + p["bias_hn"]))
    return (n + z * (h - n),)


def _gru_reset_before(p: Arrays, xw: Any, states: Any) -> Any:
    (h,) = states
    hidden_size = h.shape[-1]
    x_rz, x_n = xw[..., : 2 * hidden_size], xw[..., 2 * hidden_size :]
    weight_rz, weight_n = p["weight_hh"][: 2 * hidden_size], p["weight_hh"][2 * hidden_size :]
    r, z = jnp.split(jax.nn.sigmoid(x_rz + h @ weight_rz.T), 2, axis=-1)
    n = jnp.tanh(x_n + (r * h) @ weight_n.T)
    return (n + z * (h - n),)


STEPS: dict[str, Callable[[Arrays, Any, Any], Any]] = {
    "lstm": _lstm,
    "lstm_peephole": _lstm_peephole,
    "gru": _gru,
    "gru_reset_before": _gru_reset_before,
}
NUM_STATES = {"lstm": 2, "lstm_peephole": 2, "gru": 1, "gru_reset_before": 1}


def _run(cell: str, p: Arrays, x: Any, unroll: int) -> Any:
    """x: (T, B, I); h of every step, (T, B, H)."""
    projected = x @ p["weight_ih"].T + p["bias"]
    zero = jnp.zeros((x.shape[1], p["weight_hh"].shape[1]), x.dtype)

    def step(states: Any, xw: Any) -> Any:
        states = STEPS[cell](p, xw, states)
        return states, states[0]

    return jax.lax.scan(step, (zero,) * NUM_STATES[cell], projected, unroll=unroll)[1]


def _compiled(function: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    began = time.perf_counter()
    return jax.jit(function).lower(*arguments).compile(), time.perf_counter() - began


def _train(task: Task) -> Built:
    data = LayerData(task)
    x, gradient = (jnp.asarray(array.swapaxes(0, 1)) for array in (data.x, data.gradient))
    parameters = {name: jnp.asarray(value) for name, value in data.parameters.items()}

    def step(unroll: int) -> Callable[[Arrays, Any, Any], Any]:
        def gradients(p: Arrays, x: Any, gradient: Any) -> Any:
            output, back = jax.vjp(lambda p: _run(task.cell, p, x, unroll), p)
            return output, back(gradient)[0]

        return gradients

    compiled = {
        f"scan, unroll={unroll}": _compiled(step(unroll), parameters, x, gradient) for unroll in (1, 4)
    }
    runs = {name: _blocking(function, parameters, x, gradient) for name, (function, _) in compiled.items()}
    variant = fastest(runs)

    def results() -> Results:
        output, gradients = runs[variant]()
        return {"output": np.asarray(output).swapaxes(0, 1)} | {
            name: np.asarray(value) for name, value in gradients.items()
        }

    return Built(runs[variant], results, variant, compiled[variant][1])


def _blocking(function: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
    return lambda: jax.block_until_ready(function(*arguments))


def _article(task: Task) -> Built:
    data = ArticleData(task.cell)
    xs, ys = jnp.asarray(data.x), jnp.asarray(data.y)
    start = {name: jnp.asarray(value) for name, value in data.parameters.items()}

    def loss(p: Arrays, x: Any, y: Any, unroll: int) -> Any:
        layer = {name.removesuffix("_l0"): value for name, value in p.items() if name.endswith("_l0")}
        last = _run(task.cell, layer, x[:, jnp.newaxis], unroll)[-1, 0]
        hidden = jnp.tanh(p["weight_dense0"] @ last + p["bias_dense0"])
        return jnp.mean((p["weight_output"] @ hidden + p["bias_output"] - y) ** 2)

    def epoch(unroll: int) -> Callable[[Any, Any], Any]:
        def update(carry: Any, index: Any) -> Any:
            p, first, second, count = carry
            value, g = jax.value_and_grad(loss)(p, xs[index], ys[index], unroll)
            count = count + 1
            first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, g)
            second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, g)
            scale_1, scale_2 = 1 / (1 - 0.9**count), 1 / (1 - 0.999**count)
            p = jax.tree.map(
                lambda p, m, v: p - LEARNING_RATE * m * scale_1 / (jnp.sqrt(v * scale_2) + 1e-8),
                p,
                first,
                second,
            )
            return (p, first, second, count), value

        return lambda carry, order: jax.lax.scan(update, carry, order)

    zero = jax.tree.map(jnp.zeros_like, start)
    carry = (start, zero, zero, jnp.float32(0))

    def order(number: int) -> Any:
        return jnp.asarray(np.random.default_rng(number).permutation(data.NUM_SEQUENCES), jnp.int32)

    unrolls = {f"whole-epoch scan, unroll={unroll}": unroll for unroll in (1, data.NUM_STEPS)}
    compiled = {name: _compiled(epoch(unroll), carry, order(0)) for name, unroll in unrolls.items()}

    def fit(function: Any) -> Callable[[], Any]:
        def run() -> Any:
            state = carry
            for number in range(data.NUM_EPOCHS):
                state, _ = function(state, order(number))
            return jax.block_until_ready(state)

        return run

    runs = {name: fit(function) for name, (function, _) in compiled.items()}
    variant = fastest(runs)

    def results() -> Results:
        (parameters, *_), _ = jax.jit(epoch(1))(carry, jnp.arange(data.CHECKED_UPDATES))
        return {name: np.asarray(value) for name, value in parameters.items()}

    return Built(runs[variant], results, variant, compiled[variant][1])
