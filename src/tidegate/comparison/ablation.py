"""What each input adds: a model trained anew without it, and one whose values for it are others'."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tidegate.comparison.described import described
from tidegate.comparison.parts import TEST_SHARE
from tidegate.comparison.results import Comparison, finite, plain_table
from tidegate.comparison.run import Running
from tidegate.comparison.scores import Scores
from tidegate.models import SequenceModel
from tidegate.statistics import Verdict

if TYPE_CHECKING:
    from rich.table import Table

WHOLE = "all"


def ablate(
    model: SequenceModel,
    data: Mapping[str, Any],
    *,
    retrain: bool = True,
    test: float = TEST_SHARE,
    seeds: int | Iterable[int] = 5,
    margin: float = 0.0,
    num_threads: int | None = None,
    progress: bool = True,
    output: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    command: str | None = None,
) -> Ablation:
    """Train the model, and anew without each of its inputs, and say what each target's score loses.

    All are trained on the same splits, one a seed, and the model with all inputs is compared with each of the
    others as tidegate.compare_models compares; Holm's adjustment is over the inputs. Beside it stands
    permutation importance: what the model with all inputs loses on the test part where an input's values are
    those of other sequences. retrain=False measures that alone, and trains one model a seed. An input that
    the model cannot be without is kept. The arguments are those of compare_models.
    """
    running = Running.of(seeds, margin, num_threads, progress, output, resume, overwrite, command)
    without = without_each_input(model) if retrain else {}
    if retrain and not without:
        raise ValueError(
            f"inputs expects at least two, of which one can be left out; got {', '.join(model.inputs)}: add "
            "another"
        )
    models = {WHOLE: model, **{_without(name): own for name, own in without.items()}}
    pairs = tuple((WHOLE, _without(name)) for name in without)
    subject = described(models, data, test, running, pairs, permuted=WHOLE)
    kept = tuple(name for name in model.inputs if retrain and name not in without)
    found = running.run(subject, result=partial(Ablation, inputs=tuple(model.inputs), kept=kept))
    assert isinstance(found, Ablation)
    return found


def without_each_input(model: SequenceModel) -> dict[str, SequenceModel]:
    """By input, the model without it, where there is such a model: something must be left, targets per step
    keep their stream, and what is left may need the input."""
    per_step = any(target.is_step for target in model.targets.values())
    found = {}
    for name in model.inputs:
        rest = {other: record for other, record in model.inputs.items() if other != name}
        try:
            own = model.with_inputs(rest)
        except ValueError:
            continue
        if not per_step or own.main_stream == model.main_stream:
            own.source_ = model.source_
            found[name] = own
    return found


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _without(name: str) -> str:
    return f"without {name}"


@dataclass(frozen=True)
class Loss:
    """What a target's score loses without an input. verdict: on the model with all inputs and that without;
    None where none was trained. importance: by permutation, of every seed."""

    target: str
    score: str
    input: str
    verdict: Verdict | None
    importance: Scores

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        own = {"target": self.target, "score": self.score, "input": self.input}
        judged: dict[str, Any] = {}
        if self.verdict is not None:
            given = self.verdict.to_dict()
            judged = {
                name: given[name] for name in ("estimate", "interval", "level", "p_adjusted", "outcome")
            }
        return own | judged | {"importance": asdict(self.importance)}


@dataclass(frozen=True, kw_only=True)
class Ablation(Comparison):
    """What `ablate` found: a comparison of the model with all inputs, "all", and those "without NAME".

    inputs: of the model. kept: those that it cannot be without.
    """

    inputs: tuple[str, ...]
    kept: tuple[str, ...]

    @property
    def losses(self) -> tuple[Loss, ...]:
        """By target and input; empty where the model with all inputs was not trained before an interrupt."""
        verdicts = {(own.target, own.second): own for own in self.verdicts}
        importances = [(own.insight or {})["importance"] for own in self._whole]
        return tuple(
            Loss(
                target,
                score,
                name,
                verdicts.get((target, _without(name))),
                Scores.of([_number(own[name][target]) for own in importances]),
            )
            for target, score in self.score_names.items()
            for name in self.inputs
            if importances
        )

    @property
    def _whole(self) -> tuple[Any, ...]:
        return next((own.replicas for own in self.cells if own.cell == WHOLE), ())

    def to_dict(self) -> dict[str, Any]:
        found = [loss.to_dict() for loss in self.losses]
        return super().to_dict() | {"ablation": finite({"losses": found, "kept": list(self.kept)})}

    def loss_rows(self) -> dict[str, NDArray[Any]]:
        """The columns of a table with a row a target and input; NaN where nothing was measured."""
        rows = []
        for loss in self.losses:
            own = loss.verdict
            low, high = (own and own.difference.interval) or (math.nan, math.nan)
            rows.append(
                {
                    "target": loss.target,
                    "score": loss.score,
                    "input": loss.input,
                    "loss": math.nan if own is None else own.difference.estimate,
                    "low": low,
                    "high": high,
                    "p": math.nan if own is None or own.p_adjusted is None else own.p_adjusted,
                    "verdict": "kept" if loss.input in self.kept else "" if own is None else own.outcome,
                    "permutation": loss.importance.median,
                    "permutation_min": loss.importance.min,
                    "permutation_max": loss.importance.max,
                }
            )
        return {name: np.array([row[name] for row in rows]) for name in (rows[0] if rows else ())}

    def table(self) -> Table:
        """A row a target and input, for rich's print; it fits in 60 columns."""
        from rich.text import Text

        retrained = bool(self.verdicts)
        notes = ["loses: trained without it, the mean and its 95 % interval"] if retrained else []
        notes.append(f"permuted: with values of other sequences, the median of {len(self.seeds)} seeds")
        if self._whole:
            own = self[WHOLE].targets
            scores = ", ".join(f"{name} {found.test_score.median:.3f}" for name, found in own.items())
            notes.append(f"with all inputs: {scores}, medians")
        table = plain_table("\n".join(notes), left=True)
        table.add_column("score", overflow="fold")
        table.add_column("without", overflow="fold")
        for title in ("loses", "p") if retrained else ():
            table.add_column(title, justify="right", no_wrap=True)
        table.add_column("permuted", justify="right", no_wrap=True)
        if retrained:
            table.add_column("loss", overflow="fold")
        before = ""
        for loss in self.losses:
            name = f"{loss.target}\n{loss.score}"
            fields = ["" if name == before else name, loss.input]
            permuted = f"{loss.importance.median:.3f}"
            if retrained:
                fields += [*_judged(loss.verdict), permuted, self._word(loss)]
            else:
                fields.append(permuted)
            table.add_row(*map(Text, fields))
            before = name
        return table

    def _word(self, loss: Loss) -> str:
        if loss.input in self.kept:
            return "kept"
        if loss.verdict is None:
            return ""
        return "gain shown" if loss.verdict.winner not in (WHOLE, None) else _WORDS[loss.verdict.outcome]


def _judged(verdict: Verdict | None) -> tuple[str, str]:
    """The mean with its interval below, and p."""
    if verdict is None:
        return "", ""
    interval, p = verdict.difference.interval, verdict.p_adjusted
    ends = "" if interval is None else f"\n{interval[0]:.3f} to {interval[1]:.3f}"
    return f"{verdict.difference.estimate:.3f}{ends}", "" if p is None else f"{p:.3f}"


_WORDS = {
    "better": "shown",
    "same": "none",
    "not shown": "not shown",
    "unknown": "nothing can be said",
}
