"""Image files: what is in them, and whether they can be read to the last byte."""

from __future__ import annotations

import hashlib
import io
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from kohya_wrap.domain.dataset import ImageFacts, Misread
from kohya_wrap.host import header_size, whole_file

if TYPE_CHECKING:
    from PIL import Image

# What the engine lists (engine contract, section 1): all-lower or all-upper case, so `.Jpg` is not read.
_LOWER = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
ENGINE_EXTENSIONS = frozenset(e for low in _LOWER for e in (low, low.upper()))

# What people have that Pillow reads and the engine does not.
OTHER_EXTENSIONS = frozenset({".gif", ".tif", ".tiff", ".avif", ".jfif", ".jxl", ".heic"})

_RUN_LENGTHS = (1, 2)  # a BMP's; the engine's Pillow 12.3 reads the second otherwise than Pillow 13 does
_ORIENTATION = 0x0112  # EXIF tag
_TURNS_A_PNG = (
    b"eXIf",
    b"exif",
    b"Orientation",
)  # may stand behind the pixels; of EXIF, of old text chunks, of XMP


class Unreadable(Exception):
    """The file is no picture, or ends too early."""


def looks_like_image(path: Path) -> bool:
    """By its name; hidden files are none, as for the engine (macOS leaves `._a.jpg` beside each photo)."""
    return not path.name.startswith(".") and path.suffix.lower() in ENGINE_EXTENSIONS | OTHER_EXTENSIONS


def opens(ending: str) -> bool:
    """Whether Pillow reads files of this ending here, `.png` as `.avif`: some formats need a plugin."""
    from PIL import Image

    return ending in Image.registered_extensions()


def facts(path: Path) -> ImageFacts:
    """Look into the file, after all of it was read.

    A truncated file passes the engine's bucketing and kills the training at its batch, so every byte is
    read here; cheaply: checksums for PNG, an eighth of the size for JPEG.

    Raises:
        Unreadable: with Pillow's reason.
    """
    with _as_unreadable():
        return of_bytes(_content(path))


def glance(path: Path) -> ImageFacts:
    """Its size and kind, from the header: what is wrong with the rest is not looked for.

    Raises:
        Unreadable: with Pillow's reason.
    """

    with _as_unreadable():
        content = _content(path)
        image = _opened(content)
        # A TIFF of Pillow is upright already; a PNG would be decoded whole to be asked.
        turns = image.format != "TIFF" and (image.format != "PNG" or _may_turn(content))
        turned = turns and orientation_of(image) in range(5, 9)
        return ImageFacts(image.size[::-1] if turned else image.size, image.format or "", frozenset(), "")


def facts_and_picture(path: Path, least: int) -> tuple[ImageFacts, Image.Image]:
    """As `facts`, and the picture that was decoded for them, as it is stored: a JPEG made smaller, each side `least` or more.

    Raises:
        Unreadable: with Pillow's reason.
    """
    with _as_unreadable():
        return _of_bytes(_content(path), least)


def facts_and_picture_of(content: bytes, least: int) -> tuple[ImageFacts, Image.Image]:
    """As `facts_and_picture`, of what was read before. With `least` 0 the picture may not be decoded. Raises Unreadable."""
    with _as_unreadable():
        return _of_bytes(content, least)


def _opened(content: bytes) -> Image.Image:
    from PIL import Image

    if content.startswith(b"RIFF"):  # else Pillow loads all of its thirty formats to find this one
        from PIL import WebPImagePlugin  # noqa: F401
    return Image.open(io.BytesIO(content))


def _content(path: Path) -> bytes:
    if path.is_symlink() and not path.exists():
        raise Unreadable("it is a link that leads nowhere")
    return whole_file.read(path)


@contextmanager
def _as_unreadable() -> Iterator[None]:
    from PIL import Image

    _quieten()
    try:
        yield
    except Unreadable:
        raise
    except Image.DecompressionBombError as error:
        raise Unreadable("too many pixels to be a picture") from error
    except Exception as error:  # Pillow raises a dozen kinds, SyntaxError and struct.error among them
        reason = getattr(error, "strerror", None) or re.split(" ['<]", str(error))[0]
        raise Unreadable(reason or type(error).__name__) from error


@cache
def _quieten() -> None:
    """Pillow's remarks on odd files, which nobody asked for; what matters of them are errors."""
    warnings.filterwarnings("ignore", module=r"PIL\.")
    logging.getLogger("PIL").addHandler(logging.NullHandler())


def of_bytes(content: bytes) -> ImageFacts:
    """As `facts`, of what was read before, but raises whatever Pillow raises."""
    return _of_bytes(content, 0)[0]


def _of_bytes(content: bytes, least: int) -> tuple[ImageFacts, Image.Image]:
    """`least` 0: no picture is wanted, and what is returned may not be decoded."""

    image = _opened(content)
    kind, stored, has_alpha = image.format or "", image.size, image.has_transparency_data
    found = {Misread.DEPTH} if image.mode[0] in "IF" else set()
    if _other_colours(image):
        found.add(Misread.COLOURS)
    if header_size.is_misread(content, stored):
        found.add(Misread.SIZE)
    if kind == "BMP" and image.info.get("compression") in _RUN_LENGTHS:
        found.add(Misread.PACKED)
    orientation = 1
    plain = kind == "PNG" and not has_alpha and not _may_turn(content)
    if plain:
        image.verify()  # leaves nothing to decode from
        image = _opened(content) if least else image
    if least or not plain:
        image.draft("RGB", (max(least, 1), max(least, 1)))
        image.load()
    if not plain:
        if has_alpha and any(image.convert("RGBA").getchannel("A").histogram()[:255]):
            found.add(Misread.ALPHA)
        orientation = orientation_of(image)
    if orientation in range(2, 9):
        found.add(Misread.ROTATED)
    size = stored[::-1] if orientation in range(5, 9) else stored
    return ImageFacts(size, kind, frozenset(found), digest(content)), image


def orientation_of(image: Image.Image) -> int:
    """1 to 8; 1, the right way up, also where the EXIF cannot be read: so do those who show pictures."""
    try:
        return int(image.getexif().get(_ORIENTATION) or 1)
    except Exception:  # struct.error, SyntaxError and more, of damaged ones
        return 1


def digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _may_turn(png: bytes) -> bool:
    """Looks at all chunks but the pixels'."""
    place = 8
    while place < len(png):
        length = int.from_bytes(png[place : place + 4], "big")
        chunk = png[place + 4 : place + 8 + (0 if png[place + 4 : place + 8] == b"IDAT" else length)]
        if any(word in chunk for word in _TURNS_A_PNG):
            return True
        place += 12 + length
    return False


def _other_colours(image: Image.Image) -> bool:
    """CMYK and Lab; or a colour profile that is not sRGB's."""
    if image.mode in ("CMYK", "LAB"):
        return True
    profile: bytes = image.info.get("icc_profile") or b""
    return bool(profile) and b"sRGB" not in profile and b"s\0R\0G\0B" not in profile
