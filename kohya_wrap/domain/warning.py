"""Events that a person should hear of while the run goes on, in words."""

from __future__ import annotations

from pathlib import Path

from kohya_wrap.domain.events import Advice, AttemptEnded, Event, LossNotFinite, StateDamaged, Unfit


def in_words(event: Event) -> str | None:
    """None for an event that is no warning."""
    if isinstance(event, Advice):
        return event.text
    if isinstance(event, AttemptEnded):
        return f"{event.text} {event.action[:1].upper()}{event.action[1:]}."
    if isinstance(event, StateDamaged):
        return f"the state {Path(event.path).name} {event.problem}: an older one is taken, or it begins anew"
    if isinstance(event, Unfit):
        return f"{Path(event.path).name} {event.problem}: stopping"
    if isinstance(event, LossNotFinite):
        return f"the loss is not a number at step {event.step}: stopping"
    return None
