"""How long tidegate.read takes for 5 million rows of 10 channels, and how much memory.

    python benchmarks/reading.py [--rows 5000000]

Sequences of 20 to 180 steps; beside the channels each row has an id, a time and a target, which is text. In
some cases the rows are shuffled and the ids are text. Every case is read once, in a process of its own, and
compared with what was written. Seconds are those of read. Memory is the largest resident memory of the
process while it reads, the frame that is read included, less that of Python with its packages before there
were any data; in sizes of the channels alone, 8 bytes a value. Writes benchmarks/results/reading.json and
the table of docs/data.md; needs pandas, polars, pyarrow, Linux and 3 GB of disk.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

RESULT = Path(__file__).parent / "results" / "reading.json"
PAGE = Path(__file__).parents[1] / "docs" / "data.md"
BEGIN = "<!-- measured: python benchmarks/reading.py -->\n"
END = "<!-- end -->\n"

NUM_CHANNELS = 10
CHANNELS = [f"channel {index}" for index in range(NUM_CHANNELS)]
MOST_SECONDS = 15
MOST_TABLES = 3


def make(num_rows: int, folder: Path) -> None:
    """The columns as .npy files, in order and shuffled, and the files to be read."""
    from pyarrow import csv, parquet

    random = np.random.default_rng(0)
    lengths = random.integers(20, 181, size=num_rows // 100 + 2_000)
    ids = np.repeat(random.permutation(len(lengths)), lengths)[:num_rows]
    starts = np.cumsum(lengths) - lengths
    columns = {
        "values": random.normal(size=(num_rows, NUM_CHANNELS)).round(4),
        "id": ids,
        "time": (np.arange(lengths.sum()) - np.repeat(starts, lengths))[:num_rows],
        "target": ids % 7,
    }
    order = random.permutation(num_rows)
    for name, column in columns.items():
        np.save(folder / f"{name}.npy", column)
        np.save(folder / f"{name}_shuffled.npy", column[order])
    for shuffled, text in ((False, False), (True, True)):
        table = arrow_table(folder, shuffled, text)
        stem = "shuffled" if shuffled else "ordered"
        parquet.write_table(table, folder / f"{stem}.parquet")
        csv.write_csv(table, folder / f"{stem}.csv")


def column(folder: Path, name: str, shuffled: bool) -> Any:
    return np.load(folder / f"{name}{'_shuffled' * shuffled}.npy")


def arrow_table(folder: Path, shuffled: bool, text: bool) -> Any:
    """As an Arrow table; text ids are as long as names are."""
    import pyarrow as pa

    words = pa.array([f"class {label}" for label in range(7)])
    ids = column(folder, "id", shuffled)
    columns = {
        "id": pa.array([f"sequence {number}" for number in range(ids.max() + 1)]).take(pa.array(ids))
        if text
        else pa.array(ids),
        "time": pa.array(column(folder, "time", shuffled)),
        "target": words.take(pa.array(column(folder, "target", shuffled))),
    }
    values = column(folder, "values", shuffled)
    columns |= {name: pa.array(np.ascontiguousarray(values[:, index])) for index, name in enumerate(CHANNELS)}
    return pa.table(columns)


def as_pandas(folder: Path) -> Any:
    return arrow_table(folder, False, False).to_pandas()


def pandas_block(folder: Path) -> Any:
    """The channels row after row, as a frame made from one array has them."""
    import pandas as pd

    frame = pd.DataFrame(column(folder, "values", False), columns=CHANNELS, copy=False)
    frame["id"] = column(folder, "id", False)
    frame["time"] = column(folder, "time", False)
    frame["target"] = column(folder, "target", False)
    return frame


def pandas_shuffled(folder: Path) -> Any:
    return arrow_table(folder, True, True).to_pandas()


def polars_ordered(folder: Path) -> Any:
    import polars as pl

    return pl.from_arrow(arrow_table(folder, False, False))


def polars_shuffled(folder: Path) -> Any:
    import polars as pl

    return pl.from_arrow(arrow_table(folder, True, True))


CASES: dict[str, Callable[[Path], Any]] = {
    "pandas": as_pandas,
    "pandas, one block, no copy": pandas_block,
    "pandas, rows shuffled, ids text": pandas_shuffled,
    "polars": polars_ordered,
    "polars, rows shuffled, ids text": polars_shuffled,
    "Arrow": lambda folder: arrow_table(folder, False, False),
    "Parquet": lambda folder: folder / "ordered.parquet",
    "Parquet, rows shuffled, ids text": lambda folder: folder / "shuffled.parquet",
    "CSV": lambda folder: folder / "ordered.csv",
    "CSV, rows shuffled, ids text": lambda folder: folder / "shuffled.csv",
}


def memory(field: str) -> int:
    """Bytes, from the table that Linux keeps of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def busy_seconds() -> float:
    """Seconds that all cores together have worked, for this process or another."""
    user, nice, system = map(int, Path("/proc/stat").read_text().split()[1:4])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def measure(case: str, folder: Path) -> dict[str, Any]:
    for package in ("pandas", "polars", "pyarrow.csv", "pyarrow.parquet", "tidegate.data.reading"):
        import_module(package)
    import pyarrow as pa

    import tidegate

    packages = memory("VmRSS")
    source = CASES[case](folder)
    # Give back what making the frame took, and forget the largest memory so far.
    gc.collect()
    pa.default_memory_pool().release_unused()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmRSS")
    others, ours, began = busy_seconds(), time.process_time(), time.perf_counter()
    dataset = tidegate.read(source, id="id", time="time", target="target")
    seconds, ours = time.perf_counter() - began, time.process_time() - ours
    others = busy_seconds() - others - ours
    peak = memory("VmHWM")
    check(dataset, folder)
    shuffled = "shuffled" in case
    return {
        "seconds": seconds,
        "cpu_seconds": ours,
        "cores_busy_with_others": others / seconds,
        "table_bytes": arrow_table(folder, shuffled, shuffled).nbytes,
        "peak_bytes": peak - packages,
        "source_bytes": before - packages,
        "notes": list(dataset.notes),
    }


def check(dataset: Any, folder: Path) -> None:
    """AssertionError where a sequence is not what was written."""
    ids, values = column(folder, "id", False), column(folder, "values", False)
    assert dataset.X.total_steps == len(ids)
    assert dataset.features == tuple(CHANNELS)
    for index in range(0, len(dataset.X), 500):
        number = int(str(dataset.X.ids[index]).removeprefix("sequence "))
        np.testing.assert_array_equal(dataset.X[index], values[ids == number])
        assert str(dataset.y[index]).removeprefix("class ") == str(number % 7)


def main() -> None:
    parser = argparse.ArgumentParser(description="Time and memory of tidegate.read.")
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case is not None:
        print(json.dumps(measure(arguments.case, arguments.folder)))
        return
    from tidegate.comparison.machine import hardware, versions

    channels = arguments.rows * NUM_CHANNELS * 8
    results = {}
    with tempfile.TemporaryDirectory() as name:
        make(arguments.rows, Path(name))
        for case in CASES:
            command = [sys.executable, __file__, "--case", case, "--folder", name]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            results[case] = json.loads(output)
            found = results[case]
            found["peak_in_tables"] = found["peak_bytes"] / found["table_bytes"]
            found["peak_in_channels"] = found["peak_bytes"] / channels
            print(f"{case:35} {found['seconds']:6.2f} s {found['peak_in_tables']:5.2f} tables")
    packages = {package: version(package) for package in ("narwhals", "pandas", "polars", "pyarrow")}
    document = {
        "rows": arguments.rows,
        "channels": NUM_CHANNELS,
        "channels_bytes": channels,
        "limits": {"seconds": MOST_SECONDS, "peak_in_tables": MOST_TABLES},
        "date": date.today().isoformat(),
        "hardware": hardware(),
        "versions": {**versions(), **packages},
        "results": results,
    }
    if arguments.rows == parser.get_default("rows"):
        RESULT.write_text(json.dumps(document, indent=1) + "\n")
        write_table(document)
    slowest = max(found["seconds"] for found in results.values())
    largest = max(found["peak_in_tables"] for found in results.values())
    if slowest > MOST_SECONDS or largest > MOST_TABLES:
        sys.exit(f"over the limit of {MOST_SECONDS} s or {MOST_TABLES} tables")


def write_table(document: dict[str, Any]) -> None:
    """The table of docs/data.md, between its two marks."""
    rows = "".join(
        f"| {case} | {found['seconds']:.1f} | {found['cpu_seconds']:.1f} | {found['peak_bytes'] / 1e6:,.0f} "
        f"MB | {found['peak_in_tables']:.1f} | {found['peak_in_channels']:.1f} |\n"
        for case, found in document["results"].items()
    )
    busy = max(found["cores_busy_with_others"] for found in document["results"].values())
    about = (
        f"{document['hardware']}; {document['date']}; one run each, up to {busy:.1f} of the cores busy with "
        "other work meanwhile."
    )
    head_row = "| source | seconds | of the processor | peak memory | in tables | in channels |\n"
    table = f"{about}\n\n{head_row}{'|---' * 6}|\n{rows}"
    head, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, tail = rest.partition(END)
    PAGE.write_text(f"{head}{BEGIN}{table}{END}{tail}")


if __name__ == "__main__":
    main()
