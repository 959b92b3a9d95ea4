"""What a comparison is of: candidates by name, each of which can be trained with a seed and scored.

Estimators on arrays are in arrays.py, described models in described.py; run.py knows neither.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tidegate.comparison.scores import Measured
from tidegate.comparison.tuned import Tuned
from tidegate.engine import Stop
from tidegate.training.fit import Watch


class Fitted(Protocol):
    """What an estimator and a SequenceModel both have once they are fitted."""

    hidden_size: int
    num_parameters_: int
    seconds_: float
    num_updates_: int
    best_epoch_: int
    stopped_: str
    history_: dict[str, list[float]]

    def save(self, path: Any) -> None: ...


@dataclass(frozen=True)
class Trained:
    """A model that was trained with one seed, what its answers score by target, and what else was looked
    at."""

    model: Fitted
    targets: dict[str, Measured]
    insight: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Subject(ABC):
    """noun: what a candidate is. names: of the candidates, the first of them the reference. pairs: those
    whose scores are compared. score_names: by target. curve: what a history's score is.

    sizes: sequences to train on and to test on, where each seed has its own split of the data; None for one
    test part of all seeds, whose rows belong to `groups`. match: what the candidates have in common. whole:
    the data as claims need them. task, settings, data, versions: for the result. tuned: what a search chose,
    by candidate. identity: what the scores depend on beside names and seeds, in JSON's types.
    """

    noun: str
    names: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    score_names: Mapping[str, str]
    curve: str
    sizes: tuple[float, float] | None
    groups: Any
    match: str
    whole: Mapping[str, Any]
    task: str
    settings: Mapping[str, Any]
    data: Mapping[str, Any]
    identity: Mapping[str, Any]
    versions: Mapping[str, str] = field(default_factory=dict)
    tuned: Mapping[str, Tuned] = field(default_factory=dict)

    @abstractmethod
    def train(self, name: str, seed: int, stop: Stop, watch: Watch, checkpoint: Path | None) -> Trained:
        """The candidate trained with the seed on one thread, and scored; KeyboardInterrupt where `stop`
        ended it."""

    def cell_of(self, name: str) -> str:
        """The candidate's cell."""
        return name

    @abstractmethod
    def memory_bytes(self, name: str) -> int:
        """What training a candidate takes at most."""

    @abstractmethod
    def latency_seconds(self, name: str) -> float:
        """Of one sequence on one thread."""
