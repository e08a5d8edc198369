"""A plan for people and for scripts: a line a card, and the arithmetic of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kohya_wrap.cli import plan_measured
from kohya_wrap.cli.plan_in_words import plan_in_words
from kohya_wrap.domain import cost, speed
from kohya_wrap.domain.wording import counted
from kohya_wrap.workflow.card_plan import CardPlan, Verdict
from kohya_wrap.workflow.own_card import OwnCard
from kohya_wrap.workflow.plan import Plan
from kohya_wrap.workflow.sessions import Staged, two_stages

if TYPE_CHECKING:
    from kohya_wrap.cli.console import Console

_GIB = 2**30
_VERDICTS = {Verdict.FITS: "fits", Verdict.TIGHT: "tight", Verdict.TOO_SMALL: "does not fit"}
_HEAD = ("GPU", "GB", "memory", "batch", "steps", "set-up", "training", "dollars", "cheapest seen")


def say(console: Console, found: Plan, *, explain: str = "", kwh: float | None = None) -> None:
    """Args: explain: the name of the card whose arithmetic is shown; empty: of none."""
    console.say(f"{found.family.title}, {counted(found.images, 'image')}: {_length(found.cards)}\n")
    for line in table([_HEAD, *map(_row, found.cards)]):
        console.say(line)
    console.say()
    if found.mine:
        console.say(_mine(OwnCard(found.mine, kwh)))
    if found.over_budget:
        console.say(
            f"over the budget, or without a price: {', '.join(p.preset.name for p in found.over_budget)}"
        )
    if explain:
        every = (*found.cards, *found.over_budget)
        for line in _explained(next((one for one in every if one.preset.name == explain), found.cards[0])):
            console.say(line)
        return
    for line in _legend(found):
        console.say(line)


def _length(cards: Sequence[CardPlan]) -> str:
    lengths = dict.fromkeys(plan_in_words(card.steps) for card in cards)
    return next(iter(lengths)) if len(lengths) == 1 else "the steps differ by card, see below"


def _row(card: CardPlan) -> tuple[str, ...]:
    batch, more = card.config.get("train_batch_size", 1), card.config.get("gradient_accumulation_steps", 1)
    offer = card.offer
    return (
        card.preset.name,
        str(card.preset.memory_gb),
        memory_in_words(card),
        (f"{batch}" if card.batches_are_ours else "dataset_config") + (f" x {more}" if more > 1 else ""),
        str(card.steps.steps),
        f"{card.session.set_up / 60:.0f} min",
        hours(card.training + card.caching, card.estimate.within) + plan_measured.of_time(card.estimate),
        f"{card.dollars[0]:.2f}-{card.dollars[1]:.2f}" if card.dollars else "no price",
        f"${offer.low:.2f} {offer.provider} ({offer.seen})" if offer else "",
    )


def memory_in_words(card: CardPlan) -> str:
    changes = f" {', '.join(card.changes)}" if card.changes and card.verdict is not Verdict.TOO_SMALL else ""
    return f"{_memory(card)}{plan_measured.of_memory(card.estimate)} {_VERDICTS[card.verdict]}{changes}"


def hours(seconds: float, within: float = speed.WITHIN) -> str:
    """A range of that factor each way."""
    low, high = seconds / within, seconds * within
    if high < 60:
        return "a minute at most"
    unit, word = (60.0, "min") if high < 5400 else (3600.0, "h")
    digits = 0 if unit == 60.0 or low >= 36000 else 1
    return f"{low / unit:.{digits}f}-{high / unit:.{digits}f} {word}"


def table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        if number == 0:
            yield "-" * (sum(widths) + 2 * (len(widths) - 1))


def _legend(found: Plan) -> Iterator[str]:
    yield from plan_measured.legend(found.cards)
    yield "dollars: set-up and the middle of training's range, at the lowest and the highest price seen; each says when it was seen."
    best = found.cards[0]
    batch = int(best.config.get("train_batch_size", 1))
    # By epochs alone a larger batch has fewer steps, and a dataset_config has its own.
    fewer = best.config.get("max_train_epochs") is not None and not best.config.get("dataset_config")
    if fewer and best.largest > batch and best.verdict is Verdict.FITS:
        yield (
            f"batch: on {best.preset.name} up to {best.largest} images at once fit with the margin (it takes {batch}); "
            f"a larger batch has fewer steps: --set train_batch_size={best.largest}"
            if not best.pace.bound_by_launches
            else f"batch: {best.preset.name} waits for its processor at {batch} at once, and up to {best.largest} fit: "
            f"--set train_batch_size={best.largest} has fewer steps, in less time"
        )
    if staged := two_stages(best, best.session):
        yield in_two_stages(best.preset.name, staged)
    yield f'how a line comes about: the same with --explain "{best.preset.name}"'


def _explained(card: CardPlan) -> Iterator[str]:
    load, need, pace = card.load, card.need, card.pace
    width, height = load.size
    yield f"{card.preset.name}: {card.preset.memory_gb} GB, of which {card.free / _GIB:.1f} GiB are counted on"
    yield (
        f"the largest batch: {counted(load.batch, 'image')} of {width}x{height}; dim {load.network_dim}, {load.precision}, "
        f"attention {load.attention}, gradient checkpointing {'on' if load.checkpointed else 'off'}, text encoders {load.encoders}"
    )
    most = max(need.phases, key=lambda phase: need.phases[phase])
    yield f"memory, GiB, while {most.value}:"
    for part, size in need.parts.items():
        yield _line(part.value, size)
    *lines, (careful, most_bytes) = plan_measured.memory(card)
    yield from (_line(what, size) for what, size in lines)
    yield _line(careful, most_bytes) + f"   {_VERDICTS[card.verdict]}"
    for phase, size in need.phases.items():
        if phase is not most:
            yield _line(f"while {phase.value}", size)
    rate = speed.utilisation(card.preset.capability)
    more = card.batches_a_step
    yield (
        f"a micro-batch: {pace.flops / 1e12:.1f} TFLOP; {card.preset.tflops:g} TFLOP/s by the data sheet, of which {rate:.0%} are "
        f"counted on{' (the processor starting its kernels takes longer)' if pace.bound_by_launches else ''}: {pace.seconds:.2f} s"
    )
    yield from plan_measured.explained(card)
    yield f"a step: {more} micro-batch{'es' if more > 1 else ''} = {card.seconds_a_step:.2f} s; {plan_in_words(card.steps)}"
    yield (
        f"set-up {card.session.set_up / 60:.1f} min + caching {card.caching / 60:.1f} min + training {card.training / 60:.0f} min = "
        f"{card.seconds / 3600:.2f} h (training within a factor of {card.estimate.within:g})"
    )
    job = card.session.rental
    yield f"disk to ask for: {job.disk:.0f} GB; traffic {job.down:.1f} GB in, {job.up:.1f} GB out"
    for offer in sorted(card.offers, key=lambda offer: cost.dollars(offer, job)):
        span = f"{offer.low:.2f}" if offer.low == offer.high else f"{offer.low:.2f}-{offer.high:.2f}"
        hidden = cost.hidden(offer, job)
        beside = f", of which ${hidden:.3f} for disk, traffic and what is priced apart" if hidden else ""
        yield f"  {offer.provider:<18} ${span:<10} an hour ({offer.seen})  ${cost.dollars(offer, job)[0]:.2f} in all{beside}"


def in_two_stages(gpu: str, staged: Staged) -> str:
    return (
        f"in two stages ({staged.provider}): a machine without a GPU sets up a volume that {gpu} takes over: "
        f"${staged.dollars[0]:.2f}, where that card alone is ${staged.at_once[0]:.2f}"
    )


def _mine(own: OwnCard) -> str:
    card = own.card
    fits = f"{_memory(card)}{plan_measured.of_memory(card.estimate)} {_VERDICTS[card.verdict]}"
    said = f"your {card.preset.name}: {fits}, {card.steps.steps} steps, {hours(own.seconds, card.estimate.within)}"
    if own.dollars is None:
        return f"{said}; --kwh says what the electricity costs"
    return f"{said}, ${own.dollars:.2f} of electricity ({own.watts:.0f} W at full load, 100 of them guessed for the rest of the machine)"


def _memory(card: CardPlan) -> str:
    return f"{card.need.likely / _GIB:.1f}-{card.need.conservative / _GIB:.1f} GiB"


def _line(what: str, size: float) -> str:
    return f"  {what:<50} {size / _GIB:6.2f}"


def as_data(found: Plan, kwh: float | None = None) -> dict[str, Any]:
    return {
        "family": found.family.name.value,
        "images": found.images,
        **plan_measured.of_all((*found.cards, *found.over_budget)),
        "cards": [_card(card) for card in found.cards],
        "over_budget": [_card(card) for card in found.over_budget],
        "own": _own(OwnCard(found.mine, kwh)) if found.mine else None,
        "live": dict(found.live.how) if found.live else None,
    }


def _own(own: OwnCard) -> dict[str, Any]:
    return {**_card(own.card), "seconds": own.seconds, "watts": own.watts, "electricity_dollars": own.dollars}


def _card(card: CardPlan) -> dict[str, Any]:
    dollars = card.dollars
    return {
        "gpu": card.preset.name,
        **plan_measured.as_data(card),
        "memory_gb": card.preset.memory_gb,
        "verdict": _VERDICTS[card.verdict],
        "changes": list(card.changes),
        "train_batch_size": card.config.get("train_batch_size", 1) if card.batches_are_ours else None,
        "gradient_accumulation_steps": card.config.get("gradient_accumulation_steps", 1),
        "gradient_checkpointing": card.load.checkpointed,
        "largest_batch": card.largest,
        "free_bytes": round(card.free),
        "likely_bytes": round(card.need.likely),
        "shown_bytes": round(card.need.shown),
        "conservative_bytes": round(card.need.conservative),
        "parts_bytes": {part.value: round(size) for part, size in card.need.parts.items()},
        "phases_bytes": {phase.value: round(size) for phase, size in card.need.phases.items()},
        "epochs": card.steps.epochs,
        "steps": card.steps.steps,
        "steps_per_epoch": card.steps.steps_per_epoch,
        "tflop_per_micro_batch": card.pace.flops / 1e12,
        "seconds_per_step": card.seconds_a_step,
        "set_up_seconds": card.session.set_up,
        "caching_seconds": card.caching,
        "training_seconds": card.training,
        "dollars": None if dollars is None else {"low": dollars[0], "high": dollars[1]},
        "disk_gb": card.session.rental.disk,
        "traffic_gb": {"down": card.session.rental.down, "up": card.session.rental.up},
        "offers": [
            {
                "provider": offer.provider,
                "low": offer.low,
                "high": offer.high,
                "seen": offer.seen,
                "dollars": cost.dollars(offer, card.session.rental)[0],
                "hidden_dollars": cost.hidden(offer, card.session.rental),
            }
            for offer in card.offers
        ],
    }
