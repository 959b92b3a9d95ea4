"""The command line: one module a command, `application` around them.

Whatever goes wrong is one line on standard error and an exit code; --help says which.
"""

from tidegate.cli.application import app, main

__all__ = ["app", "main"]
