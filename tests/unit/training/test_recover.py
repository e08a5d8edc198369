"""Which failures are tried again, and what is left to the user."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kohya_wrap.domain.config import Layer, Origin, TrainingConfig, settle
from kohya_wrap.domain.events import AttemptEnded
from kohya_wrap.errors import TrainingFailed
from kohya_wrap.training import recover
from kohya_wrap.training.failure import Cause


def config(**options: Any) -> TrainingConfig:
    return settle([Layer(Origin.FILE, options)])


@pytest.mark.parametrize(
    ("options", "ours", "named", "unnamed"),
    [
        (
            {},
            True,
            ["cache_latents", "AdamW8bit", 'resolution (it is "768,768")', "network_dim (it is 4)"],
            [],
        ),
        (
            {"optimizer_type": "AdamW8bit", "cache_latents": True},
            True,
            ["resolution"],
            ["8bit", "cache_latents"],
        ),
        ({}, False, ["batch_size in the dataset_config"], ["resolution"]),
    ],
)
def test_what_is_left_to_the_user_when_no_rung_is(
    options: dict[str, Any], ours: bool, named: list[str], unnamed: list[str]
) -> None:
    taken = {"gradient_checkpointing": True, "train_batch_size": 1, "resolution": "768,768"}
    failed = TrainingFailed("m", why="w", hint="Write gradient_checkpointing = true")
    file = Path("a cat/training_config.toml")
    said = recover.given_up(
        failed, Cause.OUT_OF_MEMORY, config(**taken, **options), file, batches_are_ours=ours
    ).hint
    assert all(word in said for word in (*named, f"kohya-wrap run '{file}' --restart"))
    assert not any(word in said for word in (*unnamed, "gradient_checkpointing", "train_batch_size"))
    assert recover.given_up(failed, Cause.OTHER, config(), file, batches_are_ours=ours) is failed


@pytest.mark.parametrize(
    ("cause", "before", "pause"),
    [
        (Cause.SIGNAL, 0, 5.0),
        (Cause.HANG, 1, 30.0),
        (Cause.SIGNAL, 2, 120.0),
        (Cause.SIGNAL, 3, None),
        (Cause.OTHER, 0, None),
    ],
)
def test_what_is_tried_again(cause: Cause, before: int, pause: float | None) -> None:
    failures = [AttemptEnded(Cause.SIGNAL.value, "", "")] * before + [AttemptEnded("out of memory", "", "")]
    again = recover.after(
        cause, config(), failures, batches_are_ours=True, pauses=recover.PAUSES
    )  # fmt: skip
    assert (again.pause if again else None) == pause
