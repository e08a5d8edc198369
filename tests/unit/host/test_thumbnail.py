"""Pictures made small, as addresses that hold them."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

from kohya_wrap.host import thumbnail


def decoded(made: thumbnail.Thumbnail) -> Image.Image:
    kind, _, packed = made.address.partition(",")
    assert kind == "data:image/webp;base64"
    return Image.open(io.BytesIO(base64.b64decode(packed)))


@pytest.mark.parametrize(
    ("size", "small"),
    [((800, 400), (200, 100)), ((400, 800), (100, 200)), ((90, 60), (90, 60)), ((4000, 1), (200, 1))],
)
@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_the_longer_side_is_what_was_asked_for_or_less(
    tmp_path: Path, ending: str, size: tuple[int, int], small: tuple[int, int]
) -> None:
    Image.new("RGB", size, "red").save(tmp_path / f"a.{ending}")
    made = thumbnail.make(tmp_path / f"a.{ending}", 200)
    assert made.size == small == decoded(made).size


def test_it_is_upright_and_in_its_colours(tmp_path: Path) -> None:
    turned = Image.new("RGB", (400, 200), "blue")
    turned.paste("red", (0, 0, 200, 200))
    turned.getexif()[0x0112] = 6  # a quarter to the right
    turned.save(tmp_path / "a.jpg", exif=turned.getexif())
    seen = decoded(thumbnail.make(tmp_path / "a.jpg", 100)).convert("RGB")
    assert seen.size == (50, 100)
    top, bottom = seen.getpixel((25, 10)), seen.getpixel((25, 90))
    assert top[0] > 200 > 60 > top[2] and bottom[2] > 200 > 60 > bottom[0]


def test_what_is_transparent_lies_on_white(tmp_path: Path) -> None:
    Image.new("RGBA", (50, 50), (255, 0, 0, 0)).save(tmp_path / "a.png")
    assert min(decoded(thumbnail.make(tmp_path / "a.png", 100)).convert("RGB").getpixel((25, 25))) > 250
