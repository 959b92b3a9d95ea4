"""Missing values and irregular time, as the network is given them.

S steps of all sequences, I features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.checks import choice
from tidegate.data import Sequences
from tidegate.data.arrays import borders, place_of
from tidegate.models.scaling import Doubles, Scaling, average

MISSING = ("refuse", "fill", "mask", "decay")
FILLS = ("mean", "zero", "last")
# Intervals; a longer time counts as this, so that its products are finite in float32.
LONGEST = 1e12
# Rate, where nothing else is said, at which training sequences lack what others lack.
GAP_DROPOUT = 0.5


def with_gaps_of_others(X: Sequences, rate: float, rng: np.random.Generator) -> Sequences:
    """Each sequence, with probability `rate`, also without what another one lacks, drawn from X: the same
    values at the same steps, counted from the beginning; one that is shorter begins anew at its end."""
    lengths, starts = X.lengths, X.offsets[:-1]
    drawn = rng.random(len(X)) < rate
    others = rng.choice(np.flatnonzero(lengths), len(X))
    within = np.arange(X.total_steps) - np.repeat(starts, lengths)
    rows = np.repeat(starts[others], lengths) + within % np.repeat(lengths[others], lengths)
    return X.with_gaps(np.isnan(X.values[rows]) & np.repeat(drawn, lengths)[:, np.newaxis])


@dataclass(frozen=True)
class Gaps:
    """What becomes of missing values, and what fit learnt for it.

    missing: of MISSING. fill: of FILLS. mean: of each feature in training, in the unit of X. interval: the
    median interval between training steps, the unit of time; None where there were no time stamps, and a step
    is the unit. time_kind: what these stamps were, as Sequences have it; None also where it is not known, of
    a file that an earlier version wrote.
    """

    missing: str = "refuse"
    fill: str = "mean"
    mean: tuple[float, ...] = ()
    interval: float | None = None
    time_kind: str | None = None

    def __post_init__(self) -> None:
        choice("missing", self.missing, MISSING)
        choice("fill", self.fill, FILLS)

    @classmethod
    def learnt(cls, argument: str, missing: str, fill: str, X: Sequences, weights: Doubles | None) -> Gaps:
        """From the training sequences and the weights of their steps; ValueError where a feature is missing
        in all of them."""
        gaps = cls(missing, fill)
        if missing == "refuse":
            gaps.check(argument, X)
            return gaps
        absent = np.isnan(X.values).all(axis=0)
        if absent.any():
            raise ValueError(
                f"{argument} expects a value of each feature in the sequences that are trained on; got none "
                f"of feature {int(absent.argmax())} in any of these {len(X)}: leave the feature out"
            )
        mean = tuple(average(X.values, weights).tolist())
        if missing == "fill" or X.times is None:
            return cls(missing, fill, mean)
        within = np.delete(np.diff(X.times), borders(X.offsets) - 1)
        interval = float(np.median(within)) if len(within) else 1.0
        return cls(missing, fill, mean, interval, X.time_kind)

    def num_columns(self, num_features: int) -> int:
        """Columns of the network's input x."""
        return 3 * num_features if self.missing == "mask" else num_features

    def dropout(self, rate: float | None) -> float:
        """gap_dropout; None: GAP_DROPOUT where the network reads what is missing, else 0."""
        return rate if rate is not None else GAP_DROPOUT if self.missing in ("mask", "decay") else 0.0

    def check(self, argument: str, X: Sequences) -> None:
        """ValueError where X has gaps that the model does not take, or no time stamps where it needs them, or
        stamps of another kind."""
        if self.missing == "refuse" and X.first_gap is not None:
            step, feature = X.first_gap
            raise ValueError(
                f"{argument} expects finite numbers, as missing='refuse' has it, or data without gaps in "
                f"fit; got NaN in {place_of(step, X.offsets)}, feature {feature}: fit with missing='decay', "
                "'mask' or 'fill'"
            )
        if self.missing in ("mask", "decay") and (X.times is None) != (self.interval is None):
            expected, got = ("no time stamps", "some") if self.interval is None else ("time stamps", "none")
            raise ValueError(
                f"{argument} expects {expected}, as fit saw; got {got}: pass Sequences with the same"
            )
        if X.time_kind is not None:
            self.check_kind(argument, X.time_kind)

    def check_kind(self, argument: str, kind: str) -> None:
        """ValueError where stamps of this kind are not of that which fit saw; their unit would be another."""
        if self.time_kind not in (None, kind):
            raise ValueError(
                f"{argument} expects time stamps that are {self.time_kind}, as fit saw; got {kind}: convert "
                f"them to {self.time_kind}, or fit with {kind}"
            )

    def inputs(
        self, argument: str, X: Sequences, scaling: Scaling, dtype: str, both_directions: bool
    ) -> dict[str, NDArray[Any]]:
        """The network's inputs by name, (S, columns) each, scaled.

        x: the values; where one is missing what fills it, with "mask" beside them observed and
        log(1 + elapsed). With "decay", each value less the training mean: x, where a value is missing the
        last one seen, 0 where there was none; observed, 1 or 0; elapsed. elapsed is the time from the value
        seen last, before this step, or from the first step where there was none (Che et al. 2018), in
        intervals. Names with _reverse: the same seen from the end.
        """
        self.check(argument, X)
        values = scaling.apply(argument, X.values, dtype)
        if self.missing == "refuse":
            return {"x": values}
        if self.missing == "fill":
            return {"x": self._filled(values, X, scaling)}
        given = self.as_read(values, scaling)
        elapsed, last = self._history(given, X.offsets, X.times)
        inputs = self.columns(given, elapsed, last, scaling)
        if both_directions and self.missing == "decay":
            elapsed, last = self._history(
                given[::-1], X.total_steps - X.offsets[::-1], None if X.times is None else -X.times[::-1]
            )
            inputs["x_reverse"] = np.nan_to_num(np.where(X.observed, given, last[::-1]))
            inputs["elapsed_reverse"] = np.ascontiguousarray(elapsed[::-1], dtype=dtype)
        return inputs

    def as_read(self, scaled: NDArray[Any], scaling: Scaling) -> NDArray[Any]:
        """Scaled values; with "decay" less the training mean."""
        return (scaled - self._centre(scaling)).astype(scaled.dtype) if self.missing == "decay" else scaled

    def columns(
        self, given: NDArray[Any], elapsed: Doubles, last: NDArray[Any], scaling: Scaling
    ) -> dict[str, NDArray[Any]]:
        """The network's inputs of some steps, of "mask" or "decay": given as `as_read` has them, intervals
        since each value was seen before, and the value seen last up to the step."""
        observed = ~np.isnan(given)
        if self.missing == "mask":
            filled = self._whole(last if self.fill == "last" else given, scaling)
            columns = [filled, observed, np.log1p(elapsed)]
            return {"x": np.concatenate(columns, axis=1, dtype=given.dtype)}
        x = np.nan_to_num(np.where(observed, given, last))
        return {"x": x, "elapsed": elapsed.astype(given.dtype), "observed": observed.astype(given.dtype)}

    def in_intervals(self, elapsed: Doubles) -> Doubles:
        return np.minimum(elapsed / (self.interval or 1.0), LONGEST)

    def _history(
        self, values: NDArray[Any], offsets: NDArray[np.int64], times: Doubles | None
    ) -> tuple[Doubles, NDArray[Any]]:
        """Intervals since each value was seen last, before each step; and the value seen last up to the step,
        NaN where there is none."""
        steps = np.arange(len(values))[:, np.newaxis]
        first = np.repeat(offsets[:-1], np.diff(offsets))[:, np.newaxis]  # (S, 1) of each step's sequence
        seen = np.maximum.accumulate(np.where(np.isnan(values), first, steps), axis=0)  # or the first step
        before = np.maximum(np.concatenate([seen[:1], seen[:-1]]), first)
        elapsed = steps - before if times is None else times[:, np.newaxis] - times[before]
        return self.in_intervals(elapsed), np.take_along_axis(values, seen, axis=0)

    def _centre(self, scaling: Scaling) -> Doubles:
        """The training mean as the network sees it: 0 where features are standardised."""
        return (np.array(self.mean) - scaling.mean) / scaling.scale

    def _filled(self, values: NDArray[Any], X: Sequences, scaling: Scaling) -> NDArray[Any]:
        """Scaled values without gaps."""
        if self.fill == "last":
            values = self._history(values, X.offsets, X.times)[1]
        return self._whole(values, scaling)

    def _whole(self, values: NDArray[Any], scaling: Scaling) -> NDArray[Any]:
        filler = -scaling.mean / scaling.scale if self.fill == "zero" else self._centre(scaling)
        return np.where(np.isnan(values), filler, values).astype(values.dtype)
