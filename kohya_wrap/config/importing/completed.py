"""An import made whole: what kohya-wrap would otherwise fill by its own defaults is written as the source had it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kohya_wrap.config import option_table
from kohya_wrap.config.importing.source import Source
from kohya_wrap.domain.family import FAMILIES, FamilyName

# What is learned, and is filled by config/resolve.py where a file says nothing: the engine's own default instead.
_LEARNED = (
    "caption_extension", "max_bucket_reso", "train_batch_size", "gradient_accumulation_steps", "mixed_precision",
    "v_parameterization", "zero_terminal_snr",
)  # fmt: skip

# Where the source is silent and nothing that is learned depends on it, kohya-wrap's own choice stays: the one
# list of what may differ from what the source would have run, and why.
MAY_DIFFER: Mapping[str, tuple[str, ...]] = {
    "speed and memory: the card's preset decides": (
        "gradient_checkpointing", "sdpa", "xformers", "mem_eff_attn", "cache_latents",
        "cache_text_encoder_outputs", "cache_latents_to_disk", "cache_text_encoder_outputs_to_disk",
        "max_data_loader_n_workers",
    ),
    "saving": ("save_every_n_epochs", "save_model_as", "save_precision"),
    "names and places": ("output_dir", "output_name", "logging_dir", "train_data_dir"),
    "a seed, where the source draws one at random": ("seed",),
    "SDXL's VAE in fp16 gives NaN, so it is kept in full precision": ("no_half_vae",),
    "the base's own size, where the source names none": ("resolution",),
}  # fmt: skip

_LENGTH = {"max_train_epochs", "max_train_steps"}
_SDXL = ("no_half_vae", "cache_text_encoder_outputs", "cache_text_encoder_outputs_to_disk")


def options(source: Source) -> dict[str, Any]:
    """All options the config shall hold."""
    family = FAMILIES[source.family or FamilyName.SDXL]
    table = option_table.for_script(family.script)
    if not source.tells_all:
        return dict(source.options)
    values = {name: table[name].default for name in _LEARNED if name not in source.unknown} | dict(
        source.options
    )
    if "network_module" not in source.unknown:
        values.setdefault("network_module", family.network_module)
    if not values.get("max_train_epochs") and not _LENGTH & source.unknown:
        values.setdefault("max_train_steps", table["max_train_steps"].default)
    return values


def may_differ(source: Source, family: FamilyName | None) -> dict[str, tuple[str, ...]]:
    """Of the list above, what the source leaves open; `family` is the base's, None where that is not known."""
    silent = {
        why: tuple(
            name
            for name in names
            if name not in source.options and (family is FamilyName.SDXL or name not in _SDXL)
        )
        for why, names in MAY_DIFFER.items()
    }
    if source.unknown:
        silent["set there, to what could not be kept"] = tuple(sorted(source.unknown))
    if family is None:
        silent["if the base is SDXL"] = tuple(name for name in _SDXL if name not in source.options)
    if not source.tells_all:
        silent["not told by a LoRA: the base and the captions decide"] = tuple(
            name for name in _LEARNED if name not in source.options
        )
    return {why: names for why, names in silent.items() if names}
