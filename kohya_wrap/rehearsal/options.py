"""The engine's options file, read as it does: flat, unchecked, unknown keys swallowed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import toml

from kohya_wrap.rehearsal import played
from kohya_wrap.rehearsal.console import log

_DEFAULTS = {  # engine contract, appendix A
    "bucket_no_upscale": False, "bucket_reso_steps": 64, "caption_extension": ".caption",
    "enable_bucket": False, "gradient_accumulation_steps": 1, "learning_rate": 2e-6,
    "lr_scheduler": "constant", "lr_scheduler_num_cycles": 1, "lr_warmup_steps": 0, "max_bucket_reso": 1024,
    "max_train_steps": 1600, "min_bucket_reso": 256, "mixed_precision": "no", "network_alpha": 1,
    "network_dim": 4, "optimizer_type": "AdamW", "save_model_as": "safetensors", "train_batch_size": 1,
}  # fmt: skip


class Options(argparse.Namespace):
    """The file's values with the types they have there, over the defaults; what is not set is None."""

    def __getattr__(self, name: str) -> Any:
        return None


def read(arguments: list[str]) -> Options:
    """Raises SystemExit where the file is missing (1) or an argument unknown (2)."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config_file", type=Path, required=True)
    path = parser.parse_args(arguments).config_file
    if not path.exists():
        log(f"{path} not found.")
        raise SystemExit(1)
    log(f"Loading settings from {path}...")
    flat: dict[str, Any] = {}
    for key, value in toml.loads(path.read_text(encoding="utf-8")).items():
        flat.update(value if isinstance(value, dict) else {key: value})
    args = Options(**_DEFAULTS | flat)
    for name in played.not_played(vars(args)):
        raise NotImplementedError(f"the rehearsal does not play {name}; the real engine does")
    for sentence in played.stand_ins(vars(args)):
        log(f"rehearsal: {sentence}")
    for item in (*(args.network_args or ()), *(args.optimizer_args or ())):
        _key, _value = item.split("=", 1)  # a plain string fails on its first letter, as in the engine
    args.cache_latents = args.cache_latents or args.cache_latents_to_disk
    args.caption_extension = "." + args.caption_extension.removeprefix(".")
    assert args.resolution is not None, "resolution is required"
    sides = [int(side) for side in args.resolution.split(",")]  # an integer has no split, nor in the engine
    args.resolution = (sides[0], sides[-1])
    return args
