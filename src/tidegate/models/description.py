"""A model and where its data are, as a TOML file; pydantic reads it, and says in JSON Schema what it may
hold."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

from tidegate.models.inputs import INPUTS
from tidegate.models.model import SequenceModel
from tidegate.models.tables import TableSource
from tidegate.models.targets import TARGETS, MultiLabel

# Options that a file gives in another form than Python does.
_OPTIONS: dict[str, Any] = {
    "optimizer": str,
    "schedule": str,
    "validation": float | Literal["none"],
    "patience": int | Literal["none"],
    "clip_norm": float | Literal["none"],
    "dense": list[tuple[int, str]],
    "initializers": dict[str, str],
    "random_state": int,
}


@dataclass(frozen=True)
class Description:
    """source: where the data are. model: not fitted yet."""

    source: TableSource
    inputs: Mapping[str, Any]
    targets: Mapping[str, Any]
    options: Mapping[str, Any]

    def model(self, **options: Any) -> SequenceModel:
        """The model; options go before those of the file."""
        return SequenceModel(self.inputs, self.targets, **{**self.options, **options})


def read_description(path: Path) -> Description:
    """OSError where the file cannot be read; ValueError names the key that does not fit, with the nearest."""
    from pydantic import ValidationError

    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} expects UTF-8; got other bytes at {error.start}: save it as UTF-8"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path} expects TOML; got {error}: mend it") from None
    form = _form()
    try:
        # As JSON, in which a tuple may be written as a list though types are strict.
        read: Any = form.model_validate_json(json.dumps(document, default=str))
    except ValidationError as error:
        raise ValueError(f"{path}: {_worded(_worst(error), document)}") from None
    source = _source(read.data).within(path.parent)
    records: list[dict[str, Any]] = []
    for section, kinds in ((read.inputs, INPUTS), (read.targets, TARGETS)):
        made = {}
        for name, entry in section.items():
            given = entry.model_dump(exclude_unset=True)
            kind = kinds[given.pop("kind")]
            if kind is MultiLabel and not given.get("labels") and len(given.get("columns") or ()) > 1:
                given["labels"] = given["columns"]
            owner = "inputs" if kinds is INPUTS else "targets"
            try:
                made[name] = kind(**given)
            except ValueError as error:
                raise ValueError(f"{path}: {owner}.{name}: {error}") from None
        records.append(made)
    options = read.model.model_dump(exclude_unset=True)
    options = {name: None if value == "none" else value for name, value in options.items()}
    return Description(source, records[0], records[1], options)


def _worst(error: Any) -> Any:
    """Which of pydantic's errors to tell: an unknown key first, as it may be a required one misspelt."""
    return min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")


def schema() -> dict[str, Any]:
    """The JSON Schema of a file, for editors."""
    document: dict[str, Any] = _form().model_json_schema()
    return document


def _source(read: Any) -> TableSource:
    given = read.model_dump(exclude_unset=True)
    streams = {name: _source(own) for name, own in (getattr(read, "streams", None) or {}).items()}
    return TableSource(**{**given, "id": tuple(given.get("id", ())), "streams": streams})


def _form() -> Any:
    """The pydantic model of a file, made of the fields of the records."""
    from pydantic import BaseModel, ConfigDict, Field, create_model

    class Strict(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True)

    def of_record(kind: type, name: str) -> Any:
        hints = get_type_hints(kind)
        declared: dict[str, Any] = {"kind": (Literal[kind.kind], ...)}  # type: ignore[attr-defined]
        for one in fields(kind):
            declared[one.name] = (hints[one.name], one.default)
        return create_model(name, __base__=Strict, __doc__=kind.__doc__, **declared)

    def union(kinds: Mapping[str, Any]) -> Any:
        forms = tuple(of_record(kind, kind.__name__) for kind in kinds.values())
        joined = forms[0]
        for form in forms[1:]:
            joined = joined | form
        return Annotated[joined, Field(discriminator="kind")]

    hints = get_type_hints(SequenceModel)
    options: dict[str, Any] = {}
    for one in fields(SequenceModel):
        # A file is fitted anew.
        if one.init and one.default is not dataclasses.MISSING and one.name != "warm_start":
            options[one.name] = (_OPTIONS.get(one.name, hints[one.name]), one.default)
    stream = create_model(
        "Stream",
        __base__=Strict,
        file=(str, ...),
        id=(list[str], []),
        time=(str | None, None),
        encoding=(str, "utf-8"),
    )
    data = create_model("Data", __base__=stream, streams=(dict[str, stream], {}))  # type: ignore[valid-type]
    inputs: Any = dict[str, union(INPUTS)]  # type: ignore[misc]
    targets: Any = dict[str, union(TARGETS)]  # type: ignore[misc]
    return create_model(
        "TidegateModel",
        __base__=Strict,
        data=(data, ...),
        inputs=(inputs, ...),
        targets=(targets, ...),
        model=(
            create_model("Model", __base__=Strict, **options),
            Field(default_factory=dict, validate_default=True),
        ),
    )


def _worded(error: Any, document: Any) -> str:
    """pydantic's error as ours are: key, expected, got, remedy."""
    kinds = {*INPUTS, *TARGETS}
    place = [str(part) for part in error["loc"]]
    # A discriminator's value stands in the path, after the entry's name.
    key = ".".join(part for at, part in enumerate(place) if not (at == 2 and part in kinds))
    kind = error["type"]
    if kind == "extra_forbidden":
        known = _known(place, kinds)
        near = get_close_matches(place[-1], known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"write one of {', '.join(known)}"
        return f"{key} is no key that there is: {hint}"
    if kind == "missing":
        return f"{key} is missing: add it"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        options = INPUTS if place[0] == "inputs" else TARGETS
        written = list(error["input"]) if isinstance(error["input"], dict) else []
        near = get_close_matches("kind", written, n=1)
        if kind == "union_tag_not_found" and near:
            return f"{key}.{near[0]} is no key that there is: did you mean 'kind'?"
        got = error["input"].get("kind") if isinstance(error["input"], dict) else error["input"]
        near = get_close_matches(str(got), options, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}? " if near else ""
        return f"{key}.kind expects one of {', '.join(options)}; got {got!r}: {hint}write one of these"
    message = str(error["msg"])
    return f"{key} expects {message[0].lower()}{message[1:]}; got {error['input']!r:.80}: mend it"


def _known(place: list[str], kinds: set[str]) -> list[str]:
    """The keys that may stand where an unknown one does."""
    form = _form()
    if len(place) == 1:
        return list(form.model_fields)
    if place[0] in ("inputs", "targets"):
        table = INPUTS if place[0] == "inputs" else TARGETS
        own = table.get(place[2]) if len(place) > 3 else None
        return ["kind", *(one.name for one in fields(own))] if own else list(table)
    inner = form.model_fields[place[0]].annotation
    return list(getattr(inner, "model_fields", {}))
