"""What the tables are made of: a task, its rows, the goal of a row, and what one seed measured."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

Returned = TypeVar("Returned")


@dataclass(frozen=True)
class Measured:
    """What one seed gave. score: the row's figure. validation: what settings may be chosen by. seconds: of
    CPU, in the fit alone. details: other numbers by name."""

    score: float
    parameters: int
    updates: int
    seconds: float
    validation: float | None = None
    details: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Goal:
    """text: as it is printed. Each score, or their median, is to be at most `limit`, or at least where higher
    is better; over: "median", "every seed" or "most seeds"."""

    text: str
    limit: float
    lower: bool
    over: str = "median"

    def met(self, scores: Sequence[float]) -> bool:
        judged = [statistics.median(scores)] if self.over == "median" else scores
        reached = [score <= self.limit if self.lower else score >= self.limit for score in judged]
        return 2 * sum(reached) > len(reached) if self.over == "most seeds" else all(reached)


@dataclass(frozen=True)
class Row:
    """published: the figures to compare with. goal: None for a row that is there for comparison.
    measure(seed, **settings). digits: decimals of the figure. max_seeds: how many half an hour of two cores
    is enough for; None: all."""

    name: str
    published: str
    goal: Goal | None
    measure: Callable[..., Measured]
    settings: Mapping[str, Any]
    digits: int = 3
    max_seeds: int | None = None


@dataclass(frozen=True)
class Task:
    """A task as its page tells it, in Markdown. data: what it is; figure: what is measured; published:
    sources, and by what rule their figure was selected; selection: ours; beyond: what settings it needed
    beyond learning rate, hidden size, dropout and epochs; tried: what else was tried."""

    title: str
    data: str
    figure: str
    published: str
    selection: str
    rows: tuple[Row, ...]
    beyond: str = "nothing"
    tried: str = ""

    @property
    def lower(self) -> bool:
        """Whether a lower figure is better."""
        return any(row.goal is not None and row.goal.lower for row in self.rows)


def cpu_seconds(function: Callable[..., Returned], *args: Any, **options: Any) -> tuple[Returned, float]:
    """What the function returns, and the CPU time that the process spent in it, all threads together."""
    began = time.process_time()
    result = function(*args, **options)
    return result, time.process_time() - began
