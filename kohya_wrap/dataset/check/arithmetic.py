"""The engine's own count: buckets, batches and steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from kohya_wrap.dataset.check.result import Bucket
from kohya_wrap.dataset.check.settings import Settings
from kohya_wrap.domain import buckets, regularisation, steps, validation
from kohya_wrap.domain.dataset import Inventory
from kohya_wrap.domain.steps import StepPlan


def count(
    found: Inventory, regular: Inventory | None, settings: Settings
) -> tuple[tuple[Bucket, ...], StepPlan]:
    """The buckets, fullest first, and the plan; regularisation images are counted where they are used."""
    config, rule = settings.config, settings.rule
    batch = config.get("train_batch_size", 1)
    train = validation.trained(found, config).sized()
    sized = [*train, *regularisation.repeated(train, regular.sized() if regular else [])]
    # A bucket with a side of 0 is an error of its own.
    passes = {size: number for size, number in buckets.fill(rule, sized).items() if 0 not in size}
    among = buckets.candidates(rule) if rule.enabled and not rule.no_upscale else None
    images = Counter(buckets.select(rule, size, among) for size, _ in sized)
    plan = planned(list(passes.values()), batch, settings)
    filled = (Bucket(size, images[size], number, -(-number // batch)) for size, number in passes.items())
    return tuple(sorted(filled, key=lambda bucket: -bucket.passes)), plan


def planned(passes: Sequence[int], batch: int, settings: Settings) -> StepPlan:
    """The epochs and steps of a config, for the image passes of every bucket."""
    config, max_steps = settings.config, None
    epochs = config.get("max_train_epochs")
    if epochs is None and config.origin("max_train_steps") is not None:
        max_steps = config.get("max_train_steps")
    return steps.solve(
        passes, batch=batch, accumulation=config.get("gradient_accumulation_steps", 1), epochs=epochs,
        max_steps=max_steps, target=settings.target_steps,
    )  # fmt: skip
