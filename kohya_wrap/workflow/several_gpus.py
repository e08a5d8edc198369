"""What a training on several GPUs needs otherwise than one on a single one (engine contract, sections 2 and 13)."""

from __future__ import annotations

from kohya_wrap.domain.config import Layer, Origin, TrainingConfig
from kohya_wrap.domain.finding import Finding, Level

# Counted in steps of the schedule, which the engine takes once for each process.
_IN_STEPS = ("lr_warmup_steps", "lr_decay_steps")


def warmed_up_alike(config: TrainingConfig, processes: int) -> TrainingConfig:
    """The steps of a warm-up times the processes: else it ends so many times too soon. A share of all steps needs nothing."""
    given = {name: config.get(name) for name in _IN_STEPS}
    whole = {name: value * processes for name, value in given.items() if value and value >= 1}
    if processes == 1 or not whole:
        return config
    return config.with_layer(Layer(Origin.HARDWARE, whole, f"counted once for each of {processes} processes"))


def note(config: TrainingConfig, processes: int) -> tuple[Finding, ...]:
    if processes == 1:
        return ()
    batch, accumulation = config.get("train_batch_size", 1), config.get("gradient_accumulation_steps", 1)
    alone = batch * accumulation
    text = (
        f"{processes} GPUs make each step one of {processes} x {alone} images: an epoch has so many times fewer steps than "
        "on one, as with a batch that large."
    )
    return (
        Finding(
            Level.NOTE,
            "several-gpus",
            text,
            "The same LoRA as on one? A batch or accumulation that is smaller.",
        ),
    )
