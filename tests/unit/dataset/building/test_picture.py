"""What is linked and what is saved as it is seen, and under which ending."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.unit.dataset.building.conftest import Build, contents
from tests.unit.dataset.conftest import Picture


@pytest.mark.parametrize(
    ("name", "kind", "made", "saved"),
    [
        ("a.gif", "GIF", "a.png", True),
        ("a.tif", "TIFF", "a.png", True),
        ("a.avif", "AVIF", "a.png", True),
        ("a.Jpg", "JPEG", "a.jpg", False),
        ("a.JPG", "JPEG", "a.JPG", False),
        ("a.jpeg", "JPEG", "a.jpeg", False),
        ("a.jfif", "JPEG", "a.jpg", False),
        ("a.png", "JPEG", "a.jpg", False),  # by what is inside, whatever the name says
        ("a.jpg", "PNG", "a.png", False),
        ("a.png", "GIF", "a.png", True),
        ("a.webp", "WEBP", "a.webp", False),
    ],
)
def test_endings(
    tmp_path: Path, build: Build, folder: Path, name: str, kind: str, made: str, saved: bool
) -> None:
    (tmp_path / "in").mkdir()
    Image.new("RGB", (30, 20), (200, 30, 90)).save(tmp_path / "in" / name, kind)
    assert bool(build().saved) is saved
    assert contents(folder) == [made]
    with Image.open(folder / made) as image:
        assert (image.size, image.mode) == ((30, 20), "RGB")


def turned(path: Path) -> None:
    image = Image.new("RGB", (30, 20), (200, 30, 90))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(path, "JPEG", exif=exif)


def transparent(path: Path) -> None:
    Image.new("RGBA", (20, 30), (200, 30, 90, 0)).save(path, "PNG")


def inks(path: Path) -> None:
    Image.new("CMYK", (20, 30)).save(path, "JPEG")


def deep(path: Path) -> None:
    Image.new("I;16", (20, 30), 65535).save(path, "PNG")


def moving(path: Path) -> None:
    frames = [Image.new("RGB", (20, 30), "white"), Image.new("RGB", (20, 30), "black")]
    frames[0].save(path, "GIF", save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(
    ("write", "why", "seen"),
    [
        (turned, "turned upright", (200, 30, 90)),
        (transparent, "laid on white", (255, 255, 255)),
        (inks, "other colours", (255, 255, 255)),
        (deep, "more than 8 bits", (255, 255, 255)),
        (moving, "from GIF", (255, 255, 255)),
    ],
)
def test_what_the_engine_would_misread_is_saved_as_it_is_seen(
    tmp_path: Path, build: Build, folder: Path, write: Callable[[Path], None], why: str, seen: tuple[int, ...]
) -> None:
    (tmp_path / "in").mkdir()
    write(tmp_path / "in/a.png")
    ((reason, count),) = build().why_saved.items()
    assert why in reason and count == 1
    with Image.open(folder / "a.png") as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (20, 30))
        assert image.getpixel((0, 0)) == pytest.approx(seen, abs=2)


def test_transparency_is_kept_where_that_is_asked_and_that_is_said(
    tmp_path: Path, build: Build, folder: Path
) -> None:
    (tmp_path / "in").mkdir()
    transparent(tmp_path / "in/a.png")
    built = build(background="keep")
    assert (folder / "a.png").samefile(tmp_path / "in/a.png")
    assert [found.code for found in built.findings] == ["transparency-kept"]


def test_pictures_are_made_as_small_as_their_bucket(
    picture: Picture, tmp_path: Path, build: Build, folder: Path
) -> None:
    picture("in/large.png", (3000, 2000))
    picture("in/small.png", (300, 200))
    built = build(resize=512)
    sizes = {path.name: Image.open(path).size for path in folder.iterdir()}
    assert sizes == {"large.png": (640, 427), "small.png": (300, 200)}
    assert built.why_saved == {"made smaller, for 512 x 512": 1}
    assert (folder / "small.png").samefile(tmp_path / "in/small.png")
