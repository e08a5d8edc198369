"""Today's prices in place of the dated table's, of the providers that say theirs, and how that went."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from kohya_wrap import resources
from kohya_wrap.domain.cost import Offer
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.domain.wording import counted, named
from kohya_wrap.host import price_api, seconds
from kohya_wrap.host.in_time import Late, each_in_time
from kohya_wrap.host.price_api import NoAnswer
from kohya_wrap.places import Places
from kohya_wrap.plan import kept_prices, prices
from kohya_wrap.plan.asked import Answer, WrongShape, rows
from kohya_wrap.plan.kept_prices import Kept
from kohya_wrap.workflow import price_sources
from kohya_wrap.workflow.price_sources import Source

_SECONDS = 10.0  # for both, asked at once


@dataclass(frozen=True)
class Live:
    """Attributes:
    offers: by the name of the card's preset: today's, and the dated table's of all other providers.
    how: by provider, for scripts: `state` (asked, kept of the last minutes, old of the last day, dated), when
        it was said, and how many of its prices are taken.
    """

    offers: Mapping[str, tuple[Offer, ...]]
    findings: tuple[Finding, ...]
    how: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class _Priced:
    kept: Kept
    answer: Answer

    @property
    def at(self) -> float:
        return self.kept.at


def of(places: Places, env: Mapping[str, str]) -> Live:
    """Both are asked at once, unless they were within the last minutes. What is not said today is as the table has it.

    Raises:
        UsageError: KOHYA_WRAP_PRICE_SECONDS is no number of seconds.
    """
    told = seconds.told(env, "KOHYA_WRAP_PRICE_SECONDS")
    within, now = _SECONDS if told is None else told, time.time()
    sources = price_sources.of(places, env)
    kept = {one.name: _kept(one, now) for one in sources}
    old = [one for one in sources if not ((had := kept[one.name]) and now - had.at < kept_prices.FRESH)]
    came = each_in_time([partial(_asked, one, within) for one in old], within)
    asked = dict(zip((one.name for one in old), came, strict=True))
    offers: Mapping[str, tuple[Offer, ...]] = prices.load(resources.presets()).offers
    findings: list[Finding] = []
    how: dict[str, Mapping[str, Any]] = {}
    for one in sources:
        outcome, had = asked.get(one.name), kept[one.name]
        priced, state = had, "kept"
        if isinstance(outcome, _Priced):
            priced, state = outcome, "asked"
            kept_prices.write(one.kept_at, priced.kept, one.question.key)
        elif outcome is not None:
            state = "old" if had else "dated"
            findings.append(_failed(one, outcome, had, within, now))
        if priced:
            offers = _replaced(offers, one.providers, priced.answer)
            findings += _found(one, priced, now)
        how[one.name] = {
            "state": state,
            "said_at": None
            if priced is None
            else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(priced.at)),
            "passed": priced.answer.passed if priced else 0,
            "of": priced.answer.came if priced else 0,
        }
    return Live(offers, tuple(findings), how)


def _kept(source: Source, now: float) -> _Priced | None:
    had = kept_prices.read(source.kept_at, source.fields, now)
    answer = source.read(had.rows, _clock(had.at)) if had else None
    return _Priced(had, answer) if had and answer and answer.offers else None


def _asked(source: Source, within: float) -> _Priced:
    """Raises NoAnswer: none that is of use, and why."""
    try:
        told = rows(price_api.ask(source.question, within), source.key, source.fields)
    except WrongShape:
        raise NoAnswer("answers in another shape than is known of it") from None
    now = time.time()
    answer = source.read(told, _clock(now))
    if not answer.offers:
        doubted = f" ({answer.doubted[0]})" if answer.doubted else ""
        raise NoAnswer(f"answers without a price that can be used{doubted}")
    return _Priced(Kept(now, told), answer)


def _failed(source: Source, error: BaseException, had: _Priced | None, within: float, now: float) -> Finding:
    """Raises `error` where it is none of the provider's."""
    wants, hint = "", ""
    if isinstance(error, NoAnswer):
        reason = error.reason
        wants, hint = source.wants if error.wants_key else ("", "")
    elif isinstance(error, Late):
        reason = f"has not answered within {within:g} s"
    else:
        raise error
    instead = f"those of {_age(now - had.at)} ago" if had else "the dated table's, each with its day"
    return Finding(
        Level.WARNING,
        "live-prices-not-said",
        f"{source.name} {reason}{wants}. Its prices are {instead}.",
        hint,
    )


def _found(source: Source, priced: _Priced, now: float) -> list[Finding]:
    answer = priced.answer
    said = f"{source.name} ({_clock(priced.at)}, {_age(now - priced.at)} ago): {answer.passed} of {answer.came} {source.passed}"
    if not answer.whole:
        said += "; it has more, so that dearer cards may have offers that are not among these"
    found = [Finding(Level.NOTE, "live-prices", f"{said}.")]
    if answer.doubted:
        found.append(
            Finding(
                Level.WARNING,
                "live-prices-left-out",
                f"{source.name}: {counted(len(answer.doubted), 'offer')} left out, of a price that cannot be: {named(answer.doubted, 1)}.",
            )
        )
    return found


def _replaced(
    offers: Mapping[str, tuple[Offer, ...]], providers: Sequence[str], answer: Answer
) -> Mapping[str, tuple[Offer, ...]]:
    """A card that such a provider does not have today has no price of it, if all was said."""

    def of_one(name: str) -> tuple[Offer, ...]:
        live = answer.offers.get(name, ())
        stay = not (live or answer.whole)
        return *(one for one in offers.get(name, ()) if stay or one.provider not in providers), *live

    return {name: of_one(name) for name in dict.fromkeys((*offers, *answer.offers))}


def _clock(at: float) -> str:
    """By this machine's clock."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def _age(passed: float) -> str:
    minutes = round(passed / 60)
    return counted(minutes, "minute") if minutes < 120 else f"{minutes / 60:.0f} hours"
