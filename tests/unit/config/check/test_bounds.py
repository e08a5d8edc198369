"""Numbers that are too small or too large: told, with one that is not."""

from __future__ import annotations

from typing import Any

import pytest

from kohya_wrap.config import option_table
from kohya_wrap.config.check import bounds, check_value
from kohya_wrap.domain.finding import Level
from tests.unit.config.check.hints import followed
from tests.unit.config.test_check import findings

TABLE = option_table.for_script("train_network.py")


@pytest.mark.parametrize(
    ("name", "outside", "inside"),
    [
        ("train_batch_size", [0, -1], [1]),
        ("max_data_loader_n_workers", [-1], [0, 8]),
        ("vae_batch_size", [0], [1]),
        ("learning_rate", [-1e-4], [1e-4]),
        ("unet_lr", [-1e-4], [0, 1e-4]),
        ("text_encoder_lr", [-1e-4, [1e-4, -1e-4]], [0, [1e-4, 1e-4]]),
        ("caption_dropout_rate", [-0.1, 1.1, 10], [0, 0.5, 1]),
        ("caption_tag_dropout_rate", [1.5], [0.1]),
        ("network_dropout", [1.0, 1.5, -0.1], [0, 0.99]),
        ("validation_split", [1.0, 2.0, -0.1], [0, 0.2]),
        ("validate_every_n_steps", [0], [1]),
        ("min_snr_gamma", [-5], [0, 5]),
        ("noise_offset", [-0.1], [0, 0.1]),
        ("ip_noise_gamma", [-0.1], [0.1]),
        ("huber_c", [0, -1], [0.1]),
        ("scale_weight_norms", [-1], [0, 1]),
        ("prior_loss_weight", [-1], [0, 1]),
        ("max_grad_norm", [-1], [0, 1]),
        ("min_timestep", [-1, 1000], [0, 999]),
        ("max_timestep", [0, 1001], [1, 1000]),
        ("keep_tokens", [-1], [0]),
        ("save_last_n_epochs", [0, -1], [1]),
        ("save_last_n_steps", [-1], [0]),
        ("lr_scheduler_num_cycles", [0], [1]),
        ("lr_scheduler_timescale", [0], [1]),
        ("seed", [-1, 2**32], [0, 2**32 - 1]),
    ],
)
def test_what_is_out_of_range(name: str, outside: list[Any], inside: list[Any]) -> None:
    for value in outside:
        (found,) = check_value(name, value, TABLE, "train_network.py")
        assert (found.level, found.code) == (Level.ERROR, "out-of-range"), value
    for value in inside:
        assert check_value(name, value, TABLE, "train_network.py") == (), value


@pytest.mark.parametrize("name", sorted(bounds.OPTIONS))
def test_what_to_write_is_in_range_and_of_its_type(name: str) -> None:
    bound = bounds.OPTIONS[name]
    too_small = bound.low if bound.above else bound.low - 1
    (found,) = check_value(name, too_small, TABLE, "train_network.py")
    assert found.code == "out-of-range"
    mended = followed({name: too_small}, name, found.hint)[name]
    assert check_value(name, mended, TABLE, "train_network.py") == ()


def test_the_line_says_the_value_the_range_and_why() -> None:
    (found,) = findings(network_dim=4, network_dropout=1.0)
    assert found.message == (
        "`network_dropout = 1.0` cannot be meant: it must be 0 or more and less than 1; at 1 nothing is left to train."
    )
    assert found.where == "c.toml:2"


@pytest.mark.parametrize(
    ("module", "item"),
    [
        ("networks.lora", "rank_dropout=1"),
        ("networks.lora", "module_dropout=1.5"),
        ("networks.lora", "loraplus_lr_ratio=-1"),
        ("lycoris.kohya", "dropout=1.0"),
        ("lycoris.kohya", "rank_dropout=nan"),
        ("networks.dylora", "unit=0"),
    ],
)
def test_keys_of_network_args(module: str, item: str) -> None:
    file = {"network_module": module, "network_args": [item]}
    (found,) = findings(**file)
    assert (found.level, found.code, found.where) == (Level.ERROR, "argument", "c.toml:2")
    assert findings(**followed(file, "network_args", found.hint)) == ()


@pytest.mark.parametrize(
    "item", ["rank_dropout=0.99", "module_dropout=0", "loraplus_lr_ratio=16", "conv_dim=0"]
)
def test_keys_of_network_args_in_range(item: str) -> None:
    assert not [found for found in findings(network_args=[item]) if found.code == "argument"]
