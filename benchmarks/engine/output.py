"""The page and the picture of a run, from its JSON alone.

python -m benchmarks.engine.output writes them anew from each kept run: docs/speed.md and docs/speed.svg from
benchmarks/results/engine.json, which is that of the reference machine, of Intel with AVX-512; of another one
those with its maker and instruction set in their names.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from itertools import accumulate, groupby
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"

Row = dict[str, Any]


REFERENCE = ("Intel(R) Xeon(R) Processor", "avx512")


def files(hardware: str, instruction_set: str) -> tuple[Path, Path, Path]:
    """Of the last complete run on a machine of that maker, the first word of `hardware`, and with that
    instruction set: results, page and picture."""

    def name(machine: str, which: str) -> str:
        return f"-{re.findall('[a-z]+', machine.lower())[0]}-{which}"

    own = name(hardware, instruction_set)
    suffix = "" if own == name(*REFERENCE) else own
    page = ROOT / "docs" / f"speed{suffix}.md"
    return RESULTS / f"engine{suffix}.json", page, page.with_suffix(".svg")


def kept() -> list[Path]:
    return sorted(RESULTS.glob("engine*.json"))


# Title, and what the figures include, in the order of the page.
WORKS = {
    "article": (
        "The article's example",
        "A whole fit: 100 epochs of 100 sequences, one a batch; recurrent layer of 10 units, dense layer "
        "of 10 with tanh, dense layer of 1; mean squared error; Adam. Ours is the time of "
        "`SequenceRegressor.fit`, data checks and scaling included; theirs that of the loop over the "
        "updates alone, in JAX compiled whole epochs, in PyTorch with the fused Adam, in Keras the fastest"
        " of `fit` compiled by XLA, so with a whole epoch in one call, and so without XLA. Where a peer is"
        " slow some epochs were timed and the rest reckoned from them.",
    ),
    "training": (
        "Training step",
        "Forward and backward pass of one layer through Python, the gradient of the output given, the "
        "gradients of all parameters computed; the input is data, so it gets none; no optimiser. PyTorch "
        "in the faster layout, for the LSTM with and without oneDNN; for cells it does not have, a loop "
        "over time with the input's product over all steps at once, eager or by jit.script. JAX: a "
        "compiled scan with that product before it.",
    ),
    "efficiency": (
        "Share of the machine's peak",
        "The operations of the matrix products of a training step, the gradient of the inputs computed too"
        " (6 G B T H (I + H) for G gates), over its time and over the peak.",
    ),
    "inference": (
        "Inference",
        "Forward pass of one layer through Python, the output of every step in an array. "
        "ONNX Runtime with bound buffers, OpenVINO with the latency hint, PyTorch in inference mode.",
    ),
    "ragged": (
        "Ragged training",
        "A training step on sequences of uniformly drawn lengths. PyTorch packed: the batch and the "
        "gradient were packed before the clock ran. Padded: all steps computed.",
    ),
    "streaming": (
        "One streaming step",
        "One step of one sequence through Python, states in and states out, as a service would call it.",
    ),
    "vowels": (
        "A whole fit: Japanese Vowels",
        "50 epochs in batches of 16, 64 units, softmax cross-entropy, Adam, the same batches on both "
        "sides. PyTorch: each batch sorted and packed, fused Adam; 10 epochs timed and multiplied.",
    ),
    "masked": (
        "Masked steps",
        "A training step in which every fifth step is masked, against one without a mask.",
    ),
    "multiplied": (
        "Multiplier of the state",
        "A training step with a factor on h before each step, against one without.",
    ),
    "replicas": (
        "Replicas side by side",
        "An epoch of one replica for each thread, 320 sequences in batches of 32 with Adam: each on a "
        "Python thread of its own, against the same epochs one after the other.",
    ),
    "after pytorch": (
        "Just after PyTorch",
        "A training step right after an operation of PyTorch in the same process, whose threads spin on for "
        "some milliseconds, against one after they sleep. The operation is in no time.",
    ),
    "growth": (
        "Growth",
        "The exponent e of time ~ size^e over the sizes given, by least squares of the logarithms.",
    ),
    "avx2": (
        "AVX2 on both sides",
        "Training steps with nothing faster than AVX2, PyTorch capped by its own switches.",
    ),
}

PEERS = {
    "pytorch": "PyTorch",
    "pytorch cured": "PyTorch, pages kept",
    "pytorch packed": "PyTorch packed",
    "pytorch padded": "PyTorch padded",
    "pytorch cured packed": "packed, pages kept",
    "pytorch cured padded": "padded, pages kept",
    "pytorch avx2": "PyTorch",
    "pytorch avx2 cured": "PyTorch, pages kept",
    "jax": "JAX",
    "jax cured": "JAX, pages kept",
    "onnxruntime": "ONNX Runtime",
    "openvino": "OpenVINO",
    "keras": "Keras",
    "tidegate padded": "ours padded",
    "tidegate without": "ours without",
    "tidegate in turn": "one after the other",
    "tidegate undisturbed": "undisturbed",
    "tidegate lstm": "our lstm",
    "tidegate gru": "our gru",
}


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def own_files(document: dict[str, Any]) -> tuple[Path, Path, Path]:
    return files(document["hardware"], document["versions"]["instruction set"])


def write(document: dict[str, Any]) -> None:
    _, to_page, to_picture = own_files(document)
    to_page.write_text(page(document), encoding="utf-8")
    to_picture.write_text(picture(document), encoding="utf-8")


def page(document: dict[str, Any]) -> str:
    rows = document["rows"]
    results, own_page, own_picture = own_files(document)
    reference = files(*REFERENCE)[1]
    parts = [
        f"<!-- Written by make bench-page from benchmarks/results/{results.name}. -->\n{HEAD}",
        _about(document),
        f"![Training steps of the peers, in times of Tidegate's]({own_picture.name})\n",
        _goals(rows, "" if own_page == reference else f" of the [reference machine]({reference.name})"),
    ]
    means = [row for row in rows if row["work"].endswith("geometric mean")]
    if means:
        parts.append("Geometric means over the shapes, of the ratio to the fastest peer:\n")
        lines = [
            [row["work"].partition(",")[0], row["cell"] or "all", _ratio(row), _verdict([row])]
            for row in means
        ]
        parts.append(table(["work", "cell", "times the best", "goal"], lines))
    for work, (title, includes) in WORKS.items():
        chosen = [row for row in rows if row["work"] == work]
        if chosen:
            parts.append(f"## {title}\n\n{includes}\n")
            if work == "growth":
                parts.append(_growth(chosen))
            elif work == "efficiency":
                parts.append(_efficiency(chosen))
            else:
                parts += [
                    f"`{cell}`\n\n{_comparison(list(of_cell))}"
                    for cell, of_cell in _groups(chosen, lambda row: row["cell"])
                ]
    return "\n".join(parts).rstrip() + "\n"


HEAD = """# Speed

The engine beside its peers, all measured in one run on one machine. Every peer has a process of its own that
loads its library once and is blocked while another computes; they take turns in short bursts, so that what
the machine does at one time of the run concerns all of them. A peer's threads have stopped spinning before
the next one begins. Each peer's output, and its gradients where there are any, were compared with ours on
the same weights before a time was taken (1e-3 of the largest magnitude, float32). Times are medians, with
the quartiles in brackets; a ratio is the peer's time over ours. "Pages kept" is PyTorch or JAX with an
allocator tuned to keep its memory (glibc's MALLOC_MMAP_MAX_, MALLOC_TRIM_THRESHOLD_ and MALLOC_TOP_PAD_), so
that page faults do not flatter us. Compilation is not in any time. A row during which other processes took
more than 5% of the machine was measured again, three times at most.
"""


def _about(document: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in sorted(document["versions"].items()))
    peaks = ", ".join(
        f"{peak / 1e9:.0f} GFLOP/s with {_threads(int(threads))}"
        for threads, peak in sorted(document["peak"].items())
    )
    foreign = document["foreign"]
    busy = ""
    if foreign["largest"] is not None:
        busy = (
            f" Other processes took {foreign['median']:.1%} of the machine in the median row, "
            f"{foreign['largest']:.1%} in the worst."
        )
    refused = "".join(f"\nNot timed: {one.splitlines()[0]}\n" for one in document["refused"])
    partial = "" if document["complete"] else " **A part of a run.**"
    return (
        f"{document['hardware']}; {document['date'][:10]}; float32; {versions}. Peak, the best product of "
        f"two matrices of 2048 rows and columns in the same run: {peaks}.{busy}{partial}\n{refused}"
    )


def _goals(rows: Sequence[Row], machine: str = "") -> str:
    judged = [row for row in rows if row["goal"]]
    missed = [row for row in judged if not row["met"]]
    met = f"{len(judged) - len(missed)} of {len(judged)}"
    text = f"## Goals\n\nSet beforehand, for two threads{machine}: {met} met.\n"
    if missed:
        lines = [
            [
                row["work"],
                row["cell"],
                _shape(row),
                PEERS.get(row["peer"], row["peer"] or ""),
                _reached(row),
                row["goal"],
            ]
            for row in missed
        ]
        text += "\nMissed:\n\n" + table(["work", "cell", "shape", "against", "reached", "goal"], lines)
        text += "\nWhere the time of these goes, and what bounds it: [profiles.md](profiles.md).\n"
    return text


def _comparison(rows: Sequence[Row]) -> str:
    names = list(dict.fromkeys(row["peer"] for row in rows if row["peer"]))
    lines = []
    for (shape, threads), group in _groups(rows, lambda row: (row["shape"], row["threads"])):
        found = {row["peer"]: row for row in group}
        ours = next(iter(found.values()))
        cells = [
            f"{duration(found[name]['theirs'])} {_range(found[name]['spread']['theirs'])} × "
            f"{found[name]['ratio']:.2f}"
            if name in found
            else ""
            for name in names
        ]
        time = f"**{duration(ours['ours'])}** {_range(ours['spread']['ours'])}"
        lines.append([_shape({"shape": shape}), str(threads), time, *cells, _verdict(list(found.values()))])
    return table(["B, T, I, H", "threads", "Tidegate", *(PEERS.get(n, n) for n in names), "goal"], lines)


def _theirs(row: Row) -> str:
    return f"{duration(row['theirs'])} {_range(row['spread']['theirs'])} × {row['ratio']:.2f}"


def _efficiency(rows: Sequence[Row]) -> str:
    lines = [
        [
            row["cell"],
            _shape(row),
            str(row["threads"]),
            duration(row["ours"]),
            f"{row['share']:.0%}",
            _verdict([row]),
        ]
        for row in rows
    ]
    return table(["cell", "B, T, I, H", "threads", "time", "of peak", "goal"], lines)


def _growth(rows: Sequence[Row]) -> str:
    lines = [
        [
            row["of"],
            ", ".join(f"{size:,}" for size in row["sizes"]),
            str(row["threads"]),
            ", ".join(map(duration, row["seconds"])),
            f"{row['exponent']:.2f}",
            _verdict([row]),
        ]
        for row in rows
    ]
    return table(["number of", "sizes", "threads", "times", "exponent", "goal"], lines)


def _verdict(rows: Sequence[Row]) -> str:
    """The goals of one piece of work: met, or those that were missed."""
    judged = [row for row in rows if row["goal"]]
    if not judged:
        return ""
    goals = " / ".join(dict.fromkeys(row["goal"] for row in judged))
    missed = [row for row in judged if not row["met"]]
    if not missed:
        return f"{goals}: met"
    against = ", ".join(PEERS.get(row["peer"], row["peer"]) for row in missed if row["peer"])
    return f"{goals}: **missed**" + (f" ({against})" if against and len(judged) > 1 else "")


def _reached(row: Row) -> str:
    if row.get("share") is not None:
        return f"{row['share']:.0%}"
    if row.get("exponent") is not None:
        return f"{row['exponent']:.2f}"
    return _ratio(row) if row.get("ratio") is not None else duration(row["ours"])


def _ratio(row: Row) -> str:
    return f"{row['ratio']:.2f}"


def _shape(row: Row) -> str:
    return ", ".join(map(str, row["shape"]))


def _range(quartiles: Sequence[float]) -> str:
    low, high = (duration(one) for one in quartiles)
    if low.split()[1] == high.split()[1]:
        low = low.split()[0]
    return f"({low}–{high})"


def _threads(count: int) -> str:
    return f"{count} thread{'s' * (count != 1)}"


def duration(seconds: float) -> str:
    """Three significant digits in the unit that suits them."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size or unit == "us":
            value = seconds / size
            digits = max(0, 2 - math.floor(math.log10(value))) if value > 0 else 0
            return f"{value:.{digits}f} {unit}"
    raise AssertionError


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _groups(rows: Sequence[Row], key: Any) -> list[tuple[Any, Iterable[Row]]]:
    """Rows with the same key together, in the order in which each key first comes."""
    keys = []
    for row in rows:
        if key(row) not in keys:
            keys.append(key(row))
    ordered = sorted(rows, key=lambda row: keys.index(key(row)))
    return [(found, list(group)) for found, group in groupby(ordered, key=key)]


# The picture: a line a shape, the peers as dots at their time over ours, on a logarithmic axis.
COLORS = {"pytorch": "#d1495b", "pytorch cured": "#edae49", "jax": "#30638e", "jax cured": "#6bb3e0"}
WIDTH, LEFT, RIGHT, LINE, HEADING = 720, 190, 20, 24, 34
TICKS = (0.5, 1, 2, 5, 10, 20)


def picture(document: dict[str, Any]) -> str:
    rows = [
        row
        for row in document["rows"]
        if row["work"] == "training"
        and row["threads"] == 2
        and row["peer"] in COLORS
        and row["cell"] in ("lstm", "gru")
    ]
    low, high = math.log(TICKS[0]), math.log(TICKS[-1])

    def x(ratio: float) -> float:
        place = (math.log(min(max(ratio, TICKS[0]), TICKS[-1])) - low) / (high - low)
        return round(LEFT + place * (WIDTH - LEFT - RIGHT), 1)

    body, y = [], 58
    for cell, of_cell in _groups(rows, lambda row: row["cell"]):
        body.append(f'<text x="8" y="{y + 4}" class="cell">{cell.upper()} training, B, T, I, H</text>')
        y += HEADING - 8
        for shape, of_shape in _groups(list(of_cell), lambda row: row["shape"]):
            body.append(
                f'<text x="{LEFT - 12}" y="{y + 4}" text-anchor="end">{_shape({"shape": shape})}</text>'
            )
            body.append(f'<path d="M{LEFT} {y}H{WIDTH - RIGHT}" class="line"/>')
            for row in of_shape:
                title = f"{PEERS[row['peer']]}: {duration(row['theirs'])}, Tidegate {duration(row['ours'])}"
                body.append(
                    f'<circle cx="{x(row["ratio"])}" cy="{y}" r="5" fill="{COLORS[row["peer"]]}">'
                    f"<title>{escape(title)}</title></circle>"
                )
            y += LINE
        y += 10
    axis = []
    for tick in TICKS:
        kind = "ours" if tick == 1 else "tick"
        axis.append(f'<path d="M{x(tick)} 40V{y - 10}" class="{kind}"/>')
        axis.append(f'<text x="{x(tick)}" y="{y + 8}" text-anchor="middle">{tick:g}</text>')
    widths = [40 + 7 * len(PEERS[peer]) for peer in COLORS]  # a dot, a gap, 7 for a letter of 12 px
    legend = [
        f'<circle cx="{at}" cy="20" r="5" fill="{color}"/><text x="{at + 10}" y="24">{PEERS[peer]}</text>'
        for at, (peer, color) in zip(accumulate(widths, initial=LEFT), COLORS.items())
    ]
    caption = f"time over Tidegate's (line at 1), 2 threads, {escape(document['hardware'])}"
    below = f'<text x="{LEFT}" y="{y + 28}">{caption}</text>'
    height = y + 40
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
            "<title>Training steps of the peers, in times of Tidegate's</title>",
            "<style>text{font:12px sans-serif;fill:#333}.cell{font-weight:bold}.line{stroke:#ddd}"
            ".tick{stroke:#eee}.ours{stroke:#333}</style>",
            f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
            *legend,
            *axis,
            *body,
            below,
            "</svg>\n",
        ]
    )


if __name__ == "__main__":
    for run in kept():
        write(read(run))
