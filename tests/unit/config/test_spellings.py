"""Spellings people use, and the engine's."""

from __future__ import annotations

from typing import Any

import pytest

from kohya_wrap.config.spellings import as_toml, flatten, respell


@pytest.mark.parametrize(
    ("key", "value", "name", "engine_value"),
    [
        ("batch_size", 2, "train_batch_size", 2),
        ("caption_extention", ".txt", "caption_extension", ".txt"),
        ("resolution", 512, "resolution", "512,512"),
        ("resolution", [512, 768], "resolution", "512,768"),
        ("resolution", [512], "resolution", "512,512"),
        ("resolution", "512", "resolution", "512"),
        ("resolution", True, "resolution", True),
        ("network_alpha", 16, "network_alpha", 16.0),
        ("network_alpha", True, "network_alpha", True),
        ("max_data_loader_n_workers", 2.0, "max_data_loader_n_workers", 2),
        ("max_data_loader_n_workers", 2.5, "max_data_loader_n_workers", 2.5),
        ("seed", 42, "seed", 42),
        ("max-train-epochs", 4, "max_train_epochs", 4),
        ("lr_restart_cycles", 3, "lr_scheduler_num_cycles", 3),
        ("resolution", [512, 768, 1], "resolution", [512, 768, 1]),
        ("resolution", [True], "resolution", [True]),
        ("network_args", {"conv_dim": 8, "dora_wd": True}, "network_args", ["conv_dim=8", "dora_wd=True"]),
        ("network_args", {"block_dims": [2, 4]}, "network_args", ["block_dims=2,4"]),
        ("optimizer_args", {"betas": [0.9, 0.99]}, "optimizer_args", ["betas=(0.9, 0.99)"]),
        ("optimizer_args", {"foreach": "no"}, "optimizer_args", ["foreach='no'"]),
        ("lr_scheduler_args", {"eta_min": 1e-6}, "lr_scheduler_args", ["eta_min=1e-06"]),
        ("network_args", ["conv_dim=4"], "network_args", ["conv_dim=4"]),
    ],
)
def test_respelled(key: str, value: Any, name: str, engine_value: Any) -> None:
    got = respell(key, value)
    assert (got.name, got.value, type(got.value)) == (name, engine_value, type(engine_value))


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("batch_size", 2, "`batch_size` is the engine's `train_batch_size`"),
        ("resolution", 512, '`resolution = 512` is given as "512,512"'),
        ("resolution", "512", ""),
        ("seed", 42, ""),
        ("network_alpha", 16, ""),  # 16 for 16.0 is not worth a word
        ("max-train-epochs", 4, "`max-train-epochs` is the engine's `max_train_epochs`"),
        ("network_args", {"algo": "loha"}, '`network_args = {algo = "loha"}` is given as ["algo=loha"]'),
    ],
)
def test_what_was_changed_in_words(key: str, value: Any, said: str) -> None:
    assert respell(key, value).said == said


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", '"a"'),
        ('say "hi"', '"say \\"hi\\""'),
        (True, "true"),
        (16.0, "16.0"),
        (1e-4, "0.0001"),
        (5e-5, "5e-5"),
        ([1, 2], "[1, 2]"),
        ("C:\\x = 1", '"C:\\\\x = 1"'),
    ],
)
def test_a_value_as_toml(value: Any, text: str) -> None:
    assert as_toml(value) == text


def test_tables_are_flattened_one_level_deep_without_our_own() -> None:
    data = {"seed": 1, "model": {"vae": "v", "deep": {"x": 1}}, "gpu": {"a": 1}, "kohya_wrap": {"b": 1}}
    assert flatten(data, frozenset({"gpu", "kohya_wrap"})) == [
        ("", "seed", 1),
        ("model", "vae", "v"),
        ("model", "deep", {"x": 1}),
    ]


@pytest.mark.parametrize(
    ("data", "flat"),
    [
        ({"network_args": {"algo": "loha"}}, ("", "network_args", {"algo": "loha"})),
        ({"training": {"network-args": {"a": 1}}}, ("training", "network-args", {"a": 1})),
    ],
)
def test_a_table_of_arguments_is_one_value(data: dict[str, Any], flat: tuple[str, str, Any]) -> None:
    assert flatten(data, frozenset()) == [flat]
