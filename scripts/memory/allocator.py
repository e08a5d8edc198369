"""PyTorch's CUDA caching allocator in its default settings, replayed over a list of allocations.

What a card must hold is more than the tensors alive at once: the allocator cuts segments into blocks and cannot move them.
Source: c10/cuda/CUDACachingAllocator.cpp: sizes rounded to 512 B, pools for up to 1 MiB and above, segments of 2 MiB, 20 MiB
or the size rounded up to 2 MiB, best fit, splitting, coalescing; where the card is full, segments that are wholly free are
given back before an allocation fails.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence

MIB = 1 << 20
ROUND = 512  # bytes, of every allocation
_SMALL = MIB
_SMALL_SEGMENT = 2 * MIB
_LARGE_SEGMENT, _LARGE_FROM, _LARGE_ROUND = 20 * MIB, 10 * MIB, 2 * MIB

Trace = Sequence[tuple[int, int]]
"""(number of an allocation, its bytes) where it is made, (the same number, -bytes) where it is freed."""


class DoesNotFit(Exception):
    """The card is full."""


class _Block:
    __slots__ = ("after", "before", "free", "number", "size", "small")

    def __init__(self, number: int, size: int, small: bool) -> None:
        self.number, self.size, self.small, self.free = number, size, small, False
        self.before: _Block | None = None
        self.after: _Block | None = None


class Allocator:
    """Attributes: reserved, most_reserved: bytes of segments now, and at most (what nvidia-smi shows, less the context)."""

    def __init__(self, card: int | None = None) -> None:
        """Args: card: bytes there are; None for as many as are asked for."""
        self.reserved = self.most_reserved = 0
        self._card = card
        self._free: dict[bool, list[tuple[int, int]]] = {True: [], False: []}  # (size, number), by pool
        self._blocks: dict[int, _Block] = {}
        self._held: dict[int, _Block] = {}
        self._numbers = 0

    def run(self, trace: Iterable[tuple[int, int]]) -> None:
        """Raises DoesNotFit."""
        for number, size in trace:
            if size > 0:
                self._held[number] = self._allocated(size)
            elif number in self._held:
                self._give_back(self._held.pop(number))

    def _allocated(self, size: int) -> _Block:
        size = max(ROUND, -(-size // ROUND) * ROUND)
        small = size <= _SMALL
        pool = self._free[small]
        place = bisect_left(pool, (size, -1))
        block = self._blocks[pool.pop(place)[1]] if place < len(pool) else self._segment(size, small)
        block.free = False
        rest = block.size - size
        if rest >= ROUND if small else rest > _SMALL:
            self._split(block, size)
        return block

    def _segment(self, size: int, small: bool) -> _Block:
        rounded = -(-size // _LARGE_ROUND) * _LARGE_ROUND
        bytes_ = _SMALL_SEGMENT if small else _LARGE_SEGMENT if size < _LARGE_FROM else rounded
        if self._card is not None and self.reserved + bytes_ > self._card:
            self._empty_cache()
            if self.reserved + bytes_ > self._card:
                raise DoesNotFit
        self.reserved += bytes_
        self.most_reserved = max(self.most_reserved, self.reserved)
        return self._new(bytes_, small)

    def _new(self, size: int, small: bool) -> _Block:
        self._numbers += 1
        block = self._blocks[self._numbers] = _Block(self._numbers, size, small)
        return block

    def _split(self, block: _Block, size: int) -> None:
        rest = self._new(block.size - size, block.small)
        rest.before, rest.after = block, block.after
        if block.after:
            block.after.before = rest
        block.after, block.size = rest, size
        self._offer(rest)

    def _offer(self, block: _Block) -> None:
        block.free = True
        insort(self._free[block.small], (block.size, block.number))

    def _take_back(self, block: _Block) -> None:
        pool = self._free[block.small]
        pool.pop(bisect_left(pool, (block.size, block.number)))

    def _give_back(self, block: _Block) -> None:
        if block.after and block.after.free:
            self._take_back(block.after)
            self._join(block, block.after)
        if block.before and block.before.free:
            self._take_back(block.before)
            self._join(block.before, block)
            block = block.before
        self._offer(block)

    def _join(self, block: _Block, after: _Block) -> None:
        block.size += after.size
        block.after = after.after
        if block.after:
            block.after.before = block
        del self._blocks[after.number]

    def _empty_cache(self) -> None:
        for small, pool in self._free.items():
            whole = [(size, n) for size, n in pool if not (self._blocks[n].before or self._blocks[n].after)]
            for size, number in whole:
                self.reserved -= size
                del self._blocks[number]
            self._free[small] = sorted(set(pool) - set(whole))


def replayed(begin: Trace, steps: Sequence[Trace], card: int | None = None) -> Allocator:
    """What stands before the first step, then the steps one after the other."""
    allocator = Allocator(card)
    for trace in (begin, *steps):
        allocator.run(trace)
    return allocator


def least_card(begin: Trace, steps: Sequence[Trace], at_least: int, within: int = 16 * MIB) -> int:
    """Bytes of the smallest card on which the replay ends, to `within`."""
    enough = replayed(begin, steps).most_reserved
    while enough - at_least > within:
        middle = (enough + at_least) // 2
        try:
            replayed(begin, steps, middle)
            enough = middle
        except DoesNotFit:
            at_least = middle
    return enough
