"""Ctrl-C at a command that only looks on: the run is not what ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kohya_wrap.errors import Interrupted


@contextmanager
def looking_on() -> Iterator[None]:
    """Raises Interrupted: Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(
            "You look on no longer; the run goes on.",
            why="Ctrl-C ends this command alone.",
            hint="kohya-wrap stop   to end the run itself",
        ) from None
