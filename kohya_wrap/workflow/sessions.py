"""Several trainings on one rented machine, against a machine for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kohya_wrap import resources
from kohya_wrap.config.presets import GpuPreset
from kohya_wrap.domain import cost, session
from kohya_wrap.domain.session import Session
from kohya_wrap.errors import MachineError
from kohya_wrap.plan import prices
from kohya_wrap.workflow.card_plan import CardPlan, Verdict
from kohya_wrap.workflow.plan import Plan

Dollars = tuple[float, float]  # at the lowest and the highest price seen


@dataclass(frozen=True)
class Staged:
    """Set up on a machine without a GPU, whose volume the GPU's takes over.

    Attributes:
        at_once: what the same provider's GPU alone would cost.
    """

    provider: str
    dollars: Dollars
    at_once: Dollars


@dataclass(frozen=True)
class Together:
    """One card.

    Attributes:
        cards: the plan of each training on it.
        session: all of them, one after the other.
    """

    preset: GpuPreset
    cards: tuple[CardPlan, ...]
    session: Session

    @property
    def dollars(self) -> Dollars | None:
        return cost.total(self.cards[0].offers, self.session.rental)

    @property
    def separately(self) -> Dollars | None:
        each = [card.dollars for card in self.cards if card.dollars is not None]
        if len(each) < len(self.cards):
            return None
        return sum(low for low, _ in each), sum(high for _, high in each)

    @property
    def seconds_separately(self) -> float:
        return sum(card.seconds for card in self.cards)

    @property
    def saved(self) -> float:
        """Of the seconds, and so of the dollars but for disk and traffic."""
        return 1 - self.session.seconds / self.seconds_separately

    @property
    def in_two_stages(self) -> Staged | None:
        return two_stages(self.cards[0], self.session)


def of(plans: Sequence[Plan]) -> tuple[Together, ...]:
    """On each card that holds all of them, the cheapest first. Raises MachineError: there is none."""
    fitting = [
        {card.preset.name: card for card in plan.cards if card.verdict is not Verdict.TOO_SMALL}
        for plan in plans
    ]
    held = [tuple(own[name] for own in fitting) for name in fitting[0] if all(name in own for own in fitting)]
    found = [
        Together(cards[0].preset, cards, session.joined([card.session for card in cards])) for cards in held
    ]
    if not found:
        raise MachineError(
            "No card holds all of these trainings.",
            why="Each fits on some, but none on the same.",
            hint="Plan them one by one: kohya-wrap plan CONFIG",
        )
    return tuple(sorted(found, key=_order))


def _order(one: Together) -> tuple[Verdict, float, float]:
    """As of one training: first where all fit, then the cheapest."""
    worst = max(card.verdict for card in one.cards)
    return worst, one.dollars[0] if one.dollars else float("inf"), one.session.seconds


def two_stages(card: CardPlan, whole: Session) -> Staged | None:
    """None where the provider that does this offers no such card."""
    stages = prices.load(resources.presets()).two_stages
    offer = next((one for one in card.offers if one.provider == stages.provider), None)
    if offer is None:
        return None
    staged, at_once = session.in_two_stages(whole, offer, stages), cost.dollars(offer, whole.rental)
    return Staged(stages.provider, staged, at_once)
