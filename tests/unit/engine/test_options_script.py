"""scripts/options.py: what it writes reads well in a diff, and what it says of another commit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scripts import options

TABLE = {"b": ["int", "", [], 1], "a": ["str", "", ["x", "y"], None]}
ARGUMENTS = {"network_args": {"networks.lora": {"conv_dim": ["int", []], "conv_alpha": ["float", []]}}}


def tables(changed: dict[str, Any], argument: dict[str, Any]) -> options.Tables:
    keys = {**ARGUMENTS["network_args"]["networks.lora"], **argument}
    kept = {key: kind for key, kind in keys.items() if kind}
    table = {name: option for name, option in {**TABLE, **changed}.items() if option}
    return {
        "train_network": table,
        "sdxl_train_network": TABLE,
        "elsewhere": {},
        "arguments": {"network_args": {"networks.lora": kept}},
    }


@pytest.mark.parametrize(("name", "table"), [("train_network", TABLE), ("arguments", ARGUMENTS)])
def test_the_text_is_the_table_sorted_one_entry_a_line(name: str, table: dict[str, Any]) -> None:
    text = options.text(name, table)
    assert json.loads(text) == table
    lines = [line for line in text.splitlines() if "[" in line]
    assert len(lines) == 2 and lines == sorted(lines)


@pytest.mark.parametrize(
    ("option", "argument", "said"),
    [
        ({}, {}, []),
        ({"b": None}, {}, ["train_network.py: removed b"]),
        ({"c": ["bool", "", [], False]}, {}, ['train_network.py: added c ["bool", "", [], false]']),
        ({"b": ["float", "", [], 1]}, {}, ['train_network.py: b: type "int" -> "float"']),
        ({"a": ["str", "", ["x"], None]}, {}, ['train_network.py: a: choices ["x", "y"] -> ["x"]']),
        ({"b": ["int", "", [], 2]}, {}, ["train_network.py: b: default 1 -> 2"]),
        ({}, {"conv_dim": None}, ["network_args of networks.lora: removed conv_dim"]),
        ({}, {"x": ["any", []]}, ['network_args of networks.lora: added x ["any", []]']),
        ({}, {"conv_dim": ["float", []]}, ['network_args of networks.lora: conv_dim: type "int" -> "float"']),
        ({}, {"conv_dim": ["int", ["1"]]}, ['network_args of networks.lora: conv_dim: choices [] -> ["1"]']),
    ],
)
def test_what_another_commit_changes(
    option: dict[str, Any], argument: dict[str, Any], said: list[str]
) -> None:
    assert list(options.differences(tables({}, {}), tables(option, argument))) == said


def test_a_module_that_comes_or_goes_is_one_line() -> None:
    ours, theirs = tables({}, {}), tables({}, {})
    theirs["arguments"] = {"network_args": {"networks.new": {"rank": ["int", []]}}}
    assert list(options.differences(ours, theirs)) == [
        "network_args: removed networks.lora",
        "network_args: added networks.new",
    ]


def test_elsewhere_names_the_nearest_reader_first_and_no_name_that_all_entry_scripts_know() -> None:
    known = {"train_network.py": {"a": []}, "sdxl_train_network.py": {"a": [], "b": []}}
    others = {
        "gen_img.py": {"a": [], "c": []},
        "anima_train.py": {"b": [], "c": []},
        "dataset_config": ["c", "d"],
    }
    assert options._elsewhere({**others, **known}) == {
        "b": ["sdxl_train_network.py", "anima_train.py"],
        "c": ["dataset_config", "anima_train.py", "gen_img.py"],
        "d": ["dataset_config"],
    }
