"""From the user's file to the effective config: every option typed, with its origin, every mapping said."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kohya_wrap.config.limits import Machine, machine_limits
from kohya_wrap.config.presets import CardForFamily, GpuPreset, RecipeForFamily
from kohya_wrap.config.user import UserConfig
from kohya_wrap.domain import validation
from kohya_wrap.domain.config import Layer, Origin, TrainingConfig, settle
from kohya_wrap.domain.family import Family, FamilyName
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.domain.steps import micro_batch

BATCH = ("train_batch_size", "gradient_accumulation_steps")
KERNELS = ("mem_eff_attn", "xformers", "sdpa")  # of several, the engine takes the first


def resolve(
    user: UserConfig,
    *,
    family: Family,
    v_prediction: bool,
    zero_terminal_snr: bool,
    recipe: RecipeForFamily,
    machine: Machine,
    caption_extension: str,
    by_hand: Sequence[Layer] = (),
) -> tuple[TrainingConfig, tuple[Finding, ...]]:
    """Lay all origins over each other (PRODUCT: weakest first) and say what the machine changes.

    Args:
        by_hand: what the environment and the command line set, in this order.
    """
    by_user = dict(user.values)
    for layer in by_hand:
        by_user |= layer.values
    layers = [
        Layer(Origin.WRAPPER, _wrapper_defaults(user.path.parent.absolute(), by_user, caption_extension)),
        Layer(Origin.FAMILY, _family_defaults(family, v_prediction, zero_terminal_snr), family.title),
        Layer(Origin.RECIPE, _recipe(recipe, by_user), user.wrapper.subject or "guide"),
        Layer(Origin.FILE, user.values, user.path.name, user.lines),
        *by_hand,
    ]
    config = settle(layers)
    card, findings = _card(user, config, family.name, recipe, machine.preset)
    config = config.with_layer(card)
    config = config.with_layer(Layer(Origin.WRAPPER, _speed(config, family.name)))
    limits, said = machine_limits(config, machine)
    config = config.with_layer(Layer(Origin.HARDWARE, limits, machine.preset.name))
    if family.name is FamilyName.SDXL and config.get("mixed_precision") == "fp16" and not config.get("vae"):
        # SDXL's own VAE gives NaN in fp16, in silence where latents are cached (engine contract, section 8).
        config = config.with_layer(Layer(Origin.FAMILY, {"no_half_vae": True}, family.title))
    return config, (*findings, *said)


def _recipe(recipe: RecipeForFamily, by_user: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe's options, less those that would quietly undo what the user said."""
    options = dict(recipe.options)
    if "learning_rate" in by_user:  # which the engine uses only where no rate of its own is set
        for rate in ("unet_lr", "text_encoder_lr"):
            options.pop(rate, None)
    if by_user.get("text_encoder_lr"):  # they want it trained
        options.pop("network_train_unet_only", None)
    if by_user.get("use_8bit_adam") or by_user.get("use_lion_optimizer"):  # the engine refuses both at once
        options.pop("optimizer_type", None)
    if by_user.get("network_train_text_encoder_only"):
        options.pop("network_train_unet_only", None)
    if "optimizer_type" in by_user:  # another one may not know them
        options.pop("optimizer_args", None)
    if "network_module" in by_user:
        options.pop("network_args", None)
    if _takes_no_warm_up(by_user):
        options.pop("lr_warmup_steps", None)
    if "shuffle_caption" in by_user or by_user.get("cache_text_encoder_outputs"):  # they have decided
        options.pop("shuffle_caption", None)
        options.pop("keep_tokens", None)
    return options


def _takes_no_warm_up(by_user: Mapping[str, Any]) -> bool:
    """Where the engine refuses one: `constant`, a scheduler of another library, Adafactor's own."""
    by_adafactor = str(by_user.get("optimizer_type", "")).lower() == "adafactor"
    relative = "relative_step=False" not in str(by_user.get("optimizer_args"))
    other = bool(by_user.get("lr_scheduler_type"))
    return by_user.get("lr_scheduler") == "constant" or other or (by_adafactor and relative)


def _wrapper_defaults(folder: Path, by_user: Mapping[str, Any], caption_extension: str) -> dict[str, Any]:
    values = {
        "caption_extension": caption_extension,
        "output_dir": str(folder / "output"),
        "output_name": folder.name or "lora",
        "logging_dir": str(folder / "logs"),
        "train_data_dir": str(folder / "training_data"),
        "seed": 42,
        "train_batch_size": 1,
        "gradient_accumulation_steps": 1,
        "save_model_as": "safetensors",
        "save_precision": "fp16",  # the engine's default writes fp32, twice the size
    }
    if by_user.get("validation_split") or by_user.get("dataset_config"):
        values["validation_seed"] = validation.SEED
    if not by_user.get("persistent_data_loader_workers"):
        # In the training process itself: with cached latents there is nothing to load, eight workers take
        # seconds to start at every epoch, and the number of workers changes the order of the images.
        values["max_data_loader_n_workers"] = 0
    return values


def _family_defaults(family: Family, v_prediction: bool, zero_terminal_snr: bool) -> dict[str, Any]:
    values: dict[str, Any] = {
        "network_module": family.network_module,
        "resolution": f"{family.resolution},{family.resolution}",
        "max_bucket_reso": family.max_bucket_reso,
    }
    if v_prediction:
        values["v_parameterization"] = True
    if zero_terminal_snr:
        values["zero_terminal_snr"] = True
    return values


def _card(
    user: UserConfig, config: TrainingConfig, family: FamilyName, recipe: RecipeForFamily, preset: GpuPreset
) -> tuple[Layer, list[Finding]]:
    """What this card says: `[gpu]` where it was written for it, else the preset with that batch in all."""
    written = {key: value for key, value in user.gpu.items() if key != "preset"}
    said: list[Finding] = []
    details: Mapping[str, str] = {}
    if written and preset.is_called(str(user.gpu.get("preset", ""))):
        values, details = written, user.gpu_lines
    else:
        batch = recipe.batch
        if written:
            batch = math.prod(_count(written.get(name)) for name in BATCH)
            said.append(Finding(
                Level.NOTE, "other-card",
                f"[gpu] {_written_for(user)}; on {preset.name} that card's preset is used, with the same "
                f"effective batch of {batch}.", where=user.path.name,
            ))  # fmt: skip
        values = card_values(preset.for_family(family), batch)
    if (config.origin("train_batch_size") or Origin.ENGINE) >= Origin.FILE:
        # A batch the user set is theirs; accumulation on top would change what is learned.
        values = {name: value for name, value in values.items() if name not in BATCH}
    if any(config.get(kernel) for kernel in KERNELS):  # one they chose
        values = {name: value for name, value in values.items() if name not in KERNELS}
    return Layer(Origin.GPU, values, preset.name, details), said


def _written_for(user: UserConfig) -> str:
    card = user.gpu.get("preset")
    return f"was written for {card}" if card else "names no preset"


def _count(value: Any) -> int:
    """A batch figure that can be counted with; a wrong one is the check's affair."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 1


def card_values(card: CardForFamily, batch: int) -> dict[str, Any]:
    """A preset as engine options, for an effective batch."""
    micro = micro_batch(batch, card.micro_batch)
    return {
        "train_batch_size": micro,
        "gradient_accumulation_steps": batch // micro,
        "gradient_checkpointing": card.gradient_checkpointing,
        "mixed_precision": card.mixed_precision,
        card.attention: True,
    }


# What the engine refuses beside cached text encoder outputs, or leaves out (engine contract, section 8).
_NEEDS_CAPTIONS = (
    "shuffle_caption", "caption_dropout_rate", "token_warmup_step", "caption_tag_dropout_rate",
    "caption_dropout_every_n_epochs", "enable_wildcard", "caption_prefix", "caption_suffix",
    "secondary_separator",
)  # fmt: skip


def _speed(config: TrainingConfig, family: FamilyName) -> dict[str, Any]:
    """Speed that leaves the result within the noise of the seed, only where the user said nothing."""
    values: dict[str, Any] = {}
    if not any(config.get(kernel) for kernel in KERNELS):
        values["sdpa"] = True  # none set means plain attention (engine contract, section 12)
    if not config.get("color_aug") and not config.get("random_crop"):
        values["cache_latents"] = True
    untrained = family is FamilyName.SDXL and config.get("network_train_unet_only")
    if untrained and not any(config.get(option) for option in _NEEDS_CAPTIONS):
        values["cache_text_encoder_outputs"] = True
    caches = ["cache_latents", *(["cache_text_encoder_outputs"] if family is FamilyName.SDXL else [])]
    for cache in caches:
        if config.get(cache, values.get(cache)):  # in the view: it outlives the run, and is never stale
            values[f"{cache}_to_disk"] = True
    return values
