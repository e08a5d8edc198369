"""Several trainings in one session, for people and for scripts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kohya_wrap.cli.plan_display import as_data as plan_as_data
from kohya_wrap.cli.plan_display import hours, in_two_stages, memory_in_words, table
from kohya_wrap.cli.plan_in_words import plan_in_words
from kohya_wrap.errors import UsageError
from kohya_wrap.places import Places
from kohya_wrap.workflow import plan, sessions
from kohya_wrap.workflow.card_plan import CardPlan
from kohya_wrap.workflow.plan import Plan, PlanRequest
from kohya_wrap.workflow.sessions import Together

if TYPE_CHECKING:
    from kohya_wrap.cli.console import Console

_HEAD = (
    "GPU",
    "GB",
    "memory, of the hardest",
    "in one session",
    "dollars",
    "a machine each",
    "dollars",
    "saved",
)


def say(
    console: Console, wheres: Sequence[Path], request: PlanRequest, places: Places, *, as_json: bool
) -> None:
    """Raises what `plan.run` does; UsageError: the budget holds none of the cards."""
    plans = [plan.run(replace(request, where=where, budget=None), places, os.environ) for where in wheres]
    found = sessions.of(plans)
    held = tuple(
        one for one in found if request.budget is None or (one.dollars and one.dollars[0] <= request.budget)
    )
    if not held:
        least = found[0].dollars
        raise UsageError(
            f"${request.budget:.2f} holds none of them"
            + (
                f": the nearest is {found[0].preset.name} at ${least[0]:.2f}."
                if least
                else ": no price is known."
            ),
            why=f"{len(plans)} trainings, {found[0].session.seconds / 3600:.1f} hours in one session.",
            hint="Fewer of them at once, or a larger --budget.",
        )
    for where, one in zip(wheres, plans, strict=True):
        console.say(f"{where}: {one.family.title}, {plan_in_words(_on(one, held[0]).steps)}")
    console.say()
    for line in (*table([_HEAD, *map(_row, held)]), "", *_legend(held[0])):
        console.say(line)
    findings = tuple(dict.fromkeys(finding for one in plans for finding in one.findings))
    console.findings(findings)
    if as_json:
        console.envelope("plan", as_data(wheres, plans, held), findings=findings)


def _on(one: Plan, card: Together) -> CardPlan:
    return next(own for own in one.cards if own.preset.name == card.preset.name)


def _row(one: Together) -> tuple[str, ...]:
    return (
        one.preset.name,
        str(one.preset.memory_gb),
        memory_in_words(
            max(one.cards, key=lambda card: (card.verdict, len(card.changes), card.need.conservative))
        ),
        hours(one.session.seconds - one.session.set_up, _within(one))
        + f" and {one.session.set_up / 60:.0f} min of set-up",
        _dollars(one.dollars),
        f"{one.seconds_separately / 60 - sum(card.caching + card.training for card in one.cards) / 60:.0f} min of set-up",
        _dollars(one.separately),
        f"{one.saved:.0%}",
    )


def _within(one: Together) -> float:
    """A factor each way: of its least certain training."""
    return max(card.estimate.within for card in one.cards)


def _dollars(span: tuple[float, float] | None) -> str:
    return f"{span[0]:.2f}-{span[1]:.2f}" if span else "no price"


def _legend(best: Together) -> Iterator[str]:
    yield f"saved: of the time; the dollars stand beside. Training itself takes as long either way, within a factor of {_within(best):g}."
    if staged := best.in_two_stages:
        yield in_two_stages(best.preset.name, staged)
    yield "in one session: kohya-wrap run with the same configs; one that fails does not stop the next."


def as_data(wheres: Sequence[Path], plans: Sequence[Plan], held: Sequence[Together]) -> dict[str, Any]:
    return {
        "configs": [
            {"config": str(where), **plan_as_data(one)} for where, one in zip(wheres, plans, strict=True)
        ],
        "sessions": [_session(one) for one in held],
    }


def _session(one: Together) -> dict[str, Any]:
    staged = one.in_two_stages
    return {
        "gpu": one.preset.name,
        "seconds": one.session.seconds,
        "set_up_seconds": one.session.set_up,
        "dollars": _span(one.dollars),
        "separately_seconds": one.seconds_separately,
        "separately_dollars": _span(one.separately),
        "saved": one.saved,
        "disk_gb": one.session.rental.disk,
        "two_stages": None
        if staged is None
        else {"provider": staged.provider, **(_span(staged.dollars) or {}), "at_once": _span(staged.at_once)},
    }


def _span(span: tuple[float, float] | None) -> dict[str, float] | None:
    return None if span is None else {"low": span[0], "high": span[1]}
