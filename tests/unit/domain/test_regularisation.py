"""How often each regularisation image is shown: as in the engine's loop, written out here as it is there."""

from __future__ import annotations

import random

import pytest

from kohya_wrap.domain.regularisation import repeated

A, B, C = (64, 64), (128, 64), (64, 128)


def as_the_engine_loops(
    wanted: int, regular: list[tuple[tuple[int, int], int]]
) -> list[tuple[tuple[int, int], int]]:
    registered: dict[int, int] = {}
    n, first_loop = 0, True
    while n < wanted:
        for place, (_, repeats) in enumerate(regular):
            if first_loop:
                registered[place] = repeats
                n += repeats
            else:
                registered[place] += 1
                n += 1
            if n >= wanted:
                break
        first_loop = False
    return [(regular[place][0], repeats) for place, repeats in registered.items()]


@pytest.mark.parametrize(
    ("train", "regular", "shown"),
    [
        ([(A, 6)], [], []),
        ([(A, 6)], [(B, 1), (C, 1)], [(B, 3), (C, 3)]),
        ([(A, 5)], [(B, 1), (C, 1)], [(B, 3), (C, 2)]),
        ([(A, 2)], [(B, 1), (C, 1), (A, 1)], [(B, 1), (C, 1)]),
        ([(A, 2)], [(B, 5)], [(B, 5)]),
    ],
)  # fmt: skip
def test_they_come_to_as_many(train: list, regular: list, shown: list) -> None:  # type: ignore[type-arg]
    assert repeated(train, regular) == shown


def test_always_as_the_engine() -> None:
    for seed in range(300):
        draw = random.Random(seed)
        train = [(A, draw.randint(1, 9)) for _ in range(draw.randint(1, 9))]
        regular = [(draw.choice((A, B, C)), draw.randint(1, 5)) for _ in range(draw.randint(1, 9))]
        wanted = sum(repeats for _, repeats in train)
        assert repeated(train, regular) == as_the_engine_loops(wanted, regular), seed
