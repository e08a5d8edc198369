"""What a recipe or a card decided that the user shall hear of."""

from __future__ import annotations

from kohya_wrap.domain.config import Origin, TrainingConfig
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.domain.steps import StepPlan

_ALIKE = 0.02  # of all steps


def of_captions(config: TrainingConfig) -> tuple[Finding, ...]:
    """How captions are treated, where the file left it to the recipe."""
    if config.origin("shuffle_caption") is not Origin.RECIPE:
        return ()
    if config.get("shuffle_caption"):
        message = (
            "the captions are lists of tags: they are shuffled at every step, the first tag stays first."
        )
        hint = (
            "Write `shuffle_caption = true` and `keep_tokens = 1` to settle it, or `shuffle_caption = false`."
        )
    else:
        message = "the captions are sentences: they are not shuffled."
        hint = "Write `shuffle_caption = false` to settle it."
    return (Finding(Level.NOTE, "caption-style", message, hint),)


def of_steps(plan: StepPlan, at_once: StepPlan, accumulation: int) -> tuple[Finding, ...]:
    """Steps that differ from those of a card which takes a whole step's images at once.

    In one bucket they never do: ceil(ceil(n / micro) / accumulation) = ceil(n / batch). In several, each bucket's
    last batch may be short, and there are more of those the larger the batch.
    """
    if not at_once.steps or abs(plan.steps / at_once.steps - 1) <= _ALIKE:
        return ()
    return (
        Finding(
            Level.NOTE,
            "steps-by-card",
            f"{plan.steps} steps here, {at_once.steps} on a card that takes the {accumulation} parts of a step "
            "at once: the images' shapes leave short batches, and how many depends on the card.",
            "Without `max_train_epochs` in the file, the epochs are solved for this card.",
        ),
    )
