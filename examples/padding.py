"""What becomes of padding? Skipped, left to a learned gate, or read as zeros.

    python examples/padding.py

Japanese Vowels (which of nine men speaks; it comes with the package) as many tools hand it over: every
utterance filled up with zeros to the longest. A GRU reads it forwards and answers by its last state, for
which every step of padding is one more step to forget in.
"""

import numpy as np

from tidegate import Sequences, compare, load_japanese_vowels

vowels = load_japanese_vowels()
longest = max(vowels.X.lengths.max(), vowels.X_test.lengths.max())


def padded(X):
    """(N, longest, 12), zeros after each utterance, and the lengths."""
    x = np.zeros((len(X), longest, X.num_features))
    for row, utterance in zip(x, X):
        row[: len(utterance)] = utterance
    return x, X.lengths


train, test = (Sequences.from_padded(*padded(X), padding="keep") for X in (vowels.X, vowels.X_test))
print(f"{train.padding.mean():.0%} of the steps to train on are padding")
comparison = compare(
    train,
    vowels.y,
    test=(test, vowels.y_test),
    cells="gru",
    padding=["skip", "gate", "input"],
    seeds=3,
    hidden_size=32,
    bidirectional=False,
    pooling="last",
    max_epochs=10,
    progress=False,
)
print(comparison)
