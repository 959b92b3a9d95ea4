"""A table of columns as text or a file: table, CSV, JSON, Parquet."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidegate import persistence

_MOST_SHOWN = 40


def write(rows: Mapping[str, NDArray[Any]], format: str, output: Path | None) -> None:
    """The whole in the format, to the file or standard output; a table on standard output has the first
    rows."""
    if format == "parquet":
        if output is None:
            raise ValueError("--format parquet expects a file; got none: add --output FILE")
        persistence.replace_file(output, _parquet(rows))
        return
    if format == "table" and output is None:
        print_table(rows, _MOST_SHOWN)
        return
    text = {"csv": _csv, "json": _json, "table": _text_table}[format](rows)
    if output is None:
        print(text, end="")
    else:
        persistence.replace_file(output, text.encode())


def _csv(rows: Mapping[str, NDArray[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows)
    writer.writerows(_plain(rows))
    return text.getvalue()


def _json(rows: Mapping[str, NDArray[Any]]) -> str:
    return "".join(("[\n", ",\n".join(json.dumps(dict(zip(rows, row))) for row in _plain(rows)), "\n]\n"))


def _parquet(rows: Mapping[str, NDArray[Any]]) -> bytes:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise ValueError(
            "--format parquet expects the package pyarrow; got none installed: pip install "
            "'tidegate[tables]', or write .csv"
        ) from None
    file = io.BytesIO()
    parquet.write_table(pa.table({name: pa.array(values) for name, values in rows.items()}), file)
    return file.getvalue()


def _text_table(rows: Mapping[str, NDArray[Any]]) -> str:
    from rich.console import Console

    console = Console(width=10_000, color_system=None, file=io.StringIO())
    with console.capture() as captured:
        print_table(rows, None, console)
    return "\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n"


def print_table(rows: Mapping[str, NDArray[Any]], most: int | None, console: Any = None) -> None:
    """The first rows, aligned; in a narrow terminal the most probable class alone has its probability, of a
    model of several targets none."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = console or Console()
    shown = dict(rows)
    probable = [name for name in rows if name.startswith("probability_")]
    if len(probable) * 8 > console.width // 2:
        best = np.max([shown.pop(name) for name in probable], axis=0)
        if "prediction" in rows:
            shown["probability"] = best
    num_rows = len(next(iter(rows.values())))
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name, values in shown.items():
        table.add_column(
            name.replace("probability_", "p "),
            justify="right" if values.dtype.kind in "iuf" else "left",
            overflow="fold",
        )
    for row in _plain({name: values[:most] for name, values in shown.items()}):
        table.add_row(*(f"{value:.4g}" if isinstance(value, float) else str(value) for value in row))
    console.print(table, highlight=False)
    if most is not None and num_rows > most:
        console.print(
            f"the first {most} of {num_rows:,} rows; --format csv or --output FILE has all", highlight=False
        )


def _plain(rows: Mapping[str, NDArray[Any]]) -> Iterable[tuple[Any, ...]]:
    """Row after row of Python's values; dates as text, numbers that are none as None."""
    return zip(*(_values(values) for values in rows.values()))


def _values(values: NDArray[Any]) -> list[Any]:
    if values.dtype.kind in "mM":
        return (
            list(np.datetime_as_string(values)) if values.dtype.kind == "M" else values.astype(str).tolist()
        )
    plain: list[Any] = values.tolist()
    if values.dtype.kind == "f":
        return [value if math.isfinite(value) else None for value in plain]
    return plain
