"""Which pictures are set aside: by what is in them, so that a later build sets the same aside."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from kohya_wrap.dataset.building.matching import Maybe, without_ending
from kohya_wrap.dataset.building.planned import Planned
from kohya_wrap.dataset.building.record import digests_of_own, is_borrowed
from kohya_wrap.dataset.building.standing import Standing, Stood


def held_out(
    planned: Sequence[Planned], stood: Stood, maybe: Sequence[Maybe], count: int
) -> Iterator[Planned]:
    """What is, or is made of, or shows what was set aside stays so, however its source changed; with its copies."""
    standing = [found for found in stood.pictures if found.entry.held]
    own = digests_of_own(found.entry for found in standing)
    held = [found for found in standing if not is_borrowed(found.entry, own)]
    elsewhere = {found.entry.digest for found in stood.elsewhere}
    goes_with = dict(_goes_with(planned, maybe, own | elsewhere))
    digests = [goes_with.get(one.entry.digest, one.entry.digest) for one in planned]
    aside = {found.entry.digest for found in held} | elsewhere
    aside |= {
        digest
        for one, digest in zip(planned, digests, strict=True)
        if one.entry.held and not is_borrowed(one.entry, own)
    }
    aside |= {one.entry.digest for one in _in_their_place(planned, held)}
    let_go = (one.entry for one in planned if one.entry.held and one.entry.digest not in goes_with)
    orphans = dict.fromkeys(entry.digest for entry in let_go if is_borrowed(entry, own))
    aside |= set([*orphans][: max(0, count - len(aside.intersection(digests)))])  # rather than others
    not_ours = elsewhere | {found.entry.digest for found in held if not found.entry.origin}
    fewer = max(0, stood.holdout - count)
    ours = sorted(aside.intersection(digests) - not_ours)
    chosen = choose(digests, aside - set(ours[:fewer]), count)
    for one, digest in zip(planned, digests, strict=True):
        goes_along = digest != one.entry.digest or (digest in elsewhere and digest not in own)
        other = digest if digest in chosen and goes_along else ""
        yield replace(one, entry=replace(one.entry, held=digest in chosen, held_with=other))


def _goes_with(
    planned: Sequence[Planned], maybe: Sequence[Maybe], held: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Digest -> that of what is held out and looks the same: they are held, and let go, together, and count once.

    Args:
        held: digests; with what another concept has let go nothing goes any more: it may be held out for its own sake.
    """
    now = {one.standing.entry.digest: one.entry.digest for one in planned if one.standing}
    likeliest = {each.origins[0]: each.held.entry.digest for each in maybe}
    for one in planned:
        before = one.entry.held_with if one.entry.held_with in held else ""
        if other := likeliest.get(one.entry.origin, "") or before:
            yield one.entry.digest, now.get(other, other)


def _in_their_place(planned: Sequence[Planned], held: Sequence[Standing]) -> Iterator[Planned]:
    """Called as one was that was set aside and is matched by nothing: it may be that one after all."""
    goes_on = {id(one.standing) for one in planned}
    gone = {found.entry.origin for found in held if found.entry.origin and id(found) not in goes_on}
    stems = set(map(without_ending, gone))
    for one in planned:
        origin = one.entry.origin
        if origin in gone or (origin and one.is_made and without_ending(origin) in stems):
            yield one


def choose(digests: Sequence[str], before: Collection[str], count: int) -> frozenset[str]:
    """`count` different pictures or more, spread over the set, each with all its copies.

    What is held out stays so, else it would be trained on after all; new ones come from the longest
    stretches without one.

    Args:
        digests: of the set, in order.
        before: of what is held out already.
    """
    order = list(dict.fromkeys(digests))
    held = sorted(set(order) & set(before))
    while len(held) < min(count, len(order)):
        held.append(_middle_one(order, held))
    return frozenset(held)


def _middle_one(order: Sequence[str], held: Collection[str]) -> str:
    """Of the longest stretch between those held, the picture in its middle third with the smallest digest."""
    borders = [-1, *(place for place, digest in enumerate(order) if digest in held), len(order)]
    gaps = pairwise(borders)
    start, end = max(gaps, key=lambda gap: gap[1] - gap[0])
    third = (end - start - 1) // 3
    return min(order[start + 1 + third : end - third])
