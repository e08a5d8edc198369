"""Fill the new folders: what is unchanged keeps its file, the same on disk; what a person put there comes along."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from kohya_wrap.dataset.building import picture
from kohya_wrap.dataset.building.plan import THREADS, OnProgress, Planned
from kohya_wrap.dataset.building.record import Choices, Entry
from kohya_wrap.host import image_file


def pictures(
    planned: Sequence[Planned],
    folders: Mapping[bool, Path],
    choices: Choices,
    extension: str,
    on_progress: OnProgress,
) -> list[Entry]:
    """Write each picture with its caption; the entries, with what was made."""
    entries = []
    with ThreadPoolExecutor(THREADS) as pool:
        for entry in pool.map(partial(_picture, folders=folders, choices=choices), planned):
            entries.append(entry)
            on_progress(len(entries), len(planned))
    for one in planned:
        _caption(one, folders[one.entry.held], extension)
    return entries


def _picture(one: Planned, folders: Mapping[bool, Path], choices: Choices) -> Entry:
    target = folders[one.entry.held] / one.entry.name
    if one.item is None or one.looked is None:
        assert one.standing is not None and one.standing.path is not None
        picture.link(one.standing.path, target)
        edited = one.standing.edited
        return one.entry if edited else replace(one.entry, made_stamp=picture.stamp(target))
    picture.put(one.item, one.looked, target, choices)
    linked = not one.looked.why
    made = one.looked.facts.digest if linked else image_file.digest(target.read_bytes())
    return replace(one.entry, made_stamp=picture.stamp(target), made=made)


def _caption(one: Planned, folder: Path, extension: str) -> None:
    if not one.text:
        return
    target = folder / (one.entry.stem + extension)
    old = one.standing.caption_path if one.standing else None
    same_name = old is not None and old.name == target.name  # else the file may be another picture's, too
    if old is not None and same_name and one.standing is not None and one.standing.caption == one.text:
        picture.link(old, target)
    else:
        target.write_text(one.text + "\n", encoding="utf-8", errors="surrogateescape", newline="\n")


def others(paths: Sequence[Path], folder: Path) -> None:
    """What is neither picture nor caption: notes, caches, folders."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.copytree(path, folder / path.name, symlinks=True, copy_function=_link)
        else:
            _link(path, folder / path.name)


def _link(source: str | Path, target: str | Path) -> None:
    """A link stays one."""
    if Path(source).is_symlink():
        shutil.copy2(source, target, follow_symlinks=False)
    else:
        picture.link(Path(source), Path(target))
