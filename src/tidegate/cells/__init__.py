"""The cells: each equation once, in one ordered list that tests, docs, tables and the command line follow."""

from types import MappingProxyType

from tidegate.cells.gru import GRU, GRU_RESET_BEFORE
from tidegate.cells.lstm import LSTM, LSTM_COUPLED, LSTM_PEEPHOLE, LSTM_PEEPHOLE_FULL
from tidegate.cells.mgu import MGU
from tidegate.cells.rnn import RNN
from tidegate.cells.spec import CellSpec
from tidegate.checks import choice

CELLS = MappingProxyType(
    {
        cell.name: cell
        for cell in (
            RNN,
            LSTM,
            LSTM_PEEPHOLE,
            LSTM_PEEPHOLE_FULL,
            LSTM_COUPLED,
            GRU,
            GRU_RESET_BEFORE,
            MGU,
        )
    }
)


def get(name: str) -> CellSpec:
    """The cell of that name; ValueError with the nearest name where there is none."""
    return CELLS[choice("cell", name, CELLS)]


__all__ = ["CELLS", "CellSpec", "get"]
