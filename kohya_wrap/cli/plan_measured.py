"""What measured runs have to do with a plan, in words and for scripts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from kohya_wrap.domain import speed
from kohya_wrap.domain.calibration import ALIKE, SAME_FAMILY
from kohya_wrap.domain.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kohya_wrap.domain.calibration import Estimate, Measured
    from kohya_wrap.workflow.card_plan import CardPlan

_SHOWN = 10  # runs, the newest


def of_time(estimate: Estimate) -> str:
    """Behind a row's range."""
    if not estimate.runs:
        return ""
    return " measured" if estimate.alike else f" by {counted(len(estimate.runs), 'run')}"


def of_memory(estimate: Estimate) -> str:
    """Before a row's verdict."""
    return " measured," if estimate.peak is not None else ""


def legend(cards: Sequence[CardPlan]) -> Iterator[str]:
    """How many runs stand behind the lines; "uncalibrated" where none does."""
    found = [card.estimate for card in cards]
    peaks = sum(run.peak is not None for one in found if one.alike for run in one.runs)
    memory = [
        *([f'"measured": the peak of a run of this setup on that card, and 5 % more ({counted(peaks, "run")})'] if peaks else ()),
        *([] if all(one.peak is not None for one in found) else ["never measured by us on a GPU: uncalibrated"]),
    ]  # fmt: skip
    yield (
        "memory: the likely need, and a careful one of what the allocator keeps and a fifth more on all but the weights; fits: the careful one is free "
        f"(93 % of the card's GB are counted on); tight: only the likely one; {'; else '.join(memory)}."
    )
    alike = sum(len(one.runs) for one in found if one.alike)
    others = sum(len(one.runs) for one in found if not one.alike)
    time = [
        *([f'"measured": within {100 * (ALIKE - 1):.0f} % of {counted(alike, "run")} of this setup on that card'] if alike else ()),
        *([f'"by": within a factor of {SAME_FAMILY:g}, by {counted(others, "run")} of other setups on that card'] if others else ()),
        *([] if all(one.runs for one in found) else ["within a factor of two of what people have reported, uncalibrated: no measured run stands behind it"]),
    ]  # fmt: skip
    yield f"training: {'; else '.join(time)}."


def memory(card: CardPlan) -> Iterator[tuple[str, float]]:
    """What the parts come to, in bytes."""
    need = card.need
    if card.estimate.peak is None:
        yield "likely", need.likely
        yield "that a monitor shows, where there is room", need.shown
        yield "careful: that, and a fifth more above the weights", need.conservative
        return
    yield "counted", sum(need.parts.values())
    yield "likely: the highest peak measured, below", need.likely
    yield "careful: 5 % more", need.conservative


def explained(card: CardPlan) -> Iterator[str]:
    """Which runs, and what is made of them."""
    found = card.estimate
    if not found.runs:
        yield "no measured run stands behind it: uncalibrated"
        return
    if found.alike:
        yield f"measured: {found.seconds:.3g} s, the median of {counted(len(found.runs), 'run')} of this setup (fingerprint {found.runs[0].fingerprint}):"
    else:
        yield (
            f"measured: {found.seconds:.3g} s, the model's times {found.seconds / card.pace.seconds:.2f}, as {counted(len(found.runs), 'run')} "
            "of other setups on this card were off it:"
        )
    newest = sorted(found.runs, key=lambda one: one.when, reverse=True)
    for run in newest[:_SHOWN]:
        yield _line(run)
    if newest[_SHOWN:]:
        yield f"  and {len(newest) - _SHOWN} more"


def _line(run: Measured) -> str:
    width, height = run.load.size
    peak = "" if run.peak is None else f", peak {run.peak / 2**30:.1f} GiB"
    return (
        f"  {run.when[:10]}  {run.seconds:.3g} s over {counted(run.steps, 'step')}{peak}; "
        f"{counted(run.load.batch, 'image')} of {width}x{height}, dim {run.load.network_dim}"
    )


def as_data(card: CardPlan) -> dict[str, Any]:
    found = card.estimate
    return {
        "calibrated": bool(found.runs),
        "time_within_factor": found.within,
        "measured_runs": len(found.runs),
        "measured_peak_bytes": found.peak,
    }


def of_all(cards: Sequence[CardPlan]) -> dict[str, Any]:
    """Of the whole plan, by its least certain line."""
    return {
        "time_within_factor": max((card.estimate.within for card in cards), default=speed.WITHIN),
        "calibrated": all(card.estimate.runs for card in cards),
    }
