"""What stands in a concept folder before it is built again: ours, changed by a person, or theirs."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from kohya_wrap.dataset import caption_files, folders
from kohya_wrap.dataset.building import picture
from kohya_wrap.dataset.building import record as records
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
        written_over: nor is it, but by what was done to the source, which it is a link to.
        caption: as it stands, stripped; None where there is none.
        formers: triggers that we may have written into it.
    """

    entry: Entry
    path: Path | None
    edited: bool
    caption: str | None
    caption_path: Path | None
    formers: tuple[str, ...] = ()
    written_over: bool = False

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
        elsewhere: what is held out for other concepts of the project.
    """

    pictures: tuple[Standing, ...]
    others: dict[bool, tuple[Path, ...]]
    holdout: int
    elsewhere: tuple[Standing, ...] = ()


def look(record: Record, places: Mapping[bool, Path], extension: str) -> Stood:
    """Captions have this extension, else that of the last build.

    Args:
        places: the folder trained on, and under True that of what is held out; either may not be there.
    """
    trigger, extensions = record.choices.trigger, tuple(dict.fromkeys((extension, record.extension)))
    files = {held: sorted(place.iterdir()) if place.is_dir() else [] for held, place in places.items()}
    named = {places[entry.held] / entry.name for entry in record.entries}
    unknown = {
        path: image_file.digest(_content(path))
        for path in (*files[False], *files[True])
        if path not in named and folders.is_read(path) and path.is_file()
    }
    entries = [_where_it_is(entry, places, unknown) for entry in record.entries]
    made = {entry.made: entry for entry in record.entries if entry.origin}
    by_hand = [
        _by_hand(path, path.parent == places[True], digest, made.get(digest))
        for path, digest in unknown.items()
    ]
    pictures = [_of(entry, places[entry.held], extensions) for entry in (*entries, *by_hand)]
    taken = {found.caption_path for found in pictures}
    for number, before in enumerate(record.entries):  # moved or renamed, and its caption left behind
        found = pictures[number]
        if found.path in (None, places[before.held] / before.name) or found.caption_path:
            continue
        for place in (places[before.held], found.path.parent):
            text, path = _caption(place, before.stem, extensions)
            if path and path not in taken:
                pictures[number] = replace(found, caption=text, caption_path=path)
                break
    taken |= {path for found in pictures for path in (found.path, found.caption_path)}
    others = {held: tuple(path for path in inside if path not in taken) for held, inside in files.items()}
    known_by = (replace(found, formers=found.entry.formers(trigger)) for found in pictures)
    return Stood(tuple(known_by), others, record.choices.holdout)


def held_elsewhere(own: Path, held_out: Path) -> Iterator[Standing]:
    """What is held out for the project's other concepts for their own sake, by their records beside this one, of what is
    still there."""
    for path in sorted(own.parent.glob("*.json")):
        known = records.read(path) if path != own else None
        of_its_own = records.digests_of_own(known.entries if known else ())
        for entry in known.entries if known else ():
            if (
                entry.held
                and not records.is_borrowed(entry, of_its_own)
                and (file := held_out / path.stem / entry.name).is_file()
            ):
                yield Standing(entry, file, False, None, None)


def as_by_hand(found: Standing) -> Standing:
    """A person's own picture, which the source of the one that it was made of has left."""
    assert found.path is not None
    digest = image_file.digest(_content(found.path))
    entry = _by_hand(found.path, found.entry.held, digest, None)
    return replace(found, entry=entry, edited=False)


def _where_it_is(entry: Entry, places: Mapping[bool, Path], unknown: dict[Path, str]) -> Entry:
    """As a person left it: renamed; moved to or from what is held out; or saved beside its caption in another format.

    Args:
        unknown: pictures that no entry names, with their digests; the one that this is is taken out.
    """
    here, there = places[entry.held], places[not entry.held]
    if (here / entry.name).is_file():
        return entry
    same = [path for path, digest in unknown.items() if digest == entry.made or _is_source(entry, path)]
    same.sort(key=lambda path: (path.name != entry.name, path.parent != here))
    other_formats = (here / (entry.stem + ending) for ending in sorted(image_file.ENGINE_EXTENSIONS))
    for path in (*same, there / entry.name, *other_formats):
        if path in unknown:
            del unknown[path]
            return replace(entry, name=path.name, held=path.parent == places[True])
    return entry


def _of(entry: Entry, place: Path, extensions: tuple[str, ...]) -> Standing:
    path, caption = place / entry.name, _caption(place, entry.stem, extensions)
    if not path.is_file():
        return Standing(entry, None, False, *caption)
    changed, is_source = _changed(entry, path), _is_source(entry, path)
    return Standing(entry, path, changed and not is_source, *caption, written_over=changed and is_source)


def _changed(entry: Entry, path: Path) -> bool:
    """By what is in it: a copied project has other times."""
    return picture.stamp(path) != entry.made_stamp and image_file.digest(_content(path)) != entry.made


def _is_source(entry: Entry, path: Path) -> bool:
    try:
        return bool(entry.origin) and path.samefile(entry.origin)
    except OSError:  # in a zip, or not there
        return False


def _by_hand(path: Path, held: bool, digest: str, made: Entry | None) -> Entry:
    """Known by its content alone, so that the same picture from a source does not stand there twice.

    Args:
        made: what the last build made with the same content: this is a copy of the same source.
    """
    stamp = picture.stamp(path)
    if made is not None:
        return replace(made, name=path.name, origin="", made_stamp=stamp, said=None, wrote=None, held=held)
    return Entry(path.name, "", stamp, digest, stamp, digest, "", (), None, None, held)


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
