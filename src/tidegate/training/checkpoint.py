"""What a fit needs to go on after it was killed, in one file that is written now and then."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate import persistence
from tidegate.engine import Engine, Position

Row = tuple[float, float, float, float]  # an epoch's loss, val_loss, score and val_score
KIND = "checkpoint"


@dataclass(frozen=True)
class State:
    """A fit under way, beside the engine's parameters and optimiser.

    rows: of the epochs done. best: the parameters of the best of them. average: over them. drawn_from: the
    generator's state before the order of the epoch under way was drawn. position: how far that epoch has
    come. seconds: of training."""

    rows: list[Row]
    best: NDArray[Any]
    average: NDArray[Any]
    drawn_from: Any
    position: Position
    seconds: float


class Checkpoint:
    """A file with the state of a fit, replaced in one step about every `seconds` seconds.

    fingerprint: of everything the result depends on; a file of another fit is refused with ValueError.
    """

    def __init__(self, path: Path, fingerprint: str, seconds: float = 10.0) -> None:
        self.path = path
        self.fingerprint = fingerprint
        self.seconds = seconds
        self._began = self._written = time.monotonic()
        self._updates_before = 0

    @property
    def is_due(self) -> bool:
        return time.monotonic() - self._written >= self.seconds

    def updates_at_once(self, num_updates: int) -> int:
        """How many updates fit between two writes, by the pace of the num_updates made so far."""
        made = num_updates - self._updates_before
        elapsed = time.monotonic() - self._began
        return max(1, int(made * self.seconds / elapsed) if elapsed > 0 else 1)

    def read(self, engine: Engine) -> State | None:
        """The state that was left, with the engine put back to where it was; None where there is no file."""
        if not self.path.exists():
            return None
        document, arrays = persistence.read(self.path)
        if document.get("kind") != KIND or document["fingerprint"] != self.fingerprint:
            raise ValueError(
                f"{self.path} expects the state of this same fit; got that of another (its data, options or "
                "seed differ): pass those it began with, or remove the file to start anew"
            )
        engine.flat[:] = arrays["parameters"]
        for name, values in engine.optimizer_state.items():
            values[:] = arrays[name]
        engine.num_updates = self._updates_before = document["num_updates"]
        return State(
            [_row(row) for row in document["rows"]],
            arrays["best"],
            arrays["average"],
            document["drawn_from"],
            _position(document["position"], arrays.get("carried")),
            document["seconds"],
        )

    def write(self, engine: Engine, state: State) -> None:
        """Replace the file; OSError leaves the one that was there."""
        document = {
            "kind": KIND,
            "fingerprint": self.fingerprint,
            "num_updates": engine.num_updates,
            "rows": [[None if math.isnan(value) else value for value in row] for row in state.rows],
            "drawn_from": state.drawn_from,
            "position": [state.position.update, state.position.sums],
            "seconds": state.seconds,
        }
        arrays = {
            "parameters": engine.flat,
            "best": state.best,
            "average": state.average,
            **engine.optimizer_state,
        }
        if state.position.states is not None:
            arrays["carried"] = state.position.states
        persistence.write(self.path, document, {name: np.asarray(array) for name, array in arrays.items()})
        self._written = time.monotonic()

    def remove(self) -> None:
        """The fit is over."""
        self.path.unlink(missing_ok=True)


def _position(read: tuple[int, list[tuple[float, float, float]]], states: NDArray[Any] | None) -> Position:
    update, sums = read
    return Position(update, tuple((loss, score, weight) for loss, score, weight in sums), states)


def _row(values: list[float | None]) -> Row:
    loss, val_loss, score, val_score = (math.nan if value is None else value for value in values)
    return loss, val_loss, score, val_score
