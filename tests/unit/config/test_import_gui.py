"""Configs of the kohya_ss GUI: the engine options that its own code would have written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kohya_wrap.config import importing
from kohya_wrap.config.importing.source import Source
from kohya_wrap.domain.arguments import Argument
from kohya_wrap.domain.family import FamilyName
from kohya_wrap.errors import ConfigError

# What the GUI saves of a small LoRA, in the spelling of 2024.
CONFIG: dict[str, Any] = {
    "LoRA_type": "Standard", "network_dim": 16, "network_alpha": 8, "max_resolution": "512,512",
    "learning_rate": 1e-4, "unet_lr": 1e-4, "text_encoder_lr": 5e-5, "optimizer": "AdamW8bit", "optimizer_args": "",
    "train_batch_size": 2, "epoch": 10, "max_train_epochs": 0, "max_train_steps": 0, "caption_extension": ".txt",
    "mixed_precision": "fp16", "lr_scheduler": "cosine", "lr_warmup": 10, "xformers": "xformers", "sdxl": False,
    "pretrained_model_name_or_path": "/models/some.safetensors", "seed": 0, "additional_parameters": "",
}  # fmt: skip

Read = Callable[..., Source]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def through(**fields: Any) -> Source:
        """CONFIG with these fields; one that is None is left out."""
        data = {name: value for name, value in (CONFIG | fields).items() if value is not None}
        path = tmp_path / "saved.json"
        path.write_text(json.dumps(data), encoding="utf-8")
        return importing.read(path)

    return through


def why(source: Source, field: str) -> str:
    """Why a field was dropped or lost."""
    return next(left.why for left in source.dropped + source.lost if left.source == field)


def test_a_small_lora(read: Read) -> None:
    assert read().options == {
        "network_module": "networks.lora", "network_dim": 16, "network_alpha": 8.0, "resolution": "512,512",
        "learning_rate": 1e-4, "unet_lr": 1e-4, "text_encoder_lr": 5e-5, "optimizer_type": "AdamW8bit",
        "train_batch_size": 2, "max_train_epochs": 10, "caption_extension": ".txt", "mixed_precision": "fp16",
        "lr_scheduler": "cosine", "lr_warmup_steps": 0.1, "xformers": True,
        "pretrained_model_name_or_path": "/models/some.safetensors",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "option", "value"),
    [
        # numbers saved as texts, as the GUI of 2023 did
        ({"clip_skip": "2"}, "clip_skip", 2),
        ({"learning_rate": "5e-5"}, "learning_rate", 5e-5),
        ({"gradient_accumulation_steps": 4.0}, "gradient_accumulation_steps", 4),
        ({"keep_tokens": "0"}, "keep_tokens", None),
        ({"seed": "1234"}, "seed", 1234),
        ({"seed": ""}, "seed", None),
        ({"max_token_length": "225"}, "max_token_length", 225),
        ({"max_token_length": 75}, "max_token_length", None),
        # steps and epochs
        ({"max_train_epochs": "16"}, "max_train_epochs", 16),
        ({"max_train_steps": 1600}, "max_train_steps", 1600),
        ({"max_train_steps": False}, "max_train_epochs", 10),
        ({"max_train_steps": 1600}, "max_train_epochs", None),
        ({"max_train_steps": 1600, "max_train_epochs": 3}, "max_train_steps", None),
        ({"lr_scheduler_num_cycles": ""}, "lr_scheduler_num_cycles", None),
        ({"lr_scheduler_num_cycles": "3"}, "lr_scheduler_num_cycles", 3),
        # warm-up: steps before percent
        ({"lr_warmup": "5"}, "lr_warmup_steps", 0.05),
        ({"lr_warmup": 5, "lr_warmup_steps": 100}, "lr_warmup_steps", 100),
        ({"lr_warmup": 0}, "lr_warmup_steps", None),
        ({"lr_scheduler": "constant"}, "lr_warmup_steps", None),
        # what is trained
        ({"text_encoder_lr": 0}, "network_train_unet_only", True),
        ({"text_encoder_lr": ""}, "text_encoder_lr", None),
        ({"unet_lr": 0}, "network_train_text_encoder_only", True),
        ({"unet_lr": 0, "text_encoder_lr": 0}, "network_train_unet_only", None),
        # attention: a switch in 2023, a choice now
        ({"xformers": True}, "xformers", True),
        ({"xformers": "sdpa"}, "sdpa", True),
        ({"xformers": "sdpa"}, "xformers", None),
        ({"xformers": "none"}, "xformers", None),
        ({"mem_eff_attn": True}, "xformers", None),
        ({"use_8bit_adam": True, "optimizer": None}, "optimizer_type", "AdamW8bit"),
        # noise of one of two kinds
        ({"noise_offset": "0.05"}, "noise_offset", 0.05),
        ({"noise_offset": 0.05, "noise_offset_type": "Multires"}, "noise_offset", None),
        ({"noise_offset_type": "Multires", "multires_noise_iterations": 6}, "multires_noise_iterations", 6),
        ({"noise_offset_type": "Original", "multires_noise_iterations": 6}, "multires_noise_iterations", None),
        # lists as one text
        ({"optimizer_args": '"weight_decay=0.1" "betas=0.9,0.99"'}, "optimizer_args",
         ["weight_decay=0.1", "betas=0.9,0.99"]),
        ({"lr_scheduler_args": "T_max=100"}, "lr_scheduler_args", ["T_max=100"]),
        # for SDXL alone
        ({"sdxl_no_half_vae": True}, "no_half_vae", None),
        ({"sdxl_no_half_vae": True, "sdxl": True}, "no_half_vae", True),
        ({"sdxl_cache_text_encoder_outputs": True, "sdxl": True, "text_encoder_lr": 0},
         "cache_text_encoder_outputs", True),
        ({"sdxl_cache_text_encoder_outputs": True, "sdxl": True}, "cache_text_encoder_outputs", None),
        # words of a command line
        ({"additional_parameters": "--network_train_unet_only"}, "network_train_unet_only", True),
        ({"additional_parameters": "--max_grad_norm=0"}, "max_grad_norm", 0.0),
        ({"additional_parameters": '--optimizer_args "weight_decay=0.01" "', "optimizer_args": "d0=1"},
         "optimizer_args", ["weight_decay=0.01"]),
        ({"max_data_loader_n_workers": "0"}, "max_data_loader_n_workers", 0),
        ({"min_snr_gamma": 5}, "min_snr_gamma", 5.0),
        ({"min_timestep": False}, "min_timestep", None),
        ({"vae_batch_size": 0}, "vae_batch_size", None),
        ({"lora_network_weights": "/old.safetensors"}, "network_weights", "/old.safetensors"),
        ({"log_with": "wandb"}, "log_with", None),
        ({"enable_bucket": True, "bucket_reso_steps": 1}, "bucket_reso_steps", None),
        ({"enable_bucket": True, "bucket_reso_steps": 32}, "bucket_reso_steps", None),
        ({"enable_bucket": True, "bucket_reso_steps": 32, "sdxl": True}, "bucket_reso_steps", 32),
        ({"color_aug": True, "cache_latents": True}, "cache_latents", None),
        ({"full_bf16": True}, "full_bf16", None),
    ],
)  # fmt: skip
def test_a_field(read: Read, fields: dict[str, Any], option: str, value: Any) -> None:
    got = read(**fields).options.get(option)
    assert (got, type(got)) == (value, type(value))


@pytest.mark.parametrize(
    ("fields", "module", "arguments"),
    [
        ({"LoRA_type": "Kohya LoCon", "conv_dim": 8, "conv_alpha": 4}, "networks.lora",
         ["conv_dim=8", "conv_alpha=4"]),
        ({"conv_dim": 8, "conv_alpha": 4}, "networks.lora", None),
        ({"block_dims": "2,4,4,4,4,8", "rank_dropout": 0}, "networks.lora", ["block_dims=2,4,4,4,4,8"]),
        ({"LoRA_type": "LoRA-FA"}, "networks.lora_fa", None),
        ({"LoRA_type": "Kohya DyLoRA", "conv_dim": 8, "conv_alpha": 4, "unit": 4}, "networks.dylora",
         ["conv_dim=8", "conv_alpha=4", "unit=4"]),
        ({"LoRA_type": "LyCORIS/LoHa", "LyCORIS_preset": "full", "conv_dim": 8, "conv_alpha": 4,
          "use_tucker": True, "dora_wd": False}, "lycoris.kohya",
         ["preset=full", "conv_dim=8", "conv_alpha=4", "use_tucker=True", "dora_wd=False", "algo=loha"]),
        # before the GUI knew use_tucker
        ({"LoRA_type": "LyCORIS/LoHa", "conv_dim": 8, "conv_alpha": 4, "use_cp": True}, "lycoris.kohya",
         ["conv_dim=8", "conv_alpha=4", "use_tucker=True", "algo=loha"]),
        ({"LoRA_type": "LyCORIS/LoKr", "factor": 6, "decompose_both": True, "use_cp": False}, "lycoris.kohya",
         ["factor=6", "use_cp=False", "decompose_both=True", "algo=lokr"]),
        ({"LoRA_type": "LoCon", "conv_dim": 4, "conv_alpha": 1}, "lycoris.kohya",
         ["conv_dim=4", "conv_alpha=1", "algo=locon"]),
        ({"LoRA_type": "LyCORIS/iA3", "train_on_input": False}, "lycoris.kohya",
         ["train_on_input=False", "algo=ia3"]),
        ({"LoRA_type": "LyCORIS/Diag-OFT", "constrain": 0, "rescaled": False}, "lycoris.kohya",
         ["constraint=0", "rescaled=False", "algo=diag-oft"]),
        ({"LoRA_type": "LyCORIS/Native Fine-Tuning", "conv_dim": 4}, "lycoris.kohya", ["algo=full"]),
        ({"loraplus_lr_ratio": 16}, "networks.lora", ["loraplus_lr_ratio=16"]),
    ],
)  # fmt: skip
def test_a_lora_type(
    read: Read,
    monkeypatch: pytest.MonkeyPatch,
    fields: dict[str, Any],
    module: str,
    arguments: list[str] | None,
) -> None:
    monkeypatch.setattr("kohya_wrap.config.option_table.network_args", lambda module: None)
    options = read(**fields).options
    assert options["network_module"] == module
    assert options.get("network_args") == arguments


def test_arguments_that_the_module_does_not_read_are_dropped(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "kohya_wrap.config.option_table.network_args",
        lambda module: {"conv_dim": Argument("conv_dim", "int")},
    )
    source = read(LoRA_type="Kohya LoCon", conv_dim=8, conv_alpha=4)
    assert source.options["network_args"] == ["conv_dim=8"]
    assert why(source, "network_args conv_alpha=4") == "networks.lora does not read it"


def test_an_argument_that_any_text_turns_on_is_kept_as_on_and_that_is_said(read: Read) -> None:
    source = read(LoRA_type="LyCORIS/LoKr", decompose_both=False)
    assert "decompose_both=True" in source.options["network_args"]
    assert "flag" in [finding.code for finding in source.findings]


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"epoch": 3, "max_train_epochs": 5}, "epoch", "max_train_epochs overrides it"),
        ({"flux1_clip_l": "clip.safetensors"}, "flux1_clip_l", "other model families"),
        ({"num_cpu_threads_per_process": 2}, "num_cpu_threads_per_process", "the launcher's"),
        ({"num_processes": 8}, "num_processes", "one GPU"),
        ({"conv_dim": 8}, "conv_dim", "a LoRA of type Standard does not use it"),
        ({"max_grad_norm": 0}, "max_grad_norm", "the GUI leaves a 0 out, so it trains with the engine's 1.0"),
        ({"stop_text_encoder_training": 50}, "stop_text_encoder_training", "never passed it on"),
        ({"dataset_config": "d.toml"}, "dataset_config", "numbered folders"),
        ({"wandb_api_key": "SECRET"}, "wandb_api_key", "WANDB_API_KEY"),
        ({"huggingface_repo_id": "me/lora"}, "huggingface_repo_id", "nothing is uploaded"),
        ({"a_field_of_tomorrow": 1}, "a_field_of_tomorrow", "has no such option"),
        ({"clip_skip": "two"}, "clip_skip", "must be a whole number, not 'two'"),
        ({"mixed_precision": "fp8"}, "mixed_precision", "must be one of no, fp16, bf16"),
        ({"xformers": "flash"}, "xformers", "makes nothing of this value"),
        ({"train_inpainting": True}, "train_inpainting", "has no such training"),
        ({"additional_parameters": "--no_such"}, "additional_parameters --no_such", "has no such option"),
        ({"additional_parameters": "--max_train"}, "additional_parameters --max_train", "it could be"),
        ({"persistent_data_loader_workers": True, "max_data_loader_n_workers": 0},
         "persistent_data_loader_workers", "max_data_loader_n_workers = 0"),
    ],
)  # fmt: skip
def test_nothing_is_left_out_in_silence(read: Read, fields: dict[str, Any], field: str, reason: str) -> None:
    assert reason in why(read(**fields), field)


def test_a_dataset_file_is_said_and_the_length_left_to_the_engine(read: Read) -> None:
    source = read(dataset_config="d.toml")
    assert [finding.code for finding in source.findings] == ["dataset-config"]
    assert "max_train_epochs" not in source.options


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"epoch": [1]}, "epoch", "must be a number, not [1]"),
        ({"epoch": "ten"}, "epoch", "must be a number, not 'ten'"),
        ({"learning_rate": {"unet": 1e-4}}, "learning_rate", "must be a number, not {'unet': 0.0001}"),
        ({"seed": True}, "seed", "must be a number, not True"),
        ({"network_dim": [8]}, "network_dim", "must be a whole number, not [8]"),
        ({"network_dim": 8.5}, "network_dim", "must be a whole number, not 8.5"),
        ({"cache_latents": "yes"}, "cache_latents", "must be true or false, not 'yes'"),
        ({"sdxl": "yes"}, "sdxl", "must be true or false, not 'yes'"),
        ({"flux1_checkbox": [1]}, "flux1_checkbox", "must be true or false, not [1]"),
        ({"sample_prompts": ["a cat"]}, "sample_prompts", "must be a text, not ['a cat']"),
        ({"additional_parameters": 5}, "additional_parameters", "must be a text, not 5"),
        ({"LoRA_type": "Kohya LoCon", "conv_dim": [4]}, "conv_dim", "must be one value, not [4]"),
        ({"xformers": [1]}, "xformers", "must be one value, not [1]"),
        ({"optimizer": [1]}, "optimizer", "must be a text in quotes, not [1]"),
    ],
)  # fmt: skip
def test_a_value_of_a_wrong_type_is_named_with_what_it_should_be(
    read: Read, fields: dict[str, Any], field: str, reason: str
) -> None:
    source = read(**fields)
    assert [left.why for left in source.lost if left.source == field] == [reason]
    assert field not in [part for mapped in source.mapped for part in mapped.source.split(", ")]


def test_an_empty_number_as_the_gui_saves_it_is_no_loss(read: Read) -> None:
    assert read(max_train_steps=False, unet_lr=False).lost == ()


def test_nothing_follows_from_a_rate_or_a_length_that_is_lost(read: Read) -> None:
    options = read(text_encoder_lr=[1e-5], epoch=[3]).options
    assert not {"network_train_unet_only", "text_encoder_lr", "max_train_epochs"} & options.keys()
    assert options["unet_lr"] == 1e-4


def test_a_config_is_known_by_a_field_of_the_wrong_type_too(tmp_path: Path) -> None:
    path = tmp_path / "saved.json"
    path.write_text('{"LoRA_type": "Standard", "epoch": [1]}', encoding="utf-8")
    assert [left.source for left in importing.read(path).lost] == ["epoch"]


def test_a_lora_type_that_is_no_text_is_refused(read: Read) -> None:
    with pytest.raises(ConfigError) as refused:
        read(LoRA_type=5)
    assert refused.value.why == "Its field `LoRA_type` must be a text, not 5."


def test_every_field_is_booked_once(read: Read) -> None:
    fields = {
        "gpu_ids": "",
        "sample_prompts": "",
        "noise_offset_type": "Original",
        "v2": False,
        "save_as_bool": False,
    }
    source = read(**fields)
    booked = (
        [m.source for m in source.mapped] + [d.source for d in source.dropped + source.lost] + [*source.unset]
    )
    assert {*CONFIG, *fields} <= set(booked)


def test_a_secret_is_never_repeated(read: Read) -> None:
    source = read(wandb_api_key="SECRET-KEY", huggingface_token="SECRET-TOKEN")
    assert "SECRET" not in repr(source)


def test_a_field_that_the_file_lacks_is_left_to_the_engine(read: Read) -> None:
    options = read(caption_extension=None, max_resolution=None, mixed_precision=None).options
    assert not {"caption_extension", "resolution", "mixed_precision"} & options.keys()


@pytest.mark.parametrize(
    ("model", "base"),
    [("runwayml/stable-diffusion-v1-5", "sd15"), ("stabilityai/stable-diffusion-xl-base-1.0", "sdxl")],
)
def test_a_model_of_the_hub_is_a_base_of_the_catalogue(read: Read, model: str, base: str) -> None:
    source = read(pretrained_model_name_or_path=model)
    assert source.base == base
    assert "pretrained_model_name_or_path" not in source.options


def test_prompts_are_kept_as_a_file(read: Read) -> None:
    source = read(sample_prompts="a cat --w 512", sample_every_n_epochs=1)
    assert source.prompts == "a cat --w 512\n"
    assert source.options["sample_prompts"] == "./sample_prompts.txt"
    assert source.options["sample_every_n_epochs"] == 1


def test_sampling_without_prompts_is_dropped(read: Read) -> None:
    source = read(sample_prompts="", sample_every_n_epochs=1)
    assert "no prompts" in why(source, "sample_every_n_epochs")


@pytest.mark.parametrize(
    ("sdxl", "family"), [(True, FamilyName.SDXL), (False, FamilyName.SD15), (None, FamilyName.SD15)]
)
def test_the_family(read: Read, sdxl: bool | None, family: FamilyName) -> None:
    assert read(sdxl=sdxl).family is family


@pytest.mark.parametrize(
    ("fields", "what", "sign"),
    [
        ({"flux1_checkbox": True}, "a Flux LoRA", "flux1_checkbox"),
        ({"sd3_checkbox": True}, "a Stable Diffusion 3 LoRA", "sd3_checkbox"),
        ({"lumina_checkbox": True}, "a Lumina LoRA", "lumina_checkbox"),
        ({"v2": True}, "a LoRA for Stable Diffusion 2", "`v2` is on"),
        ({"LoRA_type": None, "network_dim": None, "token_string": "zxc"}, "a textual inversion", "token_string"),
        ({"LoRA_type": None, "network_dim": None, "learning_rate_te": 1e-5}, "a DreamBooth training",
         "learning_rate_te"),
        ({"LoRA_type": None, "network_dim": None, "image_folder": "x"}, "a fine-tuning", "image_folder"),
        ({"LoRA_type": None, "network_dim": None}, "a training of the whole model", "LoRA_type"),
        ({"LoRA_type": "Kohya LoHa"}, "a LoRA of type Kohya LoHa", "has no such LoRA"),
    ],
)  # fmt: skip
def test_what_we_do_not_train_is_refused(read: Read, fields: dict[str, Any], what: str, sign: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(**fields)
    assert what in refused.value.message
    assert sign in refused.value.why


@pytest.mark.parametrize(
    "text", ['{"a.jpg": {"caption": "a cat"}}', "[1, 2]", '{"learning_rate": 1e-4,', "{}"]
)
def test_json_that_is_no_config(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="no training config"):
        importing.read(path)
