"""Which pictures are set aside: by what is in them, so that a later build sets the same aside."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise


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
