"""What each input adds: what a score loses without it, by training anew and by permutation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tidegate.report.axes import Axis, linear
from tidegate.report.digits import fixed, sentence
from tidegate.report.figure import Figure, stroke
from tidegate.report.marks import swatch
from tidegate.report.markup import Element
from tidegate.report.panel import HALF, THIRD, Panel, width_for
from tidegate.report.records import Spread
from tidegate.report.result import Ablation, Loss, Result

_ROW: Final = 64.0
# Of what was measured, in heights of a row below its top.
_TRAINED: Final = 0.5
_PERMUTED: Final = 0.71
# Characters of a name and a note that have room side by side.
_ROOM: Final = {HALF: 47, THIRD: 36}
# Of the mark and colour.
_NUMBER: Final = 1


def loss_figure(results: Sequence[Result]) -> Figure | None:
    """A panel a target, a row an input. results: of each target."""
    width = width_for(len(results))
    ablations = [result.ablation for result in results if result.ablation]
    panels = [_panel(number, result, width) for number, result in enumerate(results)]
    trained = [(stroke("interval"), "trained without the input: mean and interval")]
    permuted = (swatch(_NUMBER), "values of other sequences in its place: median and range over the seeds")
    legend = [*(trained * any(one.retrained for one in ablations)), permuted]
    caption = "To the right of 0 the score is worse without the input."
    if any(one.retrained for one in ablations):
        caption += (
            " A model that never had it may lean on the others, so that training anew shows what only this "
            "input knows; permutation shows what the model at hand reads. Each interval is of its input "
            "alone; the table's p are adjusted for their number."
        )
    drawn = [panel for panel in panels if panel is not None]
    return Figure(drawn, caption, legend, width) if drawn else None


def _panel(number: int, result: Result, width: float) -> Element | None:
    ablation = result.ablation
    if ablation is None or not ablation.losses:
        return None
    losses = ablation.losses
    drawn = [value for loss in losses for value in (*_trained(loss), *_ends(loss.importance))]
    notes = [(loss.input, _note(loss, ablation)) for loss in losses]
    panel = Panel(
        f"losses-{number}",
        linear([0.0, *drawn], f"loss of test {result.score}"),
        Axis(0, len(losses), (), ()),
        heading=sentence(result.score),
        description=" ".join(f"Without {name}: {note}." for name, note in notes),
        width=width,
        height=74 + _ROW * len(losses),
    )
    panel.line([(0, 0), (0, len(losses))], "reference")
    # The table below has the same numbers.
    roomy = all(len(name) + len(note) <= _ROOM[width] for name, note in notes)
    for row, (loss, (name, note)) in enumerate(zip(losses, notes)):
        top = len(losses) - row
        panel.text(top, name, "row", shift=18, beside=note if roomy else "")
        if roomy:
            panel.text(top, note, "note end", shift=18)
        if loss.interval is not None:
            panel.line([(end, top - _TRAINED) for end in loss.interval], "interval")
            for end in loss.interval:
                panel.bar(end, top - _TRAINED, "interval", length=10)
        if loss.estimate is not None:
            panel.bar(loss.estimate, top - _TRAINED, "median", length=20)
        if (own := loss.importance) is not None and own.median is not None:
            panel.line([(end, top - _PERMUTED) for end in _ends(own)], f"color-{_NUMBER}")
            tip = f"{name}, permuted: {fixed(own.median, 4)}"
            panel.mark(own.median, top - _PERMUTED, _NUMBER, tip)
    return panel.drawing


def _trained(loss: Loss) -> tuple[float, ...]:
    own = () if loss.estimate is None else (loss.estimate,)
    return own + (loss.interval or ())


def _ends(spread: Spread | None) -> tuple[float, ...]:
    if spread is None:
        return ()
    return tuple(end for end in (spread.median, spread.min, spread.max) if end is not None)


def _note(loss: Loss, ablation: Ablation) -> str:
    if loss.input in ablation.kept:
        return "cannot be left out"
    if ablation.retrained:
        return loss.effect
    return fixed(None if loss.importance is None else loss.importance.median, 3)
