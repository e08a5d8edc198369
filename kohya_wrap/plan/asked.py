"""A provider's own word on its prices, of which so much is taken as can be believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kohya_wrap.domain.cost import Offer

_MOST = 50.0  # dollars an hour: six times what was seen of any one card
_APART = 5.0  # times below the lowest or above the highest that was seen of a card: no market moves so far in months
_HUGE = 1e11
_CLOSE = 0.1  # of a card's memory, by which drivers show less than it is sold with

Row = Mapping[str, Any]


class WrongShape(Exception):
    """It is none of the provider's answers."""


@dataclass(frozen=True)
class Card:
    """Attributes:
    nvml, vast: its names as the driver has them, which are RunPod's too, and as Vast.ai has them.
    seen: the lowest and the highest price of the dated table; None where it has none.
    """

    name: str
    nvml: tuple[str, ...]
    vast: tuple[str, ...]
    memory_gb: int
    seen: tuple[float, float] | None

    def has(self, gb: object) -> bool:
        memory = number(gb)
        return memory is not None and abs(memory - self.memory_gb) <= _CLOSE * self.memory_gb

    def doubt(self, price: object) -> str:
        """Why it cannot be; empty where it can."""
        dollars = number(price)
        if dollars is None:
            return f"{self.name} for no number"
        if not 0 < dollars <= _MOST:
            return f"{self.name} for ${dollars:g} an hour"
        if self.seen and not self.seen[0] / _APART <= dollars <= self.seen[1] * _APART:
            return f"{self.name} for ${dollars:g} an hour, where ${self.seen[0]:g} to ${self.seen[1]:g} were seen"
        return ""


@dataclass(frozen=True)
class Answer:
    """Attributes:
    offers: by the name of the card's preset.
    came, passed: prices in it, and those that are taken.
    doubted: those that cannot be, in words.
    whole: it holds all that the provider has.
    """

    offers: Mapping[str, tuple[Offer, ...]]
    came: int
    passed: int
    doubted: tuple[str, ...] = ()
    whole: bool = True


def rows(told: object, key: str, fields: Sequence[str]) -> list[dict[str, Any]]:
    """The list under `key`, so much of it as is looked at. Raises WrongShape."""
    found = told.get(key) if isinstance(told, dict) else None
    if not isinstance(found, list):
        raise WrongShape
    return [{name: row[name] for name in fields if name in row} for row in found if isinstance(row, dict)]


def number(value: object) -> float | None:
    """None for what is none, or of no use: NaN, infinite, beyond all that is measured here."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_HUGE < value < _HUGE:
        return None
    return float(value)
