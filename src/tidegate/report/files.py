"""Writing a page."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tidegate.report.page import to_html


def write_html(result: Mapping[str, Any], path: str | os.PathLike[str]) -> Path:
    """Write the page of a result and return its path. The file is there whole or, after an error, as it was
    before. ValueError where a field of the result is not of its type."""
    path = Path(path)
    text = to_html(result)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(draft, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return path
