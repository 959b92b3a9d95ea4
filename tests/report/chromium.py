"""Headless Chromium, driven through its debugging pipe: no driver and no package beside the browser."""

import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = (
    "make test-browser needs Chromium: install chromium (Debian, Fedora), or put one of "
    f"{', '.join(NAMES)} on the PATH"
)

# No start page, no update, no telemetry: nothing is asked of the network.
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--mute-audio"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-default-apps", "--disable-extensions", "--hide-scrollbars", "--remote-debugging-pipe"),
)
PATIENCE_SECONDS = 60.0


def find() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """Chromium with one tab. messages: the page's errors and what it wrote to the console since it was
    opened."""

    def __init__(self, program: str, profile: Path) -> None:
        self.messages: list[str] = []
        # Chromium reads its commands from descriptor 3 and answers on 4, which a shell gives it.
        for name in ("commands", "answers"):
            os.mkfifo(profile / name)
        script = 'exec "$@" 3<commands 4>answers'
        arguments = [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(["/bin/sh", "-c", script, "sh", *arguments], cwd=profile, **quiet)
        self._out = os.open(profile / "commands", os.O_WRONLY)
        self._in = os.open(profile / "answers", os.O_RDONLY)
        self._buffer = b""
        self._session = None
        self._number = 0
        targets = self.call("Target.getTargets")["targetInfos"]
        target = next(one["targetId"] for one in targets if one["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of a method of the DevTools protocol."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]

    def open(self, path: Path, width: int, *, dark: bool = False) -> None:
        """Show a file at this width in CSS pixels, and wait until it is drawn."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.messages.clear()
        self.evaluate("window.isOld = true")
        self.call("Page.navigate", url=path.absolute().as_uri())
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.evaluate("!window.isOld && document.readyState === 'complete'"):
            assert time.monotonic() < deadline, f"{path} was not drawn in {PATIENCE_SECONDS:g} s"
        frame = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))"
        self.evaluate(frame)

    def evaluate(self, expression: str) -> Any:
        """The value of an expression of JavaScript, as JSON has it; a promise is waited for."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def close(self) -> None:
        self._session = None
        self.call("Browser.close")
        self._process.wait(PATIENCE_SECONDS)
        os.close(self._in)
        os.close(self._out)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], PATIENCE_SECONDS)
            assert ready, f"Chromium did not answer in {PATIENCE_SECONDS:g} s"
            piece = os.read(self._in, 1 << 16)
            assert piece, "Chromium ended"
            self._buffer += piece
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        match message.get("method"):
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded":
                self.messages.append(json.dumps(message["params"]))
        return message


if __name__ == "__main__":
    sys.exit(0 if find() else MISSING)
