"""Makes examples/data/watch.npz from the recordings in the package seglearn.

    pip download --no-deps seglearn==1.2.5
    python tools/make_watch_data.py seglearn-1.2.5-py3-none-any.whl examples/data/watch.npz

The package holds a pickled array, 50 values a second and channel; it is read only if it has the checksum
below, since reading a pickle may run what is in it. Kept are means over five values of the accelerometer (10
a second) and over ten of the gyroscope (5 a second), as whole thousandths of g and of rad/s. The same input
gives the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import sys
import zipfile

import numpy as np
from numpy.typing import NDArray

CHECKSUM = "eb122f23cdf06ef6bd6c6c5312958ec5cf9d038e2e6d457b8081662c75a42537"
VALUES_OF_A_MEAN = {"accelerometer": 5, "gyroscope": 10}
CHANNELS = {"accelerometer": slice(0, 3), "gyroscope": slice(3, 6)}


def means(recordings: list[NDArray[np.float64]], count: int) -> NDArray[np.int16]:
    """In thousandths; what is left of fewer than count values at the end is left out."""
    whole = [recording[: len(recording) // count * count] for recording in recordings]
    averaged = [recording.reshape(-1, count, recording.shape[1]).mean(axis=1) for recording in whole]
    thousandths = np.round(1000 * np.concatenate(averaged))
    if np.abs(thousandths).max() > np.iinfo(np.int16).max:
        sys.exit("a mean does not fit in 16 bits: store it otherwise")
    return thousandths.astype(np.int16)


def main(wheel: str, out: str) -> None:
    pickled = zipfile.ZipFile(wheel).read("seglearn/data/watch_dataset.npy")
    if hashlib.sha256(pickled).hexdigest() != CHECKSUM:
        sys.exit(f"{wheel} has another seglearn/data/watch_dataset.npy than that of seglearn 1.2.5")
    data = np.load(io.BytesIO(pickled), allow_pickle=True).item()
    arrays = {
        "exercise": np.array(data["y_labels"])[data["y"]],
        "side": np.array(["left", "right"])[data["side"].astype(int)],
        "subject": data["subject"].astype(np.uint8),
        "samples": np.array([len(recording) for recording in data["X"]], dtype=np.uint16),
    }
    for stream, count in VALUES_OF_A_MEAN.items():
        arrays[stream] = means([recording[:, CHANNELS[stream]] for recording in data["X"]], count)
    np.savez_compressed(out, **arrays)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
