"""Image files: what is in them, and whether they can be read to the last byte."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING

from kohya_wrap.domain.dataset import ImageFacts, Misread

if TYPE_CHECKING:
    from PIL import Image

# What the engine lists (engine contract, section 1): all-lower or all-upper case, so `.Jpg` is not read.
_LOWER = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
ENGINE_EXTENSIONS = frozenset(e for low in _LOWER for e in (low, low.upper()))

# What people have that Pillow reads and the engine does not.
OTHER_EXTENSIONS = frozenset({".gif", ".tif", ".tiff", ".avif", ".jxl", ".heic"})

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


def facts(path: Path) -> ImageFacts:
    """Look into the file, after all of it was read.

    A truncated file passes the engine's bucketing and kills the training at its batch, so every byte is
    read here; cheaply: checksums for PNG, an eighth of the size for JPEG.

    Raises:
        Unreadable: with Pillow's reason.
    """
    from PIL import Image

    try:
        return of_bytes(path.read_bytes())
    except Image.DecompressionBombError as error:
        raise Unreadable("too many pixels to be a picture") from error
    except Exception as error:  # Pillow raises a dozen kinds, SyntaxError and struct.error among them
        raise Unreadable(str(error).split(" '")[0] or type(error).__name__) from error


def of_bytes(content: bytes) -> ImageFacts:
    """As `facts`, of what was read before. Raises whatever Pillow raises."""
    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        kind, stored, has_alpha = image.format or "", image.size, image.has_transparency_data
        found = {Misread.DEPTH} if image.mode[0] in "IF" else set()
        if _other_colours(image):
            found.add(Misread.COLOURS)
        if kind == "PNG" and not has_alpha and not any(word in content for word in _TURNS_A_PNG):
            image.verify()
            orientation = 1
        else:
            image.draft("RGB", (1, 1))
            image.load()
            if has_alpha and image.convert("RGBA").getchannel("A").getextrema()[0] < 255:
                found.add(Misread.ALPHA)
            orientation = int(image.getexif().get(_ORIENTATION) or 1)
    if orientation in range(2, 9):
        found.add(Misread.ROTATED)
    size = stored[::-1] if orientation in range(5, 9) else stored
    return ImageFacts(size, kind, frozenset(found), hashlib.blake2b(content, digest_size=16).hexdigest())


def _other_colours(image: Image.Image) -> bool:
    """CMYK and Lab; or a colour profile that is not sRGB's."""
    if image.mode in ("CMYK", "LAB"):
        return True
    profile: bytes = image.info.get("icc_profile") or b""
    return bool(profile) and b"sRGB" not in profile and b"s\0R\0G\0B" not in profile
