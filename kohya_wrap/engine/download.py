"""One file of the weights: downloaded from the first source that gives it, verified, then put in place."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kohya_wrap.engine import store
from kohya_wrap.errors import EngineError
from kohya_wrap.host import hub, lock


@dataclass(frozen=True)
class Wanted:
    """One file that shall lie at `target`; `sources` are asked one after the other."""

    target: Path
    sha256: str
    size: int
    sources: tuple[Callable[[], hub.Remote], ...]

    @property
    def missing_bytes(self) -> int:
        return max(0, self.size - hub.bytes_here(self.target, self.sha256))


def fetch(wanted: Wanted, say: Callable[[str], None], progress: hub.Progress) -> None:
    """Download and verify; nothing where another process has done it meanwhile.

    Raises:
        EngineError: no source gives it, cut off, or a wrong hash; then the file is kept aside.
    """
    with lock.hold(wanted.target, say):
        if store.holds(wanted.target, wanted.sha256):  # by another process meanwhile
            return
        remote = _first_that_gives(wanted)
        say(f"{wanted.target.name}: {amount(wanted.missing_bytes)} from {remote.where}")
        part = hub.fetch(remote, wanted.target, progress)
        if not store.admit(part, wanted.target, wanted.sha256):
            raise EngineError(
                f"{wanted.target.name} has a wrong hash and is kept aside: {store.aside(wanted.target)}",
                why="It was damaged on the way, or the server gives another file under this name.",
                hint="Repeat the command: it is downloaded anew.",
            )


def _first_that_gives(wanted: Wanted) -> hub.Remote:
    """The first source that has this very content; a pickier question than asking for the name."""
    refusals: list[EngineError] = []
    for source in wanted.sources:
        try:
            remote = source()
        except hub.NotGiven as error:
            refusals.append(error)
            continue
        if remote.sha256 in ("", wanted.sha256):
            return dataclasses.replace(remote, sha256=wanted.sha256, size=remote.size or wanted.size)
        refusals.append(
            EngineError(
                f"{remote.where} is another file now than the one known here: nothing was downloaded.",
                why="Its owner has replaced it since its hash was noted in presets/.",
                hint="Update kohya-wrap, or name the new file yourself: hf:owner/repo/file.safetensors.",
            )
        )
    raise refusals[0]


def amount(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
