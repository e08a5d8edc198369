"""A TOML that was passed to sd-scripts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kohya_wrap.config import importing
from kohya_wrap.config.importing.source import Source
from kohya_wrap.domain.family import FamilyName
from kohya_wrap.errors import ConfigError

Read = Callable[[str], Source]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def through(text: str) -> Source:
        path = tmp_path / "a-config"  # what it holds counts, not its name
        path.write_text(text, encoding="utf-8")
        return importing.read(path)

    return through


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("[any_name]\nnetwork_dim = 8\n[another]\nseed = 1", {"network_dim": 8, "seed": 1}),
        ("network_dim = 8\nseed = 1", {"network_dim": 8, "seed": 1}),
        ("network_dim = 8\nbatch_size = 2\nresolution = 512", {
            "network_dim": 8, "train_batch_size": 2, "resolution": "512,512"}),
        ('network_dim = "8"\nlearning_rate = "1e-4"\ncache_latents = "true"', {
            "network_dim": 8, "learning_rate": 1e-4, "cache_latents": True}),
        ('network_dim = 8\nmax_train_epochs = ""', {"network_dim": 8}),
        ("network_dim = 8\nlr_warmup_steps = 0.1\nlr_scheduler = 'cosine'", {
            "network_dim": 8, "lr_warmup_steps": 0.1, "lr_scheduler": "cosine"}),
        ("network_dim = 8\nlr_warmup_steps = 100\nlr_scheduler = 'cosine'", {
            "network_dim": 8, "lr_warmup_steps": 100, "lr_scheduler": "cosine"}),
        ("network_dim = 8\ntraining_comment = 'by train_network.py --seed 1'", {
            "network_dim": 8, "training_comment": "by train_network.py --seed 1"}),
        ("# python train_network.py --config_file this.toml\nnetwork_dim = 8", {"network_dim": 8}),
        # a float above 1 is so many times the whole training, and stays what it was
        ("network_dim = 8\nlr_warmup_steps = 2.0\nlr_scheduler = 'cosine'", {
            "network_dim": 8, "lr_warmup_steps": 2.0, "lr_scheduler": "cosine"}),
        ("network_dim = 8\ntext_encoder_lr = [1e-5, 2e-5]", {"network_dim": 8, "text_encoder_lr": [1e-5, 2e-5]}),
        ("network_dim = 8\nmax_train_epochs = 3\nmax_train_steps = 9", {"network_dim": 8, "max_train_epochs": 3}),
        ("network_dim = 8\nxformers = true\nsdpa = true", {"network_dim": 8, "xformers": True}),
        ("[a]\nnetwork_dim = 4\n[b]\nnetwork_dim = 8", {"network_dim": 8}),
    ],
)  # fmt: skip
def test_options(read: Read, text: str, options: dict[str, Any]) -> None:
    got = read(text).options
    assert got == options
    assert {name: type(value) for name, value in got.items()} == {n: type(v) for n, v in options.items()}


@pytest.mark.parametrize(
    ("line", "field", "why"),
    [
        ("network_dimm = 8", "network_dimm", "did you mean `network_dim`?"),
        ('seed = "x"', "seed", "must be a whole number"),
        ("config_file = 'x.toml'", "config_file", "kohya-wrap writes"),
        ("in_json = 'meta.json'", "in_json", "numbered folders"),
        ("wandb_api_key = 'SECRET'", "wandb_api_key", "WANDB_API_KEY"),
        ('sample_every_n_epochs = 1', "sample_every_n_epochs", "no prompts"),
        ("[a.b]\nc = 1", "b", "a table within a section"),
    ],
)  # fmt: skip
def test_nothing_is_left_out_in_silence(read: Read, line: str, field: str, why: str) -> None:
    source = read(f"network_dim = 8\n{line}")
    left = next(left for left in source.dropped + source.lost if left.source == field)
    assert why in left.why
    assert "SECRET" not in repr(source)


def test_a_key_given_twice_is_said(read: Read) -> None:
    found = read("[a]\nnetwork_dim = 4\n[b]\nnetwork_dim = 8").findings
    assert [(finding.code, finding.where) for finding in found] == [("given-twice", "a-config:4")]


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("network_dim = 8", None),
        ("network_dim = 8\ncache_text_encoder_outputs = false", None),
        ("network_dim = 8\nmodel_train_type = 'sdxl-lora'", FamilyName.SDXL),
        ("network_dim = 8\nmodel_train_type = 'sd-lora'", FamilyName.SD15),
        (
            "network_dim = 8\nnetwork_train_unet_only = true\ncache_text_encoder_outputs = true",
            FamilyName.SDXL,
        ),
    ],
)
def test_the_family_is_told_by_sdxls_own_options(read: Read, text: str, family: FamilyName | None) -> None:
    assert read(text).family is family


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('network_module = "networks.lora_flux"', "a Flux LoRA"),
        ('network_module = "networks.lora_sd3"', "a Stable Diffusion 3 LoRA"),
        ("network_dim = 4\nv2 = true", "a LoRA for Stable Diffusion 2"),
        ('token_string = "zxc"', "a textual inversion"),
        ("learning_rate = 1e-5", "no LoRA"),
        ("network_dim = 4\nmodel_train_type = 'flux-lora'", "a training of type flux-lora"),
        ("network_dim = 4\nmodel_train_type = [1]", "a training of type"),
        ("[[datasets]]\nresolution = 512", "no training config"),
        ("network_dim = 4\n[kohya_wrap]\nbase = 'sd15'", "a kohya-wrap config already"),
        ("", "no training config"),
    ],
)
def test_what_we_do_not_train_is_refused(read: Read, text: str, what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        read(text)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ('名前 = "値"\n'.encode("shift-jis"), "not UTF-8"),
        (b"network_dim = 4\n" * 200_000, "3 MB"),
        (b"just some words\n", "as TOML"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not UTF-8"),
    ],
)
def test_bad_input(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="no training config") as refused:
        importing.read(path)
    assert why in refused.value.why


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_a_file_that_is_not_there_or_a_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        importing.read(tmp_path / name)


def test_a_syntax_error_in_a_toml_has_its_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("network_dim = 4\nseed = = 1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"broken\.toml:2:8 is not TOML: seed = = 1"):
        importing.read(path)
