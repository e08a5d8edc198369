"""Pictures as a person sees them, from files that the engine would misread."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms

from kohya_wrap.host.image_pixels import as_seen, save_as_seen

RED, GREEN = (200, 30, 90), (10, 200, 30)


def test_a_saved_copy_keeps_size_and_colour(tmp_path: Path) -> None:
    Image.new("RGB", (31, 20), RED).save(tmp_path / "a.gif")
    save_as_seen(tmp_path / "a.gif", tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (31, 20))
        assert image.getpixel((0, 0)) == RED


@pytest.mark.parametrize(
    ("orientation", "corner"),
    # Where the red corner of the stored picture, its first pixel, comes to lie: (x, y) of a 3 x 2 or 2 x 3 picture.
    [(1, (0, 0)), (2, (2, 0)), (3, (2, 1)), (4, (0, 1)), (5, (0, 0)), (6, (1, 0)), (7, (1, 2)), (8, (0, 2))],
)
def test_every_orientation_is_turned_upright(
    tmp_path: Path, orientation: int, corner: tuple[int, int]
) -> None:
    image = Image.new("RGB", (3, 2), GREEN)
    image.putpixel((0, 0), RED)
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as stored:
        seen = as_seen(stored)
    assert seen.size == ((2, 3) if orientation > 4 else (3, 2))
    assert seen.getpixel(corner) == RED
    assert seen.getexif().get(0x0112, 1) == 1, "turned once is enough"


@pytest.mark.parametrize(
    ("mode", "pixel", "seen"),
    [("RGBA", (10, 200, 30, 0), (255, 255, 255)), ("RGBA", (10, 200, 30, 255), GREEN), ("LA", (9, 0), (255,) * 3),
     ("RGBA", (0, 0, 0, 51), (204, 204, 204))],
)  # fmt: skip
def test_transparency_is_laid_on_white(mode: str, pixel: Any, seen: tuple[int, ...]) -> None:
    assert as_seen(Image.new(mode, (2, 2), pixel)).getpixel((0, 0)) == seen


def test_transparency_is_laid_on_another_colour_or_kept() -> None:
    image = Image.new("RGBA", (2, 2), (10, 200, 30, 0))
    assert as_seen(image, "black").getpixel((0, 0)) == (0, 0, 0)
    assert as_seen(image, None).getpixel((0, 0)) == (10, 200, 30, 0)


def test_a_palette_s_transparent_colour(tmp_path: Path) -> None:
    Image.new("P", (2, 2)).save(tmp_path / "a.png", transparency=0)
    with Image.open(tmp_path / "a.png") as image:
        assert as_seen(image).getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("mode", "level", "seen"),
    [
        ("I;16", 65535, 255),
        ("I;16", 32768, 128),
        ("I;16", 200, 1),
        ("I", 65535, 255),
        ("F", 0.5, 128),
        ("F", 200.0, 200),
    ],
)
def test_depth_is_scaled_and_not_clipped(mode: str, level: float, seen: int) -> None:
    assert as_seen(Image.new(mode, (2, 2), level)).getpixel((0, 0)) == (seen,) * 3


def test_colours_by_the_file_s_profile() -> None:
    """A linear profile: its middle grey is a light one in sRGB."""
    image = Image.new("RGB", (2, 2), (128, 128, 128))
    image.info["icc_profile"] = linear()
    assert as_seen(image).getpixel((0, 0)) == pytest.approx((188,) * 3, abs=2)


def test_a_broken_profile_is_passed_over() -> None:
    image = Image.new("RGB", (2, 2), RED)
    image.info["icc_profile"] = b"sRGB, but no profile"
    assert as_seen(image).getpixel((0, 0)) == RED


def test_transparency_survives_a_profile() -> None:
    image = Image.new("RGBA", (2, 2), (*GREEN, 0))
    image.info["icc_profile"] = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert as_seen(image).getpixel((0, 0)) == (255, 255, 255)


def test_inks() -> None:
    assert as_seen(Image.new("CMYK", (2, 2), (0, 0, 0, 255))).getpixel((0, 0)) == (0, 0, 0)


def linear() -> bytes:
    """An RGB profile of sRGB's primaries with gamma 1: the built-in one, its curves replaced."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(profile[128:132], "big")
    for entry in range(132, 132 + 12 * count, 12):
        if profile[entry : entry + 4] in (b"rTRC", b"gTRC", b"bTRC"):
            offset = int.from_bytes(profile[entry + 4 : entry + 8], "big")
            size = int.from_bytes(profile[entry + 8 : entry + 12], "big")
            identity = b"curv" + bytes(8)  # a curve of no points
            profile[offset : offset + size] = identity + bytes(size - len(identity))
    return bytes(profile)
