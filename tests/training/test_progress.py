"""The bar: what it says, when it is there, and that it moves within an epoch."""

import io
import math
import subprocess
import sys

import pytest
from rich.console import Console

from tidegate import SequenceRegressor
from tidegate.training import progress


class FakeRun:
    epoch, max_epochs, num_updates, total_updates = 3, 100, 37, 1000
    seconds, updates_per_second = 2.0, 1500.0

    def __init__(self, val_loss=0.25):
        self.measures = {"loss": 0.5, "val_loss": val_loss}

    def last(self, measure):
        return self.measures[measure]


@pytest.fixture
def console():
    return Console(file=io.StringIO(), force_terminal=True, width=120)


def test_says_epoch_losses_and_updates_a_second():
    assert progress.state_of(FakeRun()) == "epoch 3/100  loss 0.5000  val_loss 0.2500  1500 updates/s"
    assert progress.state_of(FakeRun(math.nan)) == "epoch 3/100  loss 0.5000  1500 updates/s"


def test_draws_the_state_and_moves_within_an_epoch(console):
    run = FakeRun()
    with progress.shown("lstm", console) as watch:
        watch(run)
        live = console._live_stack[-1] if hasattr(console, "_live_stack") else console._live
        live.refresh()
        first = console.file.getvalue()
        run.num_updates = 999  # no further call of watch: the bar reads the run itself
        live.refresh()
    assert "lstm" in first
    assert "epoch 3/100  loss 0.5000" in first
    assert console.file.getvalue() != first


def test_a_fit_is_silent_where_standard_error_is_no_terminal(capfd):
    SequenceRegressor(hidden_size=2, max_epochs=2, verbose=True).fit(
        [[1.0, 2.0], [2.0], [3.0]], [1.0, 2.0, 3.0]
    )
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("verbose", [False, True])
def test_a_fit_draws_on_a_terminal_only_where_verbose(monkeypatch, verbose, capfd):
    monkeypatch.setattr(progress, "can_show", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    model = SequenceRegressor("gru", hidden_size=2, max_epochs=2, verbose=verbose)
    model.fit([[1.0, 2.0], [2.0], [3.0]], [1.0, 2.0, 3.0])
    assert ("gru" in capfd.readouterr().err) == verbose


def test_rich_is_imported_only_where_a_bar_is_shown():
    code = (
        "import sys; from tidegate import SequenceRegressor\n"
        "SequenceRegressor(hidden_size=2, max_epochs=1, verbose=True).fit([[1.0], [2.0]], [1.0, 2.0])\n"
        "print('rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
