"""Tables as rows of text, for a page and for Markdown alike."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Final

from tidegate.report.digits import (
    BYTES,
    MINUS,
    NONE,
    SECONDS,
    Unit,
    counted,
    decimals,
    fixed,
    probability,
    sentence,
    significant,
    unit_for,
)
from tidegate.report.records import MEASURES, Spread
from tidegate.report.result import Ablation, Claim, Loss, Result


@dataclass(frozen=True)
class Field:
    """text, and a note below or after it: a range."""

    text: str
    note: str = ""


@dataclass(frozen=True)
class Column:
    """title; unit, "" for none; numeric: aligned at the right."""

    title: str
    unit: str = ""
    numeric: bool = True


@dataclass(frozen=True)
class Table:
    """caption: what the numbers are. rows: as many fields each as there are columns."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Field, ...], ...]


_TITLES: Final = {
    "num_parameters": "parameters",
    "hidden_size": "hidden size",
    "train_score": "train",
    "validation_score": "validation",
    "test_score": "test",
    "generalization_gap": "gap",
    "epochs": "epochs",
    "epochs_to_convergence": "epochs to converge",
    "updates_to_convergence": "updates to converge",
    "seconds": "training",
    "seconds_to_score": "time to score",
    "updates_per_second": "updates/s",
    "latency_seconds": "latency",
    "memory_bytes": "memory",
}
_SCORES: Final = ("test_score", "validation_score", "train_score", "generalization_gap")
_UNITS: Final = {
    "seconds": SECONDS,
    "seconds_to_score": SECONDS,
    "latency_seconds": SECONDS,
    "memory_bytes": BYTES,
}
_SCORED: Final = (*_SCORES, "num_parameters", "hidden_size", "seconds")
_COSTING: Final = tuple(name for name in MEASURES if name not in _SCORED)
_REMARKS: Final = {
    "generalization_gap": "the gap is train minus test score",
    "seconds": "training is that of one replica",
    "epochs": "epochs are those of one replica",
    "seconds_to_score": "time to a score is until the validation score first reached it, of the seeds that "
    "did; that score is 95 % of the best cell's median",
    "latency_seconds": "latency is that of one sequence",
    "memory_bytes": "memory is the most while training",
}
_OUTCOMES: Final = {
    "better": "{} is better",
    "same": "no difference",
    "not shown": "no difference shown",
    "unknown": "nothing can be said",
}


def score_table(result: Result) -> Table | None:
    """A row a cell: its size, what it scores (of several targets on the test part), how long it trains."""
    if not result.targets:
        return _cell_table(result, [(name, result) for name in _SCORED], _scores_over(result))
    measured = [("test_score", own) for own in result.targets.values()]
    measured += [(name, result) for name in _SCORED if name not in _SCORES]
    return _cell_table(result, measured, f"test scores{_over(result)}")


def target_table(result: Result) -> Table | None:
    """A row a cell: what it scores in all parts."""
    return _cell_table(result, [(name, result) for name in _SCORES], _scores_over(result))


def cost_table(result: Result) -> Table | None:
    """A row a cell: how long it takes to learn and to answer."""
    return _cell_table(result, [(name, result) for name in _COSTING], "medians and ranges")


def _scores_over(result: Result) -> str:
    return f"{result.score}{_over(result)}"


def _over(result: Result) -> str:
    over = f"over {counted(len(result.seeds), 'seed')}" if result.seeds else "over the seeds"
    return f": median and range {over}"


def _cell_table(result: Result, measured: Iterable[tuple[str, Result]], remark: str) -> Table | None:
    """A column a measure, of the whole result or of one target of it, that any cell has."""
    there = [(name, own) for name, own in measured if any(name in cell.measures for cell in own.cells)]
    if not there:
        return None
    columns, texts = [Column(result.noun, numeric=False)], []
    for measure, own in there:
        unit, fields = _measured(measure, [cell.measures.get(measure) for cell in own.cells])
        title = own.score if own is not result else _TITLES[measure]
        if measure == "seconds_to_score" and result.score_to_reach is not None:
            title = f"time to {fixed(result.score_to_reach, 3)}"
        columns.append(Column(title, unit))
        texts.append(fields)
    rows = zip([Field(cell.name) for cell in result.cells], *texts)
    remarks = [remark, *(_REMARKS[measure] for measure, _ in there if measure in _REMARKS)]
    return Table(f"{sentence('; '.join(remarks))}.", tuple(columns), tuple(rows))


def _measured(measure: str, spreads: Sequence[Spread | None]) -> tuple[str, list[Field]]:
    """The column's unit, and the cells' medians and ranges in it, with the digits that suit them all."""
    ends = [(one.median, one.min, one.max) if one else (None, None, None) for one in spreads]
    numbers = [number for three in ends for number in three if number is not None]
    unit = unit_for(numbers, _UNITS.get(measure, (Unit(""),)))
    digits = 3 if measure in _SCORES else decimals(number / unit.size for number in numbers)
    fields = []
    for spread, three in zip(spreads, ends):
        middle, low, high = (None if end is None else fixed(end / unit.size, digits) for end in three)
        notes = [f"{low} to {high}"] * (spread is not None and spread.varies)
        if spread is not None and (missing := sum(map(math.isnan, spread.values))):
            notes.append(f"{len(spread.values) - missing} of {len(spread.values)}")
        fields.append(Field(middle or NONE, ", ".join(notes)))
    return unit.name, fields


def pair_table(result: Result) -> Table | None:
    """A row a pair that has an interval or a p."""
    verdicts = [verdict for verdict in result.verdicts if verdict.interval or verdict.p is not None]
    if not verdicts:
        return None
    level = next((verdict.level for verdict in verdicts if verdict.level is not None), None)
    interval = "interval" if level is None else f"{significant(100 * level)} % interval"
    titles = {"pair": False, "difference": True, interval: True, "p": True}
    optional: dict[str, list[Any]] = {
        "p adjusted": [verdict.p_adjusted for verdict in verdicts],
        "first ahead": [verdict.superiority for verdict in verdicts],
        "verdict": [verdict.outcome for verdict in verdicts],
    }
    shown = [title for title, values in optional.items() if any(value is not None for value in values)]
    columns = [Column(title, numeric=numeric) for title, numeric in titles.items()]
    columns += [Column(title, "%" * (title == "first ahead"), title != "verdict") for title in shown]
    rows = []
    for verdict in verdicts:
        ends = [fixed(end, 3) for end in verdict.interval or ()]
        share = None if verdict.superiority is None else 100 * verdict.superiority
        fields = {
            "p adjusted": probability(verdict.p_adjusted),
            "first ahead": fixed(share, 0),
            "verdict": _OUTCOMES.get(verdict.outcome or "", NONE).format(verdict.winner),
        }
        texts = [
            f"{verdict.first} {MINUS} {verdict.second}",
            fixed(verdict.estimate, 3),
            " to ".join(ends) or NONE,
            probability(verdict.p),
            *(fields[title] for title in shown),
        ]
        rows.append(tuple(Field(text) for text in texts))
    remarks = [f"Difference in test {result.score}, the first {result.noun} minus the second"]
    remarks += dict.fromkeys(verdict.method for verdict in verdicts if verdict.method)
    remarks += ["first ahead: in how many of the pairs of runs"] * ("first ahead" in shown)
    return Table(f"{'; '.join(remarks)}.", tuple(columns), tuple(rows))


def loss_table(result: Result) -> Table | None:
    """A row an input: what the score loses without it."""
    ablation = result.ablation
    if ablation is None or not ablation.losses:
        return None
    level = next((one.level for one in ablation.losses if one.level is not None), None)
    interval = "interval" if level is None else f"{significant(100 * level)} % interval"
    columns = [Column("input", numeric=False)]
    rows: list[tuple[Field, ...]] = []
    if ablation.retrained:
        columns += [Column("trained without"), Column(interval), Column("p adjusted")]
    columns.append(Column("permuted"))
    if ablation.retrained:
        columns.append(Column("verdict", numeric=False))
    for loss in ablation.losses:
        own = loss.importance
        ranged = f"{fixed(own.min, 3)} to {fixed(own.max, 3)}" if own is not None and own.varies else ""
        permuted = Field(fixed(own.median if own else None, 3), ranged)
        if not ablation.retrained:
            rows.append((Field(loss.input), permuted))
            continue
        ends = " to ".join(fixed(end, 3) for end in loss.interval or ()) or NONE
        texts = [fixed(loss.estimate, 3), ends, probability(loss.p_adjusted)]
        judged = (Field("" if loss.input in ablation.kept else text) for text in texts)
        rows.append((Field(loss.input), *judged, permuted, Field(_lost(loss, ablation))))
    remarks = [f"What test {result.score} loses"]
    remarks += ["trained without: on average, trained anew without the input"] * ablation.retrained
    remarks.append("permuted: with values of other sequences for the input, median and range over the seeds")
    return Table(f"{sentence('; '.join(remarks))}.", tuple(columns), tuple(rows))


def _lost(loss: Loss, ablation: Ablation) -> str:
    if loss.input in ablation.kept:
        return "kept: the model cannot be without it"
    if loss.outcome == "better":
        return "needed" if (loss.estimate or 0.0) > 0.0 else "better without"
    return {"same": "no loss", "not shown": "no loss shown"}.get(loss.outcome or "", "nothing can be said")


def claim_table(claims: Sequence[Claim]) -> Table | None:
    columns = tuple(Column(title, numeric=False) for title in ("the article says", "here", "evidence"))
    rows = tuple((Field(one.claim), Field(one.answer or NONE), Field(one.evidence)) for one in claims)
    return Table("", columns, rows) if rows else None


def data_table(data: Mapping[str, Any]) -> Table | None:
    """A row a part."""
    parts = {name: part for name, part in data.items() if isinstance(part, Mapping)}
    titles = list(dict.fromkeys(str(title) for part in parts.values() for title in part))
    if not titles:
        return None
    numeric = {title: all(_is_number(part.get(title)) for part in parts.values()) for title in titles}
    columns = (Column("part", numeric=False), *(Column(title, numeric=numeric[title]) for title in titles))
    rows = tuple(
        (Field(name), *(Field(plain(part[title]) if title in part else "") for title in titles))
        for name, part in parts.items()
    )
    return Table("", columns, rows)


def settings(result: Result) -> list[tuple[str, list[tuple[str, str]]]]:
    """Headings, and names and values below each: all that a reader needs to judge and repeat the result."""
    scores = [own.score for own in result.targets.values()]
    run = {
        "task": result.task,
        "score": (scores or result.score) if result.task else None,
        "seeds": result.seeds or None,
        "replicas side by side": result.num_threads,
        "seconds in all": None if result.seconds is None else significant(result.seconds),
        "hardware": result.hardware,
        "made on": result.created,
    }
    searched = {f"{cell.name}: found": cell.tuned for cell in result.cells if cell.tuned}
    groups = {
        "Settings": result.settings | searched,
        "Data": {name: value for name, value in result.data.items() if not isinstance(value, Mapping)},
        "Run": {name: value for name, value in run.items() if value is not None},
        "Versions": result.versions,
    }
    return [
        (title, [(name, plain(value)) for name, value in group.items()])
        for title, group in groups.items()
        if group
    ]


def plain(value: Any) -> str:
    """Any value of JSON in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value in ("", [], {}, ()):
        return NONE
    if _is_number(value):
        return NONE if not math.isfinite(value) else f"{value:,.6g}".replace("-", MINUS)
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {plain(item)}" for name, item in value.items())
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(
            f"({plain(item)})" if isinstance(item, list | tuple) else plain(item) for item in value
        )
    return str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
