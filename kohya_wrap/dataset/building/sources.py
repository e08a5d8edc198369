"""What lies in the folders, files and zips that pictures are taken from; nothing there is ever written."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath

from kohya_wrap.dataset import folders
from kohya_wrap.errors import DatasetError
from kohya_wrap.host import image_file, whole_file, zip_file
from kohya_wrap.places import Project

_NOT_MEANT = "__MACOSX"  # what macOS adds to a zip


@dataclass(frozen=True)
class Item:
    """One file of a source.

    Attributes:
        inner: its path in the source.
        origin: where it is, absolute; in a zip, as if the zip were a folder.
        stamp: changes when the file does.
        path: None in a zip.
    """

    inner: PurePosixPath
    origin: str
    stamp: tuple[int, int]
    read: Callable[[], bytes]
    path: Path | None


@dataclass(frozen=True)
class Source:
    """A folder, some files of one, or a zip.

    Attributes:
        given: as it was named on the command line.
        root: absolute; a picture built from below it that it does not hold any more has left. None of files by name, which
            speak for themselves alone.
        files: by their path in it.
        pictures: of the files, in order.
        passed_over: folders in it that a project keeps for itself.
    """

    given: Path
    root: str | None
    files: dict[PurePosixPath, Item]
    pictures: tuple[Item, ...]
    passed_over: tuple[Path, ...] = ()


def gather(given: Sequence[Path], apart: Collection[Path]) -> tuple[Source, ...]:
    """List each of them.

    Args:
        apart: folders not to be walked into: what the project itself keeps. What another keeps is none either.

    Raises:
        DatasetError: one is not there, not to be read, or neither folder, picture nor zip.
    """
    loose: dict[Path, list[Path]] = {}
    sources = []
    for path in given:
        if path.is_dir():
            sources.append(_folder(path, {folder.resolve() for folder in apart}))
        elif path.is_file() and zip_file.is_zip(path):
            sources.append(_zip(path))
        elif path.is_file():
            loose.setdefault(path.parent, []).append(path)
        else:
            raise _not_there(path)
    return (*sources, *(_loose(parent, files) for parent, files in loose.items()))


def lies_in(given: Path, folder: Path) -> bool:
    return Path(os.path.realpath(given)).is_relative_to(os.path.realpath(folder))  # also of a loop of links


def numbered_folders(sources: Sequence[Source]) -> list[str]:
    """Folders that look like concepts of their own."""
    outer = (item.inner.parts[0] for source in sources for item in source.pictures if item.inner.parts[1:])
    return sorted({name for name in outer if folders.repeats_and_tokens(name)})


def _folder(given: Path, apart: Collection[Path]) -> Source:
    root = given.absolute()
    files = {}
    passed_over: list[Path] = []
    for path in _walk(root, apart, set(), passed_over):
        inner = PurePosixPath(path.relative_to(root).as_posix())
        files[inner] = _on_disk(path, inner)
    return replace(_source(given, str(root), files), passed_over=tuple(passed_over))


def _walk(
    folder: Path, apart: Collection[Path], seen: set[tuple[int, int]], passed_over: list[Path]
) -> Iterator[Path]:
    """All but folders, in order; links to folders followed, each folder once: a loop ends."""
    try:
        here = folder.stat()
        inside = sorted(folder.iterdir())
    except OSError as error:
        raise _unreadable(folder, error) from error
    if (here.st_dev, here.st_ino) in seen:
        return
    seen.add((here.st_dev, here.st_ino))
    here_apart = Project(folder).apart if Project(folder).is_ours else ()
    for path in inside:
        if path.name.startswith(".") or path.name == _NOT_MEANT:
            continue
        if path.is_dir():
            if path in here_apart or path.resolve() in apart:
                passed_over.append(path)
            else:
                yield from _walk(path, apart, seen, passed_over)
        else:  # a link to nothing, a pipe or a device among them: said when it is read
            yield path


def _loose(parent: Path, named: Sequence[Path]) -> Source:
    """The files that were named, with the captions that lie beside them."""
    root = parent.absolute()
    names = {path.name for path in named}
    files = {}
    for path in _walk(root, {inner.resolve() for inner in root.iterdir() if inner.is_dir()}, set(), []):
        if path.name in names or not image_file.looks_like_image(path):
            inner = PurePosixPath(path.name)
            files[inner] = _on_disk(path, inner)
    if not any(image_file.looks_like_image(path) for path in named):
        raise DatasetError(
            f"{named[0]} is neither a folder, a picture nor a zip.",
            why="Pictures are known by their endings: png, jpg, webp, bmp, gif, tiff, avif.",
            hint="kohya-wrap dataset build FOLDER --concept NAME",
        )
    return _source(named[0], None, files)


def _zip(given: Path) -> Source:
    root = given.absolute()
    files = {}
    try:
        for member in zip_file.members(given):
            inner = PurePosixPath(member.name)
            if not any(part.startswith(".") or part == _NOT_MEANT for part in inner.parts):
                files[inner] = Item(inner, f"{root}/{inner}", member.stamp, member.read, None)
    except zip_file.BadZip as error:
        raise bad_zip(given, error) from error
    return _source(given, str(root), dict(sorted(files.items())))


def bad_zip(given: Path | str, error: zip_file.BadZip) -> DatasetError:
    return DatasetError(
        f"{given} is not used: {error}.",
        why="The zip is damaged, or was not made of pictures alone.",
        hint="Unpack it yourself, look at what it holds, and name that folder instead.",
    )


def _source(given: Path, root: str | None, files: dict[PurePosixPath, Item]) -> Source:
    pictures = tuple(item for inner, item in files.items() if image_file.looks_like_image(Path(inner)))
    return Source(given, root, files, pictures)


def _on_disk(path: Path, inner: PurePosixPath) -> Item:
    try:
        found = path.stat()
        stamp = (found.st_size, found.st_mtime_ns)
    except OSError:  # a link to nothing, or to itself: said when it is read
        stamp = (0, 0)
    return Item(inner, str(path), stamp, partial(whole_file.read, path), path)


def _unreadable(folder: Path, error: OSError) -> DatasetError:
    return DatasetError(
        f"{folder} cannot be read: {error.strerror}.",
        why="The folder is not yours to read, or its disk fails.",
        hint=f"ls -ld {folder}   and give yourself the right to read it.",
    )


def _not_there(path: Path) -> DatasetError:
    wrong = "is a link to nothing" if path.is_symlink() else "is not there"
    wrong = "is no file but a pipe, a socket or a device" if path.exists() else wrong
    return DatasetError(
        f"{path} {wrong}.",
        why="Each SRC is a folder with pictures, a picture, or a zip of pictures.",
        hint="kohya-wrap dataset build FOLDER --concept NAME",
    )
