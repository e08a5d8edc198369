"""What takes less memory and learns the same: `run` goes down it where memory ran out, `plan` where it would."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kohya_wrap.domain.config import TrainingConfig


@dataclass(frozen=True)
class Rung:
    """Attributes:
    changed: options against the config.
    action: what is done, in words.
    """

    changed: Mapping[str, Any]
    action: str


def next_rung(config: TrainingConfig, *, batches_are_ours: bool) -> Rung | None:
    """The next step of the ladder that takes less memory and, as nearly as the buckets allow, learns the same.

    1. gradient_checkpointing: the activations are computed twice.
    2. a smaller micro-batch with more accumulation: the largest divisor, so that the effective batch stays.

    None where nothing is left: a smaller resolution, network or optimizer would learn something else.
    """
    if not config.get("gradient_checkpointing"):
        return Rung({"gradient_checkpointing": True}, "with gradient_checkpointing")
    batch, accumulation = config.get("train_batch_size", 1), config.get("gradient_accumulation_steps", 1)
    if batch == 1 or not batches_are_ours:
        return None
    smaller = max(size for size in range(1, batch // 2 + 1) if batch % size == 0)
    more = accumulation * batch // smaller
    return Rung(
        {"train_batch_size": smaller, "gradient_accumulation_steps": more},
        f"with batch {smaller} x {more} accumulated",
    )
