"""The size of a picture as the engine takes it from the header: it reads with imagesize 1.4.1, which has its mistakes."""

from __future__ import annotations

from kohya_wrap.domain.buckets import Size

_NO_FRAME = (0xC4, 0xC8, 0xCC)  # tables among the JPEG markers that begin a frame


def is_misread(content: bytes, size: Size) -> bool:
    """Whether the engine sorts the picture into the bucket of another size, or dies of it."""
    if content.startswith(b"\xff\xd8"):
        return _jpeg(content) != size
    return content.startswith(b"RIFF") and _webp(content) != size


def _jpeg(content: bytes) -> Size | None:
    """None where imagesize raises: at bytes between the segments, which all other readers pass over."""
    place, length, marker = 0, 2, 0
    while not 0xC0 <= marker <= 0xCF or marker in _NO_FRAME:
        place += length
        while content[place : place + 1] == b"\xff":
            place += 1
        head = content[place : place + 3]
        if len(head) < 3:
            return None
        marker, length = head[0], int.from_bytes(head[1:], "big") - 2
        place += 3
    height, width = content[place + 1 : place + 3], content[place + 3 : place + 5]
    return int.from_bytes(width, "big"), int.from_bytes(height, "big")


def _webp(content: bytes) -> Size | None:
    """None for the extended kind, with profile, EXIF, transparency or several frames: it is taken for one pixel less."""
    kind = content[12:16]
    if kind == b"VP8X":
        return None
    if kind == b"VP8 ":
        return int.from_bytes(content[26:28], "little"), int.from_bytes(content[28:30], "little")
    bits = int.from_bytes(content[21:25], "little")
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
