"""The combinations of a sweep, and what each writes."""

from __future__ import annotations

from typing import Any

import pytest

from kohya_wrap.domain import sweep


def test_all_of_them_the_last_varying_fastest() -> None:
    found = sweep.combinations([("network_dim", ["16", "32"]), ("unet_lr", ["1e-4", "2e-4"])])
    assert [tuple(one.values()) for one in found] == [
        ("16", "1e-4"), ("16", "2e-4"), ("32", "1e-4"), ("32", "2e-4"),
    ]  # fmt: skip
    assert sweep.combinations([]) == [{}], "without a sweep each config is trained once"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("16,32", ["16", "32"]),
        (" 1e-4 , 2e-4", ["1e-4", "2e-4"]),
        ("512,512;768,768", ["512,512", "768,768"]),
        ("512,512;", ["512,512", ""]),
    ],
)
def test_values_with_commas_are_told_apart_by_semicolons(text: str, values: list[str]) -> None:
    assert sweep.values_of(text) == values


@pytest.mark.parametrize(
    ("combination", "name"),
    [
        ({"network_dim": 16, "unet_lr": 1e-4}, "lo-network_dim16-unet_lr1e-4"),
        ({"unet_lr": 0.0001, "network_dim": 16}, "lo-network_dim16-unet_lr1e-4"),
        ({"unet_lr": 1.5e-4}, "lo-unet_lr1.5e-4"),
        ({"unet_lr": 1.0}, "lo-unet_lr1"),
        ({"ip_noise_gamma": 0.05}, "lo-ip_noise_gamma0.05"),
        ({"max_train_steps": 100000}, "lo-max_train_steps100000"),
        ({"sdpa": True}, "lo-sdpatrue"),
        ({"network_args": ["conv_dim=4"]}, "lo-network_args_conv_dim_4"),
        ({"subject": "style"}, "lo-subjectstyle"),
        ({"network_weights": "../a b/c.safetensors"}, "lo-network_weights.._a_b_c.safetensors"),
        ({"resolution": "512,512"}, "lo-resolution512_512"),
    ],
)
def test_the_name_says_the_values_and_is_one_of_a_file(combination: dict[str, Any], name: str) -> None:
    assert sweep.name_of("lo", combination) == name
