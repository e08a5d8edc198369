"""Which origin wins."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from kohya_wrap.domain.config import Layer, Origin, TrainingConfig, Value, settle, shown

WEAKEST_FIRST = [
    Origin.ENGINE,
    Origin.WRAPPER,
    Origin.FAMILY,
    Origin.RECIPE,
    Origin.GPU,
    Origin.FILE,
    Origin.ENVIRONMENT,
    Origin.COMMAND_LINE,
    Origin.HARDWARE,
]


def test_every_origin_has_its_place() -> None:
    assert sorted(Origin) == WEAKEST_FIRST


@pytest.mark.parametrize(
    ("weaker", "stronger"), [(w, s) for w in WEAKEST_FIRST for s in WEAKEST_FIRST if s > w]
)
def test_the_stronger_origin_wins_in_any_order(weaker: Origin, stronger: Origin) -> None:
    layers = [Layer(weaker, {"seed": 1}), Layer(stronger, {"seed": 2})]
    for order in permutations(layers):
        assert settle(order).values["seed"] == Value(2, stronger)


def test_within_one_origin_the_later_wins() -> None:
    assert settle([Layer(Origin.FILE, {"seed": 1}), Layer(Origin.FILE, {"seed": 2})]).get("seed") == 2


def test_a_later_layer_fills_gaps_and_overrides_only_the_weaker() -> None:
    config = settle([Layer(Origin.WRAPPER, {"a": 1, "b": 1}), Layer(Origin.FILE, {"b": 2})])
    assert config.with_layer(Layer(Origin.GPU, {"a": 3, "b": 3, "c": 3})).plain() == {"a": 3, "b": 2, "c": 3}
    assert config.plain() == {"a": 1, "b": 2}, "the first config is not changed"


def test_a_value_remembers_where_it_stands() -> None:
    layer = Layer(Origin.FILE, {"seed": 1, "clip_skip": 2}, "c.toml", {"seed": "c.toml:7"})
    assert settle([layer]).values == {
        "seed": Value(1, Origin.FILE, "c.toml:7"),
        "clip_skip": Value(2, Origin.FILE, "c.toml"),
    }


@pytest.mark.parametrize(
    ("name", "got"), [("seed", 1), ("unset", "default"), ("nothing", "default"), ("off", False)]
)
def test_get_takes_the_default_where_nothing_is_said(name: str, got: Any) -> None:
    config = settle([Layer(Origin.FILE, {"seed": 1, "nothing": None, "off": False})])
    assert config.get(name, "default") == got


def test_plain_leaves_out_what_is_not_set() -> None:
    assert settle([Layer(Origin.FILE, {"b": False, "a": None})]).plain() == {"b": False}


def test_origin_of_an_option() -> None:
    config = settle([Layer(Origin.RECIPE, {"seed": 1})])
    assert (config.origin("seed"), config.origin("unset")) == (Origin.RECIPE, None)
    assert TrainingConfig({}).plain() == {}


@pytest.mark.parametrize(
    ("name", "value", "hidden"),
    [
        ("wandb_api_key", "abc", True), ("hf_token", ["abc"], True), ("anything", "hf_abcdefghijklmnop", True), ("anything", "hf_portraits", False),
        ("training_comment", "wandb: " + "0a" * 20, True), ("training_comment", "commit " + "0a" * 20, False),
        ("wandb_api_key", "", False), ("keep_tokens", 1, False), ("tokenizer_cache_dir", "hf_home", False),
    ],
)  # fmt: skip
def test_a_secret_is_not_shown(name: str, value: Any, hidden: bool) -> None:
    assert shown(name, value) == ("(not shown)" if hidden else value)
