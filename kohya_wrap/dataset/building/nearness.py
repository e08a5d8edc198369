"""How near new pictures come to those that stand, by what they show, and whether that is clear."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from heapq import nsmallest
from typing import TypeVar

from kohya_wrap.dataset.building import picture
from kohya_wrap.dataset.building.picture import Looked
from kohya_wrap.dataset.building.sources import Item
from kohya_wrap.dataset.building.standing import Standing, Stood
from kohya_wrap.domain.finding import Finding
from kohya_wrap.domain.likeness import SAVED_ANEW, Print, pairs
from kohya_wrap.host import whole_file, zip_file

_T = TypeVar("_T", Item, Standing)


class Nearness:
    """Of each new picture to each that stands and has the same shapes, in whatever colours.

    Attributes:
        prints: of the new ones, by origin.
        standing: by a number.
        apart: (origin, number) -> `Print.apart`.
    """

    def __init__(
        self, prints: Mapping[str, Print], stood: Mapping[str, Print], standing: Mapping[str, Standing]
    ) -> None:
        self.prints, self.standing, self._stood = prints, standing, stood
        self.apart = {
            (origin, number): prints[origin].apart(stood[number])
            for origin, number in pairs(_shapes(prints), _shapes(stood))
        }
        self._near: dict[str, list[str]] = defaultdict(list)
        sides: dict[tuple[bool, str], list[int]] = defaultdict(list)
        for (origin, number), apart in self.apart.items():
            self._near[number].append(origin)
            sides[False, origin].append(apart)
            sides[True, number].append(apart)
        self._two = {side: nsmallest(2, aparts) for side, aparts in sides.items()}

    def of(self, number: str) -> list[str]:
        """The new ones that have its shapes."""
        return self._near.get(number, [])

    def is_clear(self, origin: str, number: str) -> bool:
        """Saved anew, and no other, on either side, comes as near or nearly so."""
        apart = self.apart[origin, number]
        second = (two[1] for two in self._sides(origin, number) if len(two) > 1)
        return apart <= SAVED_ANEW and all(_is_farther(other, apart) for other in second)

    def is_tie(self, origin: str, number: str) -> bool:
        """None, on either side, comes clearly nearer."""
        first = (two[0] for two in self._sides(origin, number))
        return not any(_is_farther(self.apart[origin, number], other) for other in first)

    def is_near(self, origin: str, number: str) -> bool:
        return self.prints[origin].is_near(self._stood[number])

    def _sides(self, origin: str, number: str) -> tuple[list[int], list[int]]:
        return self._two[False, origin], self._two[True, number]


def look(
    new: Mapping[str, Item],
    looked: Mapping[str, Looked | Finding],
    stood: Stood,
    asked: Collection[Standing],
) -> Nearness:
    """At what may be one of those `asked` for or of those held out; only where there is such, at all others, which may be as near."""
    standing = {str(number): found for number, found in enumerate((*stood.pictures, *stood.elsewhere))}
    ids = {id(found) for found in asked}
    wanted = {number: found for number, found in standing.items() if id(found) in ids or found.entry.held}
    prints = _prints(new, looked) if wanted else {}
    prints_of = _prints_of_standing(wanted) if prints else {}
    if any(True for _ in pairs(_shapes(prints), _shapes(prints_of))):
        rest = {number: found for number, found in standing.items() if number not in wanted}
        prints_of |= _prints_of_standing(rest)
    return Nearness(prints, prints_of, standing)


def look_again(known: Mapping[str, Standing], elsewhere: Collection[Standing]) -> Nearness:
    """At what stands as its source still is, by origin: it may show what is held out for another concept by now."""
    standing = {str(number): found for number, found in enumerate(elsewhere)}
    same = {origin: found for origin, found in known.items() if not found.edited and not found.written_over}
    prints = _prints_of_standing(same) if standing else {}
    return Nearness(prints, _prints_of_standing(standing) if prints else {}, standing)


def _is_farther(one: int, other: int) -> bool:
    """So much that it is no chance."""
    return one > 2 * other + 1


def _shapes(prints: Mapping[str, Print]) -> dict[str, Print]:
    """Without their colours: a picture may be lighter now."""
    return {name: Print(one.dhash, b"\0") for name, one in prints.items()}


def _prints(items: Mapping[str, Item], looked: Mapping[str, Looked | Finding]) -> dict[str, Print]:
    def of(item: Item) -> Print | None:
        new = looked[item.origin]
        if isinstance(new, Finding) or new.likeness is not None:
            return None if isinstance(new, Finding) else new.likeness
        try:
            return picture.likeness(item.read())
        except (OSError, zip_file.BadZip):
            return None

    return _known(items, of)


def _prints_of_standing(standing: Mapping[str, Standing]) -> dict[str, Print]:
    """As recorded; else of the file, unless its source was written over, which a link is the same file as."""

    def of(found: Standing) -> Print | None:
        if found.entry.likeness:
            return Print.of_text(found.entry.likeness)
        try:
            content = whole_file.read(found.path) if found.path and not found.written_over else b""
        except OSError:
            return None
        return picture.likeness(content)

    return _known(standing, of)


def _known(of_each: Mapping[str, _T], of: Callable[[_T], Print | None]) -> dict[str, Print]:
    with ThreadPoolExecutor(picture.THREADS) as pool:
        found = zip(of_each, pool.map(of, of_each.values()), strict=True)
        return {name: one for name, one in found if one is not None}
