"""Several trainings on one rented machine, and one on a card of one's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kohya_wrap.domain import cost
from kohya_wrap.errors import MachineError, UsageError
from kohya_wrap.places import Places
from kohya_wrap.workflow import plan, sessions
from kohya_wrap.workflow.card_plan import Verdict
from kohya_wrap.workflow.own_card import MACHINE, OwnCard
from kohya_wrap.workflow.plan import Plan, PlanRequest


def planned(photos: Path, places: Places, *gpus: str, base: str = "sd15", mine: str = "") -> Plan:
    return plan.run(PlanRequest(photos, gpus=gpus, base=base, mine=mine), places, {})


def test_one_session_saves_the_set_up_of_the_others(photos: Path, places: Places) -> None:
    plans = [planned(photos, places, "RTX 4090", "T4") for _ in range(3)]
    first, second = sessions.of(plans)
    assert first.dollars and second.dollars and first.dollars[0] <= second.dollars[0]
    for one in (first, second):
        alone = one.cards[0].session
        assert one.seconds_separately == pytest.approx(3 * alone.seconds)
        assert one.seconds_separately - one.session.seconds == pytest.approx(2 * alone.preparing)
        assert one.saved == pytest.approx(1 - one.session.seconds / one.seconds_separately)
        assert one.separately and one.dollars and one.dollars[0] < one.separately[0]
        assert one.separately[0] == pytest.approx(3 * (one.cards[0].dollars or (0, 0))[0])


def test_only_cards_that_hold_all(photos: Path, places: Places) -> None:
    small = planned(photos, places, "RTX 3060 12GB", "RTX 4090")
    tight = replace(small, cards=tuple(card for card in small.cards if card.preset.name == "RTX 4090"))
    assert [one.preset.name for one in sessions.of([small, tight])] == ["RTX 4090"]
    by_name = {card.preset.name: card for card in small.cards}
    by_name["RTX 4090"] = replace(by_name["RTX 4090"], verdict=Verdict.TOO_SMALL)
    one_less = replace(small, cards=tuple(by_name.values()))
    assert [one.preset.name for one in sessions.of([small, one_less])] == ["RTX 3060 12GB"]
    none = replace(small, cards=())
    with pytest.raises(MachineError, match="No card holds all"):
        sessions.of([small, none])


def test_two_stages_are_set_against_the_same_providers_card(photos: Path, places: Places) -> None:
    (card,) = planned(photos, places, "RTX 4090").cards
    staged = sessions.two_stages(card, card.session)
    assert staged is not None and staged.provider == "RunPod secure"
    offer = next(offer for offer in card.offers if offer.provider == "RunPod secure")
    assert staged.at_once == cost.dollars(offer, card.session.rental)
    assert staged.dollars[0] < staged.at_once[0]
    (other,) = planned(photos, places, "RTX 3060 12GB").cards
    assert sessions.two_stages(other, other.session) is None, "RunPod has none"


def test_an_own_card_takes_hours_and_electricity(photos: Path, places: Places) -> None:
    found = planned(photos, places, "RTX 4090", mine="RTX 3060 12GB")
    assert found.mine is not None and [card.preset.name for card in found.cards] == ["RTX 4090"]
    own = OwnCard(found.mine, 0.30)
    assert own.watts == 170 + MACHINE
    assert own.seconds == found.mine.caching + found.mine.training
    assert own.dollars == pytest.approx(0.270 * own.seconds / 3600 * 0.30)
    assert OwnCard(found.mine, None).dollars is None
    bare = replace(found.mine, preset=replace(found.mine.preset, watts=None))
    assert OwnCard(bare, 0.30).dollars is None


def test_an_own_card_that_is_none(photos: Path, places: Places) -> None:
    with pytest.raises(UsageError, match="RTX 3061") as refused:
        planned(photos, places, mine="RTX 3061")
    assert str(refused.value.hint).startswith("--own")
