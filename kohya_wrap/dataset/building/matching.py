"""Which picture of the sources is which of those that stand: by what is in it, by what it shows, by its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeVar

from kohya_wrap.dataset.building import picture
from kohya_wrap.dataset.building.picture import Looked
from kohya_wrap.dataset.building.sources import Item
from kohya_wrap.dataset.building.standing import Standing, Stood, under
from kohya_wrap.domain.finding import Finding
from kohya_wrap.domain.likeness import Print, pairs
from kohya_wrap.host import image_file, whole_file, zip_file

_T = TypeVar("_T", Item, Standing)
# How much nearer than that of its own place another one must be (`Print.apart`): of two pictures of one scene saved anew
# each is still nearest to itself, and one that was retouched is not taken for its neighbour.
_CLEARLY = 2.0


@dataclass(frozen=True)
class Matches:
    """By origin: what stands for it.

    Attributes:
        likenesses: of those that were looked at for it, and of those decoded anyway.
        doubtful: known by their place alone, while they show something else than before, as far as can be seen.
    """

    standing: Mapping[str, Standing]
    likenesses: Mapping[str, Print]
    doubtful: Collection[str]


def match(
    items: Mapping[str, Item],
    looked: Mapping[str, Looked | Finding],
    stood: Stood,
    roots: tuple[str, ...],
) -> Matches:
    """By path and what is in it; else by what is in it, so that the caption of a renamed picture follows it; else by
    what it shows, since pictures that are exported anew get new numbers; else by its path; else by its path without the
    ending, where that picture has left the source: it was saved in another format.
    """
    there = [found for found in stood.pictures if found.path is not None]
    digests = {
        origin: new.facts.digest if isinstance(new, Looked) else origin for origin, new in looked.items()
    }
    known = {found.entry.origin: found.entry.digest for found in there}
    both = {origin: (origin, digests.get(origin, known.get(origin, ""))) for origin in items}
    matched: dict[str, Standing] = {}
    _match_by(matched, both, ((found, (found.entry.origin, found.entry.digest)) for found in there))
    _match_by(matched, digests, ((found, found.entry.digest) for found in there))

    new = {origin: item for origin, item in items.items() if origin in looked and origin not in matched}
    taken = {id(found) for found in matched.values()}
    ours = (
        found for found in stood.pictures if found.entry.origin in items or under(found.entry.origin, roots)
    )
    free = {str(number): found for number, found in enumerate(ours) if id(found) not in taken}
    prints = _prints(new, looked) if free else {}
    stood_prints = _prints_of_standing(free) if new else {}
    _match_by_likeness(matched, prints, free, stood_prints)
    _match_by_likeness(
        matched, _shapes(prints), free, _shapes(stood_prints)
    )  # lighter now, or in other colours

    left = (found for found in free.values() if found.path and found.entry.origin not in items)
    by_origin = {origin: origin for origin in items}
    stems = {origin: without_ending(origin) for origin in items}
    _match_by(matched, by_origin, ((found, found.entry.origin) for found in stood.pictures))
    _match_by(matched, stems, ((found, without_ending(found.entry.origin)) for found in left))
    numbers = {id(found): number for number, found in free.items()}
    doubtful = {
        origin
        for origin in new.keys() & matched.keys()
        if not _is_alike(prints.get(origin), stood_prints.get(numbers.get(id(matched[origin]), "")))
    }
    return Matches(matched, prints, doubtful)


def without_ending(origin: str) -> str:
    return str(PurePosixPath(origin).with_suffix(""))


def _match_by(
    matched: dict[str, Standing],
    wanted: Mapping[str, Hashable],
    standing: Iterable[tuple[Standing, Hashable]],
) -> None:
    """Match what is not matched yet by one key of both sides, each at most once."""
    taken = {id(found) for found in matched.values()}
    free: dict[Hashable, list[Standing]] = {}
    for found, key in standing:
        if id(found) not in taken:
            free.setdefault(key, []).append(found)
    for origin, key in wanted.items():
        if origin not in matched and free.get(key):
            matched[origin] = free[key].pop(0)


def _match_by_likeness(
    matched: dict[str, Standing],
    prints: Mapping[str, Print],
    free: Mapping[str, Standing],
    stood: Mapping[str, Print],
) -> None:
    """The nearest first. Of several that are as near the one of the same place, or none."""
    taken = {id(found) for found in matched.values()}
    prints = {origin: one for origin, one in prints.items() if origin not in matched}
    stood = {number: one for number, one in stood.items() if id(free[number]) not in taken}
    near = []
    for origin, number in pairs(prints, stood):
        place = free[number].entry.origin
        gain = (
            _CLEARLY
            if place == origin
            else _CLEARLY / 2
            if without_ending(place) == without_ending(origin)
            else 0
        )
        near.append((prints[origin].apart(stood[number]) - gain, origin, number, gain > 0))
    near.sort()
    rivals = Counter(key for apart, origin, number, _ in near for key in ((apart, origin), (apart, number)))
    for apart, origin, number, same_place in near:
        is_clear = same_place or rivals[apart, origin] == rivals[apart, number] == 1
        if is_clear and origin not in matched and id(free[number]) not in taken:
            matched[origin] = free[number]
            taken.add(id(free[number]))


def _shapes(prints: Mapping[str, Print]) -> dict[str, Print]:
    """Without their colours; whoever is known by that alone is doubtful still."""
    return {name: Print(one.dhash, b"\0") for name, one in prints.items()}


def _is_alike(one: Print | None, other: Print | None) -> bool:
    return one is not None and other is not None and one.is_near(other)


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


def _prints_of_standing(free: Mapping[str, Standing]) -> dict[str, Print]:
    """As recorded; else of the file, unless it was written over since: a link is the same file as its source."""

    def of(found: Standing) -> Print | None:
        if found.entry.likeness:
            return Print.of_text(found.entry.likeness)
        try:
            content = whole_file.read(found.path) if found.path else b""
        except OSError:
            return None
        return picture.likeness(content) if image_file.digest(content) == found.entry.made else None

    return _known(free, of)


def _known(of_each: Mapping[str, _T], of: Callable[[_T], Print | None]) -> dict[str, Print]:
    with ThreadPoolExecutor(picture.THREADS) as pool:
        found = zip(of_each, pool.map(of, of_each.values()), strict=True)
        return {name: one for name, one in found if one is not None}
