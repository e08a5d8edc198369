"""Words of the command line that will stand in captions."""

from __future__ import annotations

from kohya_wrap.domain.captions import no_trigger
from kohya_wrap.errors import UsageError


def checked(option: str, words: str) -> str:
    """Without the spaces around them. Raises UsageError: they cannot stand in front of a caption."""
    if wrong := no_trigger(words):
        raise UsageError(
            f"{option} {words!r} {wrong.partition(':')[0]}.",
            why="The engine reads one line of a caption, and these words are to stand at its beginning.",
            hint=f'{option} "sks cat"',
        )
    return words.strip()
