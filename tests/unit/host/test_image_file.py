"""Sizes, and pictures that end too early."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from kohya_wrap.host.image_file import Unreadable, convert_to_png, looks_like_image, size

KINDS = [("png", "PNG"), ("jpg", "JPEG"), ("webp", "WEBP"), ("bmp", "BMP"), ("gif", "GIF")]


def picture(path: Path, kind: str, mode: str = "RGB", wide: int = 301, high: int = 200) -> Path:
    """Noise, so that no format packs it into a few bytes."""
    noise = Image.effect_noise((wide, high), 80).convert(mode)
    noise.save(path, kind)
    return path


@pytest.mark.parametrize(("ending", "kind"), KINDS)
def test_width_and_height(tmp_path: Path, ending: str, kind: str) -> None:
    assert size(picture(tmp_path / f"a.{ending}", kind)) == (301, 200)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1", "I;16"])
def test_any_kind_of_pixel(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.png"
    Image.new(mode, (31, 20)).save(path)
    assert size(path) == (31, 20)


def test_the_size_is_not_turned_by_exif(tmp_path: Path) -> None:
    """The engine ignores the camera's orientation, so its buckets come from the stored sides."""
    image = Image.new("RGB", (301, 200))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.jpg", exif=exif)
    assert size(tmp_path / "a.jpg") == (301, 200)


@pytest.mark.parametrize("share", [0.3, 0.95])
@pytest.mark.parametrize(("ending", "kind"), KINDS)
def test_a_picture_cut_short(tmp_path: Path, ending: str, kind: str, share: float) -> None:
    path = picture(tmp_path / f"a.{ending}", kind)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(Unreadable):
        size(path)


def test_a_png_with_a_flipped_byte(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png", "PNG")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(Unreadable):
        size(path)


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"])
def test_what_is_no_picture(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(Unreadable) as error:
        size(path)
    assert str(error.value) and str(tmp_path) not in str(error.value), "a reason, without the path"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        size(tmp_path / "none.png")


@pytest.mark.parametrize(
    ("name", "image"),
    [("a.png", True), ("a.Jpg", True), ("a.TIFF", True), ("a.heic", True), ("a.txt", False), ("png", False),
     ("._a.png", False), (".png", False)],
)  # fmt: skip
def test_what_looks_like_an_image(name: str, image: bool) -> None:
    assert looks_like_image(Path(name)) is image


def test_a_conversion_keeps_size_and_colour(tmp_path: Path) -> None:
    Image.new("RGB", (31, 20), (200, 30, 90)).save(tmp_path / "a.gif")
    convert_to_png(tmp_path / "a.gif", tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (31, 20))
        assert image.getpixel((0, 0)) == (200, 30, 90)
