"""Dates and times from text."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ISO = re.compile(r"\d{4}-\d\d-\d\d")


def looks_like_a_date(text: Any) -> bool:
    """Whether a text begins as 2024-01-31 does."""
    return isinstance(text, str) and _ISO.match(text) is not None


def parse_dates(values: NDArray[Any]) -> NDArray[np.datetime64]:
    """Dates and times in ISO 8601, or Python's own, as datetime64[us] in UTC; without a zone they are taken
    as they stand. TypeError or ValueError where one is neither, or where only some have a zone."""
    stamps = [_stamp(value) for value in values.tolist()]
    zoned = [stamp.tzinfo is not None for stamp in stamps]
    if any(zoned):
        if not all(zoned):
            raise ValueError("dates with a time zone and dates without")
        stamps = [stamp.astimezone(UTC).replace(tzinfo=None) for stamp in stamps]
    return np.array(stamps, dtype="datetime64[us]")


def has_zone(values: NDArray[Any]) -> bool:
    """Whether the dates that `parse_dates` has read have a time zone."""
    return values.size > 0 and _stamp(values.flat[0]).tzinfo is not None


def _stamp(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    if isinstance(value, str):
        return datetime.fromisoformat(value.strip())
    raise TypeError(f"{type(value).__name__} is no date")
