"""Fields of the GUI that hold a value of a type which it never saves: each is named, and is then as good as not there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kohya_wrap.config.importing import typed

_NUMBERS = frozenset({
    "epoch", "max_train_epochs", "max_train_steps", "lr_warmup", "lr_warmup_steps", "lr_scheduler_num_cycles",
    "learning_rate", "unet_lr", "text_encoder_lr", "seed", "num_processes", "num_machines", "max_data_loader_n_workers",
})  # fmt: skip
_TEXTS = frozenset(
    {"LoRA_type", "sample_prompts", "additional_parameters", "noise_offset_type", "LyCORIS_preset"}
)
_SWITCHES = frozenset({
    "sdxl", "v2", "use_8bit_adam", "sdxl_no_half_vae", "sdxl_cache_text_encoder_outputs", "fp8_base_unet",
    "train_inpainting", "persistent_data_loader_workers", "use_wandb",
})  # fmt: skip


@dataclass(frozen=True)
class Wrong:
    field: str
    value: Any
    why: str


def sorted_out(
    data: Mapping[str, Any], tables: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[Wrong, ...]]:
    """The fields of a type that the GUI saves, and those that are not. What is an option's is checked where it is taken."""
    wanted = {field: _wanted(field, raw, tables) for field, raw in data.items()}
    return (
        {field: raw for field, raw in data.items() if not wanted[field]},
        tuple(
            Wrong(field, data[field], f"must be {what}, not {data[field]!r}")
            for field, what in wanted.items()
            if what
        ),
    )


def _wanted(field: str, raw: Any, tables: Mapping[str, Any]) -> str:
    """What the field should hold, if it holds something else."""
    if raw is None or raw == "":
        return ""
    if (field in _SWITCHES or field in tables["other_family_switches"]) and not _is_switch(raw):
        return "true or false"
    if field in _NUMBERS and not _is_number(raw):
        return "a number"
    if field in _TEXTS and not isinstance(raw, str):
        return "a text"
    own = field in tables["network"]["names"] or field in tables["ruled"]["names"]
    return "one value" if own and isinstance(raw, list | dict) else ""


def _is_switch(raw: Any) -> bool:
    return isinstance(raw, bool) or str(raw).lower() in ("true", "false", "0", "1")


def _is_number(raw: Any) -> bool:
    if raw is False:  # as the GUI saves an empty one
        return True
    try:
        typed.number(raw)
    except ValueError:
        return False
    return True
