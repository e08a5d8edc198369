"""What is said of a run that ends before its time, and can go on: stopped, too dear, or given up."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from kohya_wrap.domain.budget import Budget
from kohya_wrap.domain.ledger import Ledger
from kohya_wrap.errors import Interrupted, KohyaWrapError, Stopped, TooDear, TrainingFailed
from kohya_wrap.host.child import StopRequest


def too_dear(ledger: Ledger, within: Budget, spent: float, config: Path) -> TooDear:
    dollars = within.dollars(spent)
    spent_so_far = _lasting(spent) + ("" if dollars is None else f", ${dollars:.2f},")
    return TooDear(
        f"{_at(ledger)}: {spent_so_far} are spent; {_kept(ledger)}.",
        why="Another epoch would not be done within the cap, and what is not kept would be lost.",
        hint=f"kohya-wrap run {shlex.quote(str(config))}   with a higher --max-cost or --max-hours",
    )


def stopped(ledger: Ledger, stop: StopRequest, config: Path) -> KohyaWrapError:
    return asked(stop, f"{_at(ledger)}; {_kept(ledger)}.", f"kohya-wrap run {shlex.quote(str(config))}")


def asked(stop: StopRequest, message: str, hint: str, data: dict[str, Any] | None = None) -> KohyaWrapError:
    """Of what somebody has stopped, one training or several."""
    if stop.is_interrupt:
        return Interrupted(message, why="Ctrl-C.", hint=hint, data=data)
    why = "kohya-wrap stop, or SIGTERM: somebody, or the machine going away, asked for it."
    return Stopped(message, why=why, hint=hint, data=data)


def given_up(failed: TrainingFailed, ledger: Ledger, config: Path) -> TrainingFailed:
    """With what is kept all the same, and how to go on from there."""
    again = f"then: kohya-wrap run {shlex.quote(str(config))}"
    return TrainingFailed(
        f"{failed.message.removesuffix('.')}; {_kept(ledger)}.",
        why=failed.why,
        hint=failed.hint if again in failed.hint else f"{failed.hint}   {again}",
    )


def _lasting(seconds: float) -> str:
    for name, unit in (("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= unit:
            return f"{seconds / unit:.2f} {name}"
    return f"{seconds:.1f} seconds"


def _at(ledger: Ledger) -> str:
    last = ledger.progress
    return f"Stopped after step {last.step} of {last.total}" if last else "Stopped before the first step"


def _kept(ledger: Ledger) -> str:
    if not ledger.states:
        return "no epoch was finished, so it begins anew"
    return f"epoch {ledger.states[-1].epoch} is kept, and it goes on from there"
