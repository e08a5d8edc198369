"""What the engine writes into the header of a LoRA file, and that this one is a rehearsal's."""

from __future__ import annotations

import argparse
import json
import random
import time
from pathlib import Path

from kohya_wrap.rehearsal.data import Dataset
from kohya_wrap.rehearsal.families import Family
from kohya_wrap.rehearsal.options import pairs

_COMMENT = "kohya-wrap rehearsal: not a trained LoRA"
_MINIMUM = (
    "ss_v2", "ss_base_model_version", "ss_network_module", "ss_network_dim", "ss_network_alpha",
    "ss_network_args",
)  # fmt: skip
_AS_GIVEN = (
    "output_name", "learning_rate", "text_encoder_lr", "unet_lr", "gradient_checkpointing",
    "gradient_accumulation_steps", "max_train_steps", "lr_warmup_steps", "lr_scheduler",
    "network_module", "network_dim", "network_alpha", "network_dropout", "mixed_precision",
    "clip_skip", "max_token_length", "seed", "lowram", "noise_offset", "multires_noise_iterations",
    "max_grad_norm", "caption_dropout_rate", "caption_dropout_every_n_epochs",
    "caption_tag_dropout_rate", "prior_loss_weight", "min_snr_gamma", "scale_weight_norms",
    "ip_noise_gamma", "loss_type", "resolution", "keep_tokens",
)  # fmt: skip
_AS_BOOL = (
    "full_fp16", "full_bf16", "v2", "cache_latents", "zero_terminal_snr",
    "debiased_estimation_loss", "fp8_base", "color_aug", "flip_aug", "random_crop",
    "shuffle_caption", "bucket_no_upscale",
)  # fmt: skip


def at_start(
    args: argparse.Namespace, family: Family, dataset: Dataset, optimizer: str, epochs: int
) -> dict[str, str]:
    """All of it but the steps, the epoch and the time of the saving."""
    found: dict[str, object] = {f"ss_{name}": getattr(args, name, None) for name in _AS_GIVEN}
    found |= {f"ss_{name}": bool(getattr(args, name, False)) for name in _AS_BOOL}
    folders: dict[bool, dict[str, dict[str, int]]] = {False: {}, True: {}}
    for subset in dataset.subsets:
        counts = {"n_repeats": subset.repeats, "img_count": len(subset.images)}
        folders[subset.is_reg][subset.folder.name] = counts
    found |= {
        "ss_session_id": random.getrandbits(32),
        "ss_training_started_at": time.time(),
        "ss_num_train_images": dataset.train_images,
        "ss_num_validation_images": 0,
        "ss_num_reg_images": dataset.reg_images,
        "ss_num_batches_per_epoch": len(dataset),
        "ss_num_epochs": epochs,
        "ss_base_model_version": family.version,
        "ss_training_comment": args.training_comment or _COMMENT,
        "ss_sd_scripts_commit_hash": "(rehearsal)",
        "ss_optimizer": optimizer,
        "ss_batch_size_per_device": args.train_batch_size,
        "ss_total_batch_size": args.train_batch_size * args.gradient_accumulation_steps,
        "ss_enable_bucket": bool(args.enable_bucket),
        "ss_min_bucket_reso": args.min_bucket_reso if args.enable_bucket else None,
        "ss_max_bucket_reso": args.max_bucket_reso if args.enable_bucket else None,
        "ss_dataset_dirs": json.dumps(folders[False]),
        "ss_reg_dataset_dirs": json.dumps(folders[True]),
        "ss_tag_frequency": json.dumps(dataset.tag_frequency),
        "ss_bucket_info": json.dumps(dataset.bucket_info),
    }
    if args.network_args:
        found["ss_network_args"] = json.dumps(pairs(args.network_args))
    for key, file in (("ss_sd_model_name", args.pretrained_model_name_or_path), ("ss_vae_name", args.vae)):
        if file is not None:
            found[key] = Path(file).name if Path(file).exists() else file
    return {key: str(value) for key, value in found.items()}


def at_saving(
    args: argparse.Namespace, family: Family, start: dict[str, str], *, steps: int, epoch: int
) -> dict[str, str]:
    kept = {key: start[key] for key in _MINIMUM if key in start} if args.no_metadata else dict(start)
    if not args.no_metadata:
        kept |= {"ss_training_finished_at": str(time.time()), "ss_steps": str(steps), "ss_epoch": str(epoch)}
    return kept | {
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.architecture": family.architecture,
        "modelspec.implementation": "kohya-wrap rehearsal",
        "modelspec.title": args.output_name or "LoRA",
        "modelspec.description": _COMMENT,
        "modelspec.resolution": f"{args.resolution[0]}x{args.resolution[1]}",
        "modelspec.date": time.strftime("%Y-%m-%dT%H:%M:%S"),
        "modelspec.prediction_type": "v" if args.v_parameterization else "epsilon",
    }
