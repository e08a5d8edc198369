"""Captions that one file holds for many pictures: kohya's JSON, JSONL, and the imagefolder's metadata.csv."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

# Under which names the image and the text stand: sd-scripts, Hugging Face's imagefolder, img2dataset's kin.
_FILE = ("file_name", "image_path", "image", "path", "file")
_TEXT = ("caption", "text", "prompt")
ENDINGS = (".json", ".jsonl", ".csv")


def may_be(inner: PurePosixPath) -> bool:
    return inner.suffix.lower() in ENDINGS


def read(inner: PurePosixPath, content: bytes) -> dict[str, str]:
    """Picture, as it is written there -> caption; empty where the file is of something else."""
    try:
        text = content.decode("utf-8-sig")
        rows = list(_rows(inner.suffix.lower(), text))
    except (ValueError, csv.Error, RecursionError):
        return {}
    captions = {key: said for key, row in rows if (said := _caption(row))}
    # Absolute paths of the machine it was written on: their last part, where that names one picture.
    names = Counter(_name(key) for key in captions)
    return {_name(key): said for key, said in captions.items() if names[_name(key)] == 1} | captions


def _name(key: str) -> str:
    return key.replace("\\", "/").rpartition("/")[2]


def _rows(ending: str, text: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if ending == ".csv":
        yield from _named(csv.DictReader(io.StringIO(text)))
    elif ending == ".jsonl":
        yield from _named(json.loads(line) for line in text.splitlines() if line.strip())
    else:
        whole = json.loads(text)
        if isinstance(whole, list):
            yield from _named(whole)
        elif isinstance(whole, dict):
            yield from ((key, row) for key, row in whole.items() if isinstance(row, dict))


def _named(rows: Iterable[Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for row in rows:
        if isinstance(row, dict) and (name := next((row[key] for key in _FILE if row.get(key)), None)):
            yield str(name), row


def _caption(row: Mapping[str, Any]) -> str:
    """Caption and tags, as the engine joins them."""
    said = next((row[key] for key in _TEXT if isinstance(row.get(key), str)), "")
    tags = row.get("tags")
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
