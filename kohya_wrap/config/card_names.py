"""What people mean by the name of a card, or by its memory."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_MEMORY = re.compile(r"\b(\d{1,4})\s*gi?b\b", re.IGNORECASE)
_OTHER_CARD = ("ti", "super", "ada")  # behind the number: another card of that number


def memory_named(name: str) -> int | None:
    """The GB of a class of memory: "24 GB", "16gb", "8 GB card"; None where it names a card."""
    return memory_in(name) if re.fullmatch(r"\s*\d+\s*gi?b(\s+card)?\s*", name, re.IGNORECASE) else None


def memory_in(name: str) -> int | None:
    """The GB in a card's name: "RTX 3080 10GB"."""
    found = _MEMORY.search(name)
    return int(found[1]) if found else None


def is_meant(wanted: str, card: str, nvml: Iterable[str], memory_gb: int) -> bool:
    """Whether these words mean this card: its own name, of which only what tells it apart must stand, or the driver's.

    The number is one word, so that neither "100" is a V100 nor "RTX 40" a 4080; an RTX 4070 is no 4070 Ti.
    """
    if memory := memory_named(wanted):
        return memory == memory_gb
    left = _squeezed(wanted)
    if any(alike(wanted, name) for name in (card, *nvml)):
        return True
    words = card.lower().split()
    telling = next((word for word in words if any(map(str.isdecimal, word))), card)
    for word in (f"{memory_gb}gb", *words):
        if word != telling and word not in _OTHER_CARD:
            left = left.replace(word, "", 1)
    return left == telling + "".join(word for word in words if word in _OTHER_CARD)


def alike(one: str, other: str) -> bool:
    """The same but for spaces, dashes, capitals and the maker: "RTX 3090" and "NVIDIA GeForce RTX 3090"."""
    return _squeezed(one) == _squeezed(other)


def nearest(wanted: str, known: Iterable[str]) -> list[str]:
    """Names that look like this one."""
    names = {_squeezed(name): name for name in known}
    return [names[near] for near in difflib.get_close_matches(_squeezed(_MEMORY.sub("", wanted)), names, n=3)]


def _squeezed(name: str) -> str:
    letters = "".join(c for c in name.lower() if c.isalnum())
    return re.sub("nvidia|geforce|tesla", "", letters)
