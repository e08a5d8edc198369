"""Combinations that the engine refuses, loses or trains to no use: each said, at the line to change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kohya_wrap.domain.finding import Level
from tests.unit.config.test_check import findings

SDXL = "sdxl_train_network.py"
XL = {"resolution": "1024,1024", "max_bucket_reso": 2048}
CACHED = {**XL, "network_train_unet_only": True, "cache_text_encoder_outputs": True}
PRODIGY = {"optimizer_type": "Prodigy", "learning_rate": 1.0}
ADAFACTOR = {"optimizer_type": "Adafactor"}
ANNEALING = {"lr_scheduler_type": "CosineAnnealingLR", "lr_scheduler_args": ["T_max=9"]}
E, W, N = Level.ERROR, Level.WARNING, Level.NOTE


@pytest.mark.parametrize(
    ("file", "level", "code", "at"),
    [
        # dataset
        ({"cache_latents": True, "color_aug": True}, E, "cached-latents", "color_aug"),
        ({"cache_latents_to_disk": True, "random_crop": True}, E, "cached-latents", "random_crop"),
        ({"enable_bucket": False}, W, "exact-sizes", "enable_bucket"),
        ({"debug_dataset": True}, E, "debug-dataset", "debug_dataset"),
        ({"dataset_config": "d.toml", "train_data_dir": "x"}, W, "dataset-config-wins", "train_data_dir"),
        ({"resolution": "768", "max_bucket_reso": 768}, W, "buckets-short", "max_bucket_reso"),
        ({"keep_tokens": 1}, W, "keep-tokens-idle", "keep_tokens"),
        # prediction
        ({"zero_terminal_snr": True}, W, "zero-snr", "zero_terminal_snr"),
        ({"scale_v_pred_loss_like_noise_pred": True}, E, "v-loss", "scale_v_pred_loss_like_noise_pred"),
        ({"v_pred_like_loss": 1.0, "v_parameterization": True}, E, "v-loss", "v_pred_like_loss"),
        ({"v2": True}, E, "v2", "v2"),
        # network
        (
            {"network_train_unet_only": True, "network_train_text_encoder_only": True},
            E, "nothing-trained", "network_train_text_encoder_only",
        ),
        ({"base_weights": ["/a.safetensors"]}, W, "base-weights", "base_weights"),
        ({"dim_from_weights": True}, E, "dim-from-nothing", "dim_from_weights"),
        (
            {"network_weights": "/a", "dim_from_weights": True, "network_dim": 8},
            W, "dim-from-weights", "network_dim",
        ),
        ({"network_args": ["conv_alpha=1"]}, E, "argument-alone", "network_args"),
        ({"network_args": ["conv_dim=4"]}, W, "conv-alpha", "network_args"),
        ({"network_args": ["block_alphas=1"]}, E, "argument-alone", "network_args"),
        ({"network_args": ["conv_dims=4"]}, E, "unknown-argument", "network_args"),
        ({"network_args": ["conv_dim"]}, E, "argument", "network_args"),
        ({"network_args": ["rank_dropout=much"]}, E, "argument", "network_args"),
        ({"network_module": "my.network", "network_args": ["x=1"]}, W, "network-module", "network_module"),
        ({"network_module": "networks.nope"}, E, "unknown-network", "network_module"),
        ({"network_module": "networks.lora_flux"}, E, "unknown-network", "network_module"),
        ({"network_module": "lycoris.kohia"}, E, "unknown-network", "network_module"),
        ({"network_module": "lora"}, E, "unknown-network", "network_module"),
        ({"network_module": ""}, E, "unknown-network", "network_module"),
        ({"network_module": "lycoris.kohya", "network_args": ["algo=lohaa"]}, E, "argument", "network_args"),
        # optimizers and rates
        ({"optimizer_type": "AdamV"}, E, "unknown-optimizer", "optimizer_type"),
        ({"optimizer_args": ["weigth_decay=0.1"]}, E, "unknown-argument", "optimizer_args"),
        ({"optimizer_args": ["weight_decay=none at all"]}, E, "argument", "optimizer_args"),
        ({"lr_scheduler": "cosin"}, E, "unknown-scheduler", "lr_scheduler"),
        ({"lr_scheduler": "StepLR"}, E, "unknown-scheduler", "lr_scheduler"),  # torch's, for lr_scheduler_type
        ({"lr_scheduler_type": "CosineAnealingLR"}, E, "unknown-scheduler", "lr_scheduler_type"),
        ({"lr_scheduler_type": "cosine"}, E, "unknown-scheduler", "lr_scheduler_type"),
        (
            {"lr_scheduler_type": "StepLR", "lr_scheduler_args": ["T_max=9", "step_size=9"]},
            E, "unknown-argument", "lr_scheduler_args",
        ),
        ({"use_8bit_adam": True, "optimizer_type": "AdamW"}, E, "two-optimizers", "use_8bit_adam"),
        ({"use_8bit_adam": True, "use_lion_optimizer": True}, E, "two-optimizers", "use_8bit_adam"),
        ({"lr_warmup_steps": 2.0}, E, "warmup-ratio", "lr_warmup_steps"),
        ({"lr_warmup_steps": 1.0}, E, "warmup-ratio", "lr_warmup_steps"),
        ({"lr_scheduler": "warmup_stable_decay", "lr_decay_steps": 1.0}, E, "decay-ratio", "lr_decay_steps"),
        ({"lr_scheduler": "constant", "lr_warmup_steps": 0.1}, E, "warmup-constant", "lr_warmup_steps"),
        ({**ANNEALING, "lr_warmup_steps": 9}, E, "warmup-scheduler", "lr_warmup_steps"),
        ({**ADAFACTOR, "lr_warmup_steps": 9}, E, "warmup-adafactor", "lr_warmup_steps"),
        ({**ANNEALING, "lr_scheduler": "cosine"}, W, "two-schedulers", "lr_scheduler"),
        ({"optimizer_type": "AdamWScheduleFree", "lr_scheduler": "cosine"}, W, "schedule-free", "lr_scheduler"),
        ({"optimizer_type": "AdamWScheduleFree", "lr_warmup_steps": 9}, W, "schedule-free", "lr_warmup_steps"),
        ({"lr_scheduler": "adafactor:1e-4"}, E, "adafactor-scheduler", "lr_scheduler"),
        ({"optimizer_type": "Prodigy", "learning_rate": 1e-4}, W, "adaptive-rate", "learning_rate"),
        ({**PRODIGY, "text_encoder_lr": 1e-4, "unet_lr": 1e-4}, W, "adaptive-rate", "text_encoder_lr"),
        ({**PRODIGY, "unet_lr": 0.5}, W, "one-rate", "unet_lr"),
        ({**ADAFACTOR, "unet_lr": 1e-4}, W, "adafactor-rates", "unet_lr"),
        ({"text_encoder_lr": [1e-5, 2e-5]}, W, "first-rate", "text_encoder_lr"),
        (
            {"text_encoder_lr": 1e-5, "network_train_unet_only": True},
            W, "text-encoder-untrained", "text_encoder_lr",
        ),
        ({"max_train_epochs": 2, "max_train_steps": 10}, W, "steps-dropped", "max_train_steps"),
        ({"adaptive_noise_scale": 0.01}, E, "adaptive-noise", "adaptive_noise_scale"),
        ({"min_timestep": 900, "max_timestep": 900}, E, "timesteps", "min_timestep"),
        # precision and memory
        ({"full_fp16": True, "mixed_precision": "bf16"}, E, "full-precision", "full_fp16"),
        ({"full_bf16": True}, E, "full-precision", "full_bf16"),
        ({"fp8_base": True}, E, "fp8-base", "fp8_base"),
        ({"fp8_base_unet": True, "mixed_precision": "no"}, E, "fp8-base", "fp8_base_unet"),
        ({"sdpa": True, "xformers": True}, W, "two-kernels", "sdpa"),
        ({"sdpa": False}, W, "no-kernel", "sdpa"),
        ({"cpu_offload_checkpointing": True}, E, "cpu-offload", "cpu_offload_checkpointing"),
        ({"fused_backward_pass": True}, E, "fused-backward", "fused_backward_pass"),
        ({**ADAFACTOR, "fused_backward_pass": True}, W, "fused-backward", "fused_backward_pass"),
        (
            {"persistent_data_loader_workers": True, "max_data_loader_n_workers": 0},
            E, "no-workers", "persistent_data_loader_workers",
        ),
        # saving and resuming
        ({"save_model_as": "ckpt"}, W, "pickle", "save_model_as"),
        ({"initial_step": 5}, W, "begin-without-state", "initial_step"),
        ({"resume": "/s", "initial_step": 5, "initial_epoch": 2}, W, "two-beginnings", "initial_epoch"),
        ({"resume": "/s", "initial_step": 5, "skip_until_initial_step": True}, W, "skip-steps", "skip_until_initial_step"),
        (
            {"resume": "/s", "initial_step": 5, "skip_until_initial_step": True, "gradient_accumulation_steps": 2},
            E, "skip-steps", "skip_until_initial_step",
        ),
        # the engine's reader
        ({"training_comment": "a\\x"}, E, "engine-reader", "training_comment"),
        ({"seed": 1, "training_comment": "a\x00b"}, E, "engine-reader", "training_comment"),
        # watching
        ({"sample_every_n_epochs": 1}, E, "no-prompts", "sample_every_n_epochs"),
        ({"sample_at_first": True}, E, "no-prompts", "sample_at_first"),
        ({"sample_every_n_steps": 9, "sample_prompts": "/none.txt"}, W, "prompts-missing", "sample_prompts"),
        ({"log_with": "wandb"}, W, "no-wandb", "log_with"),
        ({"log_with": "all"}, W, "no-wandb", "log_with"),
    ],
)  # fmt: skip
def test_one_finding_at_the_line_to_change(file: dict[str, Any], level: Level, code: str, at: str) -> None:
    (found,) = findings(**file)
    assert (found.level, found.code) == (level, code)
    assert found.where == f"c.toml:{list(file).index(at) + 1}"
    assert found.hint or level is N


@pytest.mark.parametrize(
    ("file", "level", "code"),
    [
        ({**XL, "cache_text_encoder_outputs": True}, E, "cached-text-encoder"),
        ({**XL, "cache_text_encoder_outputs_to_disk": True}, E, "cached-text-encoder"),
        ({**CACHED, "shuffle_caption": True}, E, "cached-captions"),
        ({**CACHED, "caption_dropout_rate": 0.1}, E, "cached-captions"),
        ({**CACHED, "caption_prefix": "a"}, E, "cached-captions"),
        ({**CACHED, "enable_wildcard": True}, E, "cached-captions"),
        ({**XL, "clip_skip": 2}, Level.NOTE, "clip-skip-sdxl"),
        ({**XL, "clip_skip": 3}, W, "clip-skip-sdxl"),
        ({**XL, "resolution": "1024x1024"}, E, "resolution"),
        ({**XL, "mixed_precision": "fp16", "no_half_vae": False}, W, "vae-fp16"),
        ({**XL, "resolution": "512,512"}, W, "small-for-sdxl"),
        ({**XL, "max_bucket_reso": 1024}, W, "buckets-short"),
        ({**XL, "bucket_reso_steps": 48}, E, "bucket-steps"),
        ({**XL, "v2": True}, E, "v2"),
    ],
)
def test_on_sdxl(file: dict[str, Any], level: Level, code: str) -> None:
    (found,) = findings(SDXL, **file)
    assert (found.level, found.code) == (level, code)


@pytest.mark.parametrize(
    "file",
    [
        {"color_aug": True},
        {"keep_tokens": 1, "shuffle_caption": True},
        {"keep_tokens": 1, "caption_tag_dropout_rate": 0.1},
        {"zero_terminal_snr": True, "v_parameterization": True, "scale_v_pred_loss_like_noise_pred": True},
        {"network_args": ["conv_dim=4", "conv_alpha=2", "block_dims=" + ",".join("4" * 25)]},
        {"network_module": "lycoris.kohya", "network_args": ["algo=loha", "conv_dim=4"]},
        {"optimizer_type": "adamw8BIT", "optimizer_args": ["weight_decay=0.1", "betas=[0.9, 0.99]"]},
        ANNEALING,
        {"lr_warmup_steps": 0.99},
        {"lr_warmup_steps": 2},
        {**ADAFACTOR, "optimizer_args": ["relative_step=False"], "lr_warmup_steps": 9, "unet_lr": 1e-4},
        {**PRODIGY, "unet_lr": 1.0, "text_encoder_lr": 1.0},
        {**PRODIGY, "unet_lr": 1.0, "text_encoder_lr": 0},
        {"optimizer_type": "AdamWScheduleFree", "lr_scheduler": "constant"},
        {"text_encoder_lr": [1e-5, 1e-5]},
        {"base_weights_multiplier": [1, 0.5]},  # a list of both, which the engine's reader would refuse
        {"training_comment": 'C:\\new "é" # \\'},
        {"adaptive_noise_scale": 0.01, "noise_offset": 0.05},
        {"full_bf16": True, "mixed_precision": "bf16"},
        {"fp8_base": True, "mixed_precision": "fp16"},
        {"mixed_precision": "fp16", "no_half_vae": False},  # the VAE of SD 1.5 stands it
        {"clip_skip": 2},
        {"network_weights": "/a", "dim_from_weights": True},
        {"resume": "/s", "initial_step": 5},
        {"network_weights": "/a", "initial_epoch": 2},
        {"log_with": "tensorboard"},
        {"sample_every_n_epochs": 0},
    ],
)
def test_nothing_to_say(file: dict[str, Any]) -> None:
    assert findings(**file) == ()


def test_prompts_that_are_there(tmp_path: Path) -> None:
    prompts = {"sample_prompts": str(tmp_path / "p.txt")}
    (tmp_path / "p.txt").write_text("a cat", encoding="utf-8")
    assert findings(sample_every_n_epochs=1, **prompts) == ()
    (tmp_path / "p.md").write_text("a cat", encoding="utf-8")
    (found,) = findings(sample_every_n_epochs=1, sample_prompts=str(tmp_path / "p.md"))
    assert (found.level, found.code, found.where) == (E, "prompts-kind", "c.toml:2")
    (found,) = findings(sample_every_n_epochs=1, sample_every_n_steps=9, **prompts)
    assert (found.code, found.where) == ("samples-by-epoch", "c.toml:2")
