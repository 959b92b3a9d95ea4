"""The memory that training is said to take, against what the system says it took."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import tidegate
from tidegate.checks import TooLarge
from tidegate.engine import Engine, Steps, Target, memory
from tidegate.engine.memory import available_bytes, check_memory, evaluation_batch, training_bytes
from tidegate.engine.native import extension
from tidegate.network import sequence_network

WATCHED = any(f"lib{name}san" in os.environ.get("LD_PRELOAD", "") for name in ("a", "t"))

# The estimate is an upper bound, and not more than so many times too large.
MOST_SLACK = 2.5

LONG = {"cell": "lstm", "hidden_size": 128, "batch_size": 30, "bidirectional": False, "num_layers": 2}

MEASURE = """
import json, sys
import numpy as np
import tidegate
from tidegate.engine.memory import data_bytes, training_bytes

def status(name):
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

options, lengths, width, folder = json.loads(sys.argv[1])
rng = np.random.default_rng(0)
def fit(lengths, **options):
    X = [rng.normal(size=(length, width)) for length in lengths]
    X = tidegate.Sequences.from_any(X)
    y = np.arange(len(lengths)) % 3
    open("/proc/self/clear_refs", "w").write("5")  # the peak is counted from here
    before = status("VmRSS")
    model = tidegate.SequenceClassifier(max_epochs=2, random_state=0, num_threads=2, **options)
    model.fit(X, y, checkpoint=folder + "/state")
    model.score(X, y)
    return model, X, status("VmHWM") - before

fit([3] * 40, **options | {"hidden_size": 2})
model, X, grown = fit(lengths, **options)
options = (model.batch_size, model.bptt_steps, model.recompute, model.weight_noise)
expected = training_bytes(model.network_, X.lengths, *options) + data_bytes(X.values)
print(json.dumps([grown, expected]))
"""


def measured(tmp_path, options, lengths, width):
    argument = json.dumps([options, [int(length) for length in lengths], width, str(tmp_path)])
    out = subprocess.run(
        [sys.executable, "-c", MEASURE, argument], capture_output=True, text=True, check=True
    )
    return json.loads(out.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not say what is resident")
@pytest.mark.skipif(WATCHED, reason="a sanitizer has memory of its own")
@pytest.mark.parametrize(
    ("options", "lengths", "width"),
    [
        ({"cell": "lstm", "hidden_size": 600}, [20] * 60, 10),  # parameters
        ({"cell": "lstm", "hidden_size": 600, "weight_noise": 0.01}, [20] * 60, 10),
        ({"cell": "gru", "hidden_size": 64, "batch_size": 128}, [300] * 150, 4),  # the batch
        ({"cell": "rnn", "hidden_size": 100, "batch_size": 4, "validation": None}, [4000] * 12, 3),  # long
        ({"cell": "lstm_peephole_full", "hidden_size": 90, "num_layers": 2, "batch_size": 64}, [200] * 90, 5),
        (
            {"cell": "mgu", "hidden_size": 48, "bidirectional": False, "pooling": "last"},
            range(10, 1500, 7),
            8,
        ),
        (
            {
                "cell": "gru_reset_before",
                "hidden_size": 64,
                "batch_size": 64,
                "bidirectional": False,
                "recurrent_dropout": 0.2,
                "zoneout": 0.1,
                "input_dropout": 0.1,
            },
            [300] * 100,
            4,
        ),
        (
            {"cell": "gru_reset_before", "hidden_size": 8, "dense": [[300, "relu"]]},
            [50] * 200,
            300,
        ),  # the data
        (LONG | {"recompute": True}, [5000] * 40, 2),
        (LONG | {"bptt_steps": 150}, [5000] * 40, 2),
    ],
    ids=[
        "parameters",
        "noise",
        "batch",
        "long",
        "layers",
        "ragged",
        "regularised",
        "data",
        "recompute",
        "bptt_steps",
    ],
)
def test_the_estimate_is_an_upper_bound_of_moderate_slack(tmp_path, options, lengths, width):
    grown, expected = measured(tmp_path, options, lengths, width)
    assert grown > 10e6
    assert grown <= expected <= MOST_SLACK * grown


NETWORK = sequence_network("gru", 3, 32, 2, "softmax_cross_entropy")
LENGTHS = np.array([100, 20, 50])


def test_it_grows_with_what_it_names():
    small = training_bytes(NETWORK, LENGTHS, 2)
    assert training_bytes(sequence_network("gru", 3, 64, 2, "softmax_cross_entropy"), LENGTHS, 2) > small
    assert training_bytes(NETWORK, np.repeat(LENGTHS, 2), 6) > small
    assert training_bytes(NETWORK, 2 * LENGTHS, 2) > small
    noisy = training_bytes(NETWORK, LENGTHS, 2, weight_noise=0.1)
    assert 4 * NETWORK.num_parameters <= noisy - small <= 5 * NETWORK.num_parameters


def bytes_held(length, *, recompute):
    """Of an engine after the gradient of one sequence."""
    before = extension().num_bytes_held()
    engine = Engine(sequence_network("lstm", 3, 8, 2, "mse", num_layers=2), num_threads=1)
    rng = np.random.default_rng(0)
    steps = Steps.of(rng.normal(size=(length, 3)), [0, length])
    target = Target(np.ones((1, 2), np.float32))
    if recompute:
        engine.differentiate(steps, target=target)
    else:
        engine.forward(steps, target=target, training=True)
        engine.backward()
    return extension().num_bytes_held() - before


def test_recomputation_holds_the_square_root():
    fixed = bytes_held(1, recompute=False)
    held = [bytes_held(length, recompute=True) - fixed for length in (2_500, 40_000, 640_000)]
    assert 3.5 < held[1] / held[0] < 4.5
    assert 3.5 < held[2] / held[1] < 4.5
    plain = [bytes_held(length, recompute=False) - fixed for length in (2_500, 40_000)]
    assert 15.5 < plain[1] / plain[0] < 16.5
    assert held[2] < plain[0] * 2


def test_the_estimate_knows_windows():
    lengths, network = np.full(4, 10_000), sequence_network("lstm", 3, 64, 2, "mse")
    plain = training_bytes(network, lengths, 4)
    recomputing = training_bytes(network, lengths, 4, recompute=True)
    assert recomputing < plain / 20
    assert training_bytes(network, lengths, 4, bptt_steps=10_000) > plain
    assert recomputing < training_bytes(network, lengths, 4, bptt_steps=1000) < plain / 5


def test_long_sequences_are_evaluated_in_smaller_batches():
    assert evaluation_batch(np.array([10, 256])) == 256
    assert evaluation_batch(np.array([10, 65_536])) == 1
    assert evaluation_batch(np.array([10**6])) == 1


def test_too_large_is_refused_with_the_remedy(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: training_bytes(NETWORK, LENGTHS, 2) + 10)
    check_memory(NETWORK, LENGTHS, 2, data_bytes=10)
    with pytest.raises(TooLarge, match=r"hidden_size=32, batch_size=2, or shorter .*has 100 steps"):
        check_memory(NETWORK, LENGTHS, 2, data_bytes=11)
    with pytest.raises(TooLarge, match=r"2 trainings at a time, .*batch_size=2 or num_threads, or"):
        check_memory(NETWORK, LENGTHS, 2, data_bytes=10, at_a_time=2)
    monkeypatch.setattr(memory, "available_bytes", lambda: None)
    check_memory(NETWORK, LENGTHS, 2, data_bytes=10**18)


def test_nothing_is_begun_where_memory_is_short(monkeypatch, tmp_path):
    X, y = np.random.default_rng(0).normal(size=(60, 5, 2)), np.array(["a", "b"] * 30)
    monkeypatch.setattr(memory, "available_bytes", lambda: 300_000)
    tidegate.compare(X, y, cells="rnn", seeds=2, hidden_size=2, max_epochs=1, num_threads=1)
    with pytest.raises(MemoryError, match="hidden_size=2"):
        tidegate.compare(
            X, y, cells="rnn", seeds=2, hidden_size=2, max_epochs=1, num_threads=2, output=tmp_path / "out"
        )
    with pytest.raises(MemoryError, match="hidden_size=500"):
        tidegate.SequenceClassifier(hidden_size=500).fit(X, y, checkpoint=tmp_path / "state")
    assert list(tmp_path.iterdir()) == []


def system(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return available_bytes(root)


MEMINFO = {"proc/meminfo": "MemTotal: 9000 kB\nMemAvailable:    2000 kB\n"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, None),
        (MEMINFO, 2_048_000),
        (
            MEMINFO
            | {
                "proc/self/cgroup": "0::/jobs/one\n",
                "sys/fs/cgroup/jobs/one/memory.max": "max\n",
                "sys/fs/cgroup/jobs/one/memory.current": "5\n",
                "sys/fs/cgroup/jobs/one/memory.stat": "anon 3\nfile 2\n",
                "sys/fs/cgroup/jobs/memory.max": "1000\n",
                "sys/fs/cgroup/jobs/memory.current": "900\n",
                "sys/fs/cgroup/jobs/memory.stat": "anon 3\nfile 300\n",
            },
            400,
        ),
        (
            MEMINFO
            | {
                "proc/self/cgroup": "4:memory:/elsewhere\n3:cpu:/\n0::/\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "700\n",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": "900\n",
                "sys/fs/cgroup/memory/memory.stat": "total_cache 250\n",
            },
            50,
        ),
    ],
    ids=["unknown", "machine", "groups", "groups of version 1"],
)
def test_what_is_free_is_what_the_machine_and_every_group_leave(tmp_path, files, expected):
    assert system(tmp_path, files) == expected
