"""What takes less memory and learns the same."""

from __future__ import annotations

from typing import Any

import pytest

from kohya_wrap.domain import ladder
from kohya_wrap.domain.config import Layer, Origin, TrainingConfig, settle


def config(**options: Any) -> TrainingConfig:
    return settle([Layer(Origin.FILE, options)])


@pytest.mark.parametrize(
    ("batch", "accumulation", "rungs"),
    [
        (4, 1, [(2, 2), (1, 4)]),
        (6, 2, [(3, 4), (1, 12)]),
        (5, 1, [(1, 5)]),
        (1, 4, []),
    ],
)
def test_the_effective_batch_stays(batch: int, accumulation: int, rungs: list[tuple[int, int]]) -> None:
    now: dict[str, Any] = {"train_batch_size": batch, "gradient_accumulation_steps": accumulation}
    first = ladder.next_rung(config(**now), batches_are_ours=True)
    assert first is not None and first.changed == {"gradient_checkpointing": True}
    now |= first.changed
    taken = []
    while rung := ladder.next_rung(config(**now), batches_are_ours=True):
        now |= rung.changed
        taken.append((now["train_batch_size"], now["gradient_accumulation_steps"]))
        assert f"batch {taken[-1][0]} x {taken[-1][1]}" in rung.action
    assert taken == rungs
    assert all(size * steps == batch * accumulation for size, steps in taken)


def test_a_dataset_config_keeps_its_own_batches() -> None:
    given = config(train_batch_size=4, gradient_checkpointing=True)
    assert ladder.next_rung(given, batches_are_ours=False) is None
