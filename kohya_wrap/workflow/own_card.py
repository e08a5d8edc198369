"""The user's own card, against a rented one: hours, and what the socket takes."""

from __future__ import annotations

from dataclasses import dataclass

from kohya_wrap.workflow.card_plan import CardPlan

MACHINE = 100.0  # watts beside the card, guessed


@dataclass(frozen=True)
class OwnCard:
    """Attributes:
    kwh: dollars for a kilowatt-hour; None: not said.
    """

    card: CardPlan
    kwh: float | None

    @property
    def seconds(self) -> float:
        """Nothing is rented, so the set-up costs nothing and is not counted."""
        return self.card.caching + self.card.training

    @property
    def watts(self) -> float | None:
        """At full load; None where the card's board power is not known."""
        board = self.card.preset.watts
        return None if board is None else board + MACHINE

    @property
    def dollars(self) -> float | None:
        """Of electricity."""
        if self.watts is None or self.kwh is None:
            return None
        return self.watts / 1000 * self.seconds / 3600 * self.kwh
