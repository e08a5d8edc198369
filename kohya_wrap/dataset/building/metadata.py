"""Captions that one file holds for many pictures: kohya's JSON, JSONL, and the imagefolder's metadata.csv."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping
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
    # Absolute paths of the machine it was written on: their last part, where that names one picture.
    names = Counter(_name(key) for key in captions)
    by_name = {_name(key): said for key, said in captions.items() if names[_name(key)] == 1}
    return Metadata(by_name | captions, tuple(passed_over), wrong)


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-16" if content.startswith(_UTF16) else "utf-8-sig")
    except UnicodeDecodeError:
        raise _Wrong("it is no UTF-8") from None


def _is_text(said: str) -> bool:
    """Not half of a character, as JSON can write it."""
    return not any("\ud800" <= letter <= "\udfff" for letter in said)


def _name(key: str) -> str:
    return key.replace("\\", "/").rpartition("/")[2]


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


def find(captions: Mapping[str, str], below: PurePosixPath, picture: PurePosixPath, origin: str) -> str:
    """The caption of one picture; its key is a path, absolute or from where the file lies, or its stem.

    Args:
        below: the folder that the file of captions lies in.
    """
    inner = picture.relative_to(below) if picture.is_relative_to(below) else picture
    spelled = (origin, str(inner), str(inner.with_suffix("")), inner.name, inner.stem)
    return next((captions[name] for name in spelled if name in captions), "")
