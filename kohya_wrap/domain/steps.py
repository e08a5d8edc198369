"""Images x repeats x epochs / batch -> optimizer steps and saves, as the engine counts them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class StepPlan:
    """What one run will do.

    Attributes:
        batches_per_epoch: micro-batches; each bucket's last one may be short.
        steps_per_epoch: optimizer steps.
        steps: optimizer steps in all.
    """

    batches_per_epoch: int
    steps_per_epoch: int
    epochs: int
    steps: int


def plan(
    passes_per_bucket: Iterable[int],
    *,
    batch: int,
    accumulation: int = 1,
    processes: int = 1,
    epochs: int | None = None,
    max_steps: int | None = None,
) -> StepPlan:
    """Count as the engine does: epochs win over max_steps, neither means 1600 (contract, section 2).

    Args:
        processes: among which the batches are dealt out, the last round filled up.
    """
    batches = sum(math.ceil(passes / batch) for passes in passes_per_bucket)
    per_epoch = math.ceil(math.ceil(batches / processes) / accumulation)
    if epochs is not None:
        return StepPlan(batches, per_epoch, epochs, epochs * per_epoch)
    steps = 1600 if max_steps is None else max_steps
    return StepPlan(batches, per_epoch, math.ceil(steps / per_epoch) if per_epoch else 0, steps)


def solve(
    passes_per_bucket: Iterable[int],
    *,
    batch: int,
    accumulation: int = 1,
    processes: int = 1,
    epochs: int | None,
    max_steps: int | None,
    target: int,
) -> StepPlan:
    """The plan as asked for, by epochs or else by steps; where neither was asked, whole epochs nearest to `target`."""
    passes = tuple(passes_per_bucket)
    if epochs is None and max_steps is None:
        one = plan(passes, batch=batch, accumulation=accumulation, processes=processes, epochs=1)
        epochs = epochs_for(target, one.steps_per_epoch)
    return plan(
        passes,
        batch=batch,
        accumulation=accumulation,
        processes=processes,
        epochs=epochs,
        max_steps=max_steps,
    )


def epochs_for(target_steps: int, steps_per_epoch: int) -> int:
    """Whole epochs whose steps come nearest to the target; at least one."""
    return max(1, round(target_steps / steps_per_epoch)) if steps_per_epoch else 1


MOST_PASSES = 400  # of images in an epoch: a state at its end is never far
_LEAST = 200  # so that it shows some progress


def balanced_repeats(
    images: Sequence[int], others: Sequence[int] = (), most: int = MOST_PASSES
) -> tuple[int, ...]:
    """Repeats by which concepts weigh equally, in an epoch of 200 to `most` image passes where that is possible.

    Args:
        most: where that is less than 200, from half of it on.
        images: of each concept, one or more.
        others: image passes of concepts whose repeats are not ours to choose; the new ones weigh as much as these do
            on average.
    """
    if others:
        return _near(images, sum(others) / len(others))
    epoch = range(_LEAST if most >= _LEAST else most // 2, most + 1)
    tried = dict.fromkeys(_near(images, each) for each in range(1, epoch.stop))
    fits = [repeats for repeats in tried if sum(_passes(images, repeats)) in epoch]
    if not fits:  # too many images: each seen once, the smaller concepts as often as the largest
        return _near(images, max(images))
    middle = (epoch.start + most) / 2
    return min(
        fits, key=lambda repeats: (_imbalance(images, repeats), abs(sum(_passes(images, repeats)) - middle))
    )


def shorter_epoch(repeats: Sequence[int], times: int) -> int | None:
    """By what number to divide all repeats, and multiply the epochs, for an epoch at most a `times`-th as long.

    The image passes stay the same. The nearest where that is not possible; None where nothing divides them.
    """
    common = math.gcd(*repeats) if repeats else 1
    divisors = [number for number in range(2, common + 1) if common % number == 0]
    return next((number for number in divisors if number >= times), divisors[-1] if divisors else None)


def _near(images: Sequence[int], passes: float) -> tuple[int, ...]:
    return tuple(max(1, round(passes / count)) for count in images)


def _passes(images: Sequence[int], repeats: Sequence[int]) -> list[int]:
    return [count * times for count, times in zip(images, repeats, strict=True)]


def _imbalance(images: Sequence[int], repeats: Sequence[int]) -> float:
    passes = _passes(images, repeats)
    return max(passes) / min(passes)


def save_every(epochs: int) -> int:
    """Epochs between checkpoints, for five to eight files to choose from (fewer in shorter runs).

    The engine writes every n-th epoch but the last, and the final file: (epochs - 1) // n + 1 files.
    """
    return next((every for every in range(1, epochs) if (epochs - 1) // every < 8), 1)


def micro_batch(batch: int, allowed: int) -> int:
    """The largest divisor of the recipe's batch that the card takes; accumulation makes up the rest."""
    return max(
        divisor for divisor in range(1, batch + 1) if batch % divisor == 0 and divisor <= max(1, allowed)
    )
