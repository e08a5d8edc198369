"""A training's length in words: "1 epoch of 5 steps = 5 steps"."""

from __future__ import annotations

from kohya_wrap.domain.steps import StepPlan
from kohya_wrap.domain.wording import counted


def plan_in_words(plan: StepPlan) -> str:
    epochs, each = counted(plan.epochs, "epoch"), counted(plan.steps_per_epoch, "step")
    return f"{epochs} of {each} = {counted(plan.steps, 'step')}"
