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
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"

# Shades of the palette: more are not told apart, and fewer bits are a shorter page. Odd, for a middle.
_SHADES: Final = 65


def bitmap(shares: Sequence[Sequence[float]], colors: Sequence[Color]) -> str:
    """Rows of equal length, each number from 0 (the first colour) to 1 (the last), as the data URI of a PNG
    with one pixel a number; what is not finite is grey."""
    height, width = len(shares), len(shares[0])
    palette = [*(_mixed(shade / (_SHADES - 1), colors) for shade in range(_SHADES)), _MISSING]
    # Each row begins with 0: it is not a difference from the row above.
    rows = b"".join(b"\0" + bytes(map(_shade, row)) for row in shares)
    chunks = (
        _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        _chunk(b"PLTE", bytes(part for color in palette for part in color)),
        _chunk(b"IDAT", zlib.compress(rows, 9)),
        _chunk(b"IEND", b""),
    )
    return f"data:image/png;base64,{base64.b64encode(_SIGNATURE + b''.join(chunks)).decode()}"


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _shade(share: float) -> int:
    return round(min(1.0, max(0.0, share)) * (_SHADES - 1)) if math.isfinite(share) else _SHADES


def _mixed(share: float, colors: Sequence[Color]) -> Color:
    place = share * (len(colors) - 1)
    index = min(int(place), len(colors) - 2)
    weight = place - index
    red, green, blue = (
        round(low + weight * (high - low)) for low, high in zip(colors[index], colors[index + 1])
    )
    return red, green, blue
