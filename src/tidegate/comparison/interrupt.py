"""Ctrl-C as a request: nothing is raised in the middle of whatever the main thread is doing."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Self

from tidegate.engine import Stop


class CtrlC:
    """Until the block ends Ctrl-C sets `stop` and `pressed`, and raises nothing; a second Ctrl-C raises
    KeyboardInterrupt as ever.

    KeyboardInterrupt inside concurrent.futures.wait can leave the locks of futures taken, and every thread
    waiting. Outside the main thread, and where a program handles SIGINT itself, nothing is changed.
    """

    def __init__(self, stop: Stop) -> None:
        self.pressed = False
        self._stop = stop
        self._installed = False

    def __enter__(self) -> Self:
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._press)
            self._installed = True
        return self

    def __exit__(self, *_: object) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _press(self, _number: int, _frame: FrameType | None) -> None:
        self.pressed = True
        self._stop.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)
