"""The caption that a source has for each of its pictures."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from kohya_wrap.dataset import caption_files, inventory
from kohya_wrap.dataset.building import metadata
from kohya_wrap.dataset.building.metadata import Metadata
from kohya_wrap.dataset.building.sources import Item, Source
from kohya_wrap.domain.finding import Finding, Level, typed
from kohya_wrap.domain.wording import named
from kohya_wrap.host import zip_file

# The engine reads one of them alone; a caption of any other ending is copied under that.
ENDINGS = (".txt", ".caption", ".TXT", ".Txt", ".CAPTION", ".Caption")

LARGEST = 100_000_000  # bytes, of a file with the captions of many


class Captions:
    """Finds them: in a file beside the picture, else in one that holds those of many.

    Attributes:
        findings: what is wrong with those that hold the captions of many; an error: such a file cannot be had at all.
    """

    def __init__(self, source: Source) -> None:
        self._files = source.files
        self.findings: list[Finding] = []
        self._many: list[tuple[Item, Metadata, dict[str, str]]] = []
        # What is named as a picture is about that one: `a.json`, `a.png.json`.
        alone = {name for item in source.pictures for name in (item.inner, item.inner.with_suffix(""))}
        for inner, item in source.files.items():
            if metadata.may_be(inner) and item.stamp[0] <= LARGEST and inner.with_suffix("") not in alone:
                content = _content(item)
                if isinstance(content, Finding):
                    self.findings.append(content)
                else:
                    held = metadata.read(inner, content)
                    self._many.append((item, held, _of_pictures(item, held, source)))
        self._many.sort(key=lambda each: -len(each[0].inner.parts))  # the nearest to a picture first
        self.findings += self._not_used()

    def of(self, picture: Item) -> str | Finding:
        """Text without a byte order mark, stripped; empty where there is none; or what is wrong with it."""
        if said := self._said_beside(picture):
            return said[0][1]
        text = next((said[picture.origin] for _, _, said in self._many if picture.origin in said), "")
        if wrong := caption_files.too_long(f"The caption of {picture.inner}", len(text.encode())):
            hint = "Shorten it in the file of captions beside the picture."
            return Finding(Level.ERROR, "caption-too-long", wrong, hint)
        return text

    def passed_over(self, picture: Item) -> str:
        """Where `a.caption` says something else than `a.txt`, both in words; empty where nothing does."""
        said = self._said_beside(picture) if len(self._beside(picture)) > 1 else []
        differ = [other.inner.name for other, text in said[1:] if text != said[0][1]]
        return f"{picture.inner} ({said[0][0].inner.name}, not {' or '.join(differ)})" if differ else ""

    def _said_beside(self, picture: Item) -> list[tuple[Item, str | Finding]]:
        """Of the files that are its caption, those that are not empty."""
        return [(item, text) for item in self._beside(picture) if (text := _text(item))]

    def _beside(self, picture: Item) -> list[Item]:
        """The files that are its caption, that which is taken first."""
        stems = [picture.inner.with_suffix("")]
        if len(parts := picture.inner.stem.split("_")) >= 5:  # as the engine does for what face cutters wrote
            stems.append(picture.inner.with_name("_".join(parts[:-4]) or picture.inner.name))
        for stem in stems:
            there = (self._files.get(PurePosixPath(f"{stem}{ending}")) for ending in ENDINGS)
            if found := [item for item in there if item is not None]:
                return found
        return []

    def _not_used(self) -> Iterator[Finding]:
        """Of the files for many: those without a caption for any picture here, and what of the others is not taken."""
        of_none = []
        for item, held, used in self._many:
            if held.wrong:
                end = " from there on" if used else ""
                yield _warning(item, f"the captions in it are not taken{end}: {held.wrong}")
            elif not used:
                of_none.append(str(item.inner))
            if used and held.passed_over:
                places = named(held.passed_over)
                yield _warning(
                    item, f"no caption is taken from {places}: it cannot be read, or names no picture"
                )
        if of_none:
            yield Finding(
                Level.WARNING,
                "metadata-not-used",
                f"{named(of_none)} {'holds' if len(of_none) == 1 else 'hold'} no caption of any picture here.",
                "A file of captions names each picture (file_name) and says its caption (caption or text).",
            )


def _warning(item: Item, message: str) -> Finding:
    return Finding(
        Level.WARNING, "metadata-passed-over", f"{message}.", "Mend it, and build again.", item.origin
    )


def _of_pictures(item: Item, held: Metadata, source: Source) -> dict[str, str]:
    pictures = ((picture.inner, picture.origin) for picture in source.pictures)
    return metadata.of_pictures(held.captions, item.inner, str(PurePosixPath(item.origin).parent), pictures)


def _content(item: Item) -> bytes | Finding:
    """All of it; or why it cannot be had."""
    try:
        return item.read()
    except PermissionError as error:
        return inventory.closed(Path(item.origin), error)
    except OSError as error:
        why, hint = error.strerror or str(error), "Mend the link, or take it out of the folder."
    except zip_file.BadZip as error:
        why, hint = str(error), "Unpack the zip yourself, mend that file, and name the folder instead."
    return Finding(Level.ERROR, "unreadable", f"{item.inner} cannot be read: {why.removesuffix('.')}.", hint)


def _text(item: Item) -> str | Finding:
    if wrong := caption_files.too_long(str(item.inner), item.stamp[0]):  # before it is unpacked
        hint = (
            f"Shorten it, or move it away: {typed(item.path)}"
            if item.path
            else "Take it out of the zip, or shorten it."
        )
        return Finding(Level.ERROR, "caption-too-long", wrong, hint)
    content = _content(item)
    if isinstance(content, Finding):
        return content
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
