"""The metadata inside a trained LoRA."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kohya_wrap.config import importing
from kohya_wrap.config.importing import completed
from kohya_wrap.config.importing.source import Source
from kohya_wrap.domain.family import FamilyName
from kohya_wrap.errors import ConfigError, EngineError

# As the engine writes it: everything a text.
METADATA = {
    "ss_network_module": "networks.lora", "ss_network_dim": "16", "ss_network_alpha": "8.0", "ss_learning_rate": "0.0001",
    "ss_unet_lr": "0.0001", "ss_text_encoder_lr": "5e-05", "ss_optimizer": "bitsandbytes.optim.adamw.AdamW8bit",
    "ss_lr_scheduler": "cosine", "ss_lr_warmup_steps": "10", "ss_max_train_steps": "100", "ss_num_epochs": "10",
    "ss_num_batches_per_epoch": "10", "ss_gradient_accumulation_steps": "1", "ss_mixed_precision": "bf16",
    "ss_base_model_version": "sd_v1", "ss_v2": "False", "ss_resolution": "(512, 512)", "ss_batch_size_per_device": "2",
    "ss_enable_bucket": "True", "ss_min_bucket_reso": "256", "ss_max_bucket_reso": "1024", "ss_shuffle_caption": "False",
    "ss_seed": "42", "ss_clip_skip": "None", "ss_min_snr_gamma": "None", "ss_network_args": "{}",
    "ss_sd_model_name": "some.safetensors", "ss_session_id": "1", "sshs_model_hash": "0",
}  # fmt: skip

Read = Callable[..., Source]


def write(path: Path, metadata: dict[str, str], tensor: str = "") -> Path:
    """A LoRA's header, with one empty tensor or none."""
    entry = {tensor: {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}} if tensor else {}
    header = json.dumps({"__metadata__": metadata, **entry}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    return path


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def through(**entries: str | None) -> Source:
        said = METADATA | {name.replace("__", "."): text for name, text in entries.items()}
        return importing.read(write(tmp_path / "lora", {n: t for n, t in said.items() if t is not None}))

    return through


def test_a_lora(read: Read) -> None:
    source = read()
    assert source.options == {
        "network_module": "networks.lora", "network_dim": 16, "network_alpha": 8.0, "learning_rate": 1e-4,
        "unet_lr": 1e-4, "text_encoder_lr": 5e-5, "optimizer_type": "AdamW8bit", "lr_scheduler": "cosine",
        "lr_warmup_steps": 10, "max_train_epochs": 10, "gradient_accumulation_steps": 1, "mixed_precision": "bf16",
        "resolution": "512,512", "train_batch_size": 2, "enable_bucket": True, "min_bucket_reso": 256,
        "max_bucket_reso": 1024, "seed": 42,
    }  # fmt: skip
    assert [left.source for left in source.lost] == ["ss_sd_model_name"]
    assert "ss_clip_skip" in source.unset
    assert source.family is FamilyName.SD15
    assert [finding.code for finding in source.findings] == ["metadata-only"]


@pytest.mark.parametrize(
    ("entries", "option", "value"),
    [
        ({"ss_optimizer": "bitsandbytes.optim.adamw.AdamW8bit(weight_decay=0.1,betas=(0.9, 0.99))"},
         "optimizer_args", ["weight_decay=0.1", "betas=(0.9,0.99)"]),
        ({"ss_optimizer": "torch.optim.adamw.AdamW"}, "optimizer_type", "AdamW"),
        ({"ss_optimizer": "prodigyopt.prodigy.Prodigy(d_coef=1.0)"}, "optimizer_type", "Prodigy"),
        ({"ss_optimizer": "somebody.else.Optimizer"}, "optimizer_type", "somebody.else.Optimizer"),
        ({"ss_network_args": '{"conv_dim": "8", "conv_alpha": "4"}'}, "network_args",
         ["conv_dim=8", "conv_alpha=4"]),
        ({"ss_debiased_estimation": "True"}, "debiased_estimation_loss", True),
        ({"ss_num_epochs": "11"}, "max_train_steps", 100),
        ({"ss_num_epochs": "11"}, "max_train_epochs", None),
        # 10 batches in threes are 4 steps an epoch
        ({"ss_gradient_accumulation_steps": "3", "ss_max_train_steps": "40"}, "max_train_epochs", 10),
        ({"ss_num_epochs": None}, "max_train_steps", 100),
        ({"ss_clip_skip": "2"}, "clip_skip", 2),
        ({"ss_network_dim": "Dynamic"}, "network_dim", None),
        ({"ss_lr_warmup_steps": "0.05"}, "lr_warmup_steps", 0.05),
        ({"modelspec__prediction_type": "v"}, "v_parameterization", True),
        ({"ss_base_model_version": "sd_v1_v"}, "v_parameterization", True),
        ({"ss_output_name": "my"}, "output_name", "my"),
    ],
)  # fmt: skip
def test_an_entry(read: Read, entries: dict[str, str | None], option: str, value: Any) -> None:
    got = read(**entries).options.get(option)
    assert (got, type(got)) == (value, type(value))


@pytest.mark.parametrize(
    ("tensor", "unet_only"),
    [
        ("lora_unet_x.lora_down.weight", True),
        ("lora_te_x.lora_down.weight", None),
        ("lora_te1_x.alpha", None),
    ],
)
def test_what_was_trained_stands_in_its_tensors(tmp_path: Path, tensor: str, unet_only: bool | None) -> None:
    source = importing.read(write(tmp_path / "lora", METADATA, tensor))
    assert source.options.get("network_train_unet_only") is unet_only


def test_what_it_does_not_hold_is_left_open(read: Read) -> None:
    """An extension of captions is told by the captions themselves, the prediction by the base."""
    source = read()
    assert completed.options(source) == source.options
    told = [
        names
        for why, names in completed.may_differ(source, source.family).items()
        if why.startswith("not told")
    ]
    assert told == [("caption_extension", "v_parameterization", "zero_terminal_snr")]


@pytest.mark.parametrize("text", ["True", "False"])
def test_whether_the_noise_ends_at_zero_is_kept_either_way(read: Read, text: str) -> None:
    assert read(ss_zero_terminal_snr=text).options["zero_terminal_snr"] is (text == "True")


def test_a_training_with_a_dataset_file(read: Read) -> None:
    sets = [{
        "batch_size_per_device": 3, "resolution": [768, 768], "enable_bucket": True, "min_bucket_reso": 320,
        "max_bucket_reso": 960, "subsets": [{"shuffle_caption": True, "keep_tokens": 1, "flip_aug": False}],
    }]  # fmt: skip
    entries = {name: None for name in METADATA if name in ("ss_resolution", "ss_batch_size_per_device")}
    options = read(**entries, ss_datasets=json.dumps(sets)).options
    assert options["resolution"] == "768,768"
    assert options["train_batch_size"] == 3
    assert options["keep_tokens"] == 1
    assert options["shuffle_caption"] is True


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("ss_sd_model_name", "without its folder"),
        ("ss_session_id", "a fact about that run"),
        ("ss_network_dim", "must be a whole number"),
        ("ss_of_tomorrow", "no such option"),
    ],
)
def test_nothing_is_left_out_in_silence(read: Read, entry: str, why: str) -> None:
    source = read(ss_network_dim="Dynamic", ss_of_tomorrow="1")
    assert why in next(left.why for left in source.dropped + source.lost if left.source == entry)


def test_every_entry_is_booked(read: Read) -> None:
    source = read()
    booked = (
        [m.source for m in source.mapped] + [d.source for d in source.dropped + source.lost] + [*source.unset]
    )
    assert {name for name in METADATA if name.startswith("ss_")} <= set(booked)


@pytest.mark.parametrize(
    ("entries", "what"),
    [
        ({"ss_network_module": "networks.lora_flux"}, "a Flux LoRA"),
        ({"ss_v2": "True"}, "a LoRA for Stable Diffusion 2"),
        ({"ss_base_model_version": "sd_v2_v"}, "a LoRA for sd_v2_v"),
        ({"ss_base_model_version": "flux1"}, "a LoRA for flux1"),
        ({"ss_network_module": None}, "no training config"),
    ],
)
def test_what_we_do_not_train_is_refused(read: Read, entries: dict[str, str | None], what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        read(**entries)


def test_a_file_cut_short(tmp_path: Path) -> None:
    path = write(tmp_path / "lora.safetensors", METADATA)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(EngineError, match="not a whole"):
        importing.read(path)
