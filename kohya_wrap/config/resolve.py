"""From the user's file to the effective config: every option typed, with its origin, every mapping said."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kohya_wrap.config import spellings, wrapper_section
from kohya_wrap.config.presets import CardForFamily, GpuPreset, RecipeForFamily
from kohya_wrap.config.wrapper_section import WrapperSection
from kohya_wrap.domain.config import Layer, Origin, TrainingConfig, settle
from kohya_wrap.domain.family import Family, FamilyName
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.domain.hardware import Cpu, Gpu
from kohya_wrap.domain.steps import micro_batch
from kohya_wrap.errors import ConfigError
from kohya_wrap.host.toml_file import UserToml

BATCH = ("train_batch_size", "gradient_accumulation_steps")
KERNELS = ("mem_eff_attn", "xformers", "sdpa")  # of several, the engine takes the first

OWN_SECTIONS = frozenset({"kohya_wrap", "gpu"})

# Options that hold a path: relative ones start at the config file's folder.
PATHS = frozenset({
    "pretrained_model_name_or_path", "vae", "train_data_dir", "reg_data_dir", "conditioning_data_dir",
    "output_dir", "logging_dir", "network_weights", "base_weights", "resume", "sample_prompts",
    "dataset_config", "in_json", "tokenizer_cache_dir", "console_log_file", "log_tracker_config",
})  # fmt: skip
_NEEDED_EARLY = frozenset({"pretrained_model_name_or_path", "vae", "train_data_dir", "caption_extension"})
_NOT_ON_DISK = ("hf:", "civitai:", "http:", "https:")


@dataclass(frozen=True)
class UserConfig:
    """The user's file, spelled as the engine spells: what they said, and what was mapped.

    Attributes:
        gpu: the `[gpu]` section: what `init` wrote for a card, with the preset's name.
        lines: option -> "file:line".
    """

    path: Path
    values: Mapping[str, Any]
    gpu: Mapping[str, Any]
    wrapper: WrapperSection
    lines: Mapping[str, str]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Machine:
    """What the run will use: a card with its preset, or the processor."""

    preset: GpuPreset
    gpu: Gpu | None
    cpu: Cpu


def read_user(source: UserToml) -> UserConfig:
    """Flatten, respell and resolve paths; two values for one option are an error Finding."""
    values: dict[str, Any] = {}
    lines: dict[str, str] = {}
    findings: list[Finding] = []
    for table, key, raw in spellings.flatten(source.data, OWN_SECTIONS):
        name, value, said = spellings.respell(key, raw)
        where = source.where(table, key)
        if spellings.loud(key, name, said):
            findings.append(Finding(Level.NOTE, "spelling", said, where=where))
        if name in values:
            findings.append(Finding(
                Level.ERROR, "given-twice", f"`{name}` is given twice: at {lines[name]} and here.",
                "Keep one of them: the engine would silently take the last.", where,
            ))  # fmt: skip
        if name in _NEEDED_EARLY and not isinstance(value, str):
            raise ConfigError(
                f"{where}: `{name}` must be a text in quotes, not {value!r}.",
                why="It is needed before anything else can be checked.",
                hint="Mend the value there.",
            )
        values[name] = _absolute(name, value, source.path.parent)
        lines[name] = where
    gpu = _gpu_section(source)
    wrapper = wrapper_section.parse(_section(source, "kohya_wrap"), source.path.name)
    return UserConfig(source.path, values, gpu, wrapper, lines, tuple(findings))


def _section(source: UserToml, name: str) -> dict[str, Any]:
    section = source.data.get(name, {})
    if not isinstance(section, dict):
        raise ConfigError(
            f"{source.where('', name)}: `{name}` is a section, not a value.",
            why=f"kohya-wrap keeps its own values under [{name}].",
            hint=f"Write [{name}] on a line of its own, or remove `{name}`.",
        )
    return section


def _gpu_section(source: UserToml) -> dict[str, Any]:
    """`[gpu]`, with batch figures that can be counted with: they are needed before anything is checked."""
    section = _section(source, "gpu")
    for key in BATCH:
        value = section.get(key, 1)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ConfigError(
                f"{source.where('gpu', key)}: [gpu] `{key}` must be a whole number above 0, not {value!r}.",
                why="Images per step are train_batch_size x gradient_accumulation_steps.",
                hint=f"Write e.g. {key} = 1, or remove [gpu]: the card's preset is taken then.",
            )
    return section


def resolve(
    user: UserConfig,
    *,
    family: Family,
    v_prediction: bool,
    zero_terminal_snr: bool,
    recipe: RecipeForFamily,
    machine: Machine,
    caption_extension: str,
    environment: Mapping[str, str],
) -> tuple[TrainingConfig, tuple[Finding, ...]]:
    """Lay all origins over each other (PRODUCT: weakest first) and say what the machine changes."""
    set_by_hand = from_environment(environment, user.path.parent)
    by_user = {**user.values, **set_by_hand}
    layers = [
        Layer(Origin.WRAPPER, _wrapper_defaults(user.path.parent.absolute(), by_user, caption_extension)),
        Layer(Origin.FAMILY, _family_defaults(family, v_prediction, zero_terminal_snr), family.title),
        Layer(Origin.RECIPE, _recipe(recipe, by_user), "presets/recipes"),
        Layer(Origin.FILE, user.values, user.path.name, user.lines),
        Layer(Origin.ENVIRONMENT, set_by_hand, "KOHYA_WRAP_SET_*"),
    ]
    config = settle(layers)
    card, findings = _card(user, config, family.name, recipe, machine.preset)
    config = config.with_layer(Layer(Origin.GPU, card, machine.preset.name))
    config = config.with_layer(Layer(Origin.WRAPPER, _speed(config, family.name)))
    limits, said = _machine_limits(config, machine)
    config = config.with_layer(Layer(Origin.HARDWARE, limits, machine.preset.name))
    if family.name is FamilyName.SDXL and config.get("mixed_precision") == "fp16" and not config.get("vae"):
        # SDXL's own VAE gives NaN in fp16, in silence where latents are cached (engine contract, section 8).
        config = config.with_layer(Layer(Origin.FAMILY, {"no_half_vae": True}, family.title))
    said += _prediction(config, v_prediction, user.lines)
    return config, (*findings, *said)


def _prediction(config: TrainingConfig, v_prediction: bool, lines: Mapping[str, str]) -> list[Finding]:
    """A file that denies what the base's own tensors say. (Not the other way round: many v-models say nothing.)"""
    if not v_prediction or config.get("v_parameterization"):
        return []
    return [Finding(
        Level.WARNING, "prediction", "this base predicts v, but the config says v_parameterization = false.",
        "Remove the line: kohya-wrap reads it from the base.", lines.get("v_parameterization", ""),
    )]  # fmt: skip


def _absolute(name: str, value: Any, folder: Path) -> Any:
    if name not in PATHS:
        return value
    if isinstance(value, list):
        return [_absolute(name, item, folder) for item in value]
    if isinstance(value, str) and value and not value.startswith(_NOT_ON_DISK):
        return str((folder / Path(value).expanduser()).absolute())
    return value


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
    if by_user.get("lr_scheduler") == "constant":  # takes no warm-up
        options.pop("lr_warmup_steps", None)
    return options


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
        "save_state": True,  # else nothing can be resumed
        "save_last_n_epochs_state": 2,
    }
    if every := by_user.get("save_every_n_steps"):  # each state is three times the LoRA
        values["save_last_n_steps_state"] = every
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


def from_environment(environment: Mapping[str, str], folder: Path) -> dict[str, Any]:
    """KOHYA_WRAP_SET_NETWORK_DIM=16: the value is read as TOML, else as a text; paths as in the file."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    prefix = "KOHYA_WRAP_SET_"
    values: dict[str, Any] = {}
    for variable, text in environment.items():
        if variable.startswith(prefix):
            try:
                raw = tomlkit.parse(f"v = {text}").unwrap()["v"]
            except TOMLKitError:
                raw = text
            name, value, _ = spellings.respell(variable.removeprefix(prefix).lower(), raw)
            values[name] = _absolute(name, value, folder)
    return values


def _card(
    user: UserConfig, config: TrainingConfig, family: FamilyName, recipe: RecipeForFamily, preset: GpuPreset
) -> tuple[dict[str, Any], list[Finding]]:
    """What this card says: `[gpu]` where it was written for it, else the preset with that batch in all."""
    written = {key: value for key, value in user.gpu.items() if key != "preset"}
    said: list[Finding] = []
    if written and user.gpu.get("preset") == preset.name:
        values = written
    else:
        batch = recipe.batch
        if written:
            batch = math.prod(written.get(name, 1) for name in BATCH)
            said.append(Finding(
                Level.NOTE, "other-card",
                f"[gpu] was written for {user.gpu.get('preset')}; on {preset.name} that card's preset is "
                f"used, with the same effective batch of {batch}.", where=user.path.name,
            ))  # fmt: skip
        values = card_values(preset.for_family(family), batch)
    if (config.origin("train_batch_size") or Origin.ENGINE) >= Origin.FILE:
        # A batch the user set is theirs; accumulation on top would change what is learned.
        values = {name: value for name, value in values.items() if name not in BATCH}
    if any(config.get(kernel) for kernel in KERNELS):  # one they chose
        values = {name: value for name, value in values.items() if name not in KERNELS}
    return values, said


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
    return values


def _machine_limits(config: TrainingConfig, machine: Machine) -> tuple[dict[str, Any], list[Finding]]:
    """Only what this machine cannot do overrides the user, and each is said."""
    changes: dict[str, tuple[Any, str]] = {}
    precision = config.get("mixed_precision")
    if machine.preset.is_cpu:
        able = "bf16" if machine.cpu.does_bf16 else "no"
        if precision == "fp16":
            changes["mixed_precision"] = (able, "a CPU cannot train in fp16")
            if config.get("full_fp16"):
                changes["full_fp16"] = (False, "it needs mixed_precision = fp16")
        if precision == "bf16" and able == "no":
            changes["mixed_precision"] = (able, "this CPU has no bf16 instructions")
            if config.get("full_bf16"):
                changes["full_bf16"] = (False, "it needs mixed_precision = bf16")
        if config.get("xformers"):
            changes |= {"xformers": (False, "xformers needs a GPU"), "sdpa": (True, "")}
    elif machine.gpu is not None:  # else the card is elsewhere: a rehearsal
        if precision == "bf16" and not machine.gpu.does_bf16:
            changes["mixed_precision"] = ("fp16", "bf16 needs compute capability 8.0")
            if config.get("full_bf16"):
                changes["full_bf16"] = (False, "it needs mixed_precision = bf16")
        if config.get("xformers") and machine.gpu.capability < (7, 5):
            changes |= {"xformers": (False, "xformers dropped this card"), "sdpa": (True, "")}
    said = []
    for name, (value, why) in changes.items():
        if why:
            was, now = spellings.as_toml(config.get(name)), spellings.as_toml(value)
            said.append(Finding(Level.NOTE, "hardware", f"`{name} = {was}` becomes {now} here: {why}."))
    return {name: value for name, (value, _) in changes.items()}, said
