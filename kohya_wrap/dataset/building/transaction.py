"""Folders that take each other's place: all of what was made, or nothing of it, whenever the process is killed."""

from __future__ import annotations

import glob
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from kohya_wrap.host import atomic, swap


@dataclass(frozen=True)
class Move:
    """A finished folder and the name it shall have.

    Attributes:
        inode: of the finished folder; what stands under the name with it has been moved.
        final: another name that it gets in the end; the same where it has it.
        seen: `listing` of the folder whose name it takes, from before that was looked at.
        laid: `listing` of the finished folder: what is otherwise there by now is newer than anything in the old one.
        crossed: stems of what left the old folder for that of the other move: what is late of these goes there, too.
    """

    made: str
    name: str
    final: str
    inode: int
    seen: Mapping[str, list[int]] | None = None
    laid: Mapping[str, list[int]] | None = None
    crossed: Sequence[str] = ()


def staged(parent: Path, concept: str) -> Path:
    """A new folder in `parent`, hidden, so that the engine does not take it for a concept."""
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(dir=parent, prefix=_prefix(concept)))
    folder.chmod(0o755)
    return folder


def clear(parents: Iterable[Path], concept: str) -> None:
    """Remove what was staged there, or stood there before, once nothing is pending."""
    for parent in parents:
        for left in parent.glob(glob.escape(_prefix(concept)) + "*"):
            if left.is_symlink():  # a link to a folder stood there
                left.unlink()
            shutil.rmtree(left, ignore_errors=True)


def _prefix(concept: str) -> str:
    return f".{concept}.part-"


def listing(folder: Path) -> dict[str, list[int]]:
    """Of each file and link in it, by which one sees whether it is another by now."""
    found = {}
    for above, inside, names in os.walk(folder):
        links = (name for name in inside if Path(above, name).is_symlink())
        for name in (*names, *links):
            path = Path(above, name)
            with suppress(FileNotFoundError):
                found[str(path.relative_to(folder))] = _state(path)
    return found


def _state(path: Path) -> list[int]:
    told = path.lstat()
    return [told.st_ino, told.st_mtime_ns, told.st_size]


def move(
    made: Path,
    name: Path,
    final: Path,
    seen: Mapping[str, list[int]] | None = None,
    crossed: Iterable[str] = (),
) -> Move:
    return Move(str(made), str(name), str(final), made.stat().st_ino, seen, listing(made), tuple(crossed))


def commit(record: Path, moves: list[Move], data: dict[str, Any]) -> list[Path]:
    """Do all of the moves, and write `data` as the record of it; from here on a kill only delays it until `finish`.

    Whoever calls it, and `finish`, holds the record's lock: what a killed one left of its writing is written over.

    Returns:
        files that came into an old folder, or were changed there, since it was looked at: they stand in the new one.
    """
    said = json.dumps({"moves": [asdict(move) for move in moves], "data": data})
    atomic.write_text(_pending(record), said, alone=True)
    return finish(record)


def finish(record: Path) -> list[Path]:
    """End what a killed process began, if there is anything; the files that `commit` returns."""
    if not is_pending(record):
        return []
    pending = _pending(record)
    found = json.loads(pending.read_text(encoding="utf-8"))
    moves = [Move(**each) for each in found["moves"]]
    late: list[Path] = []
    if all(map(_can_be_done, moves)):
        for each in moves:
            late += _do(each, next((other for other in moves if other is not each), None))
        atomic.write_text(record, json.dumps(found["data"]), alone=True)
    pending.unlink()
    return late


def is_pending(record: Path) -> bool:
    """Whether a commit was begun and not ended; what is staged is needed for that."""
    return _pending(record).exists()


def _pending(record: Path) -> Path:
    """No name of a record: no concept begins with a dot."""
    return record.with_name(f".{record.stem}.pending")


def _can_be_done(move: Move) -> bool:
    """Not in a project that was copied from elsewhere at that moment."""
    return any(_is(Path(path), move.inode) for path in (move.made, move.name, move.final))


def _do(move: Move, other: Move | None) -> list[Path]:
    made, name, final = Path(move.made), Path(move.name), Path(move.final)
    here = final if _is(final, move.inode) else name
    if not _is(here, move.inode):
        _replace(made, name)
    late = list(_brought(move, here, other))
    if here != final:
        here.rename(final)
    return late


def _brought(move: Move, here: Path, other: Move | None) -> Iterator[Path]:
    """What is in the old folder, and was not seen there as it is, is moved here: nobody else has it."""
    there = _place(other) if other else None
    for old in _old(move) if move.seen is not None else ():
        for name, found in listing(old).items():
            if move.seen is not None and move.seen.get(name) != found:
                to, where = move, here
                if other and there and "/" not in name and Path(name).stem in move.crossed:
                    to, where = other, there  # else what is held out would be trained on as it is now
                target = _room(to, where, old, Path(name))
                target.parent.mkdir(parents=True, exist_ok=True)
                with suppress(FileNotFoundError):  # gone again
                    (old / name).replace(target)
                    yield Path(to.final) / target.relative_to(where)


def _place(move: Move) -> Path | None:
    """Where the finished folder is now."""
    places = (Path(path) for path in (move.final, move.name, move.made))
    return next((path for path in places if _is(path, move.inode)), None)


def _room(move: Move, here: Path, old: Path, name: Path) -> Path:
    """Its own name; else a free one, where a folder and a file, or two files of a person's, have the same."""
    above = here
    for part in name.parts[:-1]:
        above = next(
            path for path in _names(above / part) if not os.path.lexists(path) or _is_real_folder(path)
        )
    return next(path for path in _names(above / name.name) if _may_become(path, old / name, move, here))


def _may_become(path: Path, late: Path, move: Move, here: Path) -> bool:
    if not os.path.lexists(path):
        return True
    if _is_real_folder(path):
        return False
    laid = move.laid.get(str(path.relative_to(here))) if move.laid is not None else _state(path)
    return _state(path) == laid or path.lstat().st_ino == late.lstat().st_ino


def _is_real_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _names(path: Path) -> Iterator[Path]:
    yield path
    yield from (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(2))


def _old(move: Move) -> Iterator[Path]:
    """Where `_replace` has put it."""
    made, name = Path(move.made), Path(move.name)
    for left in made.parent.glob(glob.escape(made.name) + "*"):
        if left != made:
            yield left / name.name
        elif not _is(made, move.inode):
            yield made


def _is(path: Path, inode: int) -> bool:
    return path.exists() and path.stat().st_ino == inode


def _replace(made: Path, name: Path) -> None:
    """The old folder, if any, is under `made` then."""
    if not name.exists():
        made.rename(name)
    elif not swap.exchange(made, name):
        aside = Path(mkdtemp(dir=name.parent, prefix=made.name))  # so that `clear` finds it
        name.rename(aside / name.name)  # for a moment there is none; `finish` goes on from here
        made.rename(name)
