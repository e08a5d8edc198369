"""`kohya-wrap config show`: the effective config, each value with its origin."""

from __future__ import annotations

from pathlib import Path

import toml

from kohya_wrap.config.option_table import for_script
from tests.fixtures.shell import Answer, Shell

CARD = ("--gpu", "RTX 4090")


def test_what_it_shows_is_a_config(shell: Shell, alone: Path) -> None:
    answer = shell("config", "show", *CARD)
    assert (answer.code, answer.err) == (0, "")
    shown = toml.loads(answer.out)
    assert list(shown) == ["model", "dataset", "training"]
    assert (shown["dataset"]["resolution"], shown["dataset"]["train_batch_size"]) == ("512,512", 2)
    assert shown["training"]["max_grad_norm"] == 1.0  # the engine's default


def test_each_value_says_where_it_comes_from(shell: Shell, alone: Path) -> None:
    words = (*CARD, "--set", "clip_skip=2")
    answer = shell("config", "show", "--origin", *words, KOHYA_WRAP_SET_SEED="7")
    said = dict(
        (line.split(" = ")[0], line.rpartition("  # ")[2])
        for line in answer.out.splitlines()
        if " = " in line
    )
    assert {
        "learning_rate": "training_config.toml:18",
        "train_batch_size": "training_config.toml:9",
        "seed": "environment: KOHYA_WRAP_SET_SEED",
        "clip_skip": "command line: --set",
        "save_precision": "kohya-wrap",
        "network_module": "base: SD 1.5",
        "sdpa": "gpu: RTX 4090",
        "max_grad_norm": "engine default",
    }.items() <= said.items()


def test_on_a_card_without_bf16(shell: Shell, alone: Path) -> None:
    answer = shell("config", "show", "--origin", "--gpu", "T4", "--set", "mixed_precision=bf16")
    (line,) = [line for line in answer.out.splitlines() if line.startswith("mixed_precision")]
    assert line.split(" # ")[0].strip() == 'mixed_precision = "fp16"'
    assert "this machine: T4" in line


def test_only_what_differs_from_the_engines_defaults(shell: Shell, alone: Path) -> None:
    answer = shell("config", "show", "--diff-defaults", "--json", *CARD)
    options = answer.envelope["data"]["options"]
    table = for_script("train_network.py")
    assert 20 < len(options) < 40
    assert [name for name, shown in options.items() if shown["value"] == table[name].default] == []
    assert options["seed"] == {"value": 42, "origin": "wrapper", "detail": ""}
    assert options["learning_rate"] == {
        "value": 1e-4,
        "origin": "file",
        "detail": "training_config.toml:18",
    }


def test_it_shows_what_run_gives_the_engine(shell: Shell, guide_run: tuple[Path, Answer]) -> None:
    config, _ = guide_run
    (engine_config,) = config.parent.glob(".kohya-wrap/runs/*/engine_config.toml")
    shown = shell("config", "show", config, "--gpu", "cpu", "--json").envelope["data"]
    assert shown["left_to_run"] == []
    given = toml.load(engine_config)
    assert ".kohya-wrap/views" in given.pop("train_data_dir"), "a view of the user's folder"
    runs_own = {"output_dir", "save_every_n_epochs", "save_state", "save_last_n_epochs_state"}
    assert "/attempts/1" in given["output_dir"]
    given = {name: value for name, value in given.items() if name not in runs_own}
    assert {name: shown["options"][name]["value"] for name in given} == given
    by_somebody = {name for name, value in shown["options"].items() if value["origin"] != "engine"}
    assert by_somebody - runs_own == {*given, "train_data_dir"}


def test_what_only_run_can_know_is_said(shell: Shell, alone: Path) -> None:
    alone.write_text('[kohya_wrap]\nbase = "sd15"\nsubject = "style"\n', encoding="utf-8")
    answer = shell("config", "show", *CARD)
    folder = alone.parent / "training_data"
    left = "caption_extension, keep_tokens, max_train_epochs, save_every_n_epochs, shuffle_caption"
    assert answer.out.splitlines()[-1] == f"# Left to `run`, from the images ({folder} is not there): {left}"


def test_a_wrong_config_is_shown_all_the_same(shell: Shell, alone: Path) -> None:
    answer = shell("config", "show", "--set", "seed=many", "--set", "nonsense=1")
    assert answer.code == 0
    assert 'seed = "many"' in answer.out
    assert answer.out.splitlines()[-1] == "# 2 errors in it: kohya-wrap config check training_config.toml"
