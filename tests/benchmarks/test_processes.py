"""A peer's process, with Tidegate as the peer: what it computes, what it does not have, and how it ends."""

import numpy as np
import pytest

from benchmarks.engine.processes import Failed, PeerProcess
from benchmarks.engine.run import check_same
from benchmarks.engine.work import LayerData, Task, Unsupported
from tidegate import Recurrent


@pytest.fixture(scope="module")
def process():
    started = PeerProcess("tidegate", 1)
    yield started
    started.close()
    assert not started.is_alive


def computed(task: Task) -> dict[str, np.ndarray]:
    """By the public class, on the same data."""
    data = LayerData(task)
    layer = Recurrent(task.cell, *task.shape[2:])
    for name, value in data.parameters.items():
        layer.parameters[f"{name}_l0"] = value
    output, _ = layer.forward(data.x, lengths=data.lengths)
    gradients = layer.backward(data.gradient).parameters
    return {"output": output} | {name.removesuffix("_l0"): value for name, value in gradients.items()}


@pytest.mark.parametrize("option", ["", "ragged"])
def test_a_training_step_computes_what_the_library_does(process, option):
    task = Task("train", "gru", (3, 20, 4, 5), option)
    found = process.build(task)
    assert set(found["results"]) == {"output", "weight_ih", "weight_hh", "bias", "bias_hn"}
    check_same(found["results"], computed(task))


@pytest.mark.parametrize("kind", ["infer", "stream"])
def test_inference_and_streaming_compute_the_same_output(process, kind):
    task = Task(kind, "lstm", (1, 6, 4, 5))
    check_same(process.build(task)["results"], computed(task))


def test_a_burst_times_what_was_built(process):
    task = Task("train", "lstm", (1, 2, 3, 4))
    process.build(task)
    found = process.burst(task, 0.0)
    assert found.num_calls >= len(found.seconds) >= 1
    assert found.used.wall > 0
    process.release()
    with pytest.raises(Failed, match="KeyError"):
        process.burst(task, 0.0)


def test_what_a_peer_does_not_have_and_what_fails_is_told_apart(process):
    with pytest.raises(Unsupported, match="tea"):
        process.build(Task("tea"))
    with pytest.raises(Failed, match="ValueError: cell expects one of"):
        process.build(Task("train", "no cell", (1, 2, 3, 4)))


def test_a_process_that_died_says_so():
    process = PeerProcess("tidegate", 1)
    process._process.kill()
    with pytest.raises(Failed, match="ended with code -9"):
        process.build(Task("train", "lstm", (1, 2, 3, 4)))
    process.close()
