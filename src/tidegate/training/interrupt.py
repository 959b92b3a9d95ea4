"""Ctrl-C and SIGTERM as a request: nothing is raised in the middle of whatever the main thread is doing."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, Self

from tidegate.engine import Stop

_USUAL: dict[signal.Signals, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
}


class CtrlC:
    """Until the block ends Ctrl-C, or SIGTERM, sets `stop` and `pressed`, and raises nothing; a second one
    does what it does as ever.

    KeyboardInterrupt inside concurrent.futures.wait can leave the locks of futures taken, and every thread
    waiting; between two lines of the training loop, a state that does not fit together. Outside the main
    thread, and where a program handles a signal itself, nothing is changed.
    """

    def __init__(self, stop: Stop) -> None:
        self.pressed = False
        self._stop = stop
        self._installed: list[signal.Signals] = []

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number, usual in _USUAL.items():
                if signal.getsignal(number) == usual:
                    signal.signal(number, self._press)
                    self._installed.append(number)
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _press(self, _number: int, _frame: FrameType | None) -> None:
        self.pressed = True
        self._stop.set()
        self._restore()

    def _restore(self) -> None:
        for number in self._installed:
            signal.signal(number, _USUAL[number])
        self._installed.clear()
