"""Pictures whose size the engine reads wrong from the header."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from kohya_wrap.domain.dataset import Misread
from kohya_wrap.host import header_size
from kohya_wrap.host.image_file import of_bytes

SIZE = (301, 200)


def saved(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.effect_noise(SIZE, 80).convert(mode).save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "misread"),
    [
        (saved("JPEG"), False),
        (saved("JPEG", progressive=True), False),
        (saved("JPEG", exif=Image.Exif().tobytes()), False),
        (saved("WEBP"), False),
        (saved("WEBP", lossless=True), False),
        (saved("WEBP", icc_profile=b"x" * 200), True),  # extended: imagesize forgets to add one
        (saved("WEBP", "RGBA", quality=50), False),
        (saved("PNG"), False),
        (saved("BMP"), False),
    ],
    ids=["jpeg", "progressive", "exif", "webp", "lossless", "extended", "transparent", "png", "bmp"],
)
def test_headers(content: bytes, misread: bool) -> None:
    assert header_size.is_misread(content, SIZE) is misread
    assert (Misread.SIZE in of_bytes(content).misread) is misread


def test_bytes_between_the_segments_of_a_jpeg_are_the_engines_end() -> None:
    """All readers pass over them but imagesize, which raises."""
    content = saved("JPEG")
    assert header_size.is_misread(content[:20] + bytes(40) + content[20:], SIZE)


@pytest.mark.parametrize("cut", [2, 3, 5, 100, 160])
def test_a_jpeg_that_ends_in_its_header(cut: int) -> None:
    assert header_size.is_misread(saved("JPEG")[:cut], SIZE)
