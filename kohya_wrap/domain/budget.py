"""How long a run may take, and how long it has taken: over all its attempts, whoever watched them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kohya_wrap.domain.events import Event, Supervised, TrainerFound


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

    What lies between a trainer's end and the next start is not counted: nobody knows whether the machine was paid for.
    """
    total = 0.0
    last: float | None = None
    gap = 0.0
    for when, event in timed:
        since = 0.0 if last is None else when - last
        if isinstance(event, Supervised):
            gap = since
        else:
            total += since + (gap if isinstance(event, TrainerFound) else 0.0)
        last = when
    return total
