"""What the article says of LSTM and GRU, answered with the numbers of one comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidegate.comparison.scores import CellResult
from tidegate.statistics import FEWEST_RUNS, Verdict

Claim = dict[str, str]


def claims(
    cells: Sequence[CellResult], verdicts: Sequence[Verdict], match: str, data: Mapping[str, Any]
) -> list[Claim]:
    """None where the comparison lacks the lstm or the gru. cells: each named by the cell that it is. data:
    with the shortest and the longest sequence's steps, where there are sequences."""
    known = {result.cell: result for result in cells}
    if not {"lstm", "gru"} <= known.keys():
        return []
    lstm, gru = known["lstm"], known["gru"]
    own = [one for one in verdicts if {one.first, one.second} == {"lstm", "gru"}]
    found = [_parameters(lstm, gru, match), _speed(lstm, gru), _generalisation(lstm, gru, own)]
    return [*found, _length(own, data)] if "longest" in data else found


def _parameters(lstm: CellResult, gru: CellResult, match: str) -> Claim:
    counts = f"{gru.num_parameters:,} against {lstm.num_parameters:,}"
    sizes = f"hidden size {gru.hidden_size} against {lstm.hidden_size}"
    answer = "yes" if gru.num_parameters < lstm.num_parameters else "no"
    if match != "hidden":
        searched = any(own.tuned is not None for own in (lstm, gru))
        chosen = (
            "Each of the hidden size that the search found" if searched else "Each of its own hidden size"
        )
        how = "Matched" if match == "parameters" else chosen
        return _claim("A GRU has fewer parameters.", "not asked", f"{how}: {counts}, {sizes}.")
    return _claim("A GRU has fewer parameters.", answer, f"{counts}, {sizes}.")


def _speed(lstm: CellResult, gru: CellResult) -> Claim:
    """By the seconds of whole trainings, seed by seed."""
    others = {replica.seed: replica.seconds for replica in lstm.replicas}
    pairs = [(one.seconds, others[one.seed]) for one in gru.replicas if one.seed in others]
    faster = sum(own < other for own, other in pairs)
    answer = "not shown"
    if len(pairs) >= FEWEST_RUNS and faster in (0, len(pairs)):
        answer = "yes" if faster else "no"
    return _claim(
        "A GRU trains faster.",
        answer,
        f"{gru.seconds:.3g} s against {lstm.seconds:.3g} s a training, medians; faster with {faster} of "
        f"{len(pairs)} seeds; {gru.updates_per_second:,.0f} against {lstm.updates_per_second:,.0f} updates "
        "a second.",
    )


def _generalisation(lstm: CellResult, gru: CellResult, verdicts: Sequence[Verdict]) -> Claim:
    answers = set(map(_better, verdicts)) or {"not shown"}
    gaps = []
    for target, own in gru.targets.items():
        medians = own.generalization_gap.median, lstm.targets[target].generalization_gap.median
        gaps.append(f"{target} {medians[0]:.3f} against {medians[1]:.3f}".lstrip())
    sentences = "".join(f"On the test part: {_named(one)}. " for one in verdicts)
    return _claim(
        "A GRU generalises as well or better.",
        answers.pop() if len(answers) == 1 else "depends on the target",
        f"{sentences}Train minus test score: {', '.join(gaps)}, medians.",
    )


def _better(verdict: Verdict) -> str:
    if verdict.outcome == "same":
        return "yes, as well"
    if verdict.winner is None:
        return "not shown"
    return "yes" if verdict.winner == "gru" else "no"


def _named(verdict: Verdict) -> str:
    return f"{verdict.target}: {verdict.sentence}" if verdict.target else verdict.sentence


def _length(verdicts: Sequence[Verdict], data: Mapping[str, Any]) -> Claim:
    """Natural data do not say how far back an answer lies, so no score can settle this."""
    shortest, longest = data["shortest"], data["longest"]
    steps = f"{shortest}" if shortest == longest else f"{shortest} to {longest}"
    ahead = f" All one sees is the score: {'; '.join(map(_named, verdicts))}." if verdicts else ""
    return _claim(
        "An LSTM keeps longer dependencies.",
        "these data cannot say",
        f"The sequences have {steps} steps; which of them an answer rests on is not known, and no cell is "
        f"asked to reach back further than {longest - 1}.{ahead}",
    )


def _claim(claim: str, answer: str, evidence: str) -> Claim:
    return {"claim": claim, "answer": answer, "evidence": evidence}
