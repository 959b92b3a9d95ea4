"""Makes examples/clinic_visits.csv from the data frame pbcseq of R's package survival.

    python tools/make_clinic_visits.py FOLDER examples/clinic_visits.csv

FOLDER holds Rdata.rdx and Rdata.rdb, as in usr/lib/R/library/survival/data of Debian's r-cran-survival. Needs
rdata and pandas. The columns keep their names but for `day` and `status`, in words; `trt` is left out.
"""

from __future__ import annotations

import gzip
import lzma
import sys
import zlib
from pathlib import Path
from typing import Any

STATUS = {0: "alive", 1: "transplant", 2: "dead"}


def read_frame(folder: Path, name: str) -> Any:
    """One object of R's lazily loaded database: an index of (offset, length), and chunks of a length in four
    bytes, a letter for how it is packed, and the object."""
    import rdata

    def unpacked(packed: bytes) -> Any:
        return rdata.conversion.convert(rdata.parser.parse_data(packed))

    index = unpacked(gzip.decompress((folder / "Rdata.rdx").read_bytes()))
    offset, length = (int(value) for value in index["variables"][name])
    chunk = (folder / "Rdata.rdb").read_bytes()[offset : offset + length]
    if chunk[4:5] == b"Z":
        filters = [{"id": lzma.FILTER_LZMA2, "preset": 6}]
        return unpacked(lzma.decompress(chunk[5:], lzma.FORMAT_RAW, filters=filters))
    return unpacked(zlib.decompress(chunk[4:]))


def main(folder: str, out: str) -> None:
    frame = read_frame(Path(folder), "pbcseq").drop(columns="trt")
    frame["status"] = frame["status"].map(STATUS)
    frame.sort_values(["id", "day"]).to_csv(out, index=False, float_format="%g")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
