"""Errors of the library in the words of the command line: target_per='step' becomes --target-per step."""

from __future__ import annotations

import re
from dataclasses import fields

from tidegate.cli.options import DataOptions, ModelOptions

# Arguments of the library whose options have other names.
_RENAMED = {"random_state": "--seed", "num_threads": "--threads", "source": "DATA", "test": "--test"}
_OTHERS = ("cell", "cells", "seeds", "validation", "input_size", "output", "match", "tune", "margin")
_OPTIONS = {
    **{field.name: f"--{field.name.replace('_', '-')}" for record in (DataOptions, ModelOptions)
       for field in fields(record)},
    **{name: f"--{name.replace('_', '-')}" for name in _OTHERS},
    **_RENAMED,
}  # fmt: skip
_SUBJECTS = {
    "X": "DATA",
    "y": "the target",
    "X_test": "--test",
    "y_test": "the target of --test",
    "validation[0]": "--validation",
    "validation[1]": "the target of --validation",
} | _OPTIONS

_SUBJECT = re.compile(r"(\w+(?:\[[01]\])?)(?:\['[^']*'\])?(?= expects\b)")
# Entries of a model file.
_ENTRY = re.compile(r"\b(inputs|targets|data)\['([^']*)'\]")
_PASSED = re.compile(rf"(?<![\w'\"/.-])({'|'.join(_OPTIONS)})=(?:'([^']*)'|(None)\b|([\w.+-]*\w)|)")


def as_on_the_command_line(message: str) -> str:
    """The message with options in place of Python's arguments."""
    message = _ENTRY.sub(r"\1.\2", message)
    subject = _SUBJECT.match(message)
    if subject and subject[1] in _SUBJECTS:
        message = _SUBJECTS[subject[1]] + message[subject.end() :]
    message = message.replace("classes that y has", "classes that the target has")
    message = message.replace("or overwrite=True", "or --overwrite")
    message = message.replace("pass resume=False", "leave --resume out")
    message = re.sub(r"^resume expects", "--resume expects", message.replace("resume=True", "--resume"))
    message = message.replace("got bidirectional=True", "got --bidirectional")
    message = message.replace("bidirectional=False", "--one-direction").replace(
        "recompute=True", "--recompute"
    )
    message = message.replace("got none: pass output", "got none: pass --output")
    return _PASSED.sub(_option, message)


def _option(found: re.Match[str]) -> str:
    name, quoted, none, plain = found.groups()
    value = "none" if none else quoted or plain or ""
    return f"{_OPTIONS[name]} {value}".rstrip()
