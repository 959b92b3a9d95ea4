"""The schema of the dictionary that `to_html` and `to_markdown` take: what `Comparison.to_dict()` gives.

Each class here and in records.py is one dictionary and names its fields as they are named there; `Result` is
the whole. Every field may be missing or None: the page then does without. Fields that are not named are
passed over. Scores are fractions (0.981) or R^2, times seconds, memory bytes. docs/report.md shows all of
them filled in.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tidegate.report.digits import fixed
from tidegate.report.fields import Fields
from tidegate.report.records import Cell, Spread

# As printed, where it is not the name.
SCORES: Final = {"R2": "R²"}
_SCORE: Final = "score"


@dataclass(frozen=True)
class Verdict:
    """One of verdicts, a pair of cells, as statistics.Verdict.to_dict() gives it. target: whose scores, of
    several. estimate: test score of
    first minus that of second; interval: [low, high] at this level (0.95); p, p_adjusted (for the number of
    pairs); superiority: how often a run of first is ahead of one of second; outcome: "better" (then winner is
    the better cell), "same", "not shown" or "unknown"; method: as in "corrected resampled t, Holm". sentence,
    text: the verdict in words, in short and in full. differences: a Spread over the seeds, drawn where there
    is no interval."""

    target: str | None
    first: str
    second: str
    estimate: float | None
    interval: tuple[float, float] | None
    level: float | None
    p: float | None
    p_adjusted: float | None
    superiority: float | None
    outcome: str | None
    winner: str | None
    method: str | None
    sentence: str | None
    text: str | None
    differences: Spread | None

    @classmethod
    def read(cls, fields: Fields) -> Verdict:
        differences = Spread.read(fields, "differences")
        estimate = fields.number("estimate")
        return cls(
            target=fields.text("target"),
            first=fields.text("first") or "",
            second=fields.text("second") or "",
            estimate=differences.median if estimate is None and differences is not None else estimate,
            interval=_interval(fields),
            level=fields.number("level"),
            p=fields.number("p"),
            p_adjusted=fields.number("p_adjusted"),
            superiority=fields.number("superiority"),
            outcome=fields.text("outcome"),
            winner=fields.text("winner"),
            method=fields.text("method"),
            sentence=fields.text("sentence"),
            text=fields.text("text"),
            differences=differences,
        )

    @property
    def effect(self) -> str:
        """The difference and, where there is one, its interval."""
        return _effect(self.estimate, self.interval)

    @property
    def words(self) -> str | None:
        return self.sentence or self.text


@dataclass(frozen=True)
class Loss:
    """One of ablation's losses: what a target's score loses without an input. target: of several.
    estimate, interval, level, p_adjusted, outcome: as in a Verdict on the model with all inputs and the one
    trained without; missing where none was. importance: a Spread over the seeds, of what is lost where the
    values are those of other sequences."""

    target: str | None
    input: str
    estimate: float | None
    interval: tuple[float, float] | None
    level: float | None
    p_adjusted: float | None
    outcome: str | None
    importance: Spread | None

    @classmethod
    def read(cls, fields: Fields) -> Loss:
        return cls(
            target=fields.text("target"),
            input=fields.text("input") or "",
            estimate=fields.number("estimate"),
            interval=_interval(fields),
            level=fields.number("level"),
            p_adjusted=fields.number("p_adjusted"),
            outcome=fields.text("outcome"),
            importance=Spread.read(fields, "importance"),
        )

    @property
    def effect(self) -> str:
        return _effect(self.estimate, self.interval)


@dataclass(frozen=True)
class Ablation:
    """The value of ablation. losses: a list. kept: inputs that the model cannot be without."""

    losses: tuple[Loss, ...]
    kept: tuple[str, ...]

    @classmethod
    def read(cls, fields: Fields, target: str | None) -> Ablation:
        losses = (Loss.read(loss) for loss in fields.groups("losses"))
        of_target = tuple(loss for loss in losses if target is None or loss.target == target)
        return cls(of_target, fields.texts("kept"))

    @property
    def retrained(self) -> bool:
        """Whether a model was trained anew without some input."""
        return any(loss.estimate is not None for loss in self.losses)


@dataclass(frozen=True)
class Claim:
    """One of claims. claim: what the article says. answer: "yes", "no" or other words, such as "not shown".
    evidence: the numbers of this comparison it rests on."""

    claim: str
    answer: str
    evidence: str

    @classmethod
    def read(cls, fields: Fields) -> Claim:
        return cls(*(fields.text(name) or "" for name in ("claim", "answer", "evidence")))


@dataclass(frozen=True)
class Gates:
    """One of gates: what a trained cell did on one sequence. sequence: its id or label. gates: name to
    (H, T), a row a unit and a column a step, from 0 to 1; a state, from -1 to 1, may stand among them.
    num_steps, num_units: of the sequence and the cell, where fewer are in gates: means of neighbouring steps,
    some of the units."""

    cell: str
    sequence: str
    num_steps: int | None
    num_units: int | None
    gates: dict[str, tuple[tuple[float, ...], ...]]

    @classmethod
    def read(cls, fields: Fields) -> Gates:
        group = fields.group("gates")
        matrices = {} if group is None else {name: group.matrix(name) for name in group.names()}
        return cls(
            cell=fields.text("cell") or "",
            sequence=fields.text("sequence") or "",
            num_steps=_count(fields, "num_steps"),
            num_units=_count(fields, "num_units"),
            gates={name: matrix for name, matrix in matrices.items() if matrix and matrix[0]},
        )


@dataclass(frozen=True)
class Gradients:
    """One of gradients: how far back a trained cell's loss reaches. steps_back: from the last step of a
    sequence. norm, low, high: of d loss / d h that many steps back, the mean over some sequences and its
    range; as many as steps_back."""

    cell: str
    steps_back: tuple[float, ...]
    norm: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    @classmethod
    def read(cls, fields: Fields) -> Gradients:
        curves = {name: fields.numbers(name) for name in ("norm", "low", "high")}
        steps = fields.numbers("steps_back") or tuple(map(float, range(max(map(len, curves.values())))))
        for name, curve in curves.items():
            as_many = len(curve) in (0, len(steps))
            fields.require(as_many, name, f"{len(steps)} numbers, as many as steps_back")
        absent = (math.nan,) * len(steps)
        return cls(
            fields.text("cell") or "", steps, *(curves[name] or absent for name in ("norm", "low", "high"))
        )


@dataclass(frozen=True)
class Result:
    """The whole dictionary. title: of the page. task: "classification" or "regression"; score: as in
    "accuracy". targets: of models with several, name to {"score"}; here the result as it is of each, its
    cells' and replicas' own fields in the place of theirs. curve: what a history's score is, where it is not
    the score. noun: what is compared, "cell" unless given. ablation: what each input adds. summary: the
    verdict in one paragraph. cells: name to Cell, in their order on the page. verdicts, claims, gates,
    gradients: lists. score_to_reach: that of seconds_to_score. data: {"train": {...}, "test": {...}};
    settings, versions: names to values. seeds: a list. hardware, command (that makes the result again),
    created (a date): texts. num_threads; seconds (of the whole); interrupted: whether replicas are
    missing."""

    title: str | None
    task: str | None
    score: str
    targets: dict[str, Result]
    curve: str
    noun: str
    ablation: Ablation | None
    summary: str | None
    cells: tuple[Cell, ...]
    verdicts: tuple[Verdict, ...]
    claims: tuple[Claim, ...]
    gates: tuple[Gates, ...]
    gradients: tuple[Gradients, ...]
    score_to_reach: float | None
    seeds: tuple[str, ...]
    data: dict[str, Any]
    settings: dict[str, Any]
    versions: dict[str, Any]
    hardware: str | None
    num_threads: float | None
    seconds: float | None
    interrupted: bool
    command: str | None
    created: str | None

    @classmethod
    def read(cls, result: Mapping[str, Any]) -> Result:
        """ValueError, naming the field, where one is not of its type."""
        fields = Fields(result, "result")
        targets = {name: cls._of(fields.over("targets", name), name) for name in fields.named("targets")}
        return cls._of(fields, None, targets)

    @classmethod
    def _of(cls, fields: Fields, target: str | None, targets: dict[str, Result] | None = None) -> Result:
        score = SCORES.get(score := fields.text("score") or _SCORE, score)
        curve = fields.text("curve") or score
        ablation = fields.group("ablation")
        verdicts = (Verdict.read(verdict) for verdict in fields.groups("verdicts"))
        return cls(
            title=fields.text("title"),
            task=fields.text("task"),
            score=score if target is None else f"{score} of {target}",
            targets=targets or {},
            curve=SCORES.get(curve, curve),
            noun=fields.text("noun") or "cell",
            ablation=None if ablation is None else Ablation.read(ablation, target),
            summary=fields.text("summary"),
            cells=tuple(Cell.read(name, cell, target) for name, cell in fields.named("cells").items()),
            verdicts=tuple(one for one in verdicts if target is None or one.target == target),
            claims=tuple(Claim.read(claim) for claim in fields.groups("claims")),
            gates=tuple(Gates.read(gates) for gates in fields.groups("gates")),
            gradients=tuple(Gradients.read(one) for one in fields.groups("gradients")),
            score_to_reach=fields.number("score_to_reach"),
            seeds=fields.texts("seeds"),
            data=fields.plain("data"),
            settings=fields.plain("settings"),
            versions=fields.plain("versions"),
            hardware=fields.text("hardware"),
            num_threads=fields.number("num_threads"),
            seconds=fields.number("seconds"),
            interrupted=bool(fields.raw("interrupted")),
            command=fields.text("command"),
            created=fields.text("created"),
        )


def _interval(fields: Fields) -> tuple[float, float] | None:
    interval = fields.numbers("interval")
    fields.require(len(interval) in (0, 2), "interval", "two numbers, low and high")
    finite = len(interval) == 2 and interval[0] <= interval[1]
    return (interval[0], interval[1]) if finite else None


def _effect(estimate: float | None, interval: tuple[float, float] | None) -> str:
    if interval is None:
        return fixed(estimate, 3)
    low, high = interval
    return f"{fixed(estimate, 3)} ({fixed(low, 3)} to {fixed(high, 3)})"


def _count(fields: Fields, name: str) -> int | None:
    number = fields.number(name)
    return None if number is None or number < 1 else int(number)
