"""From differences to words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tidegate.statistics.difference import Difference
from tidegate.statistics.holm import holm

_FEWEST_DECIMALS = 3


@dataclass(frozen=True)
class Verdict:
    """What is shown of two cells, difference being the score of first minus that of second.

    target: of a model with several, the one that the score is of, which its name does not say. p_adjusted:
    the p-value after Holm over all pairs; None where there is none.
    """

    first: str
    second: str
    score_name: str
    difference: Difference
    p_adjusted: float | None
    target: str = ""

    @property
    def outcome(self) -> str:
        """One of "better" (a difference beyond the margin is shown, p_adjusted <= 1 - confidence), "same"
        (the whole interval lies within the margin), "not shown" (neither), "unknown" (no more can be told).
        """
        interval, margin = self.difference.interval, self.difference.margin
        if self.p_adjusted is None:
            return "unknown"
        if self.p_adjusted <= _alpha(self.difference):
            return "better"
        if interval is not None and margin > 0.0 and max(-interval[0], interval[1]) <= margin:
            return "same"
        return "not shown"

    @property
    def winner(self) -> str | None:
        if self.outcome != "better":
            return None
        return self.first if self.difference.estimate > 0.0 else self.second

    @property
    def numbers(self) -> str:
        """The effect and its interval: "accuracy of lstm minus gru: 0.012 on average (95 % interval 0.004 to
        0.020, p = 0.003 after Holm); in 92 % of pairs of runs lstm is ahead"."""
        superiority = self.difference.superiority
        ahead, share = (self.first, superiority) if superiority >= 0.5 else (self.second, 1.0 - superiority)
        return (
            f"{f'{self.target} {self.score_name}'.lstrip()} of {self.first} minus {self.second}: "
            f"{self._effect}; in {100 * share:.0f} % of pairs of runs {ahead} is ahead"
        )

    @property
    def conclusion(self) -> str:
        """The verdict without numbers: "lstm is better than gru", "no difference shown"."""
        margin = self.difference.margin
        beyond = f" of more than {margin:g}" if margin else ""
        if self.outcome == "better":
            loser = self.second if self.winner == self.first else self.first
            return f"{self.winner} is better than {loser}" + (f" by more than {margin:g}" if margin else "")
        if self.outcome == "same":
            return f"no difference{beyond}"
        if self.outcome == "not shown":
            return f"no difference{beyond} shown"
        return f"nothing can be said: {self.difference.reason}"

    @property
    def text(self) -> str:
        """The numbers, then the conclusion."""
        return f"{self.numbers}. Verdict: {self.conclusion}."

    @property
    def sentence(self) -> str:
        """Both in one: "lstm is better than gru by 0.012 on average (95 % interval 0.004 to 0.020, p =
        0.003 after Holm)", "no difference shown: lstm minus gru 0.002 on average (...)"."""
        if self.outcome != "better":
            return f"{self.conclusion}: {self.first} minus {self.second} {self._effect}"
        if self.winner == self.second:
            turned = replace(self, first=self.second, second=self.first, difference=self.difference.swapped())
            return turned.sentence
        return f"{self.conclusion}{': by' if self.difference.margin else ' by'} {self._effect}"

    def to_dict(self) -> dict[str, Any]:
        """Flat, as JSON has it: level is the interval's confidence."""
        own = self.difference.to_dict()
        return {
            **({"target": self.target} if self.target else {}),
            "first": self.first,
            "second": self.second,
            "method": f"{own.pop('method')}, Holm",
            "level": own.pop("confidence"),
            "p": own.pop("p_value"),
            "p_adjusted": self.p_adjusted,
            **own,
            "outcome": self.outcome,
            "winner": self.winner,
            "sentence": self.sentence,
            "text": self.text,
        }

    @property
    def _effect(self) -> str:
        own = self.difference
        p = "" if self.p_adjusted is None else _p(self.p_adjusted, _alpha(own))
        if own.interval is None:
            without = ", ".join(filter(None, ("no interval", p)))
            return f"{own.estimate:.{_FEWEST_DECIMALS}f} on average ({without})"
        low, high = own.interval
        # Two digits of the interval's width.
        decimals = max(_FEWEST_DECIMALS, 1 - math.floor(math.log10(max(high - low, 1e-9))))
        ends = f"{low:.{decimals}f} to {high:.{decimals}f}"
        return f"{own.estimate:.{decimals}f} on average ({100 * own.confidence:g} % interval {ends}, {p})"


def judge(
    differences: Mapping[tuple[str, str], Difference], score_name: str, target: str = ""
) -> tuple[Verdict, ...]:
    """A verdict for each pair (first, second) of cells, their p-values adjusted for one another by Holm."""
    p_values = {pair: own.p_value for pair, own in differences.items() if own.p_value is not None}
    adjusted = dict(zip(p_values, holm(list(p_values.values()))))
    return tuple(
        Verdict(*pair, score_name, own, adjusted.get(pair), target) for pair, own in differences.items()
    )


def _alpha(difference: Difference) -> float:
    """Rounded, so that 1 - 0.95 is 0.05."""
    return round(1.0 - difference.confidence, 12)


def _p(p: float, alpha: float) -> str:
    """With as many digits as it takes to tell it from alpha."""
    if p < 0.001:
        return "p < 0.001 after Holm"
    decimals = next(
        digits for digits in range(3, 20) if f"{p:.{digits}f}" != f"{alpha:.{digits}f}" or p == alpha
    )
    return f"p = {p:.{decimals}f} after Holm"
