"""Ctrl-C and SIGTERM: one line, exit code 130, and --resume ends with the same bits."""

import json
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

import tidegate
from tidegate import persistence

LONG = ["--hidden-size", "48", "--max-epochs", "60", "--patience", "none"]
FIT = ["fit", "--cell", "gru", "--threads", "1", *LONG]
COMPARE = ["compare", "--cells", "gru", "--seeds", "2", "--threads", "2", *LONG]


def interrupted(number, folder, pattern, arguments):
    """Its exit code and standard error; the signal comes once there is a file of the pattern."""
    command = [sys.executable, "-m", "tidegate", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not list(folder.glob(pattern)) and process.poll() is None:
            os.sched_yield()
        process.send_signal(number)
        _, err = process.communicate()
    return process.returncode, err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_fit_goes_on(run, tmp_path, number):
    path = tmp_path / "model.st"
    code, err = interrupted(number, tmp_path, "*.checkpoint", [*FIT, "--output", path])
    assert code == 130
    assert re.fullmatch(
        r"tidegate: interrupted: \S+ was not written; the same command with --resume goes on\n", err
    )
    assert not path.exists()
    assert run(*FIT, "--output", path, "--resume")[0] == 0
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.st"]
    assert run(*FIT, "--output", tmp_path / "whole.st")[0] == 0
    (own, arrays), (other, whole) = map(persistence.read, (path, tmp_path / "whole.st"))
    assert own["history"] == other["history"]
    for name, array in whole.items():
        np.testing.assert_array_equal(arrays[name], array)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_interrupted_before_it_trains_says_so(run, tmp_path, monkeypatch, number):
    monkeypatch.setattr(tidegate.SequenceClassifier, "fit", lambda *_, **__: signal.raise_signal(number))
    code, _, err = run(*FIT, "--output", tmp_path / "model.st")
    assert code == 130
    assert err.startswith("tidegate: interrupted: ")
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_comparison_goes_on(run, tmp_path, number):
    folder = tmp_path / "out"
    code, err = interrupted(number, folder, "replicas/*.state", [*COMPARE, "--output", folder])
    assert code == 130
    assert re.fullmatch(
        r"tidegate: interrupted: \d of 2 replicas finished.*; the same command with --resume goes on\n", err
    )
    states = [persistence.read(path)[0]["num_updates"] for path in folder.glob("replicas/*.state")]
    assert states
    assert run(*COMPARE, "--output", folder, "--resume")[0] == 0
    assert run(*COMPARE, "--output", tmp_path / "whole")[0] == 0
    own, other = (
        [
            replica["history"]
            for replica in json.loads((path / "result.json").read_text())["cells"]["gru"]["replicas"]
        ]
        for path in (folder, tmp_path / "whole")
    )
    assert own == other
