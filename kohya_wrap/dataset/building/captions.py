"""The caption that a source has for each of its pictures."""

from __future__ import annotations

import codecs
from pathlib import PurePosixPath

from kohya_wrap.dataset import caption_files, inventory
from kohya_wrap.dataset.building import metadata
from kohya_wrap.dataset.building.sources import Item, Source
from kohya_wrap.domain.finding import Finding, Level, typed

# The engine reads one of them alone; a caption of any other ending is copied under that.
ENDINGS = (".txt", ".caption", ".TXT", ".Txt", ".CAPTION", ".Caption")

LARGEST = 100_000_000  # bytes, of a file with the captions of many


class Captions:
    """Finds them: in a file beside the picture, else in one that holds those of many."""

    def __init__(self, source: Source) -> None:
        self._files = source.files
        stems = {item.inner.with_suffix("") for item in source.pictures}
        self._many = [
            (inner.parent, found)
            for inner, item in source.files.items()
            if metadata.may_be(inner) and item.stamp[0] <= LARGEST and inner.with_suffix("") not in stems
            if (found := metadata.read(inner, item.read()))
        ]

    def of(self, picture: Item) -> str | Finding:
        """Text without a byte order mark, stripped; empty where there is none; or what is wrong with it."""
        if beside := self._beside(picture):
            return _text(beside[0])
        found = (metadata.find(many, below, picture.inner, picture.origin) for below, many in self._many)
        text = next(filter(None, found), "")
        if wrong := caption_files.too_long(f"The caption of {picture.inner}", len(text.encode())):
            hint = "Shorten it in the file of captions beside the picture."
            return Finding(Level.ERROR, "caption-too-long", wrong, hint)
        return text

    def passed_over(self, picture: Item) -> str:
        """Where `a.caption` says something else than `a.txt`, both in words; empty where nothing does."""
        beside = self._beside(picture)
        differ = [other.inner.name for other in beside[1:] if _text(other) != _text(beside[0])]
        return f"{picture.inner} ({beside[0].inner.name}, not {' or '.join(differ)})" if differ else ""

    def _beside(self, picture: Item) -> list[Item]:
        """The files that are its caption, that which is taken first."""
        stems = [picture.inner.with_suffix("")]
        if len(parts := picture.inner.stem.split("_")) >= 5:  # as the engine does for what face cutters wrote
            stems.append(picture.inner.with_name("_".join(parts[:-4]) or picture.inner.name))
        for stem in stems:
            named = (self._files.get(PurePosixPath(f"{stem}{ending}")) for ending in ENDINGS)
            if found := [item for item in named if item is not None]:
                return found
        return []


def _text(item: Item) -> str | Finding:
    if wrong := caption_files.too_long(str(item.inner), item.stamp[0]):  # before it is unpacked
        hint = (
            f"Shorten it, or move it away: {typed(item.path)}"
            if item.path
            else "Take it out of the zip, or shorten it."
        )
        return Finding(Level.ERROR, "caption-too-long", wrong, hint)
    content = item.read()
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))  # "Unicode" in Windows' Notepad
    try:
        return content.decode("utf-16" if utf16 else "utf-8-sig").replace("\r\n", "\n").strip()
    except UnicodeDecodeError:
        if item.path is not None:
            return inventory.not_utf8(item.path, "no caption can be read from it")
        return Finding(
            Level.ERROR,
            "not-utf8",
            f"{item.inner} is not UTF-8 (Shift_JIS?): no caption can be read from it.",
            "Unpack the zip, convert that file with iconv, and name the folder instead.",
        )
