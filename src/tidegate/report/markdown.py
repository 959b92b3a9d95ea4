"""The same in Markdown, without the figures: for an issue, a pull request, a notebook."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tidegate.report import words
from tidegate.report.digits import sentence
from tidegate.report.result import Result
from tidegate.report.tables import (
    Column,
    Field,
    Table,
    claim_table,
    cost_table,
    data_table,
    loss_table,
    pair_table,
    score_table,
    settings,
    target_table,
)

# An underscore inside a word and a hyphen are plain; what could begin markup, HTML or a new column is not.
_MARKUP = re.compile(r"[\\`*\[\]<>|&~#$]|(?<!\w)_|_(?!\w)")


def to_markdown(result: Mapping[str, Any]) -> str:
    """The verdict, the tables and the settings of a result (result.py tells its fields), as GitHub renders
    Markdown. ValueError where a field is not of its type."""
    own = Result.read(result)
    blocks = [f"# {escaped(words.title(own))}", escaped(words.facts(own))]
    warning = words.warning(own)
    blocks += [f"> {escaped(warning)}"] if warning else []
    blocks += map(escaped, words.verdicts(own))
    targets = own.targets or {"": own}
    for name, one in targets.items():
        blocks += _section(f"What each input adds{f': {name}' if name else ''}", loss_table(one))
    blocks += _section(f"{sentence(own.noun)}s", score_table(own))
    for name, one in targets.items():
        blocks += _section(name, target_table(one)) if name else []
        if own.ablation is None:
            blocks += _section(f"Scores{f' of {name}' if name else ''}", pair_table(one))
            blocks.append("\n".join(f"- {escaped(told)}" for told in words.pairs(one)))
    blocks += _section("Cost", cost_table(own))
    blocks += _section("The article’s claims", claim_table(own.claims))
    blocks += _section("How it was made", data_table(own.data))
    for title, pairs in settings(own):
        names = Table("", (Column(title, numeric=False), Column("", numeric=False)), _fields(pairs))
        blocks.append(_table(names))
    if own.command:
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", own.command)), default=0))
        blocks.append(f"To make it again:\n\n{fence}\n{own.command}\n{fence}")
    return "\n\n".join(block for block in blocks if block) + "\n"


def escaped(text: str) -> str:
    """On one line, each character standing for itself."""
    return _MARKUP.sub(r"\\\g<0>", " ".join(text.split()))


def _fields(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[Field, ...], ...]:
    return tuple((Field(name), Field(value)) for name, value in pairs)


def _section(title: str, table: Table | None) -> list[str]:
    return [] if table is None else [f"## {escaped(title)}", _table(table), escaped(table.caption)]


def _table(table: Table) -> str:
    titles = [f"{column.title}, {column.unit}" if column.unit else column.title for column in table.columns]
    lines = [titles] + [[_text(field) for field in row] for row in table.rows]
    rows = [f"| {' | '.join(escaped(field) for field in line)} |" for line in lines]
    rules = " | ".join("---:" if column.numeric else "---" for column in table.columns)
    return "\n".join([rows[0], f"| {rules} |", *rows[1:]])


def _text(field: Field) -> str:
    return f"{field.text} ({field.note})" if field.note else field.text
