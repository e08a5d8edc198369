"""Dollars of a rental, as providers were seen to ask: the hour, and what the hour hides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_HOURS = 30 * 24  # of a month, in which storage is priced


@dataclass(frozen=True)
class Offer:
    """What one provider asked for one GPU.

    Attributes:
        low, high: dollars an hour, on demand.
        seen: when, as "2026-09", "2026-09-27" or "2026-11-24 10:03"; "undated" where nobody says.
        storage: dollars for a GB and month of disk, while it runs.
        down, up: dollars for a GB of traffic.
        beside: dollars an hour for the processor and memory that the job wants, where they are priced apart.
    """

    provider: str
    low: float
    high: float
    seen: str
    storage: float = 0.0
    down: float = 0.0
    up: float = 0.0
    beside: float = 0.0


@dataclass(frozen=True)
class Rental:
    """What is rented for a job.

    Attributes:
        hours: of one GPU.
        disk: GB to ask for.
        down, up: GB of traffic.
    """

    hours: float
    disk: float = 0.0
    down: float = 0.0
    up: float = 0.0


def hidden(offer: Offer, rental: Rental) -> float:
    """Dollars beside the hourly price."""
    hourly = offer.beside + rental.disk * offer.storage / _HOURS
    return rental.hours * hourly + rental.down * offer.down + rental.up * offer.up


def dollars(offer: Offer, rental: Rental) -> tuple[float, float]:
    """In all, at its lowest and at its highest price."""
    more = hidden(offer, rental)
    return rental.hours * offer.low + more, rental.hours * offer.high + more


def total(offers: Sequence[Offer], rental: Rental) -> tuple[float, float] | None:
    """The least and the most of any of them; None where there is none."""
    if not offers:
        return None
    each = [dollars(offer, rental) for offer in offers]
    return min(low for low, _ in each), max(high for _, high in each)


def cheapest(offers: Sequence[Offer], rental: Rental) -> Offer | None:
    return min(offers, key=lambda offer: dollars(offer, rental), default=None)


def price_range(offers: Sequence[Offer]) -> tuple[float, float] | None:
    """The lowest and the highest an hour; None where nothing was seen."""
    if not offers:
        return None
    return min(offer.low for offer in offers), max(offer.high for offer in offers)
