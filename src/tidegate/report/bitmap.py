"""Many coloured fields as one small picture inside the page, where a rectangle each would be too long."""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Sequence
from typing import Final

Color = tuple[int, int, int]

# Light to dark for 0 to 1; orange through white to blue for -1 to 1, which the colour-blind tell apart.
SEQUENTIAL: Final[tuple[Color, ...]] = ((247, 251, 255), (158, 202, 225), (49, 130, 189), (8, 48, 107))
DIVERGING: Final[tuple[Color, ...]] = (
    (179, 88, 6),
    (253, 184, 99),
    (247, 247, 247),
    (128, 165, 210),
    (8, 48, 107),
)
_MISSING: Final[Color] = (200, 200, 200)


def bitmap(shares: Sequence[Sequence[float]], colors: Sequence[Color]) -> str:
    """Rows of equal length, each number from 0 (the first colour) to 1 (the last), as the data URI of a PNG
    with one pixel a number; what is not finite is grey."""
    height, width = len(shares), len(shares[0])
    rows = b"".join(b"\0" + bytes(part for share in row for part in _color(share, colors)) for row in shares)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    png = (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(rows, 9))
        + _chunk(b"IEND", b"")
    )
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _color(share: float, colors: Sequence[Color]) -> Color:
    if not math.isfinite(share):
        return _MISSING
    place = min(1.0, max(0.0, share)) * (len(colors) - 1)
    index = min(int(place), len(colors) - 2)
    weight = place - index
    red, green, blue = (
        round(low + weight * (high - low)) for low, high in zip(colors[index], colors[index + 1])
    )
    return red, green, blue
