"""The literature's tables, reproduced: trains what is not yet in the results, row by row and seed by seed.

    python -m benchmarks.literature [ROW ...] [--seeds 5]

A ROW is a name or a pattern ('jsb-*'); all where none is given. Each row and seed is trained in a process of
its own, on one thread; what is there already is not trained again, unless the row's settings changed. Writes
benchmarks/results/literature.json and, from it, docs/literature.md and docs/claims.md."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from fnmatch import fnmatchcase
from pathlib import Path

from benchmarks.literature import claims, page, results
from benchmarks.literature.rows import Measured, Row
from benchmarks.literature.tasks import TASKS
from tidegate.engine import num_cores

ROWS = {row.name: (task, row) for task in TASKS for row in task.rows}


def chosen(patterns: list[str]) -> list[str]:
    """The rows' names that fit; SystemExit where a pattern fits none."""
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in ROWS):
            raise SystemExit(f"ROW expects one of {', '.join(ROWS)}; got {pattern!r}: --list prints them")
    return [name for name in ROWS if not patterns or any(fnmatchcase(name, one) for one in patterns)]


def missing(names: list[str], num_seeds: int, path: Path) -> list[tuple[str, int]]:
    """Rows and seeds without figures, first seeds first, so that every row has some early."""
    records = results.read(path)
    there = {name: results.seeds_of(ROWS[name][1], records) for name in names}
    return [
        (name, seed)
        for seed in range(num_seeds)
        for name in names
        if seed not in there[name] and seed < (ROWS[name][1].max_seeds or num_seeds)
    ]


def in_a_process(name: str, seed: int) -> Measured:
    command = [sys.executable, "-m", "benchmarks.literature", name, "--seed", str(seed)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Measured(**json.loads(done.stdout))


def train(name: str, seed: int, path: Path) -> None:
    task, row = ROWS[name]
    measured = in_a_process(name, seed)
    results.add(path, task.title, row, seed, measured)
    if path == results.PATH:
        write_pages(path)
    print(f"{name} seed {seed}: {line(row, measured)}", flush=True)


def write_pages(path: Path) -> None:
    page.write(path)
    claims.write(path)


def line(row: Row, measured: Measured) -> str:
    return f"{measured.score:.{row.digits}f}, {measured.updates:,} updates, {measured.seconds:.1f} CPU s"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="*", metavar="ROW")
    parser.add_argument("--seeds", type=int, default=5, help="seeds 0, 1, ... of each row")
    parser.add_argument("--processes", type=int, default=num_cores(), help="at once")
    parser.add_argument("--list", action="store_true", help="print the rows' names and end")
    parser.add_argument("--page", action="store_true", help="write the pages from the results and end")
    parser.add_argument(
        "--seed", type=int, help="train one row with this seed, print its figures as JSON and end"
    )
    parser.add_argument("--out", type=Path, default=results.PATH)
    arguments = parser.parse_args()
    names = chosen(arguments.rows)
    if arguments.list:
        print(*names, sep="\n")
    elif arguments.seed is not None:
        if len(names) != 1:
            parser.error(f"--seed expects one ROW; got {len(names)}")
        row = ROWS[names[0]][1]
        json.dump(asdict(row.measure(arguments.seed, **row.settings)), sys.stdout)
    elif arguments.page:
        write_pages(arguments.out)
    else:
        with ThreadPoolExecutor(arguments.processes) as at_once:
            trained = [
                at_once.submit(train, name, seed, arguments.out)
                for name, seed in missing(names, arguments.seeds, arguments.out)
            ]
            try:
                for one in trained:
                    one.result()
            except BaseException:
                at_once.shutdown(cancel_futures=True)
                raise


if __name__ == "__main__":
    main()
