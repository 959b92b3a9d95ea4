"""Writes speakers.csv and speakers_test.csv: six channels of three of the nine men of Japanese Vowels.

    python examples/speakers.py

A row is a step: which utterance it belongs to, its number, who speaks, six numbers.
"""

import csv

from tidegate import load_japanese_vowels

vowels = load_japanese_vowels()
for path, X, y, first in (
    ("speakers.csv", vowels.X, vowels.y, 0),
    ("speakers_test.csv", vowels.X_test, vowels.y_test, 1000),
):
    with open(path, "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["utterance", "step", "speaker", *(f"c{channel}" for channel in range(1, 7))])
        for utterance, (sequence, speaker) in enumerate(zip(X, y), start=first):
            if speaker in ("1", "2", "3"):
                for step, values in enumerate(sequence):
                    rows.writerow([utterance, step, f"man {speaker}", *values[:6].round(4)])
