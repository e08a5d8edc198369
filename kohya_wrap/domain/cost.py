"""Dollars of an hour, as providers were seen to ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Offer:
    """What one provider asked for one GPU.

    Attributes:
        low, high: dollars an hour, on demand.
        seen: when, as "2026-09" or "2026-09-27"; less than a year says that no more is known.
    """

    provider: str
    low: float
    high: float
    seen: str


def cheapest(offers: Sequence[Offer]) -> Offer | None:
    return min(offers, key=lambda offer: (offer.low, offer.high), default=None)


def price_range(offers: Sequence[Offer]) -> tuple[float, float] | None:
    """The lowest and the highest seen; None where nothing was."""
    if not offers:
        return None
    return min(offer.low for offer in offers), max(offer.high for offer in offers)
