"""presets/prices.toml: what an hour of each GPU was seen to cost, by provider."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import toml

from kohya_wrap.domain.cost import Offer


@cache
def load(folder: Path) -> Mapping[str, tuple[Offer, ...]]:
    """By the name of the card's preset; one that nobody offers is not among them."""
    return {
        gpu: tuple(Offer(provider, **told) for provider, told in offers.items())
        for gpu, offers in toml.load(folder / "prices.toml").items()
    }
