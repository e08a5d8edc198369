"""Where each option stands in a config as the guide divides it: [model], [dataset], [training]."""

from __future__ import annotations

SECTIONS = ("model", "dataset", "training")

_MODEL = frozenset({
    "pretrained_model_name_or_path", "vae", "v2", "v_parameterization", "zero_terminal_snr", "tokenizer_cache_dir",
    "disable_mmap_load_safetensors",
})  # fmt: skip
_DATASET = frozenset({
    "train_data_dir", "reg_data_dir", "conditioning_data_dir", "in_json", "dataset_config", "dataset_class",
    "dataset_repeats", "resolution", "train_batch_size", "enable_bucket", "min_bucket_reso", "max_bucket_reso",
    "bucket_reso_steps", "bucket_no_upscale", "caption_extension", "caption_separator", "caption_prefix",
    "caption_suffix", "caption_dropout_rate", "caption_dropout_every_n_epochs", "caption_tag_dropout_rate",
    "shuffle_caption", "keep_tokens", "keep_tokens_separator", "secondary_separator", "enable_wildcard",
    "token_warmup_min", "token_warmup_step", "color_aug", "flip_aug", "random_crop", "face_crop_aug_range",
    "alpha_mask", "resize_interpolation", "prior_loss_weight", "validation_split", "validation_seed",
})  # fmt: skip


def section_of(option: str) -> str:
    if option in _MODEL:
        return "model"
    return "dataset" if option in _DATASET else "training"
