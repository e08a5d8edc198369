"""What only shows once the steps are known."""

from __future__ import annotations

from collections.abc import Mapping

from kohya_wrap.config.check.schedules import warm_up_against
from kohya_wrap.config.check.seen import Seen
from kohya_wrap.domain.config import TrainingConfig
from kohya_wrap.domain.finding import Finding
from kohya_wrap.domain.steps import StepPlan


def check_plan(config: TrainingConfig, plan: StepPlan, lines: Mapping[str, str]) -> tuple[Finding, ...]:
    by_steps = config.get("max_train_epochs") is None and config.get("max_train_steps") is not None
    if by_steps or not plan.steps:  # `check` has said it
        return ()
    return tuple(warm_up_against(Seen(config, "", lines), plan.steps))
