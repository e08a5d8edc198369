"""Spellings people use, and the engine's."""

from __future__ import annotations

from typing import Any

import pytest

from kohya_wrap.config.spellings import as_toml, flatten, loud, respell


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
    ],
)
def test_respelled(key: str, value: Any, name: str, engine_value: Any) -> None:
    got_name, got, _ = respell(key, value)
    assert (got_name, got, type(got)) == (name, engine_value, type(engine_value))


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("batch_size", 2, "`batch_size` is the engine's `train_batch_size`"),
        ("resolution", 512, '`resolution = 512` is given as "512,512"'),
        ("resolution", "512", ""),
        ("seed", 42, ""),
    ],
)
def test_what_was_changed_in_words(key: str, value: Any, said: str) -> None:
    assert respell(key, value)[2] == said


@pytest.mark.parametrize(
    ("key", "value", "worth_a_word"),
    [("batch_size", 2, True), ("network_alpha", 16, False), ("seed", 1, False)],
)
def test_only_what_matters_is_said(key: str, value: Any, worth_a_word: bool) -> None:
    name, _, said = respell(key, value)
    assert loud(key, name, said) is worth_a_word


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
