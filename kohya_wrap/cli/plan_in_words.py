"""A training's length in words: "1 epoch of 5 steps = 5 steps"."""

from __future__ import annotations

from kohya_wrap.domain.steps import StepPlan


def plan_in_words(plan: StepPlan) -> str:
    epochs, each = _counted(plan.epochs, "epoch"), _counted(plan.steps_per_epoch, "step")
    return f"{epochs} of {each} = {_counted(plan.steps, 'step')}"


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
