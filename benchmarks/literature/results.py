"""The file of results: a record for each row, in it what each seed measured.

A seed that is there is not measured again, unless the row's settings have changed since: then none of the
row's old figures stays."""

from __future__ import annotations

import fcntl
import json
import os
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.literature.rows import Measured, Row
from tidegate.comparison.machine import hardware, versions

PATH = Path(__file__).parents[1] / "results" / "literature.json"


def read(path: Path) -> dict[str, dict[str, Any]]:
    """The records by the rows' names; none where there is no file yet."""
    if not path.exists():
        return {}
    return dict(json.loads(path.read_text(encoding="utf-8"))["rows"])


def settings_of(row: Row) -> Any:
    """The settings as JSON has them; records (a schedule, an optimiser) as text."""
    return json.loads(json.dumps(row.settings, default=repr))


def seeds_of(row: Row, records: dict[str, dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """What was measured with the row's present settings, by seed."""
    record = records.get(row.name)
    if record is None or record["settings"] != settings_of(row):
        return {}
    return {int(seed): found for seed, found in record["seeds"].items()}


def add(path: Path, task: str, row: Row, seed: int, measured: Measured) -> None:
    """Put a seed's figures into the file, which other processes may be adding to."""
    with _alone(path.parent):
        records = read(path)
        found = {**asdict(measured), "date": date.today().isoformat(), "hardware": hardware()}
        seeds = {**seeds_of(row, records), seed: found}
        records[row.name] = record_of(task, row, dict(sorted(seeds.items())))
        document = {
            "versions": versions(),
            "seconds": "CPU seconds of the fit, on one thread",
            "rows": dict(sorted(records.items())),
        }
        beside = path.with_suffix(".part")
        beside.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        beside.replace(path)


def record_of(task: str, row: Row, seeds: dict[int, dict[str, Any]]) -> dict[str, Any]:
    scores = [found["score"] for found in seeds.values()]
    return {
        "task": task,
        "published": row.published,
        "ours": statistics.median(scores),
        "range": [min(scores), max(scores)],
        "goal": None if row.goal is None else row.goal.text,
        "met": None if row.goal is None else row.goal.met(scores),
        "seconds": statistics.median(found["seconds"] for found in seeds.values()),
        "settings": settings_of(row),
        "seeds": seeds,
    }


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)
