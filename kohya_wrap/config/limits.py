"""What the machine of a run cannot do, whatever the config says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kohya_wrap.config import spellings
from kohya_wrap.config.presets import GpuPreset
from kohya_wrap.domain.config import Origin, TrainingConfig
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.domain.hardware import Cpu, Gpu


@dataclass(frozen=True)
class Machine:
    """What the run will use: a card with its preset, or the processor.

    Attributes:
        gpu: None where the card is elsewhere: the preset says then what it can do.
    """

    preset: GpuPreset
    gpu: Gpu | None
    cpu: Cpu

    @property
    def does_bf16(self) -> bool:
        if self.preset.is_cpu:
            return self.cpu.does_bf16
        return self.preset.bf16 if self.gpu is None else self.gpu.does_bf16

    @property
    def does_xformers(self) -> bool:
        """Its wheels are built for compute capability 7.5 and up."""
        if self.preset.is_cpu:
            return False
        capability = self.preset.capability if self.gpu is None else self.gpu.capability
        return not capability or capability >= (7, 5)


def machine_limits(config: TrainingConfig, machine: Machine) -> tuple[dict[str, Any], list[Finding]]:
    """Only what this machine cannot do overrides the user, and each is said."""
    changes: dict[str, tuple[Any, str]] = {}
    precision = config.get("mixed_precision")
    is_cpu = machine.preset.is_cpu
    if precision == "fp16" and is_cpu:
        able = "bf16" if machine.does_bf16 else "no"
        changes["mixed_precision"] = (able, "a CPU cannot train in fp16")
        changes |= _without("full_fp16", config)
    elif precision == "bf16" and not machine.does_bf16:
        why = "this CPU has no bf16 instructions" if is_cpu else "bf16 needs compute capability 8.0"
        changes["mixed_precision"] = ("no" if is_cpu else "fp16", why)
        changes |= _without("full_bf16", config)
    for name in ("fp8_base", "fp8_base_unet"):
        if config.get(name) and is_cpu:
            changes[name] = (False, "fp8 needs a GPU")
    if config.get("xformers") and not machine.does_xformers:
        why = "xformers needs a GPU" if is_cpu else "xformers dropped this card"
        changes |= {"xformers": (False, why), "sdpa": (True, "")}
    said = [_changed(config, name, value, why, machine) for name, (value, why) in changes.items() if why]
    return {name: value for name, (value, _) in changes.items()}, said


def _without(option: str, config: TrainingConfig) -> dict[str, tuple[Any, str]]:
    if not config.get(option):
        return {}
    return {option: (False, f"it needs mixed_precision = {option.removeprefix('full_')}")}


def _changed(config: TrainingConfig, name: str, value: Any, why: str, machine: Machine) -> Finding:
    was, now = spellings.as_toml(config.get(name)), spellings.as_toml(value)
    on = "here" if machine.gpu is not None or machine.preset.is_cpu else f"on {machine.preset.name}"
    return Finding(
        Level.NOTE, "hardware", f"`{name} = {was}` becomes {now} {on}: {why}.", where=_place(config, name)
    )


def _place(config: TrainingConfig, name: str) -> str:
    """The line, variable or --set that said it; empty for a preset's value, whose card is no place to look at."""
    by_user = (config.origin(name) or Origin.ENGINE) >= Origin.FILE
    return config.detail(name) if by_user or ":" in config.detail(name) else ""
