"""Into a folder: a mounted drive, a volume."""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kohya_wrap.errors import MachineError
from kohya_wrap.host import atomic
from kohya_wrap.host.again import Unreachable
from kohya_wrap.host.file_hash import sha256
from kohya_wrap.host.upload.item import Item, beside, kept_beside

_FINAL = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.EISDIR,
)


@dataclass(frozen=True)
class Folder:
    path: Path

    @property
    def where(self) -> str:
        return str(self.path)

    def require(self) -> None:
        with _explained(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path) as file:
                file.write(b"written")

    def differing(self, items: Sequence[Item]) -> list[Item]:
        with _explained(self.path):
            return [item for item in items if not self._has(item)]

    def _has(self, item: Item) -> bool:
        target = self.path / item.name
        return target.is_file() and not target.samefile(item.source) and sha256(target) == item.sha256

    def keep_others(self, items: Sequence[Item], ours: Collection[str]) -> list[str]:
        kept = []
        for item in items:
            target = self.path / item.name
            with _explained(target):
                if target.is_file() and (digest := sha256(target)) not in ours:
                    target.replace(self.path / beside(item.name, digest))
                    kept.append(kept_beside(item.name, digest))
        return kept

    def send(self, items: Sequence[Item]) -> None:
        for item in items:
            target = self.path / item.name
            if target.is_dir():
                raise _is_a_folder(target, item)
            with _explained(target):
                target.parent.mkdir(parents=True, exist_ok=True)
                part = atomic.part_of(target)
                try:
                    shutil.copyfile(item.source, part)
                    with part.open("rb") as file:
                        os.fsync(file.fileno())
                    part.replace(target)
                finally:
                    part.unlink(missing_ok=True)


def _is_a_folder(target: Path, item: Item) -> MachineError:
    there = shlex.quote(str(target))
    return MachineError(
        f"{target} is a folder, where a file must be.",
        why="Somebody made it under that very name.",
        hint=f"mv {there} {shlex.quote(f'{target}.old')} && cp {shlex.quote(str(item.source))} {there}",
    )


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        kind = MachineError if error.errno in _FINAL else Unreachable
        folder = shlex.quote(str(path if path.is_dir() else path.parent))
        raise kind(
            f"{path} cannot be written to: {error.strerror or error}.",
            why="The rights or the room are lacking, a file is in the way, or its drive is gone.",
            hint=f"df -h {folder}; ls -ld {folder}",
        ) from None
