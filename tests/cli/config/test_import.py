"""`kohya-wrap config import` as a shell sees it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.shell import Shell

PRESET: dict[str, Any] = {
    "LoRA_type": "Standard", "sdxl": True, "network_dim": 16, "network_alpha": 8, "learning_rate": "0.0001", "unet_lr": 1e-4,
    "text_encoder_lr": 0, "optimizer": "AdamW8bit", "max_resolution": "1024,1024", "train_batch_size": 2, "epoch": 5,
    "caption_extension": ".txt", "mixed_precision": "bf16", "lr_scheduler": "cosine", "enable_bucket": True,
    "max_bucket_reso": 2048, "bucket_reso_steps": 1, "num_cpu_threads_per_process": 2, "wandb_api_key": "SECRET",
}  # fmt: skip


@pytest.fixture
def preset(shell: Shell) -> Path:
    path = shell.cwd / "my preset.json"
    path.write_text(json.dumps(PRESET), encoding="utf-8")
    return path


def test_what_became_of_every_value_is_said(shell: Shell, preset: Path) -> None:
    answer = shell("config", "import", preset)
    assert answer.code == 0, answer.err
    for line in (
        "my preset.json: kohya_ss GUI config, made for SDXL",
        '  optimizer -> optimizer_type = "AdamW8bit"',
        "  epoch -> max_train_epochs = 5",
        "  num_cpu_threads_per_process: it is the launcher's, which kohya-wrap sets itself",
        "  bucket_reso_steps = 1: the engine takes multiples of 32 only",
        "Wrote training_config.toml",
    ):
        assert line in answer.out.splitlines()
    assert "a seed, where the source draws one at random: seed" in answer.out
    assert "SECRET" not in answer.out + answer.err


def test_the_config_is_one_that_check_and_show_take(shell: Shell, preset: Path) -> None:
    shell("config", "import", preset, "--to", "my-lora/training_config.toml")
    config = shell.cwd / "my-lora" / "training_config.toml"
    text = config.read_text(encoding="utf-8")
    assert text.startswith("# Imported from my preset.json (kohya_ss GUI config)")
    assert "SECRET" not in text
    assert shell("config", "check", config).code == 0
    shown = shell("config", "show", config, "--json").envelope["data"]["options"]
    assert shown["optimizer_type"]["value"] == "AdamW8bit"
    assert shown["network_train_unet_only"]["value"] is True


def test_json(shell: Shell, preset: Path) -> None:
    envelope = shell("config", "import", preset, "--json").envelope
    assert envelope["ok"] is True
    data = envelope["data"]
    assert data["kind"] == "kohya_ss GUI config"
    assert data["family"] == "sdxl"
    assert {"source": "optimizer", "option": "optimizer_type", "value": "AdamW8bit"} in data["mapped"]
    assert [left["source"] for left in data["lost"]] == ["wandb_api_key", "bucket_reso_steps"]
    assert data["files"] == ["training_config.toml"]


def test_an_existing_file_is_kept(shell: Shell, preset: Path) -> None:
    target = shell.cwd / "training_config.toml"
    target.write_text("mine", encoding="utf-8")
    answer = shell("config", "import", preset)
    assert answer.code == 2
    what, _, hint = answer.three_lines
    assert what == "training_config.toml is there already."
    assert "--force" in hint
    assert target.read_text(encoding="utf-8") == "mine"
    assert shell("config", "import", preset, "--force").code == 0


def test_a_network_that_cannot_be_trained_is_said_and_not_written(shell: Shell, preset: Path) -> None:
    preset.write_text(json.dumps(PRESET | {"LoRA_type": "LyCORIS/iA3"}), encoding="utf-8")
    answer = shell("config", "import", preset, "--json")
    assert answer.code == 3
    assert "'ia3'" in answer.three_lines[0]
    assert answer.three_lines[1] == "Changed, it would train another LoRA, so nothing was written."
    assert not (shell.cwd / "training_config.toml").exists()
    assert "Wrote" not in answer.out


def test_what_a_line_must_be_changed_for_is_imported_and_said(shell: Shell, preset: Path) -> None:
    preset.write_text(json.dumps(PRESET | {"optimizer": "DAdaptAdam"}), encoding="utf-8")
    answer = shell("config", "import", preset)
    assert answer.code == 3
    assert "DAdaptAdam" in answer.three_lines[0]
    assert (shell.cwd / "training_config.toml").exists()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (json.dumps(PRESET | {"flux1_checkbox": True}).encode(), "describes a Flux LoRA"),
        (b'{"a": 1}', "no training config"),
        (b'{"cells": [], "nbformat": 4}', "is a notebook"),
        (b'#!/bin/sh\npython train_network.py --seed "1\n', 'file:2: the " is never closed'),
        (b"", "no training config"),
        (b"\xff\xfe\0", "no training config"),
        (b"[[datasets]]\n", "no training config"),
    ],
)
def test_a_file_that_is_refused(shell: Shell, content: bytes, what: str) -> None:
    (shell.cwd / "file").write_bytes(content)
    answer = shell("config", "import", "file")
    assert answer.code == 3
    assert what in answer.three_lines[0]
    assert not (shell.cwd / "training_config.toml").exists()


@pytest.mark.parametrize("name", ["nowhere.json", "."])
def test_a_file_that_is_not_there(shell: Shell, name: str) -> None:
    answer = shell("config", "import", name)
    assert answer.code == 3
    assert answer.three_lines
