"""Ctrl-C at a command that only looks on: the run is not what ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kohya_wrap.domain.finding import typed
from kohya_wrap.errors import Interrupted


@contextmanager
def looking_on(where: Path) -> Iterator[None]:
    """At the runs of `where`. Raises Interrupted: Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(
            "You look on no longer; the run goes on.",
            why="Ctrl-C ends this command alone.",
            hint=f"kohya-wrap stop {typed(where)}   to end the run itself",
        ) from None
