"""Files and folders that exist whole or not at all: temporary sibling, then one rename."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_NAMED = (
    50  # letters of a name in that of its sibling: some have 255 bytes, which is all that a name may have
)


def part_of(path: Path) -> Path:
    """A hidden sibling to write into, one for each name and the same each time."""
    if len(path.name) <= _NAMED:
        return path.with_name(f".{path.name}.part")
    digest = hashlib.blake2b(path.name.encode(), digest_size=8).hexdigest()
    return path.with_name(f".{path.name[:_NAMED]}.{digest}.part")


@contextmanager
def named(path: Path) -> Iterator[None]:
    """A full disk says of no file which it is: with its path, a user knows which disk."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def where(error: OSError) -> str:
    """What it is about: of a copy, the file that is written; empty where it does not say."""
    return str(error.filename2 or error.filename or "")


@contextmanager
def half_removed(part: Path) -> Iterator[None]:
    """What the block writes there goes where it does not end well: on a full disk half a file takes room for nothing."""
    try:
        yield
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str, *, alone: bool = False) -> None:
    """Replace a file, its rights kept; a reader sees the old text or the new, also when the power goes.

    Args:
        alone: the caller holds a lock (host/lock.py): what a killed one has left is replaced, since it has one name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    rights = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o644
    target: int | Path = part_of(path)
    if not alone:
        target, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:_NAMED]}.")
    sibling = part_of(path) if alone else Path(name)
    with half_removed(sibling):
        with named(path), open(target, "w", encoding="utf-8", newline="\n") as out:  # noqa: PTH123 - a descriptor
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        sibling.chmod(rights)
        sibling.replace(path)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling of `path`; it takes that name when the block ends well, else it is removed.

    What a killed process left behind is removed by the next one that builds the same folder, so
    the caller holds a lock (host/lock.py).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{path.name}.part-*"):
        shutil.rmtree(left, ignore_errors=True)
    # A new name each time: a child that outlives its killed parent (git does) still writes into the last.
    sibling = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.part-"))
    sibling.chmod(0o755)
    replaced = path.with_name(f".{path.name}.old")
    shutil.rmtree(replaced, ignore_errors=True)
    try:
        yield sibling
        if path.exists():  # moved aside first: a removal cut off would leave half a folder under the name
            path.replace(replaced)
        sibling.replace(path)
        shutil.rmtree(replaced, ignore_errors=True)
    except BaseException:
        shutil.rmtree(sibling, ignore_errors=True)
        raise


def bytes_below(path: Path) -> int:
    """Of a file, or of all files in a folder; what is removed meanwhile does not count."""
    inside = (Path(folder, name) for folder, _, names in os.walk(path) for name in names)
    total = 0
    for file in inside if path.is_dir() else (path,):
        with suppress(OSError):
            total += file.stat().st_size
    return total


def free_bytes(path: Path) -> int:
    """Free space where `path` lies or will lie."""
    return shutil.disk_usage(nearest(path)).free


def nearest(path: Path) -> Path:
    """The nearest folder on the way to it that is there."""
    return next(folder for folder in (path, *path.parents) if os.path.isdir(folder))  # noqa: PTH112 - never raises


def copy(source: Path, target: Path) -> None:
    """With its times and rights, whole or not at all."""
    part = part_of(target)
    with half_removed(part):
        shutil.copy2(source, part)
        part.replace(target)


def link_or_copy(source: Path, target: Path) -> None:
    """A hard link where the file system allows one (no second copy on disk), else a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = part_of(target)
    part.unlink(missing_ok=True)
    real = os.path.realpath(source)  # a link to a relative symlink would point to nothing in another folder
    try:
        os.link(real, part)
    except OSError:
        copy(Path(real), target)
        return
    part.replace(target)
    part.unlink(missing_ok=True)  # two names of one file are not renamed onto each other, but both kept
