"""Converted pictures and the engine's caches, kept between runs under what they were made from."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Set
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from kohya_wrap.domain.view import Entry
from kohya_wrap.host import atomic, npz

# What is in use always stays, so this bounds only what edits, other options and other bases have left behind.
BOUND = 5 << 30  # bytes


class Kind(Enum):
    """A folder of the store, and the ending of what lies in it."""

    PICTURES = ("pictures", ".png")
    LATENTS = ("latents", ".npz")
    TEXTS = ("texts", ".npz")


@dataclass(frozen=True)
class Store:
    """Files whose names say all that their content depends on: they are never stale, only unused.

    Whoever uses it holds the lock beside `root` (host/lock.py).
    """

    root: Path

    def path(self, kind: Kind, key: str) -> Path:
        folder, ending = kind.value
        return self.root / folder / (key + ending)

    def picture(self, key: str, write: Callable[[Path], None]) -> Path:
        """The picture, written now where it is not there."""
        path = self.path(Kind.PICTURES, key)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f".{path.name}.part")
            write(part)
            part.replace(path)
        return path

    def give(self, kind: Kind, key: str, target: Path) -> bool:
        """A second name for a cache, where there is one and it is whole.

        A hard link or a copy: what is removed here later stays with who uses it.
        """
        path = self.path(kind, key)
        if not path.exists():
            return False
        if not npz.is_whole(path):  # the power went before it was on the disk
            path.unlink(missing_ok=True)  # two images alike ask for the same
            return False
        atomic.link_or_copy(path, target)
        return True

    def take(self, kind: Kind, key: str, made: Path) -> None:
        """Keep a cache that the engine has written, unless a run of the same kind kept its own meanwhile."""
        path = self.path(kind, key)
        if not path.exists() and npz.is_whole(made) and npz.is_finite(made):
            path.parent.mkdir(parents=True, exist_ok=True)
            made.replace(path)

    def prune(self, used: Set[Path], bound: int = BOUND) -> None:
        """Mark these as used now, and remove what was not used for longest until the rest has no more than `bound` bytes."""
        for path in used:
            with suppress(FileNotFoundError):
                os.utime(path)
        there = [(path, path.stat()) for path in self.root.glob("*/*")]
        size = sum(stat.st_size for _, stat in there)
        for path, stat in sorted(there, key=lambda item: item[1].st_mtime_ns):
            if size > bound and path not in used:
                path.unlink()
                size -= stat.st_size


# Change it when image_pixels.as_seen changes what it makes of the same file.
_CONVERSION = 1


def picture_key(entry: Entry) -> str:
    """Of the picture as the engine is given it."""
    if not entry.converted:
        return entry.image.facts.digest
    return key_of(entry.image.facts.digest, _CONVERSION, entry.keeps_alpha)


def key_of(*parts: object) -> str:
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()
