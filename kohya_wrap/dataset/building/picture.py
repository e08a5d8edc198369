"""One picture on its way into a concept folder: linked where the engine reads it right, else saved as it is seen."""

from __future__ import annotations

import io
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from kohya_wrap.dataset import inventory
from kohya_wrap.dataset.building.record import Choices, Stamp
from kohya_wrap.dataset.building.sources import Item
from kohya_wrap.dataset.check.look import LEAST, measure
from kohya_wrap.domain.dataset import ImageFacts, Misread
from kohya_wrap.domain.finding import Finding, Level, typed
from kohya_wrap.domain.likeness import Print
from kohya_wrap.domain.shrink import shrunk
from kohya_wrap.host import image_file, image_pixels, whole_file, zip_file

# What the engine lists, by what is inside, whatever the name says; the first is the one a wrong ending becomes.
_ENDINGS = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg"),
    "MPO": (".jpg", ".jpeg"),  # of phones: a JPEG with more of them behind it
    "WEBP": (".webp",),
    "BMP": (".bmp",),
}
_UNKNOWN = (".heic", ".jxl")  # unless a plugin was added
KEEP = "keep"  # transparency
THREADS = 4  # that pictures are read in
_PNG = b"\x89PNG"


@dataclass(frozen=True)
class Looked:
    """What is in it, and why it cannot be linked as it is; `why` is empty where it can.

    Attributes:
        likeness: what it shows; None of a PNG, which is read to the last byte without being decoded, in a tenth of the time.
    """

    facts: ImageFacts
    why: tuple[str, ...]
    likeness: Print | None = None


def look(item: Item, choices: Choices) -> Looked | Finding:
    """Read to the last byte; or what is wrong with it."""
    if wrong := whole_file.too_large(item.stamp[0]):  # before it is unpacked
        return _refused(item, wrong)
    try:
        content = item.read()
        decodes = not content.startswith(_PNG)
        facts, image = image_file.facts_and_picture_of(content, LEAST if decodes else 0)
    except (image_file.Unreadable, zip_file.BadZip) as error:
        return _refused(item, str(error))
    except PermissionError as error:
        return inventory.closed(Path(item.origin), error)
    except OSError as error:
        return _refused(item, error.strerror or str(error))
    return Looked(facts, tuple(_why(facts, choices)), measure(image).likeness if decodes else None)


def likeness(content: bytes) -> Print | None:
    """What a picture shows; None where it cannot be read."""
    try:
        return measure(image_file.facts_and_picture_of(content, LEAST)[1]).likeness
    except image_file.Unreadable:
        return None


def _why(facts: ImageFacts, choices: Choices) -> list[str]:
    in_words = {
        Misread.ROTATED: "turned upright, as the EXIF says",
        Misread.ALPHA: f"laid on {choices.background}, transparent before",
        Misread.DEPTH: "from more than 8 bits a channel",
        Misread.COLOURS: "from other colours than sRGB",
        Misread.SIZE: "whose header the engine misreads",
        Misread.PACKED: "whose pixels the engine's image library misreads",
    }
    kept = {Misread.ALPHA} if choices.background == KEEP else set()
    why = [] if facts.format in _ENDINGS else [f"from {facts.format}, which the engine does not read"]
    why += [words for misread, words in in_words.items() if misread in facts.misread - kept]
    if choices.resize and shrunk(facts.size, choices.resize) != facts.size:
        why.append(f"made smaller, for {choices.resize} x {choices.resize}")
    return why


def _refused(item: Item, why: str) -> Finding:
    hint = f"Replace it, or: rm {typed(item.path)}" if item.path else "Take it out of the zip, or replace it."
    if item.inner.suffix.lower() in _UNKNOWN:
        why, hint = "Pillow does not know HEIC and JPEG XL", "Save it as JPEG or PNG, where you have it from."
    return Finding(Level.ERROR, "unreadable", f"{item.inner} cannot be read: {why.removesuffix('.')}.", hint)


def ending(item: Item, looked: Looked) -> str:
    """Its own where that is right and listed by the engine, as `.JPG` is and `.Jpg` not."""
    if looked.why:
        return ".png"
    right = _ENDINGS[looked.facts.format]
    own = item.inner.suffix
    return own if own.lower() in right and own in image_file.ENGINE_EXTENSIONS else right[0]


def put(item: Item, looked: Looked, target: Path, choices: Choices) -> None:
    """Write it under that name, which is new."""
    if looked.why:
        size = shrunk(looked.facts.size, choices.resize) if choices.resize else looked.facts.size
        background = None if choices.background == KEEP else choices.background
        image_pixels.save_as_seen(item.path or io.BytesIO(item.read()), target, background, size)
    elif item.path is None:
        with target.open("xb") as file:
            file.write(item.read())
    else:
        link(item.path, target)


def link(source: Path, target: Path) -> None:
    """A hard link where the file system allows one, else a copy; what is there already is never written into.

    It may be a hard link itself: to a file of the folder that still stands, or of the source.
    """
    real = os.path.realpath(source)
    try:
        os.link(real, target)
    except FileExistsError:
        raise
    except OSError:
        shutil.copy2(real, target)


def stamp(path: Path) -> Stamp:
    found = path.stat()
    return found.st_size, found.st_mtime_ns
