"""What stands in a concept folder before it is built again: ours, changed by a person, or theirs."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from kohya_wrap.dataset import caption_files, folders
from kohya_wrap.dataset.building import picture
from kohya_wrap.dataset.building.record import Entry, Record
from kohya_wrap.domain.finding import typed
from kohya_wrap.errors import DatasetError
from kohya_wrap.host import image_file, whole_file


@dataclass(frozen=True)
class Standing:
    """One picture of the folder, or of what was held out of it.

    Attributes:
        path: None where a person took it out.
        edited: it is no longer what was put there.
        caption: as it stands, stripped; None where there is none.
        formers: triggers that we may have written into it.
    """

    entry: Entry
    path: Path | None
    edited: bool
    caption: str | None
    caption_path: Path | None
    formers: tuple[str, ...] = ()

    @property
    def caption_edited(self) -> bool:
        """Written or changed by somebody else than the last build."""
        return self.caption is not None and self.caption != (self.entry.wrote or "")


@dataclass(frozen=True)
class Stood:
    """All of it.

    Attributes:
        others: files and folders that are no picture of the engine's nor its caption, by held or not.
        holdout: how many the last build was told to hold out.
    """

    pictures: tuple[Standing, ...]
    others: dict[bool, tuple[Path, ...]]
    holdout: int


def look(record: Record, places: Mapping[bool, Path], extension: str) -> Stood:
    """Captions have this extension, else that of the last build.

    Args:
        places: the folder trained on, and under True that of what is held out; either may not be there.
    """
    trigger, extensions = record.choices.trigger, tuple(dict.fromkeys((extension, record.extension)))
    known_names = {(entry.held, entry.name) for entry in record.entries}
    entries = [_where_it_is(entry, places, known_names) for entry in record.entries]
    pictures = [
        _of(entry, places[entry.held], before.name != entry.name, extensions)
        for before, entry in zip(record.entries, entries, strict=True)
    ]
    others: dict[bool, tuple[Path, ...]] = {}
    for held, place in places.items():
        if not place.is_dir():
            continue
        known = {entry.name for entry in entries if entry.held is held}
        known |= {
            found.caption_path.name for found in pictures if found.caption_path and found.entry.held is held
        }
        inside = [path for path in sorted(place.iterdir()) if path.name not in known]
        by_hand = [
            _by_hand(path, held, extensions) for path in inside if folders.is_read(path) and path.is_file()
        ]
        captions = {found.caption_path.name for found in by_hand if found.caption_path}
        names = captions | {found.entry.name for found in by_hand}
        pictures += by_hand
        others[held] = tuple(path for path in inside if path.name not in names)
    known_by = (replace(found, formers=found.entry.formers(trigger)) for found in pictures)
    return Stood(tuple(known_by), others, record.choices.holdout)


def _where_it_is(entry: Entry, places: Mapping[bool, Path], known: set[tuple[bool, str]]) -> Entry:
    """As a person left it: moved to or from what is held out, or saved beside its caption in another format."""
    if (places[entry.held] / entry.name).is_file():
        return entry
    if (not entry.held, entry.name) not in known and (places[not entry.held] / entry.name).is_file():
        return replace(entry, held=not entry.held)
    for ending in sorted(image_file.ENGINE_EXTENSIONS):
        name = entry.stem + ending
        if (entry.held, name) not in known and (places[entry.held] / name).is_file():
            return replace(entry, name=name)
    return entry


def _of(entry: Entry, place: Path, other_format: bool, extensions: tuple[str, ...]) -> Standing:
    path = place / entry.name
    if not path.is_file():
        return Standing(entry, None, False, *_caption(place, entry.stem, extensions))
    return Standing(
        entry, path, other_format or _edited(entry, path), *_caption(place, entry.stem, extensions)
    )


def _edited(entry: Entry, path: Path) -> bool:
    """By what is in it: a copied project has other times. A link to the source shows what was done to the source."""
    if _is_source(entry, path):
        return False
    return picture.stamp(path) != entry.made_stamp and image_file.digest(_content(path)) != entry.made


def _is_source(entry: Entry, path: Path) -> bool:
    try:
        return bool(entry.origin) and path.samefile(entry.origin)
    except OSError:  # in a zip, or not there
        return False


def _by_hand(path: Path, held: bool, extensions: tuple[str, ...]) -> Standing:
    """Known by its content alone, so that the same picture from a source does not stand there twice."""
    digest, stamp = image_file.digest(_content(path)), picture.stamp(path)
    entry = Entry(path.name, "", stamp, digest, stamp, digest, "", (), None, None, held)
    return Standing(entry, path, False, *_caption(path.parent, entry.stem, extensions))


def _content(path: Path) -> bytes:
    try:
        return whole_file.read(path)
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise _not_kept(path, f"{path} cannot be read: {error.strerror}.") from error
        raise


def _caption(place: Path, stem: str, extensions: tuple[str, ...]) -> tuple[str | None, Path | None]:
    """Of the first extension that there is one of. What is no UTF-8 in it is kept as it is."""
    path = next((path for each in extensions if (path := place / (stem + each)).is_file()), None)
    if path is None:
        return None, None
    if wrong := caption_files.too_long(str(path), path.stat().st_size):
        raise _not_kept(path, wrong)
    return path.read_text(encoding="utf-8-sig", errors="surrogateescape").strip(), path


def _not_kept(path: Path, wrong: str) -> DatasetError:
    return DatasetError(
        wrong,
        why="A build reads what stands in the folder, to keep what you put there.",
        hint=f"rm {typed(path)}   or move it away, and the same line again",
    )


def under(origin: str, roots: tuple[str, ...]) -> bool:
    """Whether it lies in one of the sources."""
    return any(origin == root or origin.startswith(root.rstrip("/") + "/") for root in roots)


def stems(stood: Stood) -> Iterator[str]:
    """Of all that keeps its name."""
    for found in stood.pictures:
        yield found.entry.stem
    for paths in stood.others.values():
        yield from (path.stem for path in paths)
