"""What is brought, where to in general, and when it is believed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from kohya_wrap.host.again import OnWait, Unreachable, patiently
from kohya_wrap.host.file_hash import sha256


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

    def keep_others(self, items: Sequence[Item], ours: Collection[str]) -> list[str]:
        """See that no file with another hash than `ours` is lost where these are sent to.

        Returns:
            What became of each, in words.
        """

    def send(self, items: Sequence[Item]) -> None:
        """In their order; half a file never has a name of theirs."""


def deliver(
    items: Sequence[Item],
    to: Destination,
    ours: Collection[str],
    pauses: Sequence[float],
    say: OnWait,
) -> list[str]:
    """What is there already is not sent again; what others have put there is kept.

    Args:
        ours: hashes of files that may be replaced there, besides the items themselves.

    Returns:
        What became of others' files of these names, in words.

    Raises:
        MachineError: refused, unreachable to the last attempt, or other bytes arrived.
    """
    kept: list[str] = []
    begun: set[str] = set()  # what stands there under these names since was sent by us, whole or not
    ours = {*ours, *(item.sha256 for item in items)}

    def attempt() -> None:
        missing = to.differing(items)
        if missing:
            for words in to.keep_others([item for item in missing if item.name not in begun], ours):
                kept.append(words)
                say(words)
            begun.update(item.name for item in missing)
            to.send(missing)
            missing = to.differing(items)
        if missing:
            raise Unreachable(
                f"{len(missing)} of {len(items)} files are not at {to.where} as they are here, {missing[0].name} first.",
                why="Their hashes differ or cannot be read there: something changed or cut them on the way.",
                hint=f"Look there, and fetch them from here by hand: {missing[0].source}",
            )

    patiently(attempt, pauses, say)
    return kept


def beside(name: str, digest: str) -> str:
    """What another's file is called from then on: my_lora.0123456789ab.safetensors."""
    path = PurePosixPath(name)
    return str(path.with_name(f"{path.stem}.{digest[:12]}{path.suffix}"))


def kept_beside(name: str, digest: str) -> str:
    return f"{name} was there already, and not from this project: it is kept as {beside(name, digest)}"
