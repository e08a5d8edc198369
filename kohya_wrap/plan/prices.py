"""presets/prices.toml: what an hour of each GPU was seen to cost, by provider, and what each asks beside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import toml

from kohya_wrap.domain.cost import Offer
from kohya_wrap.domain.session import TwoStages


@dataclass(frozen=True)
class Prices:
    """Attributes:
    offers: by the name of the card's preset; one that nobody offers is not among them.
    beside: by provider, what it asks beside the hour, as `Offer` names it.
    """

    offers: Mapping[str, tuple[Offer, ...]]
    beside: Mapping[str, Mapping[str, float]]
    two_stages: TwoStages


@cache
def load(folder: Path) -> Prices:
    told = toml.load(folder / "prices.toml")
    beside, stages = told.pop("beside"), told.pop("two_stages")
    offers = {
        gpu: tuple(Offer(provider, **one, **beside.get(provider, {})) for provider, one in by.items())
        for gpu, by in told.items()
    }
    return Prices(offers, beside, TwoStages(**stages))
