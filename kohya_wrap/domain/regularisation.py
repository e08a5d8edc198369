"""Regularisation images: how often the engine shows each, so that they come to as many as the others."""

from __future__ import annotations

from collections.abc import Sequence

from kohya_wrap.domain.buckets import Size


def repeated(
    train: Sequence[tuple[Size, int]], regular: Sequence[tuple[Size, int]]
) -> list[tuple[Size, int]]:
    """(size, repeats) of those that are used.

    The engine takes them with the repeats of their folder until there are enough, and leaves out the rest; where
    they are too few, it goes round again, one repeat each (DreamBoothDataset of its train_util.py).
    """
    wanted = sum(repeats for _, repeats in train)
    used: list[tuple[Size, int]] = []
    count = 0
    for size, repeats in regular:
        if count >= wanted:
            break
        used.append((size, repeats))
        count += repeats
    rounds, more = divmod(max(0, wanted - count), len(used) or 1)
    return [(size, repeats + rounds + (place < more)) for place, (size, repeats) in enumerate(used)]
