"""Misspellings of the trigger, by edit distance."""

from __future__ import annotations

import re
from collections.abc import Iterator

_WORD = re.compile(r"[^\s,.;:!?、。]+")


def near_miss(caption: str, trigger: str) -> str | None:
    """What stands in the caption and is nearly the trigger, as it is written; None where nothing comes near.

    "sksperso" for "sksperson", "sks person" for "sksperson". Of three letters or fewer all words come near.
    """
    allowed = _allowed(trigger)
    near = (
        (edits(window.lower(), trigger.lower()), window) for window in _windows(caption, trigger) if allowed
    )
    return min((found for found in near if 0 < found[0] <= allowed), default=(0, None))[1]


def _allowed(trigger: str) -> int:
    return 0 if len(trigger) < 4 else 1 if len(trigger) < 8 else 2


def _windows(caption: str, trigger: str) -> Iterator[str]:
    """As many words as the trigger has, and one more or less, since a space may be too many or missing."""
    words = [(found.start(), found.end()) for found in _WORD.finditer(caption)]
    count = len(trigger.split())
    for length in range(max(1, count - 1), count + 2):
        for first in range(len(words) - length + 1):
            window = caption[words[first][0] : words[first + length - 1][1]]
            if abs(len(window) - len(trigger)) <= _allowed(trigger):
                yield window


def edits(one: str, other: str) -> int:
    """Letters to add, remove or change, or neighbours to swap (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one, 1):
        above, before, row = before, row, [place]
        for column, wanted in enumerate(other, 1):
            row.append(min(before[column] + 1, row[-1] + 1, before[column - 1] + (letter != wanted)))
            swapped = place > 1 < column and letter == other[column - 2] and one[place - 2] == wanted
            if swapped:
                row[-1] = min(row[-1], above[column - 2] + 1)
    return row[-1]
