"""Which picture of the sources is which of those that stand: by what is in it, by what it shows, by its place."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from kohya_wrap.dataset.building import nearness
from kohya_wrap.dataset.building.nearness import Nearness
from kohya_wrap.dataset.building.picture import Looked
from kohya_wrap.dataset.building.record import digests_of_own, is_borrowed
from kohya_wrap.dataset.building.sources import Item
from kohya_wrap.dataset.building.standing import Standing, Stood, under
from kohya_wrap.domain.finding import Finding
from kohya_wrap.domain.likeness import Print


@dataclass(frozen=True)
class Maybe:
    """A held-out picture, and those that may be it, saved anew; the likeliest first."""

    held: Standing
    origins: tuple[str, ...]


@dataclass(frozen=True)
class Matches:
    """By origin: what stands for it.

    Attributes:
        likenesses: of those that were looked at for it, and of those decoded anyway.
        doubtful: known neither by what is in them nor clearly by what they show: they may be other pictures.
        held: what looks like a picture that is held out, of this concept or another, wherever it came from.
        doubled: new ones that clearly show what stands, but from another source or put in by hand, and stands on.
    """

    standing: Mapping[str, Standing]
    likenesses: Mapping[str, Print]
    doubtful: Collection[str]
    held: tuple[Maybe, ...]
    doubled: Mapping[str, Standing]


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
    digests_of_all = {origin: digests.get(origin, known.get(origin, "")) for origin in items}
    both = {origin: (origin, digest) for origin, digest in digests_of_all.items()}
    matched: dict[str, Standing] = {}
    _match_by(matched, both, ((found, (found.entry.origin, found.entry.digest)) for found in there))
    _match_by(matched, digests, ((found, found.entry.digest) for found in there))

    new = {origin: item for origin, item in items.items() if origin in looked and origin not in matched}
    taken = {id(found) for found in matched.values()}
    free = [
        found
        for found in stood.pictures
        if id(found) not in taken and (found.entry.origin in items or under(found.entry.origin, roots))
    ]
    kept = [found for found in there if id(found) not in {*taken, *map(id, free)} and not found.entry.held]
    near = nearness.look(new, looked, stood, (*free, *kept))
    clear = _match_by_likeness(matched, near, free)
    present = {*digests_of_all.values()}
    # What is as it was need not have been held out for another concept then, or not under the digest that it has now.
    own = digests_of_own(found.entry for found in stood.pictures)
    known_ones = {
        origin: found
        for origin, found in matched.items()
        if origin not in looked and (not found.entry.held or is_borrowed(found.entry, own))
    }
    again = nearness.look_again(known_ones, stood.elsewhere)
    held = (
        *_maybe_held(near, matched, clear, free, present),
        *_maybe_held(again, {}, (), (), present),
    )

    left = (found for found in free if found.path and found.entry.origin not in items)
    by_origin = {origin: origin for origin in items}
    stems = {origin: without_ending(origin) for origin in items}
    _match_by(matched, by_origin, ((found, found.entry.origin) for found in stood.pictures))
    _match_by(matched, stems, ((found, without_ending(found.entry.origin)) for found in left))
    doubtful = (new.keys() & matched.keys()) - clear
    return Matches(matched, {**again.prints, **near.prints}, doubtful, held, _doubled(near, matched, kept))


def without_ending(origin: str) -> str:
    """Empty of what has no origin: it was put in by hand."""
    return str(PurePosixPath(origin).with_suffix("")) if origin else ""


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


def _doubled(
    near: Nearness, matched: Mapping[str, Standing], kept: Collection[Standing]
) -> dict[str, Standing]:
    stays = {id(found) for found in kept}
    return {
        origin: near.standing[number]
        for origin, number in near.apart
        if origin not in matched and id(near.standing[number]) in stays and near.is_clear(origin, number)
    }


def _match_by_likeness(
    matched: dict[str, Standing], near: Nearness, free: Collection[Standing]
) -> frozenset[str]:
    """The nearest first; of several that are as near, that of the same place. The origins of those that are clear."""

    def rank(pair: tuple[str, str]) -> tuple[bool, bool, bool, int]:
        origin, place = pair[0], near.standing[pair[1]].entry.origin
        same = near.is_tie(*pair) and without_ending(place) == without_ending(origin)
        return not near.is_clear(*pair), not (same and place == origin), not same, near.apart[pair]

    left, clear = {id(found) for found in free}, set()
    for origin, number in sorted(near.apart, key=rank):
        found = near.standing[number]
        if origin not in matched and id(found) in left:
            matched[origin] = found
            left.remove(id(found))
            if near.is_clear(origin, number):
                clear.add(origin)
    return frozenset(clear)


def _maybe_held(
    near: Nearness,
    matched: Mapping[str, Standing],
    clear: Collection[str],
    free: Collection[Standing],
    digests: Collection[str],
) -> Iterable[Maybe]:
    """Of those held out: what clearly is it, saved anew; where it is not among the sources itself, also what only may be.

    What left the sources may be lighter now, or in other colours.
    """
    by_standing = {id(found): origin for origin, found in matched.items()}
    left = {id(found) for found in free}
    for number, found in near.standing.items():
        if not found.entry.held:
            continue
        own = by_standing.get(id(found))
        is_known = own in clear or found.entry.digest in digests
        could = []
        for origin in near.of(number):
            may_be = not is_known and (id(found) in left or near.is_near(origin, number))
            if near.is_clear(origin, number) or (may_be and near.is_tie(origin, number)):
                could.append(origin)
        if could:
            could.sort(key=lambda origin: (origin != own, near.apart[origin, number], origin))
            yield Maybe(found, tuple(could))
