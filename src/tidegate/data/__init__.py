"""Sequences in memory, their targets and splits, files, and the bundled data."""

from tidegate.data.bundled import Bundle, load_japanese_vowels
from tidegate.data.ragged import Sequences
from tidegate.data.splits import split
from tidegate.data.targets import has_step_targets, step_targets

__all__ = ["Bundle", "Sequences", "has_step_targets", "load_japanese_vowels", "split", "step_targets"]
