"""The caption that a source has for each of its pictures."""

from __future__ import annotations

import codecs
from pathlib import PurePosixPath

from kohya_wrap.dataset import inventory
from kohya_wrap.dataset.building import metadata
from kohya_wrap.dataset.building.sources import Item, Source
from kohya_wrap.domain.finding import Finding, Level, typed

# The engine reads one of them alone; a caption of any other ending is copied under that.
ENDINGS = (".txt", ".caption", ".TXT", ".Txt", ".CAPTION", ".Caption")

# The engine reads at most 225 tokens, some thousand letters: a longer file is something else.
_LONGEST = 1 << 15  # bytes
_LARGEST = 100_000_000  # bytes, of a file with the captions of many


class Captions:
    """Finds them: in a file beside the picture, else in one that holds those of many."""

    def __init__(self, source: Source) -> None:
        self._files = source.files
        stems = {item.inner.with_suffix("") for item in source.pictures}
        self._many = [
            (inner.parent, found)
            for inner, item in source.files.items()
            if metadata.may_be(inner) and item.stamp[0] <= _LARGEST and inner.with_suffix("") not in stems
            if (found := metadata.read(inner, item.read()))
        ]

    def of(self, picture: Item) -> str | Finding:
        """Text without a byte order mark, stripped; empty where there is none; or what is wrong with it."""
        stems = [picture.inner.with_suffix("")]
        if len(parts := picture.inner.stem.split("_")) >= 5:  # as the engine does for what face cutters wrote
            stems.append(picture.inner.with_name("_".join(parts[:-4]) or picture.inner.name))
        for stem in stems:
            for ending in ENDINGS:
                beside = self._files.get(PurePosixPath(f"{stem}{ending}"))
                if beside is not None:
                    return _text(beside)
        found = (metadata.find(many, below, picture.inner, picture.origin) for below, many in self._many)
        return next(filter(None, found), "")


def _text(item: Item) -> str | Finding:
    if (size := item.stamp[0]) > _LONGEST:  # before it is unpacked
        where = typed(item.origin) if item.path is not None else f"{item.inner}, in the zip"
        return Finding(
            Level.ERROR,
            "caption-too-long",
            f"{item.inner} has {size // 1000} kB: that is no caption; the engine reads 225 tokens at most.",
            f"Shorten it, or move it away: {where}",
        )
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
