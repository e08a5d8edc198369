"""Numbers in sentences: one image is, two images are; a minute and a half is 1:30."""

from __future__ import annotations

from collections.abc import Sequence


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def share(number: int, of: int, noun: str, verb: tuple[str, str]) -> str:
    """`1 of 2 images has`, `2 of 2 images have`; `verb` is of one, and of several."""
    return f"{number} of {counted(of, noun)} {verb[number != 1]}"


def clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def named(names: Sequence[str], most: int = 3) -> str:
    """The first of them, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if names[most:] else "")
