"""What is brought, where to in general, and when it is believed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kohya_wrap.host.again import OnWait, Unreachable, patiently

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Item:
    """One file.

    Attributes:
        name: below the destination, with slashes.
        sha256: when it was read for this.
    """

    source: Path
    name: str
    size: int
    sha256: str

    @classmethod
    def of(cls, source: Path, name: str) -> Item:
        return cls(source, name, source.stat().st_size, sha256(source))


class Destination(Protocol):
    """All of it raises Unreachable where another attempt may work, else a MachineError."""

    @property
    def where(self) -> str: ...

    def require(self) -> None:
        """Before anything costs money: it can be reached and written to."""

    def differing(self, items: Sequence[Item]) -> list[Item]:
        """Those that are not there with that hash, as the destination itself has it."""

    def send(self, items: Sequence[Item]) -> None: ...


def deliver(items: Sequence[Item], to: Destination, pauses: Sequence[float], on_wait: OnWait) -> None:
    """What is there already is not sent again.

    Raises:
        MachineError: refused, unreachable to the last attempt, or other bytes arrived.
    """

    def attempt() -> None:
        missing = to.differing(items)
        if missing:
            to.send(missing)
            missing = to.differing(items)
        if missing:
            raise Unreachable(
                f"{len(missing)} of {len(items)} files are not at {to.where} as they are here, {missing[0].name} first.",
                why="Their hashes differ or cannot be read there: something changed or cut them on the way.",
                hint=f"Look there, and fetch them from here by hand: {missing[0].source}",
            )

    patiently(attempt, pauses, on_wait)


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
