"""What people mean by the name of a card, or by its memory."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping

_MEMORY = re.compile(r"\b(\d{1,4})\s*gi?b\b", re.IGNORECASE)
_SHOWN = 0.93
_OTHER_CARD = ("ti", "super", "ada")  # behind the number: another card of that number

# GB of cards without a preset, as the tables of their PCI ids in public tools have it.
_WITHOUT_PRESET = {
    "rtx2080ti": 11, "rtx3060ti": 8, "rtx3070": 8, "rtx3080": 10, "rtx3080ti": 12, "rtx4070ti": 12, "rtxpro6000": 96,
}  # fmt: skip
_GEFORCE = re.compile(r"[rg]tx\d{4}")


def memory_guessed(wanted: str, near: Mapping[str, int]) -> int:
    """The GB that a card without a preset has, or at the least: never more than it is known for.

    Args:
        near: the names that look like it, with their memory.
    """
    if memory := memory_in(wanted) or _WITHOUT_PRESET.get(_squeezed(wanted)):
        return memory
    namesakes = [memory for name, memory in near.items() if _telling(name) == _telling(wanted)]
    if not namesakes and _GEFORCE.match(_squeezed(wanted)):  # another number: from 6 GB up
        return 0
    return min(namesakes or near.values(), default=0)


def memory_named(name: str) -> int | None:
    """The GB of memory that stand for a card: "24 GB", "16gb", "8 GB card"; None where it names a card.

    MiB are the driver's, "24564MiB", which shows up to 7 % less than a card is sold with: what it is sold with, or a little more.
    """
    found = re.fullmatch(r"\s*(\d+)\s*([gm])i?b(\s+card)?\s*", name, re.IGNORECASE)
    if found is None:
        return None
    return int(found[1]) if found[2] in "gG" else int(int(found[1]) / 1024 / _SHOWN)


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
    telling = _telling(card)
    for word in (f"{memory_gb}gb", *words):
        if word != telling and word not in _OTHER_CARD:
            left = left.replace(word, "", 1)
    return left == telling + "".join(word for word in words if word in _OTHER_CARD)


def alike(one: str, other: str) -> bool:
    """The same but for spaces, dashes, capitals and the maker: "RTX 3090" and "NVIDIA GeForce RTX 3090"."""
    return _squeezed(one) == _squeezed(other)


def nearest(wanted: str, known: Iterable[str]) -> list[str]:
    """Names that look like this one; first those of the same number, as the H100s for an "H100 NVL"."""
    names = {_squeezed(name): name for name in known}
    numbers: dict[str, list[str]] = {}
    for name in names.values():
        numbers.setdefault(_telling(name), []).append(name)
    bare = _MEMORY.sub("", wanted)
    alike = difflib.get_close_matches(_squeezed(bare), names, n=3)
    number = _telling(bare)
    by_number = numbers.get(number, [])
    if not by_number and not alike:
        by_number = [
            name for near in difflib.get_close_matches(number, numbers, cutoff=0.7) for name in numbers[near]
        ]
    return list(dict.fromkeys([*by_number, *(names[near] for near in alike)]))[:3]


def _telling(name: str) -> str:
    """The word with the number, else all of it."""
    words = name.lower().split()
    return next((word for word in words if any(map(str.isdecimal, word))), name.lower())


def _squeezed(name: str) -> str:
    letters = "".join(c for c in name.lower() if c.isalnum())
    # "4080S" and "4070TiS" are short for SUPER; an L40S has another number.
    return re.sub(r"(\d{4}(?:ti)?)s(?=\d|$)", r"\1super", re.sub("nvidia|geforce|tesla", "", letters))
