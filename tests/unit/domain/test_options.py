"""What the engine could not use, although its reader takes it (engine contract, section A)."""

from __future__ import annotations

import math
from typing import Any

import pytest

from kohya_wrap.config.option_table import for_script
from kohya_wrap.domain.options import nearest

TABLE = for_script("train_network.py")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("resolution", 512),
        ("resolution", [512, 512]),
        ("train_batch_size", "4"),
        ("train_batch_size", 4.0),
        ("train_batch_size", True),
        ("enable_bucket", 1),
        ("flip_aug", "true"),
        ("seed", 42.0),
        ("seed", "42"),
        ("seed", 2**63),
        ("network_args", "conv_dim=4"),
        ("network_args", [4]),
        ("optimizer_args", {"weight_decay": 0.1}),
        ("network_dim", "4"),
        ("learning_rate", "1e-3"),
        ("learning_rate", False),
        ("learning_rate", math.inf),
        ("learning_rate", 10**400),
        ("lr_warmup_steps", math.inf),
        ("text_encoder_lr", [5e-5, math.nan]),
        ("max_train_steps", "2"),
        ("save_every_n_epochs", "1"),
        ("mixed_precision", "banana"),
        ("save_precision", "banana"),
        ("save_model_as", "banana"),
        ("loss_type", "banana"),
        ("sample_sampler", "banana"),
        ("max_token_length", 100),
        ("lr_warmup_steps", "10%"),
        ("lr_warmup_steps", "1"),
        ("lr_warmup_steps", True),
        ("lr_decay_steps", -1),
        ("text_encoder_lr", "5e-5"),
        ("text_encoder_lr", [5e-5, "1e-5"]),
        ("dataset_config", 3),
        ("output_dir", ["a"]),
    ],
)
def test_refused(name: str, value: Any) -> None:
    assert repr(value) in TABLE[name].refuses(value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("resolution", "512"),
        ("train_batch_size", 4),
        ("enable_bucket", False),
        ("seed", 42),
        ("network_args", ["conv_dim=4"]),
        ("network_args", []),
        ("learning_rate", 1),
        ("learning_rate", 1e-4),
        ("mixed_precision", "bf16"),
        ("max_token_length", 225),
        ("lr_warmup_steps", 100),
        ("lr_warmup_steps", 0.05),
        ("text_encoder_lr", 5e-5),
        ("text_encoder_lr", [5e-5, 0]),
        ("dataset_config", "d.toml"),
        ("unet_lr", None),
    ],
)
def test_taken(name: str, value: Any) -> None:
    assert TABLE[name].refuses(value) == ""


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("train_batch_size", "4", "must be a whole number, not '4'"),
        ("network_args", "a=1", "must be a list of texts in quotes, not 'a=1'"),
        ("text_encoder_lr", "x", "must be a list of numbers, not 'x'"),
        ("lr_warmup_steps", "10%", "must be a number of 0 or more, not '10%'"),
        ("mixed_precision", "fp8", "must be one of no, fp16, bf16, not 'fp8'"),
    ],
)
def test_why_in_words(name: str, value: Any, words: str) -> None:
    assert TABLE[name].refuses(value) == words


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        ("network_dims", "network_dim"),
        ("max_train_epoch", "max_train_epochs"),
        ("learning_rat", "learning_rate"),
        ("banana", ""),
    ],
)
def test_nearest(typo: str, meant: str) -> None:
    assert nearest(typo, TABLE) == meant


def test_every_default_of_the_engine_is_taken() -> None:
    for script in ("train_network.py", "sdxl_train_network.py"):
        assert [o.name for o in for_script(script).values() if o.refuses(o.default)] == []


def test_sdxl_adds_its_three_options() -> None:
    added = set(for_script("sdxl_train_network.py")) - set(TABLE)
    assert added == {
        "cache_text_encoder_outputs",
        "cache_text_encoder_outputs_to_disk",
        "disable_mmap_load_safetensors",
    }
