"""The file format: one safetensors file whose metadata, "tidegate", is a digest of everything and a JSON
document.

Any reader of safetensors can open the arrays. Nothing is pickled, so that a file from elsewhere cannot run
code.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FORMAT = "tidegate"
VERSION = 2
# Folders and names of a process's own open files.
_STREAMS = {("dev", "stdout"), ("dev", "stderr"), ("dev", "fd"), ("proc", "self")}

Arrays = Mapping[str, NDArray[Any]]


def write(path: str | os.PathLike[str], document: Mapping[str, Any], arrays: Arrays) -> None:
    """Write a document (of JSON's types) and arrays (of numbers) to `path`: all of it, or OSError and the
    file that was there is as before."""
    from safetensors.numpy import save

    text = json.dumps({"format": FORMAT, "version": VERSION, **document}, allow_nan=False, ensure_ascii=False)
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    content = save(whole, {"tidegate": f"{_digest(text, whole)} {text}"})
    replace_file(Path(path), content)


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The document and arrays that `write` wrote.

    OSError where the file cannot be read; ValueError where it is damaged, truncated, from elsewhere, or of
    another version, saying which.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    content = Path(path).read_bytes()
    try:
        arrays = load(content)
        header = json.loads(content[8 : 8 + struct.unpack("<Q", content[:8])[0]])
    except (SafetensorError, ValueError, KeyError) as error:
        raise ValueError(
            f"{path} expects a file that tidegate wrote; got one that is no safetensors, or damaged "
            f"or truncated ({error}): write it again"
        ) from None
    digest, _, text = header.get("__metadata__", {}).get("tidegate", "").partition(" ")
    if not text:
        raise ValueError(
            f"{path} expects a file that tidegate wrote; got a safetensors file of another program: "
            "read its weights with safetensors.numpy.load_file"
        )
    if digest != _digest(text, arrays):
        raise ValueError(f"{path} is damaged: its content does not match its digest: write it again")
    document = json.loads(text)
    version = document.get("version")
    if document.get("format") != FORMAT or version != VERSION:
        is_older = isinstance(version, int) and version < VERSION
        remedy = f"read it with {'an older' if is_older else 'a newer'} tidegate"
        remedy = f"fit it again, or {remedy}" if is_older else remedy
        raise ValueError(
            f"{path} expects format {FORMAT!r} of version {VERSION}; got {document.get('format')!r} of "
            f"version {version!r}: {remedy}"
        )
    return document, arrays


def _digest(text: str, arrays: Arrays) -> str:
    """SHA-256 of the document and of every array's name, type, shape and bytes."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(json.dumps([name, array.dtype.str, array.shape]).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def replace_file(path: Path, content: bytes) -> None:
    """Put the content at `path` in one step: a new file in the same folder, flushed to disk, then renamed.
    It has the permissions of the file that was there. Into a pipe, a device or /dev/stdout it is written."""
    there = path.stat() if path.exists() else None
    if path.absolute().parts[1:3] in _STREAMS or (there and not stat.S_ISREG(there.st_mode)):
        with open(path, "ab") as file:  # where output is a file, it keeps what it holds
            file.write(content)
        return
    target = path.resolve()  # a symbolic link keeps pointing where it does
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"{path} expects a folder that is there; got {target.parent}, which is not: make it first"
        )
    draft = target.with_name(f".{target.name}.{os.getpid()}-{os.urandom(4).hex()}.part")
    try:
        with open(draft, "xb") as file:
            if there:
                os.fchmod(file.fileno(), stat.S_IMODE(there.st_mode))
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the new name itself reaches the disk
    finally:
        os.close(folder)
