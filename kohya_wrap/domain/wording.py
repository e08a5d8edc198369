"""Numbers in sentences: one image is, two images are."""

from __future__ import annotations

from collections.abc import Sequence


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def share(number: int, of: int, noun: str, verb: tuple[str, str]) -> str:
    """`1 of 2 images has`, `2 of 2 images have`; `verb` is of one, and of several."""
    return f"{number} of {counted(of, noun)} {verb[number != 1]}"


def named(names: Sequence[str], most: int = 3) -> str:
    """The first of them, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if names[most:] else "")
