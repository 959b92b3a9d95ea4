"""The folder of a comparison: what it is of, its finished replicas and the states of those under way.

comparison.json              what the scores depend on
replicas/CELL-SEED.replica   a finished replica, written in one step
replicas/CELL-SEED.state     the checkpoint of one under way
models/CELL-SEED.safetensors the fitted model of a finished one, which tidegate.load reads
search/trials.db             every trial of the search for settings
search/CELL-TRIAL.state      the checkpoint of one under way
result.json, report.html     what was found
.lock                        held by the process that writes
"""

from __future__ import annotations

import errno
import fcntl
import json
import math
import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Self

from tidegate import persistence
from tidegate.comparison.answers import Answers
from tidegate.comparison.scores import PARTS, Measured, Replica

RESULT_FILE = "result.json"
REPORT_FILE = "report.html"
IDENTITY_FILE = "comparison.json"
LOCK_FILE = ".lock"
KIND = "scored replica"


class Folder:
    """identity: everything the scores depend on, in JSON's types.

    resume: go on with what is there, which must be of the same identity; otherwise begin anew, which a
    comparison that is not done forbids, and one of another identity too unless overwrite. ValueError where
    the folder is not what it should be, or another process writes it; nothing is changed then. It is this
    process's until the block ends.
    """

    def __init__(
        self, path: str | Path, identity: Mapping[str, Any], resume: bool, overwrite: bool = False
    ) -> None:
        self.path = Path(path)
        check_folder(self.path, "output")
        self._replicas = self.path / "replicas"
        self._models = self.path / "models"
        self.search = self.path / "search"
        self._lock = _locked(self.path)
        try:
            self._begin(json.loads(json.dumps(identity)), resume, overwrite)
        except BaseException:
            os.close(self._lock)
            raise

    def _begin(self, identity: Mapping[str, Any], resume: bool, overwrite: bool) -> None:
        there = self.path / IDENTITY_FILE
        if resume and (there.exists() or (self.path / RESULT_FILE).exists()):
            self._check_same(identity, there)
            return
        self._check_done(there)
        other = self._differences(identity, there)
        if other and not overwrite and (there.exists() or (self.path / RESULT_FILE).exists()):
            raise ValueError(
                f"output expects a new folder, or that of this same comparison; got {self.path}, whose "
                f"{', '.join(other)} differ: pass another folder, or overwrite=True to replace what is there"
            )
        for folder, pattern in (
            (self._replicas, "*.replica"),
            (self._replicas, "*.state"),
            (self._models, "*.safetensors"),
            (self.search, "*.state"),
            (self.search, "trials.db*"),
        ):
            for old in folder.glob(pattern):
                old.unlink()
        persistence.replace_file(there, (json.dumps(identity, indent=2) + "\n").encode())
        self._replicas.mkdir(exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._lock)

    def checkpoint(self, cell: str, seed: int) -> Path:
        return self._replicas / f"{cell}-{seed}.state"

    def write(self, replica: Replica, model: Any) -> None:
        """Keep the fitted model, then the replica: what has one is finished."""
        self._models.mkdir(exist_ok=True)
        model.save(self._models / f"{replica.cell}-{replica.seed}.safetensors")
        document = {own.name: getattr(replica, own.name) for own in fields(replica)}
        document["history"] = {
            name: [_encoded(value) for value in values] for name, values in replica.history.items()
        }
        document["targets"] = {name: _target(own) for name, own in replica.targets.items()}
        arrays = {
            f"{name}/{key}": array
            for name, own in replica.targets.items()
            if own.answers is not None
            for key, array in own.answers.arrays().items()
        }
        persistence.write(self._file(replica.cell, replica.seed), document | {"kind": KIND}, arrays)

    def read(self, cell: str, seed: int) -> Replica | None:
        """The replica that was finished, the same to the bit; None where it was not."""
        path = self._file(cell, seed)
        if not path.exists():
            return None
        document, arrays = persistence.read(path)
        if document.get("kind") != KIND or (document["cell"], document["seed"]) != (cell, seed):
            raise ValueError(
                f"{path} expects the replica of {cell} with seed {seed}; got another file: remove it"
            )
        for name in ("format", "version", "kind"):
            del document[name]
        document["history"] = {
            name: [_decoded(value) for value in values] for name, values in document["history"].items()
        }
        document["targets"] = {
            name: _from_target(name, own, arrays) for name, own in document["targets"].items()
        }
        return Replica(**document)

    def _file(self, cell: str, seed: int) -> Path:
        return self._replicas / f"{cell}-{seed}.replica"

    def _check_done(self, there: Path) -> None:
        before = _identity(there)
        finished = len(list(self._replicas.glob("*.replica")))
        wanted = len(before.get("cells", ())) * len(before.get("seeds", ()))
        if finished < wanted and any([*self._replicas.glob("*"), *self.search.glob("trials.db")]):
            raise ValueError(
                f"output expects no interrupted comparison to write over; got {self.path} with {finished} of "
                f"{wanted} replicas: pass resume=True to go on with it, or remove the folder"
            )

    def _check_same(self, identity: Mapping[str, Any], there: Path) -> None:
        other = self._differences(identity, there)
        if other:
            raise ValueError(
                f"output expects the folder of this same comparison to resume; got {self.path}, whose "
                f"{', '.join(other)} differ: pass what it began with, or another folder"
            )

    @staticmethod
    def _differences(identity: Mapping[str, Any], there: Path) -> list[str]:
        before = _identity(there)
        return [name for name, value in identity.items() if before.get(name) != value]


def _identity(path: Path) -> dict[str, Any]:
    """What the folder is of; empty where it does not say."""
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        before = None
    if not isinstance(before, dict):
        raise ValueError(f"{path} is damaged: remove the folder, or pass another")
    return before


def check_folder(path: Path, argument: str) -> None:
    """ValueError where a folder is not empty and not a comparison's."""
    if path.exists() and not path.is_dir():
        raise ValueError(f"{argument} expects a folder; got the file {path}: write elsewhere")
    ours = any((path / name).is_file() for name in (IDENTITY_FILE, RESULT_FILE))
    if path.is_dir() and any(own.name != LOCK_FILE for own in path.iterdir()) and not ours:
        raise ValueError(
            f"{argument} expects a new or empty folder, or one with the {RESULT_FILE} of a comparison; got "
            f"{path}, which has other files: write elsewhere"
        )


def _locked(folder: Path) -> int:
    """The descriptor of the folder's lock, which lasts as long as it is open, whatever ends the process;
    ValueError where another holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            os.close(lock)
            raise ValueError(
                f"output expects a folder that no other process is writing; got {folder}, which one is: wait "
                "until it has ended, or pass another folder"
            ) from None
        # A file system without locks (some network mounts): the user looks out for it.
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
            os.close(lock)
            raise
    return lock


def _target(measured: Measured) -> dict[str, Any]:
    labels = None if measured.answers is None else list(measured.answers.labels)
    return {part: _encoded(score) for part, score in measured.to_dict().items()} | {"labels": labels}


def _from_target(name: str, document: dict[str, Any], arrays: persistence.Arrays) -> Measured:
    own = {key.removeprefix(f"{name}/"): array for key, array in arrays.items() if key.startswith(f"{name}/")}
    labels = document["labels"]
    answers = None if labels is None else Answers.from_arrays(labels, own)
    train, validation, test = (_decoded(document[part]) for part in PARTS)
    assert train is not None
    assert test is not None
    return Measured(train, validation, test, answers)


def _encoded(value: float | None) -> float | str | None:
    """A number that JSON lacks as its name."""
    return value if value is None or math.isfinite(value) else str(value)


def _decoded(value: float | str | None) -> float | None:
    return float(value) if isinstance(value, str) else value
