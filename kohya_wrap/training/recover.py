"""What is done about an attempt that failed: the next one, with what it changes, or nothing."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kohya_wrap.domain import ladder
from kohya_wrap.domain.config import TrainingConfig
from kohya_wrap.domain.events import AttemptEnded
from kohya_wrap.errors import TrainingFailed
from kohya_wrap.training.failure import Cause

PAUSES = (
    5.0,
    30.0,
    120.0,
)  # seconds before each attempt that follows a crash and no gain: what crashed it may pass
RETRIED = (Cause.SIGNAL, Cause.HANG)


@dataclass(frozen=True)
class Again:
    """Attributes:
    changed: options against the config.
    action: what is done, in words, for the user and the record.
    pause: seconds before it.
    """

    changed: Mapping[str, Any] = field(default_factory=dict)
    action: str = ""
    pause: float = 0.0


def after(
    cause: Cause,
    config: TrainingConfig,
    failures: Sequence[AttemptEnded],
    *,
    batches_are_ours: bool,
    pauses: Sequence[float],
) -> Again | None:
    """None: another attempt would end the same way.

    Args:
        config: of the attempt that failed, what earlier ones changed in it.
        failures: of earlier attempts of this command, since a state was gained.
        batches_are_ours: not set by a dataset_config.
        pauses: seconds before each retry of a crash.
    """
    if cause is Cause.OUT_OF_MEMORY:
        rung = ladder.next_rung(config, batches_are_ours=batches_are_ours)
        return Again(rung.changed, rung.action) if rung else None
    crashes = sum(failure.cause == failed.value for failure in failures for failed in RETRIED)
    if cause in RETRIED and crashes < len(pauses):
        return Again(
            action=f"starting it again in {pauses[crashes]:g} s, try {crashes + 1} of {len(pauses)} before giving up",
            pause=pauses[crashes],
        )
    return None


def too_dear(again: Again) -> str:
    """What is done instead, where the budget does not hold it."""
    pause = f"the pause of {again.pause:g} s and " if again.pause else ""
    return f"not starting it again: the cap does not hold {pause}another epoch"


def given_up(
    failed: TrainingFailed, cause: Cause, config: TrainingConfig, file: Path, *, batches_are_ours: bool
) -> TrainingFailed:
    """What is said when nothing is done about it: after an out-of-memory, what only the user can give up.

    Args:
        file: the user's own config.
    """
    if cause is not Cause.OUT_OF_MEMORY:
        return failed
    ways = [] if batches_are_ours else ["a smaller batch_size in the dataset_config"]
    if not config.get("cache_latents"):
        ways.append("cache_latents = true")
    optimizer = str(config.get("optimizer_type", "AdamW")).lower()
    if not (config.get("use_8bit_adam") or "8bit" in optimizer or optimizer == "adafactor"):
        ways.append('optimizer_type = "AdamW8bit"')
    if batches_are_ours:
        ways.append(f'a smaller resolution (it is "{config.get("resolution")}")')
    ways.append(f"a smaller network_dim (it is {config.get('network_dim', 4)})")
    batch = f" and a batch of {config.get('train_batch_size', 1)}" if batches_are_ours else ""
    return TrainingFailed(
        failed.message,
        why=f"It does not fit into this card's memory with gradient_checkpointing{batch} either; what is left learns something else.",
        hint=f"Write {', or '.join(ways)}; then: kohya-wrap run {shlex.quote(str(file))} --restart",
    )
