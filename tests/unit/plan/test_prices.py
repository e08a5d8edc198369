"""presets/prices.toml is held to the cards that there are."""

from __future__ import annotations

import re

import pytest

from kohya_wrap import resources
from kohya_wrap.config import presets
from kohya_wrap.domain import cost
from kohya_wrap.domain.cost import Offer, Rental
from kohya_wrap.plan import prices

KNOWN = prices.load(resources.presets()).offers


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
    assert cost.cheapest(offers, Rental(1.0)) == offers[1]
    assert (cost.price_range(()), cost.cheapest((), Rental(1.0)), cost.total((), Rental(1.0))) == (None,) * 3


def test_what_an_hour_hides_may_decide() -> None:
    plain = Offer("A", 0.30, 0.30, "2026")
    dear = Offer("B", 0.25, 0.25, "2026", storage=0.36, down=0.01, up=0.02, beside=0.04)
    job = Rental(hours=2.0, disk=50, down=10, up=1)
    assert cost.hidden(plain, job) == 0
    assert cost.hidden(dear, job) == pytest.approx(2 * (0.04 + 50 * 0.36 / 720) + 10 * 0.01 + 1 * 0.02)
    assert cost.cheapest((plain, dear), job) == plain
    assert cost.cheapest((plain, dear), Rental(2.0)) == dear
    assert cost.total((plain, dear), job) == (pytest.approx(0.60), pytest.approx(0.50 + 0.25))
    wide = Offer("C", 0.30, 0.90, "2026")
    assert cost.dollars(wide, job) == (pytest.approx(0.60), pytest.approx(1.80))
    assert cost.total((plain, wide), job) == (pytest.approx(0.60), pytest.approx(1.80))


def test_what_providers_ask_beside_is_of_providers_that_offer_something() -> None:
    named = {offer.provider for offers in KNOWN.values() for offer in offers}
    assert set(prices.load(resources.presets()).beside) <= named
