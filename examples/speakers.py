"""Writes speakers.csv: six of the twelve channels of the bundled Japanese Vowels, three of the nine men.

    python examples/speakers.py

A row is a step: which utterance it belongs to, its number, who speaks, six numbers.
"""

import csv

from tidegate import load_japanese_vowels

vowels = load_japanese_vowels()
with open("speakers.csv", "w", newline="") as file:
    rows = csv.writer(file)
    rows.writerow(["utterance", "step", "speaker", *(f"c{channel}" for channel in range(1, 7))])
    for utterance, (sequence, speaker) in enumerate(zip(vowels.X, vowels.y)):
        if speaker in ("1", "2", "3"):
            rows.writerows(
                [utterance, step, f"man {speaker}", *values[:6].round(4)]
                for step, values in enumerate(sequence)
            )
