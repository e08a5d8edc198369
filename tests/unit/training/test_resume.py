"""What another attempt of a run may change."""

from __future__ import annotations

from typing import Any

import pytest

from kohya_wrap.training.resume import changes

BEFORE: dict[str, Any] = {
    "learning_rate": 1e-4, "network_dim": 16, "max_train_epochs": 10, "lr_scheduler": "cosine", "train_batch_size": 2,
    "resolution": "512,512", "output_dir": "/a", "save_state": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("now", "refused", "taken"),
    [
        ({"learning_rate": 2e-4}, ["learning_rate"], []),
        ({"optimizer_type": "Lion"}, ["optimizer_type"], []),
        ({"network_dim": 8, "resolution": "768,768"}, ["network_dim"], ["resolution"]),
        ({"max_train_epochs": 20}, ["max_train_epochs"], []),
        ({"max_train_epochs": 20, "lr_scheduler": "constant"}, ["lr_scheduler"], ["max_train_epochs"]),
        ({"output_dir": "/b", "resume": "/s", "sample_prompts": "p.txt"}, [], []),
        ({"train_batch_size": 4}, [], ["train_batch_size"]),
    ],
)
def test_what_is_refused_and_what_is_taken_over(
    now: dict[str, Any], refused: list[str], taken: list[str]
) -> None:
    no, yes = changes(BEFORE, BEFORE | now)
    assert (list(no), list(yes)) == (refused, taken)


def test_an_option_that_is_gone_and_one_that_recovery_changed() -> None:
    now = {name: value for name, value in BEFORE.items() if name not in ("network_dim", "train_batch_size")}
    assert changes(BEFORE, now, besides=["train_batch_size"]) == ({"network_dim": (16, None)}, {})
