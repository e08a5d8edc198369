"""RunPod's catalogue of GPUs (its documentation, api-reference-v2: listGpuTypes; never asked by us)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kohya_wrap.domain.cost import Offer
from kohya_wrap.plan.asked import Answer, Card, Row

CLOUDS = ("community", "secure")
PATH = "/v2/catalog/gpus"
KEY = "gpus"
FIELDS = ("id", "memory", *CLOUDS, "price")


def provider(cloud: str) -> str:
    """As presets/prices.toml names it."""
    return f"RunPod {cloud}"


def read(
    told: Sequence[Row], seen: str, cards: Sequence[Card], beside: Mapping[str, Mapping[str, float]]
) -> Answer:
    """List prices. Whether a machine is free, it does not say; a cloud that a type is not on has a price all the same."""
    offers: dict[str, dict[str, Offer]] = {}
    doubted: list[str] = []
    came = 0
    for row in told:
        prices = row.get("price")
        for cloud in CLOUDS:
            price: Any = prices.get(cloud) if isinstance(prices, dict) else None
            if row.get(cloud) is not True or price == 0:
                continue
            came += 1
            card = next((c for c in cards if row.get("id") in c.nvml and c.has(row.get("memory"))), None)
            if card is None:
                continue
            if doubt := card.doubt(price):
                doubted.append(doubt)
                continue
            own = Offer(provider(cloud), price, price, seen, **beside.get(provider(cloud), {}))
            offers.setdefault(card.name, {})[own.provider] = own
    found = {name: tuple(by.values()) for name, by in offers.items()}
    return Answer(found, came, sum(map(len, found.values())), tuple(doubted))
