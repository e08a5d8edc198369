"""Fill the new folders: what is unchanged keeps its file, the same on disk; what a person put there comes along."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from kohya_wrap.dataset.building import picture
from kohya_wrap.dataset.building.names import Names
from kohya_wrap.dataset.building.plan import OnProgress
from kohya_wrap.dataset.building.planned import Planned
from kohya_wrap.dataset.building.record import Choices, Entry
from kohya_wrap.host import image_file


@dataclass(frozen=True)
class Other:
    """A person's file or folder as it stood, and its name now."""

    path: Path
    name: str


def pictures(
    planned: Sequence[Planned],
    folders: Mapping[bool, Path],
    choices: Choices,
    extension: str,
    on_progress: OnProgress,
) -> list[Entry]:
    """Write each picture with its caption; the entries, with what was made."""
    entries = []
    with ThreadPoolExecutor(picture.THREADS) as pool:
        for entry in pool.map(partial(_picture, folders=folders, choices=choices), planned):
            entries.append(entry)
            on_progress(len(entries), len(planned))
    for one in planned:
        _caption(one, folders[one.entry.held], extension)
    return entries


def _picture(one: Planned, folders: Mapping[bool, Path], choices: Choices) -> Entry:
    target = folders[one.entry.held] / one.entry.name
    entry = _put(one, target, choices)
    if entry.held and not entry.likeness and not (one.standing and one.standing.edited):
        # It must be known again in any case: also when its number goes to another, which is written over it in place.
        likeness = picture.likeness(target.read_bytes())
        entry = replace(entry, likeness=likeness.as_text() if likeness else "")
    return entry


def _put(one: Planned, target: Path, choices: Choices) -> Entry:
    if one.item is None or one.looked is None:
        assert one.standing is not None and one.standing.path is not None
        if one.standing.edited:
            picture.link(one.standing.path, target)
            return one.entry
        picture.link(_of_this_source(one, one.standing.path), target)
        return replace(one.entry, made_stamp=picture.stamp(target))
    picture.put(one.item, one.looked, target, choices)
    linked = not one.looked.why
    made = one.looked.facts.digest if linked else image_file.digest(target.read_bytes())
    return replace(one.entry, made_stamp=picture.stamp(target), made=made)


def _of_this_source(one: Planned, standing: Path) -> Path:
    """What stands; or the source, where what stands is a link to another file of the same content, which may be written over."""
    source = one.item.path if one.item and one.entry.made == one.entry.digest else None
    is_other = source and standing.stat().st_nlink > 1 and not standing.samefile(source)
    return source if source and is_other else standing


def _caption(one: Planned, folder: Path, extension: str) -> None:
    if not one.text:
        return
    target = folder / (one.entry.stem + extension)
    old = one.standing.caption_path if one.standing else None
    same_name = old is not None and old.name == target.name  # else the file may be another picture's, too
    if old is not None and same_name and one.standing is not None and one.standing.caption == one.text:
        picture.link(old, target)
    else:
        with target.open("x", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            file.write(one.text + "\n")


def others(
    paths: Sequence[Path], folder: Path, planned: Sequence[Planned], held: bool, extension: str
) -> list[Other]:
    """What is neither picture nor caption: notes, caches, folders, captions without a picture; how each is called now.

    None takes the name of a picture or of a caption, also of one that is not written: it would become the caption.
    """
    here = [one.entry for one in planned if one.entry.held is held]
    theirs = {name for entry in here for name in (entry.name, entry.stem + extension)}
    names = Names([*(one.entry.stem for one in planned), *(path.stem for path in paths)])
    made = []
    for path in paths:
        target = folder / path.name
        if path.name in theirs or os.path.lexists(target):
            target = folder / (names.free(path.stem) + path.suffix)
        if path.is_dir() and not path.is_symlink():
            shutil.copytree(path, target, symlinks=True, copy_function=_link)
        else:
            try:
                _link(path, target)
            except FileNotFoundError:  # gone by now, as what an editor saves to before it renames it
                continue
        made.append(Other(path, target.name))
    return made


def _link(source: str | Path, target: str | Path) -> None:
    """A link stays one."""
    if Path(source).is_symlink():
        shutil.copy2(source, target, follow_symlinks=False)
    else:
        picture.link(Path(source), Path(target))
