"""The data that come with the package; source and licence are in SOURCES.md beside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate.data.ragged import Sequences


@dataclass(frozen=True)
class Bundle:
    """A data set with its standard split: sequences and one label a sequence, to train on and to test on."""

    name: str
    X: Sequences
    y: NDArray[Any]
    X_test: Sequences
    y_test: NDArray[Any]
    description: str
    source: str
    licence: str


def load_japanese_vowels() -> Bundle:
    """Japanese Vowels: 270 utterances to train on, 370 to test on, by nine speakers, the classes "1" to "9".

    Each utterance has 12 channels, the cepstrum coefficients of its linear prediction analysis, and 7 to 29
    steps. The values are float32, which rounded to six decimals are the published ones.
    """
    with np.load(Path(__file__).with_name("japanese_vowels.npz"), allow_pickle=False) as archive:
        parts = dict(archive)
    train, test = (
        Sequences(parts[f"{part}_values"], np.cumsum([0, *parts[f"{part}_lengths"]]))
        for part in ("train", "test")
    )
    return Bundle(
        name="Japanese Vowels",
        X=train,
        y=parts["train_labels"],
        X_test=test,
        y_test=parts["test_labels"],
        description="two Japanese vowels, said by nine men, 12 LPC cepstrum channels: who speaks?",
        source="UCI Machine Learning Repository (Kudo, Toyama, Shimbo 1999), as in the package aeon 1.6.0",
        licence="UCI: CC BY 4.0; aeon: BSD-3",
    )
