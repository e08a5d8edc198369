"""What the engine's caches depend on besides image and caption, and never check (engine contract, sections 1 and 8)."""

from __future__ import annotations

from pathlib import Path

from kohya_wrap.dataset.view.laid_out import CachedWith
from kohya_wrap.dataset.view.store import Kind, key_of
from kohya_wrap.domain.config import TrainingConfig
from kohya_wrap.domain.family import Family, FamilyName
from kohya_wrap.engine import store
from kohya_wrap.engine.locate import Engine
from kohya_wrap.workflow import bucketing

_LATENTS = ("flip_aug", "alpha_mask", "resize_interpolation", "face_crop_aug_range", "random_crop", "mixed_precision", "no_half_vae")  # fmt: skip
_TEXTS = ("max_token_length", "weighted_captions", "clip_skip", "mixed_precision")
_ENDINGS = {FamilyName.SD15: "_sd.npz", FamilyName.SDXL: "_sdxl.npz"}


def of(config: TrainingConfig, family: Family, engine: Engine) -> CachedWith:
    """Of what the engine caches on disk; the config has the real paths."""
    latents = texts = ""
    if engine.kind == "rehearsal":  # which encodes nothing
        return CachedWith()
    base = Path(config.get("pretrained_model_name_or_path", ""))
    common = (engine.commit, family.name.value)
    if config.get("cache_latents_to_disk"):
        vae = Path(config.get("vae") or base)
        latents = key_of(
            common, store.identity(vae), bucketing.rule(config), [config.get(name) for name in _LATENTS]
        )
    if config.get("cache_text_encoder_outputs_to_disk"):
        texts = key_of(common, store.identity(base), [config.get(name) for name in _TEXTS])
    return CachedWith(latents, texts, _ENDINGS[family.name])


def size(kind: Kind, config: TrainingConfig) -> int:
    """Bytes of one such cache (engine contract, sections 1 and 8)."""
    if kind is Kind.TEXTS:
        chunks = (config.get("max_token_length") or 75) // 75
        return chunks * 77 * (768 + 1280) * 4
    width, height = bucketing.rule(config).resolution
    latents = width * height // 64 * 4 * 4
    return latents * (1 + bool(config.get("flip_aug"))) + width * height * 4 * bool(config.get("alpha_mask"))
