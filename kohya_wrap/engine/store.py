"""Downloaded weights on disk, once per user: what is whole, what was wrong, the projects' links."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from kohya_wrap.host import atomic, file_hash


def holds(path: Path, sha256: str) -> bool:
    """Whether `path` is there with this content; where none is known, whether it was verified when it came.

    A file is hashed once, and again only when its size or time has changed.
    """
    if not path.is_file():
        return False
    recorded = _recorded(path)
    if not sha256:
        return bool(recorded)
    return (recorded or _digest(path)) == sha256


def _digest(path: Path) -> str:
    """The file's sha256, recorded beside it."""
    sha256 = file_hash.sha256(path)
    _record(path, sha256)
    return sha256


def _record(path: Path, sha256: str) -> None:
    with contextlib.suppress(OSError):  # in a read-only folder it is hashed each time
        atomic.write_text(_record_of(path), json.dumps({"sha256": sha256, **_state(path)}) + "\n")


def identity(path: Path) -> str:
    """What tells this file, or diffusers folder, from any other: its sha256 where one is recorded, else place, size and time."""
    if recorded := _recorded(path):
        return recorded
    files = sorted(inner for inner in path.rglob("*") if inner.is_file()) if path.is_dir() else [path]
    return repr([(str(file), _state(file)) for file in files])


def admit(part: Path, target: Path, sha256: str) -> bool:
    """Give a finished download its name if its content is right; else keep it aside, named `.wrong-hash`."""
    hashed = file_hash.sha256(part)
    if sha256 and hashed != sha256:
        part.replace(aside(target))
        return False
    part.replace(target)
    _record(target, hashed)
    return True


def aside(target: Path) -> Path:
    return target.with_name(f"{target.name}.wrong-hash")


def known_in(folder: Path) -> Path | None:
    """The verified file of a folder that holds one."""
    found = (r.with_name(r.name.removesuffix(".verified.json")) for r in folder.glob("*.verified.json"))
    return next((path for path in found if holds(path, "")), None)


def link(stored: Path, models: Path) -> None:
    """Show a stored file in the project's folder; another file of that name is the user's and stays."""
    shown = models / stored.name
    if shown.is_symlink():
        if shown.resolve() == stored.resolve():
            return
        shown.unlink()
    elif shown.exists():
        return
    models.mkdir(parents=True, exist_ok=True)
    try:
        shown.symlink_to(stored)
    except OSError:
        with contextlib.suppress(OSError):  # another drive: the path alone serves
            os.link(stored, shown)


def _recorded(path: Path) -> str:
    try:
        known = json.loads(_record_of(path).read_text(encoding="utf-8"))
        return str(known.pop("sha256")) if known | _state(path) == known and "sha256" in known else ""
    except (OSError, ValueError, AttributeError, TypeError):
        return ""


def _state(path: Path) -> dict[str, int]:
    stat = path.stat()
    return {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def _record_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.verified.json")
