"""Captions changed on disk: planned, shown as a diff, backed up, written, and taken back where that fails."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from kohya_wrap.host import atomic

# The engine reads at most 225 tokens, some thousand letters: a longer file is something else.
LONGEST = 1 << 15  # bytes


def too_long(name: str, size: int) -> str:
    """What is wrong with a caption of that many bytes; empty where nothing is."""
    if size <= LONGEST:
        return ""
    said = f"{size / 1e6:.1f} MB" if size >= 1_000_000 else f"{size // 1000} kB"
    return f"{name} has {said}: that is no caption; the engine reads 225 tokens at most."


def no_caption(path: Path) -> str:
    """Why what lies there can be none, found out without opening it; empty where it can, and where nothing lies."""
    name = f"{path.parent.name}/{path.name}"
    if path.is_file():
        return too_long(name, path.stat().st_size)
    if path.is_symlink() and not path.exists():
        return f"{name} is a link that leads nowhere."
    if path.exists():
        return f"{name} is {'a folder' if path.is_dir() else 'no file but a pipe, a socket or a device'}, and no caption."
    return ""


@dataclass(frozen=True)
class Change:
    """One caption that will have another text; `old` None where there is no file yet."""

    path: Path
    old: str | None
    new: str


class Backup:
    """A folder with the captions of one command as they were; made when first needed.

    Taken back by hand with `cp -r FOLDER/. BACK_TO`.

    Attributes:
        back_to: below which they lie at their paths: the project, or `/` where some lie elsewhere.
    """

    def __init__(self, root: Path, folders: Iterable[Path] = ()) -> None:
        """`root`: whose `.kohya-wrap/` keeps it; `folders`: those of the captions, where they may lie elsewhere."""
        self._root = root.absolute()
        inside = all(folder.absolute().is_relative_to(self._root) for folder in folders)
        self.back_to = self._root if inside else Path(self._root.anchor)
        self.folder: Path | None = None

    def keep(self, path: Path) -> None:
        """Copy a caption, unless it was kept before: the first state is the one to go back to."""
        if self.folder is None:
            self.folder = _new_folder(self._root / ".kohya-wrap" / "caption-backups")
        copy = self.copy_of(path)
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            atomic.copy(path, copy)

    def copy_of(self, path: Path) -> Path:
        assert self.folder is not None
        absolute = path.absolute()
        return self.folder / absolute.relative_to(self.back_to)


def _new_folder(parent: Path) -> Path:
    stamp = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    for number in range(1, 1000):
        folder = parent / (stamp if number == 1 else f"{stamp}_{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise FileExistsError(str(parent / stamp))


def read(path: Path) -> str | None:
    """A caption without a byte order mark; what is no UTF-8 in it is shown as question marks. None: there is no file."""
    return path.read_text(encoding="utf-8-sig", errors="replace") if path.is_file() else None


def plan(texts: Mapping[Path, str]) -> tuple[Change, ...]:
    """What writing `texts` would change, in the order of the paths."""
    changes = (Change(path, read(path), new) for path, new in sorted(texts.items()))
    return tuple(change for change in changes if change.new != change.old)


def diff(changes: Sequence[Change], root: Path) -> Iterator[str]:
    """The lines of a unified diff, with paths below `root`."""
    for change in changes:
        shown = change.path.relative_to(root) if change.path.is_relative_to(root) else change.path
        old, new = (change.old or "").splitlines(), change.new.splitlines()
        before = "/dev/null" if change.old is None else f"a/{shown}"
        yield from difflib.unified_diff(old, new, before, f"b/{shown}", lineterm="", n=1)


def real(path: Path) -> Path:
    """The file itself: a caption that is a link stays one, as in an editor."""
    return Path(os.path.realpath(path))


def remove_left(path: Path) -> None:
    """What a killed process left beside a caption; whoever calls it holds the lock of those who write."""
    if (left := atomic.part_of(real(path))).exists():
        left.unlink()


def write(changes: Sequence[Change], backup: Backup) -> None:
    """All of them or none, under a lock: what was written is taken back when one fails or Ctrl-C comes between."""
    for change in changes:
        if change.old is not None:
            backup.keep(change.path)
    begun: list[Change] = []
    try:
        for change in changes:
            begun.append(change)
            atomic.write_text(real(change.path), change.new, alone=True)
    except BaseException:
        for change in begun:
            _take_back(change, backup)
        raise


def _take_back(change: Change, backup: Backup) -> None:
    if change.old is None:
        change.path.unlink(missing_ok=True)
        return
    atomic.copy(backup.copy_of(change.path), real(change.path))
