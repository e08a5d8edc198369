"""What only shows once the steps are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kohya_wrap.config.check.saving import never_saved
from kohya_wrap.config.check.schedules import warm_up_against
from kohya_wrap.config.check.seen import Seen
from kohya_wrap.domain.config import Origin, TrainingConfig
from kohya_wrap.domain.finding import Finding
from kohya_wrap.domain.steps import StepPlan


def check_plan(config: TrainingConfig, plan: StepPlan, lines: Mapping[str, str]) -> tuple[Finding, ...]:
    seen = Seen(config, "", lines)
    return (*_warm_up(seen, plan), *_saves(seen, plan)) if plan.steps else ()


def _warm_up(seen: Seen, plan: StepPlan) -> Iterator[Finding]:
    by_steps = seen.get("max_train_epochs") is None and seen.get("max_train_steps") is not None
    if not by_steps:  # else `check` has said it
        yield from warm_up_against(seen, plan.steps)


def _saves(seen: Seen, plan: StepPlan) -> Iterator[Finding]:
    solved = seen.config.origin("max_train_epochs") in (None, Origin.WRAPPER)
    by_steps = solved and seen.get("max_train_epochs") is None and seen.get("max_train_steps") is not None
    yield from never_saved(seen, plan.epochs if solved else None, None if by_steps else plan.steps)
