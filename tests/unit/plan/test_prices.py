"""presets/prices.toml is held to the cards that there are."""

from __future__ import annotations

import re

import pytest

from kohya_wrap import resources
from kohya_wrap.config import presets
from kohya_wrap.domain import cost
from kohya_wrap.domain.cost import Offer
from kohya_wrap.plan import prices

KNOWN = prices.load(resources.presets())


@pytest.mark.parametrize("card", KNOWN)
def test_of_cards_with_a_preset_dated_and_in_order(card: str) -> None:
    assert card in presets.load(resources.presets()).gpus
    for offer in KNOWN[card]:
        assert 0 < offer.low <= offer.high < 10
        assert re.fullmatch(r"20\d\d(-\d\d(-\d\d)?)?|undated", offer.seen)
    assert len({offer.provider for offer in KNOWN[card]}) == len(KNOWN[card])


def test_the_lowest_and_the_highest_of_several() -> None:
    offers = (Offer("A", 0.3, 0.4, "2026"), Offer("B", 0.2, 0.9, "2026"))
    assert cost.price_range(offers) == (0.2, 0.9)
    assert cost.cheapest(offers) == offers[1]
    assert (cost.price_range(()), cost.cheapest(())) == (None, None)
