"""What a config makes of a card's memory, as the values that the memory model takes."""

from __future__ import annotations

from kohya_wrap.config.check import arguments
from kohya_wrap.config.check.seen import Seen
from kohya_wrap.domain.buckets import Size, parse_resolution
from kohya_wrap.domain.config import TrainingConfig
from kohya_wrap.domain.family import FAMILIES, FamilyName
from kohya_wrap.domain.memory import MOST_STATE, SCRATCH, STATE, Encoders, Load, Precision, area
from kohya_wrap.workflow.images import Images

_TOKENS = 75  # in a piece
_SAMPLED = ("sample_every_n_steps", "sample_every_n_epochs", "sample_at_first")


def of(config: TrainingConfig, images: Images, family: FamilyName) -> Load:
    size, batch = _largest(config, images)
    half = config.get("mixed_precision", "no") != "no"
    optimizer = config.get("optimizer_type") or ("AdamW8bit" if config.get("use_8bit_adam") else "AdamW")
    given = arguments.given(Seen(config, FAMILIES[family].script, {}), "network_args")
    conv = arguments.number(given.get("conv_dim", ""))
    drawn = config.get("sample_prompts") and any(config.get(name) for name in _SAMPLED)
    return Load(
        family=family,
        size=size,
        batch=batch,
        network_dim=config.get("network_dim") or 4,
        conv_dim=int(conv or 0),
        precision=_precision(config, half=half),
        checkpointed=bool(config.get("gradient_checkpointing")),
        attention="sdpa" if any(map(config.get, ("sdpa", "xformers", "mem_eff_attn"))) else "none",
        encoders=_encoders(config),
        latents_cached=bool(config.get("cache_latents") or config.get("cache_latents_to_disk")),
        vae_half=half and not config.get("no_half_vae"),
        texts=-(-(config.get("max_token_length") or _TOKENS) // _TOKENS),
        accumulated=config.get("gradient_accumulation_steps", 1) > 1,
        state=STATE.get(str(optimizer).lower(), MOST_STATE),
        scratch=SCRATCH.get(str(optimizer).lower(), 0.0),
        samples=parse_resolution(config.get("resolution")) if drawn else None,
    )


def _largest(config: TrainingConfig, images: Images) -> tuple[Size, int]:
    """The bucket, and how many images of it at once, with the most pixels."""
    batches = [
        (size, min(batch, passes))
        for filled, batch in images.filled(config)
        for size, passes in filled.items()
    ]
    return max(batches, key=lambda one: area(one[0]) * one[1])


def _precision(config: TrainingConfig, *, half: bool) -> Precision:
    if not half:
        return "single"
    if config.get("fp8_base") or config.get("fp8_base_unet"):
        return "fp8"
    return "full_half" if config.get("full_bf16") or config.get("full_fp16") else "half"


def _encoders(config: TrainingConfig) -> Encoders:
    if config.get("cache_text_encoder_outputs") or config.get("cache_text_encoder_outputs_to_disk"):
        return "cached"
    return "on card" if config.get("network_train_unet_only") else "trained"
