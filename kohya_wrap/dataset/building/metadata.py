"""Captions that one file holds for many pictures: kohya's JSON, JSONL, and the imagefolder's metadata.csv."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

# Under which names the image and the text stand: sd-scripts, Hugging Face's imagefolder, img2dataset's kin.
_FILE = ("file_name", "filename", "image_path", "image", "path", "file")
_TEXT = ("caption", "text", "prompt", "description")
_TAGS = "tags"
ENDINGS = (".json", ".jsonl", ".csv")

_DELIMITERS = ",;\t"  # of spreadsheets: the second where the comma stands in numbers
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

_Row = tuple[
    str, str, Any
]  # where it stands, in words; the picture, empty where none is named; what is said of it


class _Wrong(Exception):
    """From here on nothing can be read, with the reason."""


@dataclass(frozen=True)
class Metadata:
    """What is in such a file.

    Attributes:
        captions: picture, as it is written there -> caption.
        passed_over: entries that name no picture, or whose caption cannot be used, in words.
        wrong: why it could not be read, or not to its end; empty where it could.
    """

    captions: Mapping[str, str]
    passed_over: tuple[str, ...] = ()
    wrong: str = ""


def may_be(inner: PurePosixPath) -> bool:
    return inner.suffix.lower() in ENDINGS


def read(inner: PurePosixPath, content: bytes) -> Metadata:
    """All that can be read of it; no caption where it is of something else."""
    captions: dict[str, str] = {}
    passed_over: list[str] = []
    wrong = ""
    try:
        for where, key, row in _rows(inner.suffix.lower(), _decoded(content)):
            said = _caption(row)
            if not key or said is None or not _is_text(said):
                passed_over.append(where)
            elif said:
                captions[key] = said
    except _Wrong as error:
        wrong = str(error)
    return Metadata(captions, tuple(passed_over), wrong)


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-16" if content.startswith(_UTF16) else "utf-8-sig")
    except UnicodeDecodeError:
        raise _Wrong("it is no UTF-8") from None


def _is_text(said: str) -> bool:
    """Not half of a character, as JSON can write it."""
    return not any("\ud800" <= letter <= "\udfff" for letter in said)


def _rows(ending: str, text: str) -> Iterator[_Row]:
    if ending == ".csv":
        yield from _of_table(text)
    elif ending == ".jsonl":
        for number, line in enumerate(text.split("\n"), 1):  # a caption may hold other ends of lines
            if line.strip():
                yield _named(f"line {number}", _line(line))
    else:
        whole = _parsed(text)
        if isinstance(whole, list):
            for number, row in enumerate(whole, 1):
                yield _named(f"entry {number}", row)
        elif isinstance(whole, dict):
            yield from ((repr(key), key, row) for key, row in whole.items())


def _line(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise _Wrong(f"line {error.lineno} is no JSON") from None
    except (ValueError, RecursionError):
        raise _Wrong("it is no JSON") from None


def _of_table(text: str) -> Iterator[_Row]:
    header = io.StringIO(text, newline="").readline()  # alone: captions are full of commas
    delimiter = next((each for each in _DELIMITERS if _is_header(header, each)), ",")
    table = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for row in table:
            # More columns than the header has: a caption with commas and without quotes.
            yield _named(f"line {table.line_num}", None if None in row else row)
    except csv.Error as error:
        raise _Wrong(f"line {table.reader.line_num}: {error}") from None


def _is_header(line: str, delimiter: str) -> bool:
    names = {name.strip().strip('"').lower() for name in line.split(delimiter)}
    return not names.isdisjoint(_FILE) and not names.isdisjoint((*_TEXT, _TAGS))


def _named(where: str, row: Any) -> _Row:
    values = _lowered(row) if isinstance(row, dict) else {}
    return where, str(next((values[name] for name in _FILE if values.get(name)), "")), row


def _lowered(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key).strip().lower(): value for key, value in row.items()}


def _caption(row: Any) -> str | None:
    """Caption and tags, as the engine joins them; or the text alone; empty where none is said, None where it is no text."""
    if isinstance(row, str):
        return row.strip()
    if not isinstance(row, dict):
        return None
    values = _lowered(row)
    said = next((values[key] for key in _TEXT if isinstance(values.get(key), str)), "")
    tags = values.get(_TAGS)
    listed = ", ".join(map(str, tags)) if isinstance(tags, list) else tags if isinstance(tags, str) else ""
    return ", ".join(part for part in (said.strip(), listed.strip()) if part)


def of_pictures(
    captions: Mapping[str, str],
    file: PurePosixPath,
    below: str,
    pictures: Iterable[tuple[PurePosixPath, str]],
) -> dict[str, str]:
    """Origin -> caption, of the pictures that the file is about: those below its own folder, or named with all of their path.

    What two keys that are equally near say otherwise is nobody's.

    Args:
        file: of the captions; its path in the source, as those of the pictures are, each with its origin.
        below: the folder that the file lies in, absolute.
    """
    spelled = _Spelled(file.parent, PurePosixPath(below).parts, pictures)
    claims: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for key, said in captions.items():
        how_far, origins = spelled.of(key)
        for origin in origins:
            claims[origin][how_far].add(said)
    nearest = {origin: said[min(said)] for origin, said in claims.items()}
    return {origin: next(iter(texts)) for origin, texts in nearest.items() if len(texts) == 1}


class _Spelled:
    """The pictures by all that a key may call them: with their path, without the ending, by the name alone."""

    def __init__(
        self, folder: PurePosixPath, above: tuple[str, ...], pictures: Iterable[tuple[PurePosixPath, str]]
    ) -> None:
        self._above = above
        self._whole: dict[str, list[str]] = {}
        self._stems: dict[str, list[str]] = defaultdict(list)
        self._names: dict[str, list[str]] = defaultdict(list)
        for path, origin in pictures:
            self._whole[origin] = [origin]
            if path.is_relative_to(folder):
                inner = path.relative_to(folder)
                self._whole[str(inner)] = [origin]
                self._stems[str(inner.with_suffix(""))].append(origin)
                for name in {inner.name, inner.stem}:
                    self._names[name].append(origin)

    def of(self, key: str) -> tuple[int, list[str]]:
        """How far the key is from the picture's path, the nearest first; and whose it is."""
        path = PurePosixPath(key.replace("\\", "/"))
        for far, spelled in enumerate((self._whole, self._stems)):
            if found := spelled.get(str(path)):
                return far, found
        for tail in self._tails(path):
            if found := self._whole.get(tail) or self._stems.get(tail):
                return 2, found
        found = self._names.get(str(path), [])
        return 3, found if len(found) == 1 else []

    def _tails(self, path: PurePosixPath) -> Iterator[str]:
        """What may be left out in front: of another machine's absolute path anything, else folders that the file lies in."""
        absolute = path.is_absolute() or (path.parts[:1] and path.parts[0].endswith(":"))
        for start in range(1, len(path.parts)):
            if absolute or self._above[-start:] == path.parts[:start]:
                yield "/".join(path.parts[start:])
