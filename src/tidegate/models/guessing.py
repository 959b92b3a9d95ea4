"""A first model file for a table, by looking at its columns; each guess says why."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tidegate.data.column import Column
from tidegate.data.extract import changes, id_columns
from tidegate.data.grouping import Grouping, group, single_rows
from tidegate.data.roles import columns_named
from tidegate.data.sources import load, open_table

# Of text: up to so many different values, or so small a share of the rows, are categories.
MOST_CATEGORIES, CATEGORY_SHARE = 50, 0.05
MOST_CLASSES = 20
LABEL_SEPARATORS = (",", ";", "|")


@dataclass(frozen=True)
class _Guess:
    """kind: None where the column is left out. keys: beside it. reason: in words."""

    kind: str | None
    reason: str
    keys: dict[str, Any]


def model_file(
    path: str | os.PathLike[str],
    folder: Path,
    *,
    id: Sequence[str] | None = None,
    time: str | None = None,
    targets: Sequence[str] | None = None,
    encoding: str = "utf-8",
) -> str:
    """The text of a model file in `folder` for the table at `path`. Without targets the last column is
    taken."""
    opened = open_table("DATA", path, encoding)
    ids = columns_named("--id", list(id or ()), opened)
    times = columns_named("--time", time, opened)
    wanted = columns_named("--target", list(targets or ()), opened)
    rest = [name for name in opened.names if name not in (*ids, *times)]
    table = load(opened, opened.names, {})
    found_ids = id_columns(table, ids, {})
    groups = group([column.values for column in found_ids]) if ids else single_rows(table.num_rows)
    guessed = not wanted
    if guessed:
        wanted = (rest[-1],)
    lines = [
        f"# A model of {opened.title}: {table.num_rows:,} rows, {len(groups):,} sequences. Guesses "
        "say why; mend "
        "those that are wrong.",
        "",
        "[data]",
        f"file = {_text(os.path.relpath(path, folder))}",
    ]
    if ids:
        lines.append(f"id = {json.dumps(list(ids), ensure_ascii=False)}")
    else:
        lines.append("# no id: each row is a sequence; --id names the column that says whose row it is")
    if times:
        lines.append(f"time = {_text(times[0])}")
    if encoding != "utf-8":
        lines.append(f"encoding = {_text(encoding)}")
    left_out: list[str] = []
    entries: list[str] = []
    for name in (*(name for name in rest if name not in wanted), *wanted):
        column = table.column(name)
        if name in wanted:
            guess = _target(column, groups)
            if guess.kind is None:
                raise ValueError(f"--target {name!r}: {guess.reason}: name another column")
        else:
            guess = _input(column, groups)
        if guess.kind is None:
            left_out.append(f"# {name}: left out, {guess.reason}")
            continue
        section = "targets" if name in wanted else "inputs"
        why = f"a guess, as the last column; {guess.reason}" if name in wanted and guessed else guess.reason
        key = "".join(mark if mark not in "/:" else "_" for mark in name)
        entries += ["", f"[{section}.{_key(key)}]  # {why}", f"kind = {_text(guess.kind)}"]
        if key != name:
            entries.append(f"columns = [{_text(name)}]")
        entries += [f"{option} = {_value(value)}" for option, value in guess.keys.items()]
    if not any(entry.startswith("[inputs.") for entry in entries):
        raise ValueError(
            f"DATA expects a column to learn from beside the target; got none that can be used in {path}"
        )
    model = ["", "[model]", 'cell = "lstm"', "hidden_size = 64", "max_epochs = 100", "random_state = 0", ""]
    return "\n".join([*lines, *([""] if left_out else []), *left_out, *entries, *model])


def _input(column: Column, groups: Grouping) -> _Guess:
    num_rows, values = len(column.values), _different(column)
    if values == 0:
        return _Guess(None, "no value in any row", {})
    if values == 1 and column.missing is None:
        return _Guess(None, "the same value in every row", {})
    role = {"role": "step" if _changes(column, groups) else "static"}
    if column.type == "time":
        return _Guess(None, "dates, which are no input", {})
    if column.type in ("numeric", "boolean"):
        gaps = ", some missing" if _has_gaps(column) else ""
        return _Guess("numeric", f"numbers{gaps}", role)
    if column.type not in ("text", "category"):
        return _Guess(None, f"cells of {column.type}", {})
    if values <= max(MOST_CATEGORIES if values < num_rows / 2 else 0, CATEGORY_SHARE * num_rows):
        return _Guess("category", f"text of {values} different values", role)
    if role["role"] == "step":
        return _Guess(None, f"text of {values} different values that changes within sequences", {})
    texts = [str(value) for value in (column.categories if column.categories is not None else ())]
    words = float(np.mean([len(text.split()) for text in texts]))
    if words < 1.5 and values > 0.9 * num_rows:
        return _Guess(
            "text",
            "text, a word each, nearly all different: leave it out if it names the row",
            {"level": "character"},
        )
    level = "word" if words >= 4 else "character"
    return _Guess("text", f"text of {words:.3g} words on average", {"level": level})


def _target(column: Column, groups: Grouping) -> _Guess:
    values = _different(column)
    if values < 2:
        return _Guess(None, f"expects at least two different values; got {values}", {})
    per: dict[str, Any] = {"per": "step"} if _changes(column, groups) else {}
    if column.type == "time":
        return _Guess(None, "expects numbers, booleans or text; got dates", {})
    if column.type == "boolean" or values == 2:
        return _Guess("binary", "two different values", per)
    if column.type == "numeric":
        there = column.values if column.missing is None else column.values[~column.missing]
        there = there[~np.isnan(there)] if there.dtype.kind == "f" else there
        if (there == np.floor(there)).all() and values <= MOST_CLASSES:
            return _Guess(
                "multi_class", f'{values} whole numbers; kind = "ordinal" or "regression" if they count', per
            )
        return _Guess("regression", "numbers", per)
    if column.type not in ("text", "category") or column.categories is None:
        return _Guess(None, f"expects numbers, booleans or text; got {column.type}", {})
    texts = [str(value) for value in column.categories]
    for separator in LABEL_SEPARATORS:
        lists = [text.split(separator) for text in texts]
        labels = {label.strip() for labels in lists for label in labels}
        if any(len(one) > 1 for one in lists) and len(labels) < sum(map(len, lists)) / 2:
            return _Guess("multi_label", f"lists of {len(labels)} labels", {"separator": separator, **per})
    return _Guess("multi_class", f"text of {values} different values", per)


def _different(column: Column) -> int:
    if column.categories is not None:
        return len(column.categories)
    if not len(column.values):
        return 0
    there = column.values if column.missing is None else column.values[~column.missing]
    if there.dtype.kind == "f":
        there = there[~np.isnan(there)]
    return len(np.unique(there))


def _has_gaps(column: Column) -> bool:
    return column.missing is not None or bool(
        column.values.dtype.kind == "f" and np.isnan(column.values).any()
    )


def _changes(column: Column, groups: Grouping) -> bool:
    """Whether it changes within a sequence."""
    return len(groups) < len(column.values) and len(changes(column, groups)) > 0


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _value(value: Any) -> str:
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _key(name: str) -> str:
    plain = name.replace("_", "").replace("-", "")
    return name if plain.isascii() and plain.isalnum() else _text(name)
