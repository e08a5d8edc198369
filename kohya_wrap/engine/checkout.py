"""The engine's source at the pin: found, or fetched."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kohya_wrap import resources
from kohya_wrap.engine.pin import Pin
from kohya_wrap.errors import EngineError
from kohya_wrap.host import atomic, git, lock
from kohya_wrap.places import Places

_ENTRY = "train_network.py"


@dataclass(frozen=True)
class Checkout:
    """The engine's source: absolute, links resolved, since some of its scripts break on relative paths."""

    source: Path
    commit: str


def find(pin: Pin, places: Places, *, engine_dir: Path | None = None) -> Checkout | None:
    """The checkout to use, nothing fetched: `engine_dir`, else the submodule at the pin, else our own.

    Raises:
        EngineError: `engine_dir` is not the engine at the pin.
    """
    if engine_dir is not None:
        return _given(pin, engine_dir)
    vendored = resources.vendored_engine()
    if (vendored / _ENTRY).is_file() and git.head(vendored) == pin.commit:
        return Checkout(vendored.resolve(), pin.commit)
    own = _own(pin, places)
    return Checkout(own.resolve(), pin.commit) if (own / _ENTRY).is_file() else None


def ensure(
    pin: Pin, places: Places, say: Callable[[str], None], *, engine_dir: Path | None = None
) -> Checkout:
    """The checkout at the pin, fetched (about 4 MB) where it is not here yet; whole or not at all.

    Raises:
        EngineError: no git, no reach within 10 s, or `engine_dir` is not the engine at the pin.
    """
    found = find(pin, places, engine_dir=engine_dir)
    if found is not None:
        return found
    own = _own(pin, places)
    with lock.hold(own, say):
        if not (own / _ENTRY).is_file():
            say(f"cloning sd-scripts at {pin.short}")
            with atomic.new_folder(own) as folder:
                git.fetch_commit(pin.url, pin.commit, folder, leave_out=pin.leave_out)
    return Checkout(own.resolve(), pin.commit)


def _own(pin: Pin, places: Places) -> Path:
    return places.engine(pin.commit) / "source"


def _given(pin: Pin, folder: Path) -> Checkout:
    if not (folder / _ENTRY).is_file():
        raise EngineError(
            f"{folder} is not a checkout of sd-scripts.",
            why=f"There is no {_ENTRY} in it." if folder.is_dir() else "There is no such folder.",
            hint="Give the folder that holds train_network.py, or leave --engine-dir out to have it fetched.",
        )
    commit = git.head(folder)
    if commit != pin.commit:
        at = f"at commit {commit[:8]}" if commit else "not a git checkout, so its version cannot be told"
        raise EngineError(
            f"{folder} is not sd-scripts at {pin.short} ({pin.described}).",
            why=f"It is {at}; options and file formats differ between versions.",
            hint=f"git -C {shlex.quote(str(folder))} checkout {pin.commit}   (or leave --engine-dir out to have it fetched)",
        )
    return Checkout(folder.resolve(), commit)
