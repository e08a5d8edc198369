"""Schedulers: what each needs, what it leaves unused."""

from __future__ import annotations

from typing import Any

import pytest

from kohya_wrap.domain.finding import Level
from tests.unit.config.check.hints import followed
from tests.unit.config.test_check import findings

E, W = Level.ERROR, Level.WARNING
MIN_LR = {"lr_scheduler": "cosine_with_min_lr"}
PIECES = {"lr_scheduler": "piecewise_constant", "lr_scheduler_args": ["step_rules='1:10,0.1:20,0.005'"]}
FIXED_ADAFACTOR = {"optimizer_type": "Adafactor", "optimizer_args": ["relative_step=False"]}


def of_torch(name: str, *items: str) -> dict[str, Any]:
    return {"lr_scheduler_type": name} | ({"lr_scheduler_args": list(items)} if items else {})


@pytest.mark.parametrize(
    ("file", "level", "code", "at"),
    [
        ({"lr_scheduler": "piecewise_constant"}, E, "scheduler-needs", "lr_scheduler"),
        (PIECES | {"lr_scheduler_args": ["step_rules='1:10,0.1:20'"]}, E, "argument", "lr_scheduler_args"),
        (PIECES | {"lr_scheduler_args": ["step_rules='banana'"]}, E, "argument", "lr_scheduler_args"),
        (PIECES | {"lr_warmup_steps": 10}, W, "warmup-idle", "lr_warmup_steps"),
        (MIN_LR, E, "scheduler-needs", "lr_scheduler"),
        (
            {"learning_rate": 1e-4, **MIN_LR, "lr_scheduler_min_lr_ratio": 0.1, "lr_scheduler_args": ["min_lr=1e-5"]},
            E, "scheduler-needs", "lr_scheduler_args",
        ),
        ({"unet_lr": 1e-4, **MIN_LR, "lr_scheduler_args": ["min_lr=1e-5"]}, E, "lowest-rate", "lr_scheduler_args"),
        ({"learning_rate": 1e-4, **MIN_LR, "lr_scheduler_args": ["min_lr=1e-3"]}, E, "lowest-rate", "lr_scheduler_args"),
        (
            {"unet_lr": 1e-4, "lr_scheduler": "polynomial", "lr_scheduler_args": ["lr_end=1e-5"]},
            E, "lowest-rate", "lr_scheduler_args",
        ),
        ({"lr_scheduler": "cosine_warmup_with_min_lr"}, E, "unusable-scheduler", "lr_scheduler"),
        ({"lr_scheduler_type": "ReduceLROnPlateau"}, E, "unusable-scheduler", "lr_scheduler_type"),
        ({"lr_scheduler_type": "LambdaLR"}, E, "unusable-scheduler", "lr_scheduler_type"),
        ({"lr_scheduler_type": "StepLR"}, E, "scheduler-needs", "lr_scheduler_type"),
        ({"lr_scheduler_type": "CosineAnnealingLR"}, E, "scheduler-needs", "lr_scheduler_type"),
        ({"lr_scheduler_type": "CyclicLR"}, E, "scheduler-needs", "lr_scheduler_type"),
        ({"lr_scheduler_type": "OneCycleLR"}, E, "scheduler-needs", "lr_scheduler_type"),
        ({"lr_scheduler": "warmup_stable_decay"}, W, "no-decay", "lr_scheduler"),
        ({**FIXED_ADAFACTOR, "lr_scheduler": "adafactor"}, E, "adafactor-scheduler", "lr_scheduler"),
        ({"max_train_steps": 100, "lr_warmup_steps": 100}, W, "warmup-longer-than-run", "lr_warmup_steps"),
    ],
)  # fmt: skip
def test_one_finding_whose_hint_mends_it(file: dict[str, Any], level: Level, code: str, at: str) -> None:
    (found,) = findings(**file)
    assert (found.level, found.code) == (level, code)
    assert found.where == f"c.toml:{list(file).index(at) + 1}"
    assert findings(**followed(file, at, found.hint)) == ()


@pytest.mark.parametrize(
    "file",
    [
        PIECES,
        PIECES | {"lr_scheduler_args": ["step_rules='0.5'"]},
        {**MIN_LR, "lr_scheduler_min_lr_ratio": 0.1},
        {**MIN_LR, "lr_scheduler_min_lr_ratio": 0.0},
        {**MIN_LR, "learning_rate": 1e-4, "lr_scheduler_args": ["min_lr=1e-5"]},
        {"lr_scheduler": "polynomial", "learning_rate": 1e-4, "lr_scheduler_args": ["lr_end=1e-5"]},
        of_torch("StepLR", "step_size=30"),
        of_torch("ConstantLR"),
        of_torch("OneCycleLR", "max_lr=1e-4", "total_steps=100"),
        of_torch("OneCycleLR", "max_lr=1e-4", "epochs=10", "steps_per_epoch=10"),
        {"lr_scheduler": "warmup_stable_decay", "lr_decay_steps": 0.2},
        {**FIXED_ADAFACTOR, "lr_scheduler": "adafactor:0.0001"},
        {"optimizer_type": "Adafactor", "lr_scheduler": "adafactor"},  # its own schedule stands in for it
        {"max_train_steps": 100, "lr_warmup_steps": 99},
        {"max_train_steps": 100, "lr_warmup_steps": 0.99},
    ],
)
def test_nothing_to_say(file: dict[str, Any]) -> None:
    assert findings(**file) == ()


def test_a_warm_up_is_held_against_the_epochs_where_they_decide() -> None:
    codes = [found.code for found in findings(max_train_steps=10, max_train_epochs=5, lr_warmup_steps=10)]
    assert codes == ["steps-dropped"]


def test_a_share_of_200_percent_is_one_mistake() -> None:
    assert [found.code for found in findings(max_train_steps=10, lr_warmup_steps=2.0)] == ["warmup-ratio"]
