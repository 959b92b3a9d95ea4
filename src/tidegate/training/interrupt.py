"""Ctrl-C and SIGTERM as a request: nothing is raised in the middle of whatever the main thread is doing."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, Self

from tidegate.engine import Stop

# What stands there where no program handles the signal itself; the command line has SIGTERM interrupt it.
_USUAL: dict[signal.Signals, tuple[Any, ...]] = {
    signal.SIGINT: (signal.default_int_handler,),
    signal.SIGTERM: (signal.SIG_DFL, signal.default_int_handler),
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
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number, usual in _USUAL.items():
                if (before := signal.getsignal(number)) in usual:
                    signal.signal(number, self._press)
                    self._before[number] = before
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _press(self, _number: int, _frame: FrameType | None) -> None:
        self.pressed = True
        self._stop.set()
        self._restore()

    def _restore(self) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        self._before.clear()
