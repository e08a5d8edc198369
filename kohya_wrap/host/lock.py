"""One process at a time on a shared folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class Busy(Exception):
    """Another process holds the lock."""


@contextmanager
def hold(path: Path, say: Callable[[str], None] | None = None, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock `.<name>.lock` beside `path`, waiting for it or not; `say` is told once that it waits.

    It dies with the process, so a kill leaves none behind; but commands started meanwhile (host/tool.py) inherit it:
    one that outlives a killed parent still works on the folder, and so still keeps it.

    Raises:
        Busy: it is held, and `wait` is False.
    """
    from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(str(path.with_name(f".{path.name}.lock")))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if not wait:
            raise Busy(str(path)) from None
        if say is not None:
            say(f"another kohya-wrap is working on {path.name}: waiting for it")
        lock.acquire()
    try:
        descriptor = lock._context.lock_file_fd
        if descriptor is not None and wait:
            os.set_inheritable(descriptor, True)
        yield
    finally:
        lock.release()
