"""How long a run may take, and how long it has taken: over all its attempts, whoever watched them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kohya_wrap.domain.events import AttemptStarted, Event, Progress, RunEnded, Supervised


@dataclass(frozen=True)
class Budget:
    """Attributes:
    price: dollars an hour.
    max_cost: dollars, for which a price is needed.
    max_hours: None as the others where nothing is asked.
    """

    price: float | None = None
    max_cost: float | None = None
    max_hours: float | None = None

    @property
    def is_capped(self) -> bool:
        return self.max_cost is not None or self.max_hours is not None

    @property
    def seconds(self) -> float | None:
        """What may be spent in all; None without a cap."""
        caps = [] if self.max_hours is None else [self.max_hours * 3600]
        if self.max_cost is not None and self.price:
            caps.append(self.max_cost / self.price * 3600)
        return min(caps, default=None)

    def dollars(self, seconds: float) -> float | None:
        return None if self.price is None else seconds / 3600 * self.price


def spent(timed: Iterable[tuple[float, Event]]) -> float:
    """Seconds of a run from its events with their times: while it was watched, and while its trainer went on unwatched.

    What lies between a trainer's end and the next start is not counted, the steps afterwards among it: nobody knows whether
    the machine was paid for.
    """
    return sum(end - begin for begin, end in _spans(timed))


def set_up(timed: Iterable[tuple[float, Event]]) -> float | None:
    """Seconds from a start of the trainer to its first step, where they were watched; None where none was done."""
    began: float | None = None
    for when, event in timed:
        if isinstance(event, Supervised):  # what is found at work was begun before
            began = None
        elif isinstance(event, AttemptStarted):
            began = when
        elif isinstance(event, Progress) and began is not None:
            return when - began
    return None


def spent_together(runs: Iterable[Iterable[tuple[float, Event]]]) -> float:
    """Seconds in which one run or more was at work: side by side on two cards they take a machine's hour once."""
    total, until = 0.0, 0.0
    for begin, end in sorted(span for timed in runs for span in _spans(timed)):
        total += max(0.0, end - max(begin, until))
        until = max(until, end)
    return total


def _spans(timed: Iterable[tuple[float, Event]]) -> Iterator[tuple[float, float]]:
    last: float | None = None
    total = 0.0
    over = False
    for when, event in timed:
        begin = when if last is None or over else last
        if isinstance(event, Supervised):  # who takes it in hand knows how long it went on unwatched
            begin = when - max(0.0, event.spent - total)
            over = False
        if when > begin:
            yield begin, when
        total += when - begin
        last = when
        over = over or isinstance(event, RunEnded)
