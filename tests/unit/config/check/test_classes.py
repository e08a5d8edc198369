"""Optimizers and schedulers named as classes."""

from __future__ import annotations

from typing import Any

import pytest

from kohya_wrap.domain.finding import Level
from tests.unit.config.check.hints import followed
from tests.unit.config.test_check import findings

E, W = Level.ERROR, Level.WARNING
SCHEDULERS = "torch.optim.lr_scheduler"


@pytest.mark.parametrize(
    ("option", "name", "level", "code", "instead"),
    [
        ("optimizer_type", "torch.optim.Foo", E, "unknown-optimizer", "torch.optim.AdamW"),
        ("optimizer_type", "torch.optim.adamw", E, "unknown-optimizer", "torch.optim.AdamW"),
        ("optimizer_type", "pytorch_optimizer.Foo", E, "unknown-optimizer", "pytorch_optimizer.CAME"),
        ("optimizer_type", "pytorch_optimizer.Came", E, "unknown-optimizer", "pytorch_optimizer.CAME"),
        ("optimizer_type", "pytorch_optimizer.Adopt", E, "unknown-optimizer", "pytorch_optimizer.ADOPT"),
        ("optimizer_type", "bitsandbytes.optim.AdamW8bits", E, "unknown-optimizer", "bitsandbytes.optim.AdamW8bit"),
        ("optimizer_type", "prodigyplus.Foo", E, "unknown-optimizer", "prodigyplus.CoreOptimiser"),
        ("optimizer_type", "nosuch.module.Opt", W, "optimizer-module", "AdamW8bit"),
        ("optimizer_type", "LoraEasyCustomOptimizer.came.CAME", W, "optimizer-module", "pytorch_optimizer.CAME"),
        ("optimizer_type", "pytorch_optimizer.optimizer.Foo", W, "optimizer-module", "AdamW8bit"),
        ("lr_scheduler_type", f"{SCHEDULERS}.Constant", E, "unknown-scheduler", f"{SCHEDULERS}.ConstantLR"),
        ("lr_scheduler_type", f"{SCHEDULERS}.constantlr", E, "unknown-scheduler", f"{SCHEDULERS}.ConstantLR"),
        ("lr_scheduler_type", "my.package.ConstantLR", W, "scheduler-module", f"{SCHEDULERS}.ConstantLR"),
        ("lr_scheduler_type", "pytorch_optimizer.Foo", W, "scheduler-module", "CosineAnnealingLR"),
    ],
)  # fmt: skip
def test_a_class_that_is_not_there_is_told_another(
    option: str, name: str, level: Level, code: str, instead: str
) -> None:
    (found,) = findings(**{option: name})
    assert (found.level, found.code, found.where) == (level, code, "c.toml:1")
    assert f'Write {option} = "{instead}"' in found.hint
    mended = followed({option: name}, option, found.hint)
    assert {f.code for f in findings(**mended)} <= {"scheduler-needs"}


def test_a_package_that_init_does_not_install_is_named() -> None:
    (found,) = findings(optimizer_type="LoraEasyCustomOptimizer.came.CAME")
    assert found.message.startswith("LoraEasyCustomOptimizer is not in the environment that `init` makes")


@pytest.mark.parametrize(
    "file",
    [
        {"optimizer_type": "torch.optim.AdamW"},
        {"optimizer_type": "torch.optim.adamw.AdamW"},
        {"optimizer_type": "pytorch_optimizer.CAME", "optimizer_args": ["weight_decay=0.1"]},
        {
            "optimizer_type": "pytorch_optimizer.ADOPT",
            "optimizer_args": ["whatever=1"],
        },  # takes what is not listed
        {"optimizer_type": "pytorch_optimizer.optimizer.came.CAME"},
        {"optimizer_type": "bitsandbytes.optim.AdEMAMix8bit"},
        {"optimizer_type": "prodigyopt.Prodigy"},
        {"optimizer_type": "lion_pytorch.Lion"},
        {"optimizer_type": "transformers.Adafactor"},
        {"optimizer_type": "transformers.optimization.Adafactor"},
        {"lr_scheduler_type": f"{SCHEDULERS}.ConstantLR"},
        {"lr_scheduler_type": "pytorch_optimizer.REXScheduler"},
    ],
)
def test_a_class_that_is_there(file: dict[str, Any]) -> None:
    assert findings(**file) == ()


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ({"optimizer_type": "torch.optim.SGD", "optimizer_args": ["beta=1"]}, "unknown-argument"),
        ({"lr_scheduler_type": f"{SCHEDULERS}.StepLR"}, "scheduler-needs"),
        ({"lr_scheduler_type": f"{SCHEDULERS}.StepLR", "lr_scheduler_args": ["step_size=1", "foo=1"]}, "unknown-argument"),
    ],
)  # fmt: skip
def test_by_its_whole_name_it_takes_the_same(file: dict[str, Any], code: str) -> None:
    assert [found.code for found in findings(**file)] == [code]
