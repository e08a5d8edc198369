"""Conditions with three outcomes: they hold, they do not, it is not known."""

from __future__ import annotations

import operator
from collections.abc import Callable
from fnmatch import fnmatchcase

_NUMBERS: dict[str, Callable[[float, float], bool]] = {
    "-eq": operator.eq, "-ne": operator.ne, "-gt": operator.gt, "-ge": operator.ge, "-lt": operator.lt, "-le": operator.le,
}  # fmt: skip
_TEXTS: dict[str, Callable[[str, str], bool]] = {
    "==": fnmatchcase,
    "=": fnmatchcase,
    "!=": lambda left, right: not fnmatchcase(left, right),
    "-eq": operator.eq,
    "-ne": operator.ne,
    "-like": fnmatchcase,
    "-notlike": lambda left, right: not fnmatchcase(left, right),
}


def both(one: bool | None, other: bool | None) -> bool | None:
    return False if False in (one, other) else None if None in (one, other) else True


def either(one: bool | None, other: bool | None) -> bool | None:
    return True if True in (one, other) else None if None in (one, other) else False


def compare(left: str, sign: str, right: str) -> bool | None:
    """None: no sign that we know, or no numbers where it needs them."""
    try:
        return _NUMBERS[sign](float(left), float(right))
    except (KeyError, ValueError):
        return _TEXTS[sign](left, right) if sign in _TEXTS else None
