"""Vast.ai's offers (its documentation, search_offers, and vast-cli's own request; never asked by us)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import toml

from kohya_wrap.domain import cost
from kohya_wrap.domain.cost import Offer, Rental
from kohya_wrap.plan.asked import Answer, Card, Row, number

PROVIDER = "Vast.ai"
PATH = "/api/v0/bundles/"
KEY = "offers"
_MOST = 1000  # offers, the cheapest: some 3 KB each
_BESIDE = {"storage_cost": "storage", "inet_down_cost": "down", "inet_up_cost": "up"}
_DEAREST = 10.0  # dollars for a GB, of a month or of traffic: more cannot be meant


@dataclass(frozen=True)
class Terms:
    """presets/live.toml.

    Attributes:
        least: by its own names, what an offer has at least.
        names: of cards, by the name of the preset.
    """

    least: Mapping[str, float]
    names: Mapping[str, list[str]]

    @classmethod
    def load(cls, folder: Path) -> Terms:
        return cls(**toml.load(folder / "live.toml")["vast"])

    @property
    def fields(self) -> tuple[str, ...]:
        """What is looked at of an offer."""
        return ("gpu_name", "gpu_ram", "num_gpus", "dph_base", "reliability2", *self.least, *_BESIDE)

    def request(self) -> dict[str, Any]:
        disk = self.least["disk_space"]
        own = {"verified": True, "external": False, "rentable": True, "rented": False, "num_gpus": 1}
        return {
            **{name: {"eq": value} for name, value in own.items()},
            "gpu_name": {"in": sorted({name for names in self.names.values() for name in names})},
            **{name: {"gte": value} for name, value in self.least.items()},
            "order": [["dph_total", "asc"]],
            "type": "on-demand",
            "limit": _MOST,
            "allocated_storage": disk,
        }

    def holds(self, row: Row) -> bool:
        has = {"reliability": row.get("reliability2"), **row}  # its two names for one figure
        return number(row.get("num_gpus")) == 1 and all(
            (number(has.get(name)) or 0.0) >= value for name, value in self.least.items()
        )


def read(told: Sequence[Row], seen: str, cards: Sequence[Card], terms: Terms) -> Answer:
    """Of each card the cheapest offer as it is, and the median's price an hour."""
    good: dict[str, list[Offer]] = {}
    doubted: list[str] = []
    for row in told:
        gb = (number(row.get("gpu_ram")) or 0.0) / 1024
        card = next((one for one in cards if row.get("gpu_name") in one.vast and one.has(gb)), None)
        if card is None or not terms.holds(row):
            continue
        costs = {ours: number(row.get(its)) for its, ours in _BESIDE.items()}
        beside = {name: each for name, each in costs.items() if each is not None and 0 <= each <= _DEAREST}
        price: Any = row.get("dph_base")
        if doubt := card.doubt(price):
            doubted.append(doubt)
        elif len(beside) < len(costs):
            doubted.append(f"{card.name} with disk or traffic for no price that can be")
        else:
            good.setdefault(card.name, []).append(Offer(PROVIDER, price, price, seen, **beside))
    offers = {name: (_span(found, terms),) for name, found in good.items()}
    return Answer(offers, len(told), sum(map(len, good.values())), tuple(doubted), len(told) < _MOST)


def _span(offers: Sequence[Offer], terms: Terms) -> Offer:
    """The cheapest, for an hour with a set-up's traffic."""
    typical = Rental(hours=1.0, disk=terms.least["disk_space"], down=10.0, up=1.0)
    best = min(offers, key=lambda offer: cost.dollars(offer, typical))
    median = sorted(one.low for one in offers)[len(offers) // 2]
    return replace(best, high=max(best.low, median))
