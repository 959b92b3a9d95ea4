"""docs/literature.md from the results."""

from __future__ import annotations

import json
import statistics
import textwrap
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.literature import results
from benchmarks.literature.rows import Row, Task
from benchmarks.literature.tasks import TASKS

NUM_SEEDS = 5  # fewer show no goal to be met
PAGE = Path(__file__).parents[2] / "docs" / "literature.md"

HEAD = """# As good as print

What the literature reports for recurrent networks, and what Tidegate reaches: `make literature` trains all of
it, and `make literature ARGS=jsb-lstm` (or a pattern, `ARGS="'jsb-*'"`) a row; what has been measured is not
measured again. The settings of a task are in one short file in benchmarks/literature/, the figures of every
seed in benchmarks/results/literature.json.

- *Ours* is the median over the seeds with the lowest and the highest beside it. Every seed draws initial
  weights, the order of the sequences and, where it is made by code, the data anew.
- *Selection*: settings and weights are chosen on validation data alone, or by none at all; never on the test
  part, unless a task says so.
- *CPU s* are seconds of CPU of one fit, on one thread: the machine was shared with others meanwhile, so that
  time on the clock would say little.
"""


def written(document: dict[str, Any]) -> str:
    """The page in Markdown."""
    records = document["rows"]
    judged = [
        record
        for record in records.values()
        if record["met"] is not None and len(record["seeds"]) >= NUM_SEEDS
    ]
    lines = [
        HEAD,
        f"Of {len(judged)} goals {sum(record['met'] for record in judged)} are met. All fits together took "
        f"{machines(records)}.",
        "",
    ]
    for task in TASKS:
        lines += section(task, records)
    return wrapped(lines)


def machines(records: dict[str, dict[str, Any]]) -> str:
    """How long which machine took, the one that took longest first; of the others with the rows."""
    fits = [(name, fit) for name, record in records.items() for fit in record["seeds"].values()]
    hours = Counter[str]()
    for _, fit in fits:
        hours[fit["hardware"]] += fit["seconds"] / 3600
    parts = []
    for machine, total in hours.most_common():
        own = [(name, fit["date"]) for name, fit in fits if fit["hardware"] == machine]
        rows = f" ({', '.join(sorted({name for name, _ in own}))})" if parts else ""
        parts.append(f"{total:.1f} hours of CPU on {machine}, up to {max(day for _, day in own)}{rows}")
    return "; ".join(parts)


def wrapped(lines: list[str]) -> str:
    """Lines of prose of at most 118 columns; tables and what is wrapped already stay as they are."""
    return "\n".join(
        line
        if line.startswith(("|", "#"))
        else "\n".join(
            textwrap.fill(part, 118, subsequent_indent="  " * part.startswith("- "), **AS_WRITTEN)
            for part in line.split("\n")
        )
        for line in lines
    )


AS_WRITTEN: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False, "drop_whitespace": True}


def section(task: Task, records: dict[str, dict[str, Any]]) -> list[str]:
    lines = [
        f"## {task.title}",
        "",
        f"{task.data} {task.figure}",
        "",
        "| row | published | ours: median (range) | seeds | goal | met | parameters | updates | CPU s |",
        "|---|---|---|---|---|---|---|---|---|",
        *(table_row(row, records.get(row.name)) for row in task.rows),
        "",
        f"- Published: {task.published}",
        f"- Selection: {task.selection}",
        f"- Beyond learning rate, hidden size, dropout and epochs: {task.beyond}",
    ]
    if task.tried:
        lines.append(f"- Tried: {task.tried}")
    return [*lines, ""]


def table_row(row: Row, record: dict[str, Any] | None) -> str:
    goal = "–" if row.goal is None else row.goal.text
    if record is None:
        return f"| {row.name} | {row.published} | not run | 0 | {goal} | – | – | – | – |"
    seeds = list(record["seeds"].values())
    lowest, highest = (f"{bound:.{row.digits}f}" for bound in record["range"])
    met = {None: "–", True: "yes", False: "**no**"}[record["met"]]
    if record["met"] and len(seeds) < NUM_SEEDS:
        met = "so far"
    updates = statistics.median(found["updates"] for found in seeds)
    return (
        f"| {row.name} | {row.published} | {record['ours']:.{row.digits}f} ({lowest}–{highest}) "
        f"| {len(seeds)} | {goal} | {met} | {seeds[0]['parameters']:,} | {updates:,.0f} "
        f"| {record['seconds']:,.1f} |"
    )


def write(path: Path = results.PATH) -> None:
    PAGE.write_text(written(json.loads(path.read_text(encoding="utf-8"))), encoding="utf-8")
