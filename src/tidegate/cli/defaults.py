"""The estimators' defaults beside the options that are theirs, in --help and nowhere else."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from typer.core import TyperCommand

_WORDS = {None: "none", (): "none"}
_DIRECTIONS = {True: "--bidirectional", False: "--one-direction"}


def defaults() -> dict[str, str]:
    """Of every setting of a network and its training, in words."""
    from tidegate.training.settings import CLASSIFIER, NetworkSettings, TrainingSettings

    found = {field.name: _shown(field.name, field.default) for field in fields(TrainingSettings)}
    usual = NetworkSettings()
    for field in fields(NetworkSettings):
        of_classes, of_numbers = (_shown(field.name, getattr(one, field.name)) for one in (CLASSIFIER, usual))
        same = of_classes == of_numbers
        found[field.name] = of_numbers if same else f"{of_classes} to classify, {of_numbers} for numbers"
    return found


def _shown(name: str, value: Any) -> str:
    return _DIRECTIONS[value] if name == "bidirectional" else str(_WORDS.get(value, value))


class WithDefaults(TyperCommand):
    """A command whose help says them for the options that say nothing of a default of their own."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        known = defaults()
        for option in self.params:
            text = getattr(option, "help", None)
            if text and option.name in known and option.default is None and "Default:" not in text:
                option.help = f"{text} Default: {known[option.name]}."  # type: ignore[attr-defined]
        super().format_help(ctx, formatter)
