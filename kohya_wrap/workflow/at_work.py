"""Which `run` commands are at work on this machine: another's end of it would cost one its results."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from kohya_wrap.host import atomic, child
from kohya_wrap.places import Places


@contextmanager
def announced(places: Places) -> Iterator[None]:
    """This process is one meanwhile, from its set-up to what follows the last training."""
    mine = places.at_work / f"{os.getpid()}"
    with suppress(OSError):  # a full disk ends no training for this
        atomic.write_text(mine, f"{child.began(os.getpid())}")
    try:
        yield
    finally:
        withdraw(places)


def withdraw(places: Places) -> None:
    """It has nothing to lose any more: of two that wait to end the instance, one must."""
    with suppress(OSError):
        (places.at_work / f"{os.getpid()}").unlink()


def others(places: Places) -> list[int]:
    """Their process ids, but for those that wait for this one: a step of theirs has started it."""
    mine = {os.getpid(), *(process.pid for process in psutil.Process().parents())}
    found = []
    for path in places.at_work.glob("[0-9]*"):
        with suppress(OSError, ValueError):
            pid = int(path.name)
            if not child.lives(pid, float(path.read_text(encoding="utf-8"))):
                path.unlink()
            elif pid not in mine:
                found.append(pid)
    return sorted(found)
