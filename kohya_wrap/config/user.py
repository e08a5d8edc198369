"""What the user asks for in the file, spelled as the engine spells."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kohya_wrap.config import option_table, sections, spellings, wrapper_section
from kohya_wrap.config.wrapper_section import WrapperSection
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.host.toml_file import UserToml

OWN_SECTIONS = frozenset({"kohya_wrap", "gpu"})
# How a card does its work: what `[gpu]` may hold. All else is learned, and belongs to every card.
CARD_OPTIONS = frozenset({
    "train_batch_size", "gradient_accumulation_steps", "gradient_checkpointing", "mixed_precision",
    "mem_eff_attn", "xformers", "sdpa", "full_fp16", "full_bf16", "fp8_base", "fp8_base_unet", "no_half_vae",
    "vae_batch_size", "highvram", "lowram", "torch_compile", "dynamo_backend", "cache_latents",
    "cache_latents_to_disk", "cache_text_encoder_outputs", "cache_text_encoder_outputs_to_disk",
    "max_data_loader_n_workers", "persistent_data_loader_workers", "disable_mmap_load_safetensors",
})  # fmt: skip

# Options that hold a path: relative ones start at the config file's folder.
PATHS = frozenset({
    "pretrained_model_name_or_path", "vae", "train_data_dir", "reg_data_dir", "conditioning_data_dir",
    "output_dir", "logging_dir", "network_weights", "base_weights", "resume", "sample_prompts",
    "dataset_config", "in_json", "tokenizer_cache_dir", "console_log_file", "log_tracker_config",
})  # fmt: skip
_NOT_ON_DISK = ("hf:", "civitai:", "http:", "https:")


@dataclass(frozen=True)
class UserConfig:
    """The user's file, spelled as the engine spells: what they said, and what was mapped.

    Attributes:
        gpu: the `[gpu]` section: what `init` wrote for a card, with the preset's name.
        lines: option -> "file:line"; gpu_lines the same for `[gpu]`, wrapper_lines for `[kohya_wrap]`.
    """

    path: Path
    values: Mapping[str, Any]
    gpu: Mapping[str, Any]
    wrapper: WrapperSection
    lines: Mapping[str, str]
    findings: tuple[Finding, ...]
    gpu_lines: Mapping[str, str] = field(default_factory=dict)
    wrapper_lines: Mapping[str, str] = field(default_factory=dict)


def read_user(source: UserToml) -> UserConfig:
    """Flatten, respell and resolve paths; what cannot be meant is a Finding, and the rest is read all the same."""
    findings: list[Finding] = []
    own = {name: _section(source, name, findings) for name in sorted(OWN_SECTIONS)}
    keys = [
        (key, raw, source.where(table, key))
        for table, key, raw in spellings.flatten(source.data, OWN_SECTIONS)
    ]
    values, lines = _respelled(keys, source.path.parent, findings)
    gpu_keys = [(key, raw, source.where("gpu", key)) for key, raw in own["gpu"].items()]
    gpu, gpu_lines = _respelled(gpu_keys, source.path.parent, findings)
    findings += misplaced(gpu, gpu_lines, lines)
    wrapper_lines = {key: source.where("kohya_wrap", key) for key in own["kohya_wrap"]}
    wrapper, wrong = wrapper_section.read(own["kohya_wrap"], wrapper_lines.__getitem__)
    return UserConfig(source.path, values, gpu, wrapper, lines, (*findings, *wrong), gpu_lines, wrapper_lines)


def _section(source: UserToml, name: str, findings: list[Finding]) -> dict[str, Any]:
    section = source.data.get(name, {})
    if isinstance(section, dict):
        return section
    findings.append(Finding(
        Level.ERROR, "section", f"`{name}` is a section of kohya-wrap's own, not a value.",
        f"Write [{name}] on a line of its own, or remove `{name}`.", source.where("", name),
    ))  # fmt: skip
    return {}


def _respelled(
    keys: Iterable[tuple[str, Any, str]], folder: Path, findings: list[Finding]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Option -> value and option -> line, of (key, value, line). As in the engine, the last of two values counts."""
    values: dict[str, Any] = {}
    lines: dict[str, str] = {}
    for key, raw, where in keys:
        spelled = spellings.respell(key, raw)
        name, value = spelled.name, absolute(spelled.name, spelled.value, folder)
        if spelled.said:
            findings.append(Finding(Level.NOTE, "spelling", spelled.said, where=where))
        if name in values:
            findings.append(_twice(name, values[name] == value, lines[name], where))
        values[name], lines[name] = value, where
    return values, lines


def _twice(name: str, alike: bool, first: str, second: str) -> Finding:
    if alike:
        return Finding(
            Level.WARNING, "given-twice", f"`{name}` is given twice, with the same value: at {first} and here.",
            "Keep one of them.", second,
        )  # fmt: skip
    return Finding(
        Level.ERROR, "given-twice", f"`{name}` is given twice: at {first} and here.",
        "Keep one of them: the engine would silently take the last.", second,
    )  # fmt: skip


def misplaced(
    gpu: Mapping[str, Any], gpu_lines: Mapping[str, str], lines: Mapping[str, str]
) -> Iterator[Finding]:
    """What `[gpu]` would lose on another card, where that card's preset stands in for it; and what it loses here."""
    known = option_table.for_script("sdxl_train_network.py")  # has all that train_network.py has
    for name, where in gpu_lines.items():
        if name in lines:
            yield Finding(
                Level.WARNING, "given-twice", f"`{name}` stands at {lines[name]} too, which counts.",
                "Keep one of them.", where,
            )  # fmt: skip
        elif name in known and name not in CARD_OPTIONS:
            yield Finding(
                Level.ERROR, "not-of-the-card", f"`{name}` is no matter of the card: with another one, [gpu] is left out.",
                f"Move it into [{sections.section_of(name)}]." if ":" in where else f"Write `{name}=…`.", where,
            )  # fmt: skip


def _without_detours(path: str) -> str:
    """`/a/../b` as `/b`, where that is the same place: `..` after a link may lead elsewhere."""
    short = os.path.normpath(path)
    return short if os.path.realpath(short) == os.path.realpath(path) else path


def absolute(name: str, value: Any, folder: Path) -> Any:
    """A path of the file's, which starts at the file's folder; anything else as it is."""
    if name not in PATHS:
        return value
    if isinstance(value, list):
        return [absolute(name, item, folder) for item in value]
    if isinstance(value, str) and value and "\0" not in value and not value.lower().startswith(_NOT_ON_DISK):
        home = os.path.expanduser(value)  # noqa: PTH111  `Path`'s raises where there is no such user
        return _without_detours(str((folder / home).absolute()))
    return value
