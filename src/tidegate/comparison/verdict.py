"""Which of two cells is better, by how much, at what cost."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tidegate.comparison.scores import CellResult, Scores

# Were two cells equally good, all n paired differences would point the same way once in 2 ** (n - 1)
# comparisons, with five seeds once in sixteen. With fewer seeds no winner is named.
FEWEST_SEEDS = 5


@dataclass(frozen=True)
class Verdict:
    """Two cells, seed by seed: differences are first minus second in test score.

    winner: the cell that is ahead with every seed, five seeds at least; otherwise None, no difference shown.
    This is a thin first rule: the seeds vary weights, validation part and order, the test part stays one.
    effect: the chance that a replica of the first scores above one of the second, ties halved (Vargha &
    Delaney 2000). time_ratio, parameter_ratio: the first's seconds and parameters over the second's.
    """

    first: str
    second: str
    differences: tuple[float, ...]
    effect: float
    winner: str | None
    time_ratio: float
    parameter_ratio: float
    score_name: str

    @classmethod
    def of(cls, first: CellResult, second: CellResult, score_name: str) -> Verdict:
        """The verdict over the seeds that both have; at least one."""
        seconds = {replica.seed: replica.test_score for replica in second.replicas}
        pairs = [(one.test_score, seconds[one.seed]) for one in first.replicas if one.seed in seconds]
        differences = tuple(one - other for one, other in pairs)
        above = [(one > other) + (one == other) / 2 for one, _ in pairs for _, other in pairs]
        enough = len(differences) >= FEWEST_SEEDS
        winner = None
        if enough and min(differences) > 0:
            winner = first.cell
        elif enough and max(differences) < 0:
            winner = second.cell
        return cls(
            first=first.cell,
            second=second.cell,
            differences=differences,
            effect=sum(above) / len(above),
            winner=winner,
            time_ratio=first.seconds / second.seconds,
            parameter_ratio=first.num_parameters / second.num_parameters,
            score_name=score_name,
        )

    @property
    def text(self) -> str:
        """The verdict in words."""
        num_seeds = f"{len(self.differences)} seed" + "s" * (len(self.differences) != 1)
        if self.winner is None:
            few = f", and fewer than {FEWEST_SEEDS} show none" * (len(self.differences) < FEWEST_SEEDS)
            return (
                f"{self.first} and {self.second}: no difference shown; test {self.score_name} of "
                f"{self.first} minus {self.second}: {Scores.of(self.differences)} over {num_seeds}{few}. "
                f"{self._cost(self.first)}"
            )
        loser = self.second if self.winner == self.first else self.first
        gains = Scores.of([abs(difference) for difference in self.differences])
        return (
            f"{self.winner} is better than {loser}: test {self.score_name} higher with every one of "
            f"{num_seeds}, by {gains}. {self._cost(self.winner)}"
        )

    def _cost(self, cell: str) -> str:
        seconds, parameters = self.time_ratio, self.parameter_ratio
        other = self.second
        if cell == self.second:
            seconds, parameters, other = 1 / seconds, 1 / parameters, self.first
        return (
            f"{cell} takes {seconds:.2f} times the time and {parameters:.2f} times the parameters of {other}."
        )

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"differences": asdict(Scores.of(self.differences)), "text": self.text}
