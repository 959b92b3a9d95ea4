"""What the engine refuses: each time an error that names the argument, and nothing is changed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tidegate.engine import Engine, Optimizer, Position, Steps, Target
from tidegate.engine.native import extension
from tidegate.network import Input, Network, Pool, sequence_network
from tidegate.recurrent import Recurrent

Array = npt.NDArray[Any]
NUM_SEQUENCES, NUM_STEPS, INPUT_SIZE, HIDDEN_SIZE = 4, 5, 3, 6
NETWORK = sequence_network("lstm", INPUT_SIZE, HIDDEN_SIZE, 2, "mse")
CLASSES = sequence_network("gru", INPUT_SIZE, HIDDEN_SIZE, 3, "softmax_cross_entropy", pooling=None)
ORDER = np.arange(NUM_SEQUENCES, dtype=np.int64)
RATES = np.full(2, 0.01)


def ones(*shape: int, dtype: npt.DTypeLike = np.float32) -> Array:
    return np.ones(shape, dtype)


def whole(*values: int) -> npt.NDArray[np.int64]:
    return np.array(values, np.int64)


STEPS = Steps.of(ones(NUM_SEQUENCES * NUM_STEPS, INPUT_SIZE), np.arange(0, 21, NUM_STEPS))
TARGET = Target(ones(NUM_SEQUENCES, 2))


def misaligned(*shape: int) -> Array:
    count = int(np.prod(shape)) * 4
    return np.zeros(count + 1, np.uint8)[1:].view(np.float32).reshape(shape)


def inputs(*arrays: Any) -> Steps:
    return replace(STEPS, inputs=arrays)


BAD_STEPS: dict[str, tuple[Callable[[], Steps], str]] = {
    "dtype": (lambda: inputs(ones(20, 3, dtype=np.float64)), r"inputs\[0\] expects .*float32.*; got <f8"),
    "byte order": (lambda: inputs(ones(20, 3).astype(">f4")), r"inputs\[0\] expects .*; got >f4"),
    "order": (lambda: inputs(np.asfortranarray(ones(20, 3))), r"inputs\[0\] expects .*; got not contiguous"),
    "gaps": (lambda: inputs(ones(40, 3)[::2]), r"inputs\[0\] expects .*; got not contiguous"),
    "alignment": (lambda: inputs(misaligned(20, 3)), r"inputs\[0\] expects .* C-contiguous"),
    "axes": (lambda: inputs(ones(60)), r"inputs\[0\] expects .* 2 axes; got <f4 of shape \(60,\)"),
    "list": (lambda: inputs([[1.0]]), r"inputs\[0\] expects .*; got list"),
    "columns": (lambda: inputs(ones(20, 4)), r"inputs\[0\] expects 3 columns; got 4"),
    "two inputs": (lambda: inputs(ones(20, 3), ones(20, 3)), "inputs expects one array for each of the 1"),
    "no inputs": (lambda: inputs(), "inputs expects one array for each of the 1 inputs .*; got 0"),
    "starts' dtype": (lambda: replace(STEPS, starts=ones(4)), "starts expects .* int64"),
    "lengths' dtype": (
        lambda: replace(STEPS, lengths=STEPS.lengths.astype(np.int32)),
        "lengths expects .* int64 .*; got <i4",
    ),
    "lengths' count": (lambda: replace(STEPS, lengths=whole(5)), "starts expects one row for each of the 1"),
    "length -1": (lambda: replace(STEPS, lengths=whole(5, -1, 5, 5)), r"lengths\[1\]=-1 is below 0"),
    "too long": (
        lambda: replace(STEPS, lengths=whole(5, 5, 5, 6)),
        r"starts\[3\]=15 and lengths\[3\]=6 lie out",
    ),
    "longest": (
        lambda: replace(STEPS, lengths=whole(5, 5, 5, 2**63 - 1)),
        r"lengths\[3\]=9223372036854775807",
    ),
    "start -1": (lambda: replace(STEPS, starts=whole(-1, 5, 10, 15)), r"starts\[0\]=-1 .* lie outside"),
    "far start": (lambda: replace(STEPS, starts=whole(0, 5, 10, 2**62)), r"starts\[3\]=4611686018427387904"),
}


@pytest.mark.parametrize("call", ["epoch", "evaluate", "predict", "forward"])
@pytest.mark.parametrize(("steps", "words"), BAD_STEPS.values(), ids=BAD_STEPS)
def test_steps(call: str, steps: Callable[[], Steps], words: str) -> None:
    engine = Engine(NETWORK)
    calls = {
        "epoch": lambda bad: engine.epoch(bad, TARGET, ORDER, 2, RATES, Optimizer()),
        "evaluate": lambda bad: engine.evaluate(bad, TARGET, ORDER),
        "predict": engine.predict,
        "forward": engine.forward,
    }
    with pytest.raises(ValueError, match=words):
        calls[call](steps())
    assert not engine.flat.any()
    assert engine.num_updates == 0


@pytest.mark.parametrize(
    ("values", "weights", "words"),
    [
        (ones(4, 2, dtype=np.float64), None, "targets expects .*float32.*; got <f8"),
        (ones(3, 2), None, r"targets expects shape \(4, 2\); got \(3, 2\)"),
        (ones(4, 3), None, r"targets expects shape \(4, 2\); got \(4, 3\)"),
        (ones(2, 4).T, None, "targets expects .*; got not contiguous"),
        (ones(4, dtype=np.int32), None, "targets expects values"),
        (ones(4, 2), ones(3), "weights expects one number for each of 4 rows; got 3"),
        (ones(4, 2), ones(4, dtype=np.float64), "weights expects .*float32.*; got <f8"),
    ],
)
def test_targets(values: Array, weights: Array | None, words: str) -> None:
    engine = Engine(NETWORK)
    with pytest.raises(ValueError, match=words):
        engine.epoch(STEPS, Target(values, weights), ORDER, 2, RATES, Optimizer())
    with pytest.raises(ValueError, match=words):
        engine.forward(STEPS, target=Target(values, weights))
    assert not engine.flat.any()


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        (np.full(20, 3, np.int32), r"targets\[0\]=3 is no class of the 3 outputs"),
        (np.full(20, -1, np.int32), r"targets\[0\]=-1 is no class"),
        (np.zeros(19, np.int32), "targets expects one class for each of 20 rows; got 19"),
        (np.zeros((20, 3), np.float32), "targets expects int32 classes"),
    ],
)
def test_classes(classes: Array, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Engine(CLASSES).evaluate(STEPS, Target(classes))


def test_classes_of_another_dtype() -> None:
    with pytest.raises(ValueError, match=r"targets expects .* int32 .*; got <i8"):
        Target(np.zeros(20, np.int64))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"order": whole(0, 4)}, r"order\[1\]=4 is none of the 4 sequences"),
        ({"order": whole(-1, 0)}, r"order\[0\]=-1 is none of the 4 sequences"),
        ({"order": ones(2)}, "order expects .* int64"),
        ({"order": np.arange(8)[::2]}, "order expects .*; got not contiguous"),
        ({"batch_size": 0}, "batch_size expects a whole number"),
        ({"batch_size": 2**70}, "batch_size expects a whole number"),
        (
            {"learning_rates": ones(3, dtype=np.float64)},
            "learning_rates expects one for each of 2 updates; got 3",
        ),
        ({"learning_rates": ones(2)}, "learning_rates expects .* float64"),
        ({"learning_rates": np.array([0.1, np.nan])}, "learning_rates expects finite numbers"),
        ({"position": Position(3)}, "position expects an update of this epoch, from 0 to 2; got 3"),
        ({"position": Position(-1)}, "position expects an update"),
        ({"max_updates": -1}, "max_updates expects a whole number"),
    ],
)
def test_what_an_epoch_is_told(changed: dict[str, Any], words: str) -> None:
    engine = Engine(NETWORK)
    told = {"order": ORDER, "batch_size": 2, "learning_rates": RATES, "optimizer": Optimizer()} | changed
    with pytest.raises(ValueError, match=words):
        engine.epoch(STEPS, TARGET, **told)
    assert not engine.flat.any()


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"mask": ones(20)}, "mask expects .* uint8"),
        ({"mask": np.ones(19, np.uint8)}, "mask expects one entry for each of the 20 rows of inputs; got 19"),
        ({"initial": {"l1": ones(2, 4, 6)}}, "initial expects one of .*; got 'l1'"),
        ({"initial": {"output": ones(2, 4, 6)}}, "is not recurrent"),
        ({"initial": {"l0": ones(2, 4, 5)}}, r"initial expects states of shape \(2, 4, 6\); got \(2, 4, 5\)"),
        (
            {"initial": {"l0": ones(2, 6, 4).swapaxes(1, 2)}},
            r"initial\['l0'\] expects .*; got not contiguous",
        ),
    ],
)
def test_what_a_forward_pass_is_told(told: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Engine(NETWORK).forward(STEPS, **told)


@pytest.mark.parametrize(
    ("outputs", "final", "words"),
    [
        ({"l0": ones(19, 6)}, {}, r"outputs expects a gradient of shape \(20, 6\); got \(19, 6\)"),
        ({"l0": ones(20, 5)}, {}, r"outputs expects a gradient of shape \(20, 6\); got \(20, 5\)"),
        ({"output": ones(20, 2)}, {}, r"outputs expects a gradient of shape \(4, 2\); got \(20, 2\)"),
        ({"l7": ones(20, 6)}, {}, "outputs expects one of .*; got 'l7'"),
        ({}, {"l0": ones(2, 3, 6)}, r"final_states expects states of shape \(2, 4, 6\); got \(2, 3, 6\)"),
    ],
)
def test_gradients(outputs: dict[str, Array], final: dict[str, Array], words: str) -> None:
    engine = Engine(NETWORK)
    engine.forward(STEPS, training=True)
    with pytest.raises(ValueError, match=words):
        engine.backward(outputs, final)


def test_what_is_read_belongs_to_the_last_pass() -> None:
    engine = Engine(NETWORK)
    for read in (engine.value, engine.final_states):
        with pytest.raises(ValueError, match="expects forward as the engine's last call"):
            read("l0")
    engine.forward(STEPS)
    assert engine.value("l0").shape == (20, 6)
    with pytest.raises(ValueError, match="training=True"):
        engine.backward()
    engine.forward(STEPS, training=True)
    for read in (engine.input_gradient, engine.initial_state_gradients):
        with pytest.raises(ValueError, match="expects backward as the engine's last call"):
            read("l0")
    engine.backward()
    assert engine.value("l0").shape == (20, 6)
    with pytest.raises(ValueError, match="training=True"):
        engine.backward()
    with pytest.raises(ValueError, match="needs_gradient=True"):
        engine.input_gradient()
    with pytest.raises(ValueError, match="name expects one of x, l0"):
        engine.value("l1")
    with pytest.raises(ValueError, match="is not recurrent"):
        engine.final_states("x")
    more = Steps.of(ones(400, INPUT_SIZE), np.arange(0, 401, 5))
    engine.predict(more)
    with pytest.raises(ValueError, match="value expects forward"):
        engine.value("l0")


def test_sequences_that_share_rows_are_trained_on_but_have_no_values_per_step() -> None:
    windows = Steps(STEPS.inputs, whole(0, 2, 4, 6), whole(5, 5, 5, 5))
    assert Engine(NETWORK).predict(windows).shape == (4, 2)
    engine = Engine(CLASSES)
    engine.forward(windows)
    for call in (lambda: engine.predict(windows), lambda: engine.value("l0")):
        engine.forward(windows)
        with pytest.raises(ValueError, match="sequences that share no row"):
            call()


def test_a_sequence_without_steps_shares_no_row_with_one_that_begins_there() -> None:
    engine = Engine(CLASSES)
    beside = Steps(STEPS.inputs, whole(0, 0, 5), whole(5, 0, 5))
    np.testing.assert_array_equal(
        engine.predict(beside), engine.predict(Steps(STEPS.inputs, whole(0, 5), whole(5, 5)))
    )


def test_networks() -> None:
    alone = Engine(Network((Input("x", 3), Pool("last", ("x",), "last"))))
    for call in (lambda: alone.predict(STEPS), lambda: alone.evaluate(STEPS, TARGET)):
        with pytest.raises(ValueError, match="Loss"):
            call()
    with pytest.raises(ValueError, match="Input"):
        Engine(Network(())).forward(inputs())
    for name, count in (("num_threads", 0), ("num_threads", 1025), ("num_threads", 2.0)):
        with pytest.raises(ValueError, match=f"{name} expects a whole number"):
            Engine(NETWORK, **{name: count})
    engine = Engine(NETWORK)
    with pytest.raises(ValueError, match="num_updates expects a whole number"):
        engine.num_updates = -1


def test_the_core_refuses_a_plan_whose_nodes_do_not_fit() -> None:
    """Whatever checks a network has been through: each would read beyond what is there."""
    plan = extension().Network64(1000, 1)
    x, slow = plan.add_input(2, False, 0), plan.add_input(2, False, 1)
    static, sparse = plan.add_input(2, False, -1), plan.add_sparse_input(5, 0)
    loss = plan.add_loss(x, "mse", 1.0, 1.0, 0.0, [])
    recurrent = ("gru", 3, False, [], [], -1, 0, [])
    side_by_side, no_value = "nodes that are read side by side", "has no value to be read"
    for call, words in (
        (lambda: plan.add_dense([x, slow], 3, "none", 0), side_by_side),
        (lambda: plan.add_dense([x, static], 3, "none", 0), side_by_side),
        (lambda: plan.add_recurrent([x, slow], *recurrent), side_by_side),
        (lambda: plan.add_input_decay([x, x, slow], 0), side_by_side),
        (lambda: plan.add_recurrent([static], *recurrent), "a recurrent layer reads nodes per step"),
        (lambda: plan.add_pool(static, "max"), "a pool reads a node per step"),
        (lambda: plan.add_steps(static, 2), "a pool reads a node per step"),
        (lambda: plan.add_dense([sparse], 3, "none", 0), no_value),
        (lambda: plan.add_dense([loss], 3, "none", 0), no_value),
        (lambda: plan.add_pool(sparse, "mean"), no_value),
        (lambda: plan.add_dropout(sparse, 5, 0.5, False, True, 0), no_value),
        (lambda: plan.add_loss(sparse, "mse", 1.0, 1.0, 0.0, []), no_value),
        (lambda: plan.add_dense([99], 3, "none", 0), "node 99 is not in the plan"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
    engine = Engine(NETWORK)
    engine.forward(STEPS)
    for read in (lambda: engine.value("loss"), lambda: engine.values(["loss"], STEPS)):
        with pytest.raises(ValueError, match=no_value):
            read()


def test_data_may_be_read_only() -> None:
    values = ones(20, 3)
    arrays = [
        values,
        STEPS.starts.copy(),
        STEPS.lengths.copy(),
        TARGET.values.copy(),
        ORDER.copy(),
        RATES.copy(),
    ]
    for array in arrays:
        array.flags.writeable = False
    steps, target = Steps((arrays[0],), arrays[1], arrays[2]), Target(arrays[3])
    Engine(NETWORK).epoch(steps, target, arrays[4], 2, arrays[5], Optimizer())


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"hidden_size": 0}, "hidden_size expects a whole number"),
        ({"hidden_size": -3}, "hidden_size expects a whole number"),
        ({"hidden_size": 2.0}, "hidden_size expects a whole number"),
        ({"hidden_size": 2**31}, "hidden_size expects a whole number"),
        ({"hidden_size": 2**64}, "hidden_size expects a whole number"),
        ({"input_size": 0}, "input_size expects a whole number"),
        ({"num_layers": 0}, "num_layers expects a whole number"),
        ({"num_layers": 10**9}, "num_layers expects a whole number from 1 to 200"),
        ({"dtype": "float16"}, "dtype expects one of float32, float64"),
        ({"num_threads": 0}, "num_threads expects a whole number"),
        ({"cell": "gnu"}, "cell expects .* did you mean 'mgu'"),
    ],
)
def test_layers(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Recurrent(**{"cell": "gru", "input_size": 2, "hidden_size": 3} | changed)


@pytest.mark.parametrize("size", [10**6, 2**31 - 1])  # 4 H H beyond any machine, and beyond 64 bits
@pytest.mark.parametrize("which", ["hidden_size", "input_size"])
def test_layers_that_no_machine_can_hold(which: str, size: int) -> None:
    sizes = {"hidden_size": 10**6, "input_size": 10**6} | {which: size}
    with pytest.raises(MemoryError, match=r"hidden_size: .* GiB; this machine has .*: lower hidden_size"):
        Recurrent("lstm", **sizes)
    network = sequence_network("lstm", output_size=1, loss="mse", **sizes)
    with pytest.raises(MemoryError, match="hidden_size"):
        Engine(network)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"x": np.zeros((2, 5, 3), complex)}, "x expects numbers"),
        ({"x": [["a"]]}, "x expects numbers"),
        ({"x": [[[1.0, 2.0, 3.0]], [[1.0]]]}, "x expects numbers"),
        ({"x": np.zeros((2, 5, 3), "datetime64[s]")}, "x expects numbers"),
        ({"x": 1.0}, "x expects shape"),
        ({"x": np.full((2, 5, 3), 1e300)}, "x expects finite numbers"),
        ({"lengths": [5, 0]}, r"lengths\[1\]=0 is an empty sequence"),
        ({"lengths": [-5, 5]}, r"lengths\[0\]=-5 is an empty sequence"),
        ({"lengths": [5, 6]}, r"lengths\[1\]=6 exceeds the 5 time steps"),
        ({"lengths": np.array([5, 2**64 - 1], np.uint64)}, r"lengths\[1\]=18446744073709551615 exceeds"),
        ({"lengths": [5.0, 5.0]}, "lengths expects whole numbers"),
        ({"lengths": [[5, 5]]}, "lengths expects whole numbers"),
        ({"lengths": [5]}, "lengths expects one entry"),
        ({"mask": np.ones((2, 5))}, "mask expects booleans"),
        ({"mask": np.ones((5, 2), bool)}, "mask expects booleans"),
        ({"states": {"h": np.zeros((1, 2, 5))}}, r"states\['h'\] expects shape \(1, 2, 4\)"),
        ({"states": {"c": np.zeros((1, 2, 4))}}, "states: state expects one of h"),
        ({"multiplier": {"h": np.zeros((1, 2, 5))}}, r"multiplier\['h'\] expects shape \(1, 2, 5, 4\)"),
    ],
)
def test_what_layers_are_given(given: dict[str, Any], words: str) -> None:
    layers = Recurrent("gru", 3, 4)
    with pytest.raises(ValueError, match=words):
        layers.forward(**{"x": np.zeros((2, 5, 3))} | given)
    with pytest.raises(ValueError, match="forward first"):
        layers.backward()


def test_any_order_and_alignment_of_a_layer_s_arrays_gives_the_same_bits() -> None:
    layers = Recurrent("gru", 3, 4)
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    expected, _ = layers.forward(x)
    shifted = misaligned(2, 5, 3)
    shifted[...] = x
    for same in (np.asfortranarray(x), x.astype(">f4"), shifted, x[::-1][::-1], x.tolist()):
        np.testing.assert_array_equal(layers.forward(same)[0], expected)


STARVED = """
import json, resource, sys
import numpy as np
from tidegate.engine import Engine, Optimizer, Steps, Target
from tidegate.network import sequence_network

values = np.random.default_rng(0).normal(size=(200_000, 1)).astype(np.float32)
network = sequence_network("lstm", 1, 256, 1, "mse")
engine = Engine(network, num_threads=int(sys.argv[1]))
engine.flat[:] = 0.1 * np.random.default_rng(1).normal(size=engine.flat.size)
few, many = (Steps.of(values, np.arange(0, last + 1, 20)) for last in (800, 200_000))
expected = engine.predict(few)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (256 << 20),) * 2)
errors = []
for call in (
    lambda: engine.predict(many, batch_size=10_000),
    lambda: engine.forward(many, training=True),
    lambda: engine.value("l0"),
    lambda: engine.backward(),
    lambda: engine.epoch(
        many, Target(np.zeros((10_000, 1), np.float32)), np.arange(10_000), 10_000, np.ones(1), Optimizer()
    ),
):
    try:
        call()
        errors.append(None)
    except (MemoryError, ValueError) as error:
        errors.append([type(error).__name__, str(error)])
same = bool((engine.predict(few) == expected).all())
print(json.dumps({"errors": errors, "same": same, "updates": engine.num_updates}))
"""
WATCHED = any(f"lib{name}san" in os.environ.get("LD_PRELOAD", "") for name in ("a", "t"))


@pytest.mark.skipif(sys.platform != "linux" or WATCHED, reason="bounds the address space as Linux has it")
@pytest.mark.parametrize("num_threads", [1, 64])
def test_out_of_memory(num_threads: int) -> None:
    """Where 64 threads do not fit either, there are fewer of them, and the same bits."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", STARVED, str(num_threads)], env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    result = json.loads(ran.stdout)
    kinds = [error and error[0] for error in result["errors"]]
    assert kinds == ["MemoryError", "MemoryError", "ValueError", "ValueError", "MemoryError"]
    assert "batch_size" in result["errors"][0][1]
    assert result["same"]
    assert result["updates"] == 0


def test_a_batch_whose_size_overflows() -> None:
    rows = 2**21
    steps = Steps((np.zeros((rows, 1), np.float32),), np.zeros(2**20, np.int64), np.full(2**20, rows))
    engine = Engine(sequence_network("rnn", 1, 1, 1, "mse"))
    with pytest.raises(MemoryError, match="batch_size"):
        engine.predict(steps, batch_size=2**20)
    with pytest.raises(MemoryError, match="lengths"):
        engine.forward(steps)
