"""The model of PyTorch's caching allocator, against what its source says of sizes, pools and segments."""

from __future__ import annotations

import pytest

from scripts.memory.allocator import MIB, Allocator, DoesNotFit, least_card, replayed


def reserved(*sizes: int) -> int:
    """MiB of segments for these allocations, none of which is freed."""
    allocator = Allocator()
    allocator.run(enumerate(sizes))
    assert allocator.reserved % MIB == 0
    return allocator.reserved // MIB


@pytest.mark.parametrize(
    ("sizes", "segments"),
    [
        ([1], 2),
        ([MIB], 2),
        ([MIB + 1], 20),
        ([MIB] * 2, 2),
        ([MIB] * 3, 4),  # the small ones have segments of their own
        ([MIB, 2 * MIB], 22),
        ([2 * MIB] * 10, 20),
        ([10 * MIB], 10),
        ([15 * MIB], 16),
        ([15 * MIB, MIB // 2], 18),  # what is left of a large one is no room for small ones
        ([11 * MIB, 2 * MIB], 32),
    ],
)
def test_segments(sizes: list[int], segments: int) -> None:
    assert reserved(*sizes) == segments


@pytest.mark.parametrize("order", [1, -1])
def test_what_was_freed_side_by_side_is_one_again(order: int) -> None:
    allocator = Allocator()
    made = [(number, 2 * MIB) for number in range(10)]
    allocator.run([*made, *((number, -size) for number, size in made[::order]), (10, 20 * MIB)])
    assert allocator.reserved == allocator.most_reserved == 20 * MIB


def test_holes_are_no_room_for_more_than_each() -> None:
    made = [(number, 2 * MIB) for number in range(10)]
    holes = [(number, -size) for number, size in made[::2]]
    allocator = Allocator()
    allocator.run([*made, *holes, (10, 2 * MIB), (11, 4 * MIB)])
    assert allocator.reserved == 40 * MIB


def test_a_full_card_takes_back_what_is_wholly_free() -> None:
    trace = [(1, 30 * MIB), (1, -30 * MIB), (2, 40 * MIB)]
    assert replayed(trace, []).most_reserved == 70 * MIB
    on_card = Allocator(40 * MIB)
    on_card.run(trace)
    assert on_card.reserved == 40 * MIB
    with pytest.raises(DoesNotFit):
        Allocator(39 * MIB).run(trace)


def test_the_smallest_card() -> None:
    """Two steps; what stands before them stays."""
    begin = [(1, 100 * MIB)]
    step = [(2, 30 * MIB), (2, -30 * MIB), (3, 40 * MIB), (3, -40 * MIB)]
    assert replayed(begin, [step, step]).most_reserved == 170 * MIB
    assert 140 * MIB <= least_card(begin, [step, step], at_least=0, within=MIB) <= 141 * MIB
