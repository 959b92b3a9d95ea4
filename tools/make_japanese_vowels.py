"""Makes the bundled Japanese Vowels file from the two files of the package aeon.

    python tools/make_japanese_vowels.py JapaneseVowels_TRAIN.ts JapaneseVowels_TEST.ts \\
        src/tidegate/data/japanese_vowels.npz

Values are stored as float32, which is enough for the six decimals of the source; the script refuses to write
otherwise. The same input gives the same bytes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from tidegate.data.ts_files import read_ts


def main(train: str, test: str, out: str) -> None:
    parts = {}
    for name, path in (("train", train), ("test", test)):
        sequences, labels = read_ts(Path(path))
        values = sequences.values.astype(np.float32)
        if not (np.round(values.astype(np.float64), 6) == sequences.values).all():
            sys.exit(f"{path} has values that float32 does not hold to six decimals: store them otherwise")
        parts[f"{name}_values"] = values
        parts[f"{name}_lengths"] = sequences.lengths.astype(np.uint8)
        parts[f"{name}_labels"] = labels
    np.savez_compressed(out, **parts)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
