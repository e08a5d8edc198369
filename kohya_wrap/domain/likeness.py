"""Which pictures look the same, by short prints of what they show."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

BITS = 64
# Measured on the tests' photographs: two different ones differ in 22 of 64 bits or more, a copy saved anew, halved or
# cut by 2 % in 6 or fewer mostly. Drawings of one layout come as near, and only their colours tell them apart.
NEAR = 6
_COLOURS_NEAR = 12  # of 255, mean difference
# Of `Print.apart`: a photograph saved anew as JPEG or WebP, at half or three quarters of its size,
# comes to 4 at most; frames of one burst and sprites that differ in the face alone to 6 or more.
SAVED_ANEW = 5


@dataclass(frozen=True, slots=True)
class Print:
    """Attributes:
    dhash: BITS bits, each says whether a part is lighter than its neighbour (difference hash).
    colours: of the parts of a coarse grid, a byte a channel.
    """

    dhash: int
    colours: bytes

    def is_near(self, other: Print) -> bool:
        if (self.dhash ^ other.dhash).bit_count() > NEAR:
            return False
        return self._colours_apart(other) <= _COLOURS_NEAR

    def apart(self, other: Print) -> int:
        """Of 255: how far that part is which differs most, since look-alikes differ in one place, and copies in none."""
        return max(abs(one - another) for one, another in zip(self.colours, other.colours, strict=True))

    def _colours_apart(self, other: Print) -> float:
        apart = sum(abs(one - another) for one, another in zip(self.colours, other.colours, strict=True))
        return apart / len(self.colours)

    def as_text(self) -> str:
        return f"{self.dhash:016x}{self.colours.hex()}"

    @classmethod
    def of_text(cls, text: str) -> Print:
        return cls(int(text[:16], 16), bytes.fromhex(text[16:]))


def groups(prints: Mapping[str, Print]) -> list[tuple[str, ...]]:
    """Names of pictures that look alike, in the order given; a picture alike to none is left out.

    Alike is handed on: a to b and b to c is one group.
    """
    first = _firsts(prints)
    root = {name: name for name in first.values()}

    def top(name: str) -> str:
        while root[name] != name:
            root[name] = name = root[root[name]]
        return name

    # Two hashes within NEAR bits agree in one of NEAR + 1 bands at least, so only those are compared.
    for held in _bands((name, prints[name]) for name in root).values():
        for one, other in combinations(held, 2):
            if top(one) != top(other) and prints[one].is_near(prints[other]):
                root[top(one)] = top(other)
    members: dict[str, list[str]] = defaultdict(list)
    for name in prints:
        members[top(first[name])].append(name)
    return [tuple(names) for names in members.values() if len(names) > 1]


def pairs(prints: Mapping[str, Print], others: Mapping[str, Print]) -> Iterator[tuple[str, str]]:
    """(name, name of the other), wherever a print comes near to one of the others; never a name with itself."""
    in_bands = _bands(others.items())
    for name, one in prints.items():
        held = {other: None for band in _bands_of(one) for other in in_bands.get(band, ())}
        yield from ((name, other) for other in held if other != name and one.is_near(others[other]))


def _firsts(prints: Mapping[str, Print]) -> dict[str, str]:
    """Each name -> the first with the same hash and near colours: a thousand copies are compared once each."""
    found: dict[str, str] = {}
    of_hash: dict[int, list[str]] = defaultdict(list)
    for name, one in prints.items():
        known = of_hash[one.dhash]
        found[name] = next((other for other in known if one.is_near(prints[other])), name)
        if found[name] == name:
            known.append(name)
    return found


def _bands(prints: Iterable[tuple[str, Print]]) -> dict[tuple[int, int], list[str]]:
    found: dict[tuple[int, int], list[str]] = defaultdict(list)
    for name, one in prints:
        for band in _bands_of(one):
            found[band].append(name)
    return found


def _bands_of(one: Print) -> Iterator[tuple[int, int]]:
    width = BITS // (NEAR + 1)
    for number in range(NEAR + 1):
        part = one.dhash >> (number * width)
        yield number, part if number == NEAR else part & ((1 << width) - 1)
