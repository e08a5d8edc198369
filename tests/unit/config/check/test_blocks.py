"""Dimensions and rates for each block of the U-Net."""

from __future__ import annotations

import pytest

from kohya_wrap.domain.finding import Level
from tests.unit.config.test_check import findings

SDXL, LORA, FA = "sdxl_train_network.py", "networks.lora", "networks.lora_fa"
E, W = Level.ERROR, Level.WARNING


def told(script: str, module: str, *items: str) -> list[tuple[Level, str, str]]:
    xl = {"resolution": "1024,1024", "max_bucket_reso": 2048} if script == SDXL else {}
    found = findings(script, network_args=list(items), network_module=module, **xl)
    return [(f.level, f.code, f.where) for f in found]


def numbers(count: int, number: str = "4") -> str:
    return ",".join([number] * count)


@pytest.mark.parametrize(
    ("script", "module", "item", "level"),
    [
        ("train_network.py", LORA, f"block_dims={numbers(23)}", E),
        ("train_network.py", LORA, f"block_dims={numbers(25, '4.0')}", E),
        ("train_network.py", FA, f"block_dims={numbers(24)}", E),
        ("train_network.py", LORA, f"down_lr_weight={numbers(13)}", E),
        ("train_network.py", LORA, f"up_lr_weight={numbers(11)}", W),
        ("train_network.py", FA, f"up_lr_weight={numbers(11)}", W),
        ("train_network.py", LORA, "down_lr_weight=cosin", E),
        ("train_network.py", LORA, "down_lr_weight=0.5", E),
        ("train_network.py", LORA, "down_lr_weight=cosine+x", E),
        ("train_network.py", LORA, f"up_lr_weight={numbers(11)},x", E),
        ("train_network.py", LORA, "mid_lr_weight=1,1,1", E),
        ("train_network.py", LORA, "mid_lr_weight=cosine", E),
        (SDXL, LORA, f"block_dims={numbers(25)}", E),
        (SDXL, LORA, f"down_lr_weight={numbers(12)}", E),
        (SDXL, LORA, "mid_lr_weight=0.5", W),
        (SDXL, FA, f"block_dims={numbers(23)}", E),
        (SDXL, FA, "down_lr_weight=cosine", E),
    ],
)
def test_what_the_engine_does_not_take_as_it_stands(
    script: str, module: str, item: str, level: Level
) -> None:
    assert told(script, module, item) == [(level, "blocks", "c.toml:1")]


@pytest.mark.parametrize(
    ("script", "module", "item"),
    [
        ("train_network.py", LORA, f"block_dims={numbers(25)}"),
        ("train_network.py", FA, f"block_dims={numbers(25)}"),
        ("train_network.py", LORA, f"down_lr_weight={numbers(12, '0.5')}"),
        ("train_network.py", LORA, "down_lr_weight=,1,1,1,1,1,1,1,1,1,1,1"),
        ("train_network.py", LORA, "up_lr_weight=reverse_linear+.25"),
        ("train_network.py", LORA, "mid_lr_weight=0.5"),
        (SDXL, LORA, f"block_dims={numbers(23)}"),
        (SDXL, LORA, f"up_lr_weight={numbers(9, '0.5')}"),
        (SDXL, LORA, "mid_lr_weight=1,0.5,1"),
    ],
)
def test_what_it_takes(script: str, module: str, item: str) -> None:
    assert told(script, module, item) == []


def test_of_a_module_that_is_not_known_nothing_is_said() -> None:
    assert [code for _, code, _ in told("train_network.py", "my.network", "block_dims=1,2")] == [
        "network-module"
    ]


def test_the_dimensions_that_go_with_the_rates() -> None:
    assert told("train_network.py", LORA, "mid_lr_weight=0.5", f"block_alphas={numbers(25)}") == []
    found = told("train_network.py", LORA, "mid_lr_weight=0.5", "block_alphas=1,2")
    assert found == [(E, "blocks", "c.toml:1")]
