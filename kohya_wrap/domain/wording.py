"""Numbers in sentences: one image is, two images are."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def share(number: int, of: int, noun: str, verb: tuple[str, str]) -> str:
    """`1 of 2 images has`, `2 of 2 images have`; `verb` is of one, and of several."""
    return f"{number} of {counted(of, noun)} {verb[number != 1]}"
