"""The engine beside its peers, timed in turn in one run. See docs/speed.md for what each figure includes.

A complete run writes benchmarks/results/engine.json, docs/speed.md and docs/speed.svg, on another machine
than the reference those with its maker and instruction set in their names; one that is filtered writes
build/bench/engine.json and says so.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from fnmatch import fnmatch

from benchmarks.engine import output
from benchmarks.engine.goals import EFFICIENCIES, GROWTHS, comparisons
from benchmarks.engine.peers import PEERS
from benchmarks.engine.run import Run
from tidegate.comparison.machine import hardware

PARTIAL = output.ROOT / "build" / "bench" / "engine.json"
EXAMPLE = """example:
  make bench ARGS="--only lstm-training --threads 2 --peers pytorch"
  make bench ARGS="--only '*-inference' --shape 32,100,64,128"
"""


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.engine",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    keys = sorted({case.key for case in comparisons()} | {"efficiency", "growth"})
    parser.add_argument(
        "--only", metavar="KEYS", help=f"comma-separated, * for anything; of {', '.join(keys)}"
    )
    parser.add_argument("--shape", metavar="B,T,I,H", help="only cases of this shape")
    parser.add_argument("--threads", default="2,1", help="comma-separated (default: %(default)s)")
    parser.add_argument(
        "--peers",
        metavar="NAMES",
        help=f'comma-separated, each with its variants, "none" for tidegate alone; of {", ".join(PEERS)}',
    )
    parser.add_argument(
        "--rounds", type=int, default=7, help="bursts of each peer in each case (default: %(default)s)"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=0.06,
        help="length of a burst, at least one call (default: %(default)s)",
    )
    found = parser.parse_args(arguments)
    if found.only and not any(fnmatch(key, one) for key in keys for one in found.only.split(",")):
        parser.error(f"--only expects some of {', '.join(keys)}; got {found.only!r}")
    for name in found.peers.split(",") if found.peers else ():
        if name not in (*PEERS, "none"):
            parser.error(f"--peers expects some of {', '.join(PEERS)}; got {name!r}")
    return found


def main() -> None:
    options = parse()
    defaults = parse([])
    complete = options == defaults

    def wanted(key: str, shape: tuple[int, ...]) -> bool:
        named = not options.only or any(fnmatch(key, one) for one in options.only.split(","))
        return named and (not options.shape or options.shape == ",".join(map(str, shape)))

    peers = options.peers.split(",") if options.peers else None
    run = Run(options.rounds, options.seconds, peers, say=lambda text: print(text, flush=True))
    cases = [case for case in comparisons() if wanted(case.key, case.task.shape)]
    began = time.monotonic()
    for num_threads in map(int, options.threads.split(",")):
        run.measure(
            num_threads,
            cases,
            [one for one in EFFICIENCIES if wanted("efficiency", one.shape)],
            [one for one in GROWTHS if wanted("growth", one.task(one.sizes[0]).shape)],
        )
    if complete:
        run.means()
    document = run.document(hardware(), complete) | {"minutes": round((time.monotonic() - began) / 60, 1)}
    path = output.own_files(document)[0] if complete else PARTIAL
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    if complete:
        output.write(document)
    else:
        PARTIAL.with_suffix(".md").write_text(output.page(document), encoding="utf-8")
        PARTIAL.with_suffix(".svg").write_text(output.picture(document), encoding="utf-8")
    print(f"{document['minutes']} minutes; {path}")
    if run.refused:
        sys.exit(f"{len(run.refused)} not timed, since they failed or computed other numbers: {run.refused}")


if __name__ == "__main__":
    main()
