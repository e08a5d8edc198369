"""How many epochs a config trains: as asked for, else those that come nearest to the recipe's steps; and how often it saves."""

from __future__ import annotations

from dataclasses import replace

from kohya_wrap.config import recipe_notes
from kohya_wrap.domain import steps
from kohya_wrap.domain.config import Layer, Origin, TrainingConfig
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.domain.steps import StepPlan
from kohya_wrap.workflow.images import Images


def chosen(
    config: TrainingConfig, images: Images, target: int, processes: int = 1
) -> tuple[TrainingConfig, StepPlan, tuple[Finding, ...]]:
    """Epochs as asked for, else those that come nearest to `target` steps; and how often to save."""
    passes, batch = images.batches(config)
    accumulation = config.get("gradient_accumulation_steps", 1)
    epochs, max_steps = config.get("max_train_epochs"), None
    if epochs is None and config.origin("max_train_steps") is not None:
        max_steps = config.get("max_train_steps")
    asked = {"epochs": epochs, "max_steps": max_steps, "target": target}
    plan = steps.solve(passes, batch=batch, accumulation=accumulation, processes=processes, **asked)
    said: tuple[Finding, ...] = ()
    if epochs is None and max_steps is None:
        solved = {"max_train_epochs": plan.epochs}
        config = config.with_layer(Layer(Origin.WRAPPER, solved, "solved from target_steps"))
        said = (
            Finding(
                Level.NOTE,
                "epochs-solved",
                f"{plan.epochs} epoch{'s come' if plan.epochs > 1 else ' comes'} nearest to {target} steps.",
            ),
        )
    said += recipe_notes.of_steps(
        plan, steps.solve(passes, batch=batch * accumulation, processes=processes, **asked), accumulation
    )
    if not any(
        config.get(name) for name in ("save_every_n_epochs", "save_every_n_steps", "save_n_epoch_ratio")
    ):
        config = config.with_layer(
            Layer(Origin.WRAPPER, {"save_every_n_epochs": steps.save_every(plan.epochs)})
        )
    return config, plan, said


def whole(config: TrainingConfig, plan: StepPlan) -> tuple[TrainingConfig, StepPlan, tuple[Finding, ...]]:
    """A limit in steps as the nearest whole number of epochs: the engine counts steps from 0 again after a resume.

    Less than half an epoch stays as it is; there is no state in it to go on from.
    """
    epochs = round(plan.steps / plan.steps_per_epoch) if plan.steps_per_epoch else 0
    if config.get("max_train_epochs") is not None or epochs == 0:
        return config, plan, ()
    in_whole = replace(plan, epochs=epochs, steps=epochs * plan.steps_per_epoch)
    config = config.with_layer(
        Layer(Origin.WRAPPER, {"max_train_epochs": epochs}, "max_train_steps in whole epochs")
    )
    if in_whole.steps == plan.steps:
        return config, in_whole, ()
    said = Finding(
        Level.NOTE,
        "whole-epochs",
        f"`max_train_steps = {plan.steps}` is taken as {epochs} epoch{'s' * (epochs > 1)} of {plan.steps_per_epoch} = {in_whole.steps} "
        "steps: a run can only go on from the end of an epoch.",
        f"Write max_train_epochs = {epochs} to say the same.",
    )
    return config, in_whole, (said,)
