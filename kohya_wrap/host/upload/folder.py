"""Into a folder: a mounted drive, a volume."""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kohya_wrap.errors import MachineError
from kohya_wrap.host import atomic
from kohya_wrap.host.again import Unreachable
from kohya_wrap.host.upload.item import Item, sha256

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
        with self._explained():
            self.path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path) as file:
                file.write(b"written")

    def differing(self, items: Sequence[Item]) -> list[Item]:
        with self._explained():
            return [item for item in items if not self._has(item)]

    def _has(self, item: Item) -> bool:
        target = self.path / item.name
        return target.is_file() and not target.samefile(item.source) and sha256(target) == item.sha256

    def send(self, items: Sequence[Item]) -> None:
        with self._explained():
            for item in items:
                target = self.path / item.name
                target.parent.mkdir(parents=True, exist_ok=True)
                part = atomic.part_of(target)
                shutil.copyfile(item.source, part)
                with part.open("rb") as file:
                    os.fsync(file.fileno())
                part.replace(target)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            kind = MachineError if error.errno in _FINAL else Unreachable
            raise kind(
                f"{self.path} cannot be written to: {error.strerror or error}.",
                why="The rights or the room are lacking, a file is in the way, or its drive is gone.",
                hint=f"df -h {shlex.quote(str(self.path))}; ls -ld {shlex.quote(str(self.path))}",
            ) from None
