"""What is in an image file, and pictures that end too early."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from kohya_wrap.domain.dataset import Misread
from kohya_wrap.host.image_file import Unreadable, facts, facts_and_picture, glance, looks_like_image

KINDS = [("png", "PNG"), ("jpg", "JPEG"), ("webp", "WEBP"), ("bmp", "BMP"), ("gif", "GIF")]


def picture(path: Path, kind: str, mode: str = "RGB", wide: int = 301, high: int = 200) -> Path:
    """Noise, so that no format packs it into a few bytes."""
    noise = Image.effect_noise((wide, high), 80).convert(mode)
    noise.save(path, kind)
    return path


@pytest.mark.parametrize(("ending", "kind"), KINDS)
def test_size_and_format(tmp_path: Path, ending: str, kind: str) -> None:
    found = facts(picture(tmp_path / f"a.{ending}", kind))
    assert (found.size, found.format, found.misread) == ((301, 200), kind, frozenset())


def test_the_format_is_what_is_inside_whatever_the_name_says(tmp_path: Path) -> None:
    assert facts(picture(tmp_path / "a.png", "JPEG")).format == "JPEG"


def test_the_digest_is_of_the_bytes(tmp_path: Path) -> None:
    first, other = picture(tmp_path / "a.png", "PNG"), picture(tmp_path / "b.png", "PNG")
    (tmp_path / "c.png").write_bytes(first.read_bytes())
    assert facts(first).digest == facts(tmp_path / "c.png").digest != facts(other).digest


@pytest.mark.parametrize("mode", ["L", "P", "RGB", "RGBA", "LA", "1"])
def test_any_kind_of_pixel_that_the_engine_reads_right(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.png"
    opaque = {"RGBA": (9, 9, 9, 255), "LA": (9, 255)}
    Image.new(mode, (31, 20), opaque.get(mode, 0)).save(path)
    assert (facts(path).size, facts(path).misread) == ((31, 20), frozenset())


@pytest.mark.parametrize(
    ("orientation", "size", "misread"),
    [(1, (301, 200), set()), (3, (301, 200), {Misread.ROTATED}), (6, (200, 301), {Misread.ROTATED}),
     (8, (200, 301), {Misread.ROTATED}), (0, (301, 200), set())],
)  # fmt: skip
def test_the_size_is_that_of_the_upright_picture(
    tmp_path: Path, orientation: int, size: tuple[int, int], misread: set[Misread]
) -> None:
    image = Image.new("RGB", (301, 200))
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(tmp_path / "a.jpg", exif=exif)
    assert (facts(tmp_path / "a.jpg").size, facts(tmp_path / "a.jpg").misread) == (size, misread)


@pytest.mark.parametrize("ending", [".png", ".jpg", ".webp", ".tiff", ".bmp"])
@pytest.mark.parametrize("orientation", [0, 1, 3, 6, 8])
def test_a_glance_sees_the_same_size(tmp_path: Path, ending: str, orientation: int) -> None:
    path = tmp_path / f"a{ending}"
    turned = Image.Exif()
    turned[0x0112] = orientation
    more = {"exif": turned} if orientation and ending != ".bmp" else {}
    Image.new("RGB", (301, 200)).save(path, **more)
    whole, seen = facts(path), glance(path)
    assert (seen.size, seen.format) == (whole.size, whole.format)


def test_a_glance_at_what_is_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"no picture")
    with pytest.raises(Unreadable):
        glance(path)


def transparent(path: Path) -> None:
    Image.new("RGBA", (9, 9), (10, 200, 30, 0)).save(path)


def keyed(path: Path) -> None:
    Image.new("P", (9, 9)).save(path, transparency=0)


def deep(path: Path) -> None:
    Image.new("I;16", (9, 9), 30000).save(path)


def inks(path: Path) -> None:
    Image.new("CMYK", (9, 9)).save(path, "JPEG")


def profiled(path: Path) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    Image.new("RGB", (9, 9)).save(path, icc_profile=lab.tobytes())


def srgb(path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    Image.new("RGB", (9, 9)).save(path, icc_profile=profile.tobytes())


@pytest.mark.parametrize(
    ("write", "misread"),
    [(transparent, {Misread.ALPHA}), (keyed, {Misread.ALPHA}), (deep, {Misread.DEPTH}), (inks, {Misread.COLOURS}),
     (profiled, {Misread.COLOURS}), (srgb, set())],
)  # fmt: skip
def test_what_the_engine_would_misread(tmp_path: Path, write: object, misread: set[Misread]) -> None:
    write(tmp_path / "a.png")  # type: ignore[operator]
    assert facts(tmp_path / "a.png").misread == misread


@pytest.mark.parametrize("share", [0.3, 0.95])
@pytest.mark.parametrize(("ending", "kind"), KINDS)
def test_a_picture_cut_short(tmp_path: Path, ending: str, kind: str, share: float) -> None:
    path = picture(tmp_path / f"a.{ending}", kind)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(Unreadable):
        facts(path)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_png_with_a_flipped_byte(tmp_path: Path, mode: str) -> None:
    path = picture(tmp_path / "a.png", "PNG", mode)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(Unreadable):
        facts(path)


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"])
def test_what_is_no_picture(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(Unreadable) as error:
        facts(path)
    assert str(error.value) and str(tmp_path) not in str(error.value), "a reason, without the path"


def test_a_picture_of_too_many_pixels(tmp_path: Path) -> None:
    """A few kilobytes that unpack into gigabytes."""
    Image.new("1", (20000, 20000)).save(tmp_path / "a.png")
    with pytest.raises(Unreadable, match="too many pixels"):
        facts(tmp_path / "a.png")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        facts(tmp_path / "none.png")


@pytest.mark.parametrize(
    ("name", "image"),
    [("a.png", True), ("a.Jpg", True), ("a.TIFF", True), ("a.heic", True), ("a.txt", False), ("png", False),
     ("._a.png", False), (".png", False)],
)  # fmt: skip
def test_what_looks_like_an_image(name: str, image: bool) -> None:
    assert looks_like_image(Path(name)) is image


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.jpg"
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    with pytest.raises(Unreadable, match=f"it is .*{kind}"):
        facts_and_picture(path, 256)
