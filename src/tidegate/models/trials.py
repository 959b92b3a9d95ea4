"""Variants of a model trained and measured on the same random splits, and what their scores show.

J splits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.checks import integer, real
from tidegate.models.measures import ERRORS
from tidegate.models.model import SequenceModel
from tidegate.models.parts import in_two
from tidegate.models.reading import read
from tidegate.statistics import Difference, Verdict, corrected_resampled_t, judge

Doubles = NDArray[np.float64]
Watch = Callable[[str, int], None]


@dataclass(frozen=True, eq=False)
class Trials:
    """scores: of each variant and target, (J,) the target's first measure on the test part; the larger the
    better, so that of an error it is the negative. measures: the names of these, by target. sizes: sequences
    trained on (those that a model holds out for itself among them) and tested on."""

    scores: Mapping[str, Mapping[str, Doubles]]
    measures: Mapping[str, str]
    sizes: tuple[int, int]

    def difference(self, first: str, second: str, target: str) -> Difference:
        """Of the scores of the first less those of the second."""
        return corrected_resampled_t(self.scores[first][target] - self.scores[second][target], *self.sizes)

    def verdicts(self, pairs: Sequence[tuple[str, str]], target: str) -> tuple[Verdict, ...]:
        """Of these pairs of variants, the p-values adjusted for one another by Holm."""
        found = {pair: self.difference(*pair, target) for pair in pairs}
        return judge(found, f"{target} {self.measures[target]}")


def run_trials(
    variants: Mapping[str, SequenceModel],
    data: Mapping[str, Any],
    *,
    seeds: int = 5,
    test: float = 0.2,
    seed: int = 0,
    watch: Watch | None = None,
) -> Trials:
    """Train each variant on each of `seeds` random splits of the data, of which `test` is the share
    measured on; all on the same splits, with the split's number as random_state. watch: called with a
    variant's name and the number of the split before it is trained.

    The variants' inputs are among those of the first; their targets are its targets. ValueError where the
    data do not fit.
    """
    integer("seeds", seeds)
    real("test", test, 0.05, 0.9)
    first = next(iter(variants.values()))
    rows = read(first.inputs, first.targets, data, "data", [*first.inputs, *first.targets])
    scores: dict[str, dict[str, list[float]]] = {
        name: {target: [] for target in first.targets} for name in variants
    }
    measures: dict[str, str] = {}
    sizes = (0, 0)
    for number in range(seed, seed + seeds):
        training, measured = in_two(rows, first.targets, test, number)
        sizes = (len(next(iter(training.values()))), len(next(iter(measured.values()))))
        for name, variant in variants.items():
            if watch is not None:
                watch(name, number - seed)
            variant.random_state = number
            variant.fit(training)
            for target, found in variant.evaluate(measured).items():
                if not found:
                    raise ValueError(
                        f"targets[{target!r}] expects answers in each test part; got none in split "
                        f"{number}: raise test"
                    )
                measures[target], value = next(iter(found.items()))
                scores[name][target].append(-value if measures[target] in ERRORS else value)
    arrays = {name: {target: np.array(own) for target, own in by.items()} for name, by in scores.items()}
    return Trials(arrays, measures, sizes)


def without_each_input(model: SequenceModel) -> dict[str, SequenceModel]:
    """The model, "all", and for each input the model without it, by "without NAME", where there is such a
    model."""
    variants = {"all": model.with_inputs(model.inputs)}
    for name in model.inputs:
        rest = {other: record for other, record in model.inputs.items() if other != name}
        try:
            variant = model.with_inputs(rest)
        except ValueError:
            continue  # nothing is left, or what is left needs it
        per_step = any(target.is_step for target in model.targets.values())
        if not per_step or variant.main_stream == model.main_stream:
            variants[f"without {name}"] = variant
    return variants


def ablate(
    model: SequenceModel, data: Mapping[str, Any], *, seeds: int = 5, test: float = 0.2, seed: int = 0,
    watch: Watch | None = None,
) -> Trials:  # fmt: skip
    """What each target's score loses without each input: trials of the variants of without_each_input,
    trained anew. tidegate.SequenceModel.permutation_importance asks the same of a fitted model, without
    training."""
    return run_trials(without_each_input(model), data, seeds=seeds, test=test, seed=seed, watch=watch)
