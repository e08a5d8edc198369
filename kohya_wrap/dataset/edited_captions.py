"""The file in which the preview page saves edited captions, and which captions those are on disk."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kohya_wrap.dataset import folders
from kohya_wrap.dataset.folders import Folder
from kohya_wrap.errors import UsageError
from kohya_wrap.host import image_file

SCHEMA = 1
LARGEST = 100_000_000  # bytes; a caption has some hundred

_WHY = "It names the file that the page saves, mostly captions-DATE-TIME.json in your downloads."
_HINT = "Type what the page shows when it has saved, or: ls -t ~/Downloads/captions-*.json"


class Edit(BaseModel):
    """One caption.

    Attributes:
        images: digests of the pictures that the page showed with it.
        old: what the page was made with, None where there was no file.
    saved: other texts that it saved before; one may be in the dataset since.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: frozenset[str]
    old: str | None
    new: str
    saved: frozenset[str] = frozenset()


class EditedCaptions(BaseModel):
    """Attributes:
    dataset: the folder of the concept folders where the page was made, or the config whose dataset_config names others.
    caption_extension: with its dot.
    edits: by the caption's path in the dataset, `10_cat/a.txt`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kohya_wrap: Literal["captions"]
    schema_: Annotated[Literal[1], Field(alias="schema")]
    dataset: Path
    caption_extension: Annotated[str, Field(pattern=r"^\.\w+$")]
    edits: dict[str, Edit]


@dataclass(frozen=True)
class Known:
    """A caption that may be edited, and the pictures that it is for."""

    path: Path
    images: tuple[Path, ...]


def read(path: Path) -> EditedCaptions:
    """Raises UsageError: it is not there, or nothing that the page saved."""
    if path.exists() and not path.is_dir() and (not path.is_file() or path.stat().st_size > LARGEST):
        raise UsageError(
            f"{path} is {'larger than any file of captions' if path.is_file() else 'no file but a pipe, a socket or a device'}.",
            why=_WHY,
            hint=_HINT,
        )
    try:
        return EditedCaptions.model_validate_json(path.read_bytes())
    except (FileNotFoundError, IsADirectoryError):
        raise UsageError(
            f"{path} is {'a folder' if path.is_dir() else 'not there'}.",
            why=_WHY,
            hint=_HINT,
        ) from None
    except ValidationError as error:
        raise UsageError(
            f"{path} holds no captions of `dataset preview`.",
            why=_first(error),
            hint="Save it in the page anew; the page is made by: kohya-wrap dataset preview",
        ) from None


def _first(error: ValidationError) -> str:
    wrong = error.errors()[0]
    place = ".".join(map(str, wrong["loc"]))
    return f"{place}: {wrong['msg']}." if place else f"{wrong['msg']}."


def path_of(image: Path, extension: str) -> Path:
    """The caption the engine takes for it; where there is none, the one that would be taken."""
    return folders.caption_of(image, extension) or Path(f"{image.with_suffix('')}{extension}")


def key_of(caption: Path, dataset: Path) -> str:
    """What a caption is called in the file: its path in the dataset, in which two folders may be called alike.

    It has a folder's name in it in any case, so that it is the same where that folder alone is named.
    """
    if caption.parent == dataset:
        return f"{caption.parent.name}/{caption.name}"
    inside = caption.is_relative_to(dataset)
    return (caption.relative_to(dataset) if inside else caption).as_posix()


def known(listed: Iterable[tuple[Folder, str]], dataset: Path) -> dict[str, Known]:
    """Every caption that may be edited, by its key; no key leads anywhere else.

    Args:
        listed: each folder, with the ending of its captions.
    """
    images: dict[Path, list[Path]] = defaultdict(list)
    for folder, extension in listed:
        for image in folder.images:
            images[path_of(image, extension)].append(image)
    return {
        key_of(path, dataset): Known(path, tuple(shown))
        for path, shown in images.items()
        if not image_file.looks_like_image(path)
    }


def renumbered(edits: Mapping[str, Edit], known: Mapping[str, Known]) -> dict[str, Edit]:
    """By the keys that they have now: a concept's folder may have got another number since the page was made."""
    now: dict[Path, list[str]] = defaultdict(list)
    for key in known.keys() - edits.keys():
        now[folders.unnumbered(Path(key))].append(key)
    found = {key: now.get(folders.unnumbered(Path(key)), []) for key in edits.keys() - known.keys()}
    wanted = Counter(key for keys in found.values() for key in keys)
    moved = {key: keys[0] for key, keys in found.items() if len(keys) == 1 == wanted[keys[0]]}
    return {moved.get(key, key): edit for key, edit in edits.items()}
