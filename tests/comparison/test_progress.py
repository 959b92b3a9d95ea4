import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from tidegate.comparison.progress import Board, shown


def run_of(epoch=0, stopped="", val_score=(), num_updates=0):
    history = {"val_score": list(val_score)}
    return SimpleNamespace(
        epoch=epoch, max_epochs=10, stopped=stopped, history=history, num_updates=num_updates
    )


def test_the_board_counts_what_is_done_and_what_is_under_way():
    board = Board(4)
    assert board.fraction == 0.0
    with board.replica("lstm") as watch:
        run = run_of(epoch=5, val_score=[0.5, 0.75, float("nan")], num_updates=70)
        watch(run)
        watch(run)
        assert board.fraction == pytest.approx(0.5 / 4)
        assert board.state.startswith("0/4 replicas  best validation lstm 0.750  ")
        run.stopped = "converged"
    with board.replica("gru") as watch:
        watch(run_of(val_score=[0.9]))
        assert board.fraction == pytest.approx(1 / 4)
        assert board.state.startswith("1/4 replicas  best validation gru 0.900  ")


def test_the_board_of_a_search_counts_trials():
    board = Board(6, "trials of the search")
    with board.replica("gru"):
        pass
    assert board.state.startswith("1/6 trials of the search")
    assert board.done == "1 of 6 trials of the search"


def test_a_replica_that_fails_is_not_counted_as_done():
    board = Board(2)
    with pytest.raises(KeyboardInterrupt), board.replica("lstm"):
        raise KeyboardInterrupt
    assert board.fraction == 0.0


def test_without_validation_there_is_no_best():
    board = Board(1)
    with board.replica("lstm") as watch:
        watch(run_of(val_score=[float("nan")]))
        assert "best" not in board.state


def test_the_bar_is_drawn_on_a_terminal_and_nowhere_else(capsys):
    terminal = io.StringIO()
    board = Board(3)
    with board.replica("size [kg]") as watch:
        watch(run_of(val_score=[0.5]))
    with shown(board, Console(file=terminal, force_terminal=True, width=100)):
        pass
    assert "1/3 replicas  best validation size [kg] 0.500" in terminal.getvalue()
    with shown(Board(3)):
        pass
    assert capsys.readouterr() == ("", "")
