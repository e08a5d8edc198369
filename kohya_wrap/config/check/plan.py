"""What only shows once the steps are known."""

from __future__ import annotations

from collections.abc import Mapping

from kohya_wrap.config.check.seen import Seen
from kohya_wrap.domain.config import TrainingConfig
from kohya_wrap.domain.finding import Finding
from kohya_wrap.domain.steps import StepPlan


def check_plan(config: TrainingConfig, plan: StepPlan, lines: Mapping[str, str]) -> tuple[Finding, ...]:
    warmup = config.get("lr_warmup_steps", 0)
    steps = int(warmup) if isinstance(warmup, int) else int(warmup * plan.steps)
    if not plan.steps or steps < plan.steps:
        return ()
    found = Seen(config, "", lines).warning(
        "warmup-longer-than-run", "lr_warmup_steps",
        f"the warm-up of {steps} steps is as long as the run of {plan.steps}: "
        "the full learning rate is never reached.",
        f"Write lr_warmup_steps = {max(1, plan.steps // 20)}, or train longer.",
    )  # fmt: skip
    return (found,)
