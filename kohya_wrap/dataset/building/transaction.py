"""Folders that take each other's place: all of what was made, or nothing of it, whenever the process is killed."""

from __future__ import annotations

import glob
import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
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
    """

    made: str
    name: str
    final: str
    inode: int


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
            shutil.rmtree(left, ignore_errors=True)


def _prefix(concept: str) -> str:
    return f".{concept}.part-"


def move(made: Path, name: Path, final: Path) -> Move:
    return Move(str(made), str(name), str(final), made.stat().st_ino)


def commit(record: Path, moves: list[Move], data: dict[str, Any]) -> None:
    """Do all of the moves, and write `data` as the record of it; from here on a kill only delays it until `finish`.

    Whoever calls it, and `finish`, holds the record's lock: what a killed one left of its writing is written over.
    """
    said = json.dumps({"moves": [asdict(move) for move in moves], "data": data})
    atomic.write_text(_pending(record), said, alone=True)
    finish(record)


def finish(record: Path) -> bool:
    """End what a killed process began; whether there was anything."""
    if not is_pending(record):
        return False
    pending = _pending(record)
    found = json.loads(pending.read_text(encoding="utf-8"))
    moves = [Move(**each) for each in found["moves"]]
    possible = all(map(_can_be_done, moves))
    if possible:
        for each in moves:
            _do(each)
        atomic.write_text(record, json.dumps(found["data"]), alone=True)
    pending.unlink()
    return possible


def is_pending(record: Path) -> bool:
    """Whether a commit was begun and not ended; what is staged is needed for that."""
    return _pending(record).exists()


def _pending(record: Path) -> Path:
    """No name of a record: no concept begins with a dot."""
    return record.with_name(f".{record.stem}.pending")


def _can_be_done(move: Move) -> bool:
    """Not in a project that was copied from elsewhere at that moment."""
    return any(_is(Path(path), move.inode) for path in (move.made, move.name, move.final))


def _do(move: Move) -> None:
    made, name, final = Path(move.made), Path(move.name), Path(move.final)
    if _is(final, move.inode):
        return
    if not _is(name, move.inode):
        _replace(made, name)
    if final != name:
        name.rename(final)


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
