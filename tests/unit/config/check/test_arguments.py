"""The items of `network_args`, `optimizer_args` and `lr_scheduler_args`."""

from __future__ import annotations

from typing import Any

import pytest

from kohya_wrap.domain.finding import Level
from tests.unit.config.check.hints import followed
from tests.unit.config.test_check import findings

E, W = Level.ERROR, Level.WARNING
LYCORIS = {"network_module": "lycoris.kohya"}
DYLORA = LYCORIS | {"network_dim": 16}


@pytest.mark.parametrize(
    ("file", "level", "code", "at"),
    [
        ({"optimizer_args": ["betas=0.9,1.5"]}, E, "argument", "optimizer_args"),
        ({"optimizer_args": ["betas=(0.9, 1.0)"]}, E, "argument", "optimizer_args"),
        ({"optimizer_args": ["betas=[-0.1, 0.9]"]}, E, "argument", "optimizer_args"),
        ({"optimizer_args": ["eps=-1e-8"]}, E, "argument", "optimizer_args"),
        ({"optimizer_args": ["weight_decay=-0.1"]}, E, "argument", "optimizer_args"),
        ({"optimizer_type": "AdamW8bit", "optimizer_args": ["weight_decay=-1"]}, E, "argument", "optimizer_args"),
        ({"network_args": ["conv_dim 8", "conv_alpha=4"]}, E, "argument", "network_args"),
        ({"network_args": ["conv_dim: 8", "conv_alpha=4"]}, E, "argument", "network_args"),
        ({"optimizer_args": ["weight_decay=0.1", ""]}, E, "argument", "optimizer_args"),
        ({"optimizer_args": [" "]}, E, "argument", "optimizer_args"),
        ({"optimizer_args": ["weight_decay=0.1", "weight_decay=0.2"]}, W, "argument-twice", "optimizer_args"),
        ({"network_args": ["conv_dim=8", "conv_alpha=4", "conv_dim=8"]}, W, "argument-twice", "network_args"),
        ({**LYCORIS, "network_args": ["preset=attn_mlp"]}, E, "argument", "network_args"),
        ({**LYCORIS, "network_args": ["algo=lokrr"]}, E, "argument", "network_args"),
        ({**DYLORA, "network_args": ["algo=dylora", "block_size=3"]}, E, "dylora", "network_args"),
        ({**DYLORA, "network_args": ["algo=DyLoRA", "conv_dim=6"]}, E, "dylora", "network_args"),
        ({"network_module": "lycoris.kohya", "network_dim": 6, "network_args": ["algo=dylora"]}, E, "dylora", "network_args"),
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
        {"optimizer_args": ["betas=0,0.999"]},
        {"optimizer_args": ["betas=(0.9, 0.99)", "eps=0", "weight_decay=0"]},
        {"optimizer_type": "SGDNesterov", "optimizer_args": ["momentum=0.9"]},
        {"optimizer_type": "pytorch_optimizer.ADOPT", "optimizer_args": ["betas=(0.9, 0.9999)"]},
        {**DYLORA, "network_args": ["algo=dylora"]},
        {**DYLORA, "network_args": ["algo=dylora", "block_size=8", "conv_dim=8"]},
        {**DYLORA, "network_args": ["algo=locon", "block_size=3"]},
        {"network_dim": 6, **LYCORIS, "network_args": ["algo=locon"]},
    ],
)
def test_nothing_to_say(file: dict[str, Any]) -> None:
    assert findings(**file) == ()


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("weight_decay=0.1 betas=0.9,0.99", 'Write optimizer_args = ["weight_decay=0.1", "betas=0.9,0.99"].'),
        ("weight_decay=0.1, betas=(0.9, 0.99)", 'Write optimizer_args = ["weight_decay=0.1", "betas=(0.9, 0.99)"].'),
        ("weight_decay=0.1,eps=1e-8", 'Write optimizer_args = ["weight_decay=0.1", "eps=1e-8"].'),
        ("weight_decay 0.1", 'Write optimizer_args = ["weight_decay=0.1"].'),
        ("", "Remove the line."),
    ],
)  # fmt: skip
def test_one_text_for_several_items(text: str, hint: str) -> None:
    (found,) = findings(optimizer_args=text)
    assert (found.code, found.hint) == ("wrong-value", hint)
    assert findings(**followed({"optimizer_args": text}, "optimizer_args", hint)) == ()


def test_of_a_key_given_twice_the_one_that_counts_is_named() -> None:
    (found,) = findings(optimizer_args=["weight_decay=0.1", "eps=0", "weight_decay=0.2"])
    assert "`weight_decay=0.2` counts" in found.message
    assert found.hint == 'Write optimizer_args = ["eps=0", "weight_decay=0.2"].'


def test_a_dimension_that_is_no_number_is_said_once() -> None:
    (found,) = findings(network_args=["conv_dim=eight"])
    assert "must be a whole number" in found.message
