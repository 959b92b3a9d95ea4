"""What a method found of the difference between two cells."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from tidegate.checks import real

FEWEST_RUNS = 3
# A spread below this is rounding: scores (accuracy, R^2) are of order one.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Difference:
    """Score of a minus score of b, where a higher score is better.

    method: "corrected resampled t" or "paired bootstrap". num_runs: splits of the one, seeds of the other.
    num_test: the independent parts of the test part (sequences, or groups of them); None for splits.
    interval: both ends, at `confidence`; None where none can be given. p_value: two-sided, for a difference
    of at most `margin` in size, so that p_value <= 1 - confidence exactly where the interval lies beyond the
    margin; None where none can be given. standard_error: of the estimate. degrees_of_freedom: of the t
    distribution; None for the bootstrap.
    superiority: how often a run of a scores above a run of b, ties halved (Vargha & Delaney 2000): 0.5 where
    neither does.
    reason: why there is no interval; None where there is one.
    """

    method: str
    estimate: float
    superiority: float
    num_runs: int
    confidence: float
    margin: float
    num_test: int | None = None
    interval: tuple[float, float] | None = None
    p_value: float | None = None
    standard_error: float | None = None
    degrees_of_freedom: float | None = None
    reason: str | None = None

    def swapped(self) -> Difference:
        """Score of b minus score of a."""
        interval = None if self.interval is None else (-self.interval[1], -self.interval[0])
        return replace(
            self, estimate=0.0 - self.estimate, superiority=1.0 - self.superiority, interval=interval
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        document = asdict(self)
        document["interval"] = None if self.interval is None else list(self.interval)
        return document


def check_levels(confidence: float, margin: float) -> None:
    """ValueError unless 0.5 <= confidence <= 0.999 and margin >= 0."""
    real("confidence", confidence, 0.5, 0.999)
    real("margin", margin)
