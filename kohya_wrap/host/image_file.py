"""Image files: their size, and whether they can be read to the last byte."""

from __future__ import annotations

from pathlib import Path

# What the engine lists (engine contract, section 1): all-lower or all-upper case, so `.Jpg` is not read.
_LOWER = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
ENGINE_EXTENSIONS = frozenset(e for low in _LOWER for e in (low, low.upper()))

# What people have that Pillow reads and the engine does not.
OTHER_EXTENSIONS = frozenset({".gif", ".tif", ".tiff", ".avif", ".jxl", ".heic"})


class Unreadable(Exception):
    """The file is no picture, or ends too early."""


def looks_like_image(path: Path) -> bool:
    """By its name; hidden files are none, as for the engine (macOS leaves `._a.jpg` beside each photo)."""
    return not path.name.startswith(".") and path.suffix.lower() in ENGINE_EXTENSIONS | OTHER_EXTENSIONS


def size(path: Path) -> tuple[int, int]:
    """(width, height) in pixels, after the whole file was read.

    A truncated file passes the engine's bucketing and kills the training at its batch, so every byte is
    read here; cheaply: checksums for PNG, an eighth of the size for JPEG.

    Raises:
        Unreadable: with Pillow's reason.
    """
    from PIL import Image

    try:
        with Image.open(path) as image:
            found: tuple[int, int] = image.size
            if image.format == "PNG":
                image.verify()
            else:
                image.draft("RGB", (1, 1))
                image.load()
    except Exception as error:  # Pillow raises a dozen kinds, SyntaxError and struct.error among them
        raise Unreadable(str(error).split(" '")[0] or type(error).__name__) from error
    return found


def convert_to_png(source: Path, target: Path) -> None:
    """A still picture the engine can read, from one it cannot (a GIF's first frame, a TIFF)."""
    from PIL import Image

    with Image.open(source) as image:
        image.convert("RGB").save(target)
