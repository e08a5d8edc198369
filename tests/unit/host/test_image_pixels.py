"""Pictures as a person sees them, from files that the engine would misread."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms

from kohya_wrap.host.image_file import facts
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


@pytest.mark.parametrize(
    ("inks", "seen"),
    [((0, 0, 0, 255), (0, 0, 0)), ((0, 255, 255, 0), (255, 0, 0)), ((255, 255, 0, 0), (0, 0, 255)),
     ((40, 200, 120, 30), (190, 49, 119))],  # (255 - ink) * (255 - black) / 255
)  # fmt: skip
def test_inks(inks: tuple[int, ...], seen: tuple[int, ...]) -> None:
    assert as_seen(Image.new("CMYK", (2, 2), inks)).getpixel((0, 0)) == pytest.approx(seen, abs=1)


COLOURED = [  # what is written, how, and what a person sees; 1 or 2 levels are lost by rounding, in a JPEG more
    ("inks.tif", "TIFF", Image.new("CMYK", (16, 8), (55, 225, 165, 0)), RED, 1),
    ("inks.jpg", "JPEG", Image.new("CMYK", (16, 8), (55, 225, 165, 0)), RED, 4),
    ("luma.tif", "TIFF", Image.new("RGB", (16, 8), RED).convert("YCbCr"), RED, 2),
    ("luma.jpg", "JPEG", Image.new("RGB", (16, 8), RED), RED, 4),
    ("palette.png", "PNG", Image.new("RGB", (16, 8), RED).convert("P", palette=Image.Palette.ADAPTIVE), RED, 0),
    ("palette.gif", "GIF", Image.new("RGB", (16, 8), RED).quantize(4), RED, 0),
    ("lossless.webp", "WEBP", Image.new("RGB", (16, 8), RED), RED, 4),
    ("packed.bmp", "BMP", Image.new("RGB", (16, 8), RED), RED, 0),
    ("see-through.png", "PNG", Image.new("RGBA", (16, 8), (10, 200, 30, 51)), (206, 244, 210), 1),
    ("grey.png", "PNG", Image.new("LA", (16, 8), (40, 51)), (212, 212, 212), 1),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "kind", "picture", "seen", "apart"), COLOURED, ids=[row[0] for row in COLOURED]
)
def test_the_colours_of_a_file(
    tmp_path: Path, name: str, kind: str, picture: Image.Image, seen: tuple[int, ...], apart: int
) -> None:
    assert colour(tmp_path, kind, picture) == pytest.approx(seen, abs=apart)


def test_sixteen_bits_of_each_colour(tmp_path: Path) -> None:
    """Pillow writes none of these."""
    rows = b"".join(b"\0" + struct.pack(">HHH", 200 * 257, 30 * 257, 90 * 257) * 16 for _ in range(8))
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", 16, 8, 16, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    (tmp_path / "a.png").write_bytes(png)
    save_as_seen(tmp_path / "a.png", tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as image:
        assert image.getpixel((8, 4)) == RED


def test_a_coloured_background_shows_through(tmp_path: Path) -> None:
    """Half of grey 40, half of RED."""
    half = Image.new("LA", (16, 8), (40, 128))
    assert colour(tmp_path, "PNG", half, "#c81e5a") == pytest.approx((120, 35, 65), abs=1)
    half = Image.new("RGBA", (16, 8), (10, 200, 30, 128))
    assert colour(tmp_path, "PNG", half, "#c81e5a") == pytest.approx((105, 115, 60), abs=1)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG", "WEBP"])
def test_a_coloured_profile(tmp_path: Path, kind: str) -> None:
    """sRGB's curve of 128, 30 and 200 of 255."""
    image = Image.new("RGB", (16, 8), (128, 30, 200))
    found = colour(tmp_path, kind, image, icc_profile=linear())
    assert found == pytest.approx((188, 96, 229), abs=6 if kind in ("JPEG", "WEBP") else 2)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize(
    ("mode", "transparency"), [("P", None), ("P", b"\xff\xff"), ("1", None), ("L", None)]
)
def test_a_profile_of_a_palette(tmp_path: Path, kind: str, mode: str, transparency: bytes | None) -> None:
    """Its numbers are no colours: those that they stand for are what the profile is about."""
    image = Image.new(mode, (16, 8), {"P": 1, "1": 1, "L": 128}[mode])
    if mode == "P":
        image.putpalette([0, 0, 0, 128, 30, 200])
    more = {} if transparency is None or kind == "TIFF" else {"transparency": transparency}
    found = colour(tmp_path, kind, image, icc_profile=linear(), **more)
    seen = {
        "P": (188, 96, 229),
        "1": (255, 255, 255),
        "L": (128, 128, 128),
    }  # a profile of colours is not about greys
    assert found == pytest.approx(seen[mode], abs=2)


def test_a_transparent_colour_of_a_palette_with_a_profile_stays_so(tmp_path: Path) -> None:
    image = Image.new("P", (16, 8), 1)
    image.putpalette([0, 0, 0, 128, 30, 200])
    more = {"transparency": b"\xff\x00", "icc_profile": linear()}
    assert colour(tmp_path, "PNG", image, "white", **more) == (255, 255, 255)


def test_a_png_that_says_twice_how_it_was_held(tmp_path: Path) -> None:
    """As Pillow says when all of it was read, and so as it is said to be everywhere here."""
    image, exif = Image.new("RGB", (64, 32), RED), Image.Exif()
    image.paste(GREEN, (0, 0, 32, 32))  # on the left, which is above then
    chunks = []
    for exif[0x0112] in (1, 6):
        said = exif.tobytes().removeprefix(b"Exif\0\0")
        crc = zlib.crc32(b"eXIf" + said).to_bytes(4, "big")
        chunks.append(len(said).to_bytes(4, "big") + b"eXIf" + said + crc)
    packed = io.BytesIO()
    image.save(packed, "PNG")
    content = packed.getvalue()  # one before the pixels, one behind them
    (tmp_path / "a.png").write_bytes(content[:33] + chunks[0] + content[33:-12] + chunks[1] + content[-12:])
    size = facts(tmp_path / "a.png").size
    save_as_seen(tmp_path / "a.png", tmp_path / "b.png", size=size)
    with Image.open(tmp_path / "b.png") as seen:
        assert seen.size == size == (32, 64)
        assert (seen.getpixel((30, 2)), seen.getpixel((2, 60))) == (GREEN, RED)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize(
    ("orientation", "quarters"),
    # Seen from the top left to the bottom right; stored are blue, green above red, yellow.
    [(1, "bgry"), (2, "gbyr"), (3, "yrgb"), (4, "rybg"), (5, "brgy"), (6, "rbyg"), (7, "ygrb"), (8, "gybr")],
)
def test_a_turned_photograph(tmp_path: Path, kind: str, orientation: int, quarters: str) -> None:
    named = {"b": (20, 30, 220), "g": (30, 200, 40), "r": (210, 30, 30), "y": (230, 220, 40)}
    image = Image.new("RGB", (64, 32))
    for place, name in enumerate("bgry"):
        image.paste(named[name], (place % 2 * 32, place // 2 * 16, place % 2 * 32 + 32, place // 2 * 16 + 16))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(tmp_path / "a", kind, exif=exif)
    save_as_seen(tmp_path / "a", tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as seen:
        assert seen.size == ((32, 64) if orientation > 4 else (64, 32))
        wide, high = (side // 4 for side in seen.size)
        for place, name in enumerate(quarters):
            found = seen.getpixel((wide + place % 2 * 2 * wide, high + place // 2 * 2 * high))
            assert found == pytest.approx(named[name], abs=12), (place, name)


def colour(
    folder: Path, kind: str, picture: Image.Image, background: str = "white", **options: Any
) -> tuple[int, ...]:
    """Of its middle, when it has gone through a file and is laid on the background."""
    picture.save(folder / "a", kind, **options)
    save_as_seen(folder / "a", folder / "b.png", background)
    with Image.open(folder / "b.png") as image:
        assert (image.mode, image.size) == ("RGB", picture.size)
        found: Any = image.getpixel((8, 4))
    return tuple(found)


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
