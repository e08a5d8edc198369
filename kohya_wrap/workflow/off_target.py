"""Epochs and target steps of one file that do not go together: the dataset has changed since `init` solved them."""

from __future__ import annotations

from pathlib import Path

from kohya_wrap.config.user import UserConfig
from kohya_wrap.dataset import folders
from kohya_wrap.domain import steps
from kohya_wrap.domain.config import Origin, TrainingConfig
from kohya_wrap.domain.finding import Finding, Level, typed
from kohya_wrap.domain.steps import StepPlan
from kohya_wrap.domain.wording import counted
from kohya_wrap.places import Project

_FAR = 1 / 3  # of the target
_UNCOUNTED = ("dataset_config", "reg_data_dir", "validation_split")


def of_plan(
    user: UserConfig, config: TrainingConfig, plan: StepPlan, *, least: bool = False
) -> tuple[Finding, ...]:
    """Args:
    least: the plan has the fewest steps that are possible.
    """
    target = user.wrapper.target_steps
    if target is None or config.origin("max_train_epochs") is not Origin.FILE:
        return ()
    epochs = steps.epochs_for(target, plan.steps_per_epoch)
    if abs(plan.steps / target - 1) <= _FAR or epochs == plan.epochs or (least and plan.steps < target):
        return ()
    return (
        Finding(
            Level.WARNING,
            "off-target",
            f"`max_train_epochs = {plan.epochs}` is {'at least ' if least else ''}{counted(plan.steps, 'step')} "
            f"with the pictures that are there, and `target_steps = {target}`.",
            f"kohya-wrap config set max_train_epochs={epochs} --file {typed(user.path)}",
            user.lines.get("max_train_epochs", ""),
        ),
    )


def by_names(user: UserConfig, config: TrainingConfig, project: Project) -> tuple[Finding, ...]:
    """Without a look into the pictures, so that it costs nothing: as if all were of one shape, the fewest steps."""
    folder = Path(config.get("train_data_dir") or project.training_data)
    if any(config.get(name) for name in _UNCOUNTED) or not folder.is_dir():
        return ()
    passes = sum(one.repeats * len(one.images) for one in folders.numbered(folder))
    batch, epochs = config.get("train_batch_size", 1), config.get("max_train_epochs")
    if not passes or epochs is None:
        return ()
    plan = steps.plan(
        [passes], batch=batch, accumulation=config.get("gradient_accumulation_steps", 1), epochs=epochs
    )
    return of_plan(user, config, plan, least=True)
