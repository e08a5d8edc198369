"""The engine's options file and command line, read as it does: flat, unchecked, unknown keys swallowed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from kohya_wrap.rehearsal.console import info

# The engine's defaults (engine contract, appendix A), for the options that are played. None: not set.
_INTEGERS = {
    "bucket_reso_steps": 64, "gradient_accumulation_steps": 1, "initial_epoch": None,
    "initial_step": None, "keep_tokens": 0, "lr_scheduler_num_cycles": 1, "max_bucket_reso": 1024,
    "max_data_loader_n_workers": 8, "max_train_epochs": None, "max_train_steps": 1600,
    "min_bucket_reso": 256, "network_dim": None, "sample_every_n_epochs": None,
    "sample_every_n_steps": None, "save_every_n_epochs": None, "save_every_n_steps": None,
    "save_last_n_epochs": None, "save_last_n_epochs_state": None, "save_last_n_steps": None,
    "save_last_n_steps_state": None, "save_n_epoch_ratio": None, "seed": None,
    "train_batch_size": 1,
}  # fmt: skip
_FLOATS = {
    "caption_dropout_rate": 0.0, "caption_tag_dropout_rate": 0.0, "learning_rate": 2e-6,
    "lr_scheduler_power": 1, "lr_warmup_steps": 0, "max_grad_norm": 1.0, "network_alpha": 1,
    "network_dropout": None, "prior_loss_weight": 1.0, "unet_lr": None, "validation_split": 0.0,
}  # fmt: skip
_WORDS = {
    "caption_extension": ".caption", "caption_extention": None, "config_file": None,
    "dataset_class": None, "dataset_config": None, "in_json": None, "loss_type": "l2",
    "lr_scheduler": "constant", "lr_scheduler_type": "", "mixed_precision": "no",
    "network_module": None, "network_weights": None, "optimizer_type": "", "output_dir": None,
    "output_name": None, "pretrained_model_name_or_path": None, "reg_data_dir": None,
    "resolution": None, "resume": None, "sample_prompts": None, "sample_sampler": "ddim",
    "save_model_as": "safetensors", "save_precision": None, "train_data_dir": None,
    "training_comment": None, "vae": None,
}  # fmt: skip
_FLAGS = (
    "bucket_no_upscale", "cache_latents", "cache_latents_to_disk", "cache_text_encoder_outputs",
    "cache_text_encoder_outputs_to_disk", "color_aug", "dim_from_weights", "enable_bucket",
    "flip_aug", "full_bf16", "full_fp16", "fp8_base", "gradient_checkpointing", "lowram",
    "network_train_text_encoder_only", "network_train_unet_only", "no_metadata", "random_crop",
    "resume_from_huggingface", "sample_at_first", "save_state", "save_state_on_train_end",
    "shuffle_caption", "skip_until_initial_step", "v2", "v_parameterization",
)  # fmt: skip
_LISTS: dict[str, type] = {
    "base_weights": str,
    "network_args": str,
    "optimizer_args": str,
    "text_encoder_lr": float,
}

_NOT_PLAYED = (
    "base_weights", "dataset_class", "dataset_config", "dim_from_weights", "in_json",
    "lr_scheduler_type", "resume_from_huggingface", "skip_until_initial_step", "validation_split",
)  # fmt: skip


def read(arguments: list[str]) -> argparse.Namespace:
    """The command line over the file over the defaults; the file's values keep the type they have.

    Raises:
        SystemExit: the file is missing (1), or a flag of the command line is unknown (2).
        NotImplementedError: an option is set that would change what comes out and is not played.
    """
    parser = _parser()
    args = parser.parse_args(arguments)
    if args.config_file:
        args = parser.parse_args(arguments, namespace=argparse.Namespace(**_flat(args.config_file)))
        args.config_file = str(Path(args.config_file).with_suffix(""))
    for name in _NOT_PLAYED:
        if getattr(args, name):
            raise NotImplementedError(
                f"the rehearsal engine does not play {name}: train with the real engine"
            )
    if args.caption_extention is not None:  # the engine's own misspelling
        args.caption_extension = args.caption_extention
    if args.caption_extension and not args.caption_extension.startswith("."):
        args.caption_extension = "." + args.caption_extension
    if args.resolution is not None:  # an integer has no split: the engine's own failure
        args.resolution = tuple(int(side) for side in args.resolution.split(","))
        if len(args.resolution) == 1:
            args.resolution *= 2
    args.cache_latents = args.cache_latents or args.cache_latents_to_disk
    args.cache_text_encoder_outputs = (
        args.cache_text_encoder_outputs or args.cache_text_encoder_outputs_to_disk
    )
    return args


def pairs(items: list[str] | None) -> dict[str, str]:
    """`key=value` items taken apart; a plain string fails on its first letter, as in the engine."""
    found = {}
    for item in items or []:
        key, value = item.split("=", 1)
        found[key] = value
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    for kind, defaults in ((int, _INTEGERS), (_int_or_float, _FLOATS), (str, _WORDS)):
        for name, default in defaults.items():
            parser.add_argument(f"--{name}", type=kind, default=default)
    for name in _FLAGS:
        parser.add_argument(f"--{name}", action="store_true")
    for name, kind in _LISTS.items():
        parser.add_argument(f"--{name}", type=kind, nargs="*")
    return parser


def _int_or_float(text: str) -> float:
    return int(text) if text.isdigit() else float(text)


def _flat(config_file: str) -> dict[str, Any]:
    import toml

    path = Path(config_file if config_file.endswith(".toml") else config_file + ".toml")
    if not path.exists():
        info(f"{path} not found.")
        raise SystemExit(1)
    info(f"Loading settings from {path}...")
    flat: dict[str, Any] = {}
    for key, value in toml.loads(path.read_text(encoding="utf-8")).items():
        flat.update(value if isinstance(value, dict) else {key: value})
    return flat
