"""The sentences at the head of a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tidegate.report.digits import counted, fixed, listed, sentence, significant
from tidegate.report.records import Cell
from tidegate.report.result import Result, Verdict

_MOST_LEADING: Final = 3


def title(result: Result) -> str:
    if result.title:
        return result.title
    names = [cell.name for cell in result.cells]
    if result.ablation is not None:
        return f"What {listed(dict.fromkeys(loss.input for loss in result.ablation.losses))} add"
    return f"{listed(names)} compared" if names else "Nothing was compared"


def facts(result: Result) -> str:
    """What was done, in a line."""
    train, test = result.data.get("train"), result.data.get("test")
    parts = []
    if isinstance(train, Mapping) and "sequences" in train:
        parts.append(f"{train['sequences']} sequences to train on")
    if isinstance(test, Mapping) and "sequences" in test:
        parts.append(f"{test['sequences']} to test on")
    if result.seeds:
        parts.append(counted(len(result.seeds), "seed"))
    if result.seconds is not None:
        parts.append(f"{significant(result.seconds)} s in all")
    if result.created:
        parts.append(result.created)
    return " · ".join(parts)


def verdicts(result: Result) -> list[str]:
    """The summary that came with the result; else a paragraph a target."""
    if result.summary:
        return [result.summary]
    views = list(result.targets.values()) or [result]
    if result.ablation is None:
        return list(map(_compared, views))
    told = list(map(_lost, views))
    if result.ablation.kept:
        told[-1] += f" The model cannot be without {listed(result.ablation.kept)}."
    return told


def _lost(result: Result) -> str:
    """What a score loses without each input."""
    assert result.ablation is not None
    losses = result.ablation.losses
    shown = sorted((one for one in losses if one.outcome == "better"), key=lambda one: -(one.estimate or 0.0))
    needed = [one for one in shown if (one.estimate or 0.0) > 0.0]
    harmful = [one for one in shown if one not in needed]
    others = [one.input for one in losses if one.outcome not in ("better", None)]
    sentences = []
    if needed:
        told = "; ".join(f"{one.effect} without {one.input}" for one in needed)
        sentences.append(f"{sentence(result.score)} loses {told}.")
    if harmful:
        told = "; ".join(f"{one.input}, {one.effect}" for one in harmful)
        sentences.append(f"{sentence(result.score)} is better without {told}.")
    if others:
        of_score = "" if shown else f" of {result.score}"
        sentences.append(f"No loss{of_score} is shown without {listed(others)}.")
    permuted = [
        (own.median, one.input) for one in losses if (own := one.importance) and own.median is not None
    ]
    if permuted:
        loss, name = max(permuted)
        which = "it" if sentences else result.score
        most = f"most by {name}, {fixed(loss, 3)}" if loss > 0.0 else "nothing"
        sentences.append(f"By permutation {which} loses {most}.")
    return " ".join(sentences) or "No model with all inputs was finished, so there is nothing to say."


def _compared(result: Result) -> str:
    """Who scores highest, and what the pairs with that cell show."""
    sentences = []
    if (best := _best(result)) is not None:
        spread = best.measures["test_score"]
        middle = fixed(spread.median, 3)
        alike = [cell.name for cell in result.cells if cell.middle("test_score") == best.middle("test_score")]
        if len(alike) > 1:
            sentences.append(f"{listed(alike)} share the highest median test {result.score}, {middle}.")
        else:
            ranged = f" ({fixed(spread.min, 3)} to {fixed(spread.max, 3)})" if spread.varies else ""
            sentences.append(f"{best.name} has the highest median test {result.score}, {middle}{ranged}.")
    elif result.cells:
        sentences.append("There are no test scores, so there is nothing to compare.")
    else:
        sentences.append("No replica was finished, so there is nothing to compare.")
    return " ".join([*sentences, *_told(_leading(result))])


def pairs(result: Result) -> list[str]:
    """What each pair shows, where the paragraph does not say it all."""
    if result.ablation is not None:
        return []
    told = [] if result.summary else _leading(result)
    if len(told) == len(result.verdicts):
        return []
    return [one.words for one in result.verdicts if one.words]


def warning(result: Result) -> str | None:
    if not result.interrupted:
        return None
    return "This comparison was interrupted: only replicas that were finished are shown."


def _told(verdicts: list[Verdict]) -> list[str]:
    """First the pairs of which more can be said than that no difference is shown."""
    apart = [one.words.removesuffix(".") for one in verdicts if one.words and not _is_unshown(one)]
    if apart and apart[0].startswith("no"):
        apart[0] = sentence(apart[0])
    unshown = [f"{one.first} minus {one.second} {one.effect}" for one in verdicts if _is_unshown(one)]
    sentences = [f"{'; '.join(apart)}."] * bool(apart)
    if unshown:
        level = next((one.level for one in verdicts if one.level is not None), None)
        at = "" if level is None else f"{significant(100 * level)}\N{NO-BREAK SPACE}% "
        sentences.append(f"No difference is shown: {'; '.join(unshown)} ({at}intervals).")
    return sentences


def _is_unshown(verdict: Verdict) -> bool:
    return verdict.outcome == "not shown" and verdict.interval is not None


def _leading(result: Result) -> list[Verdict]:
    """The verdicts to begin with: all, or where they are many those on the cell that scores highest."""
    best = _best(result)
    if best is None or len(result.verdicts) <= _MOST_LEADING:
        return list(result.verdicts)
    return [verdict for verdict in result.verdicts if best.name in (verdict.first, verdict.second)]


def _best(result: Result) -> Cell | None:
    scored = [cell for cell in result.cells if cell.middle("test_score") is not None]
    return max(scored, key=lambda cell: cell.middle("test_score") or 0.0, default=None)
