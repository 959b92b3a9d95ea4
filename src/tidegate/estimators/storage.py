"""Saved models of every kind, from their files."""

from __future__ import annotations

import os
from typing import Any

from tidegate.estimators.classifier import SequenceClassifier
from tidegate.estimators.regressor import SequenceRegressor
from tidegate.models import SequenceModel, storage

KINDS = {kind.__name__: kind for kind in (SequenceClassifier, SequenceRegressor, SequenceModel)}


def load(path: str | os.PathLike[str]) -> Any:
    """The estimator or SequenceModel saved at `path`, which predicts the same bits on the same machine.

    OSError where the file is not there or cannot be read; ValueError where it is damaged, truncated, from
    elsewhere or of another version.
    """
    return storage.load(path, KINDS)
