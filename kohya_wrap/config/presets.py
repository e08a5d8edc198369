"""GPU presets and recipes: TOML data, checked at the edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import toml
from pydantic import BaseModel, ConfigDict, Field

from kohya_wrap.domain.family import FamilyName
from kohya_wrap.domain.hardware import Gpu


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CardForFamily(_Data):
    """How a card does one family's work: never what is learned.

    `micro_batch` is the most images it takes at once; the recipe's batch is made up by accumulation.
    """

    micro_batch: int = Field(ge=1)
    gradient_checkpointing: bool = False
    mixed_precision: Literal["no", "fp16", "bf16"]
    attention: Literal["sdpa", "xformers"] = "sdpa"


class GpuPreset(_Data):
    name: str
    nvml: tuple[str, ...] = ()  # names as the driver gives them
    memory_gb: int = Field(ge=0)
    source: str
    sd15: CardForFamily
    sdxl: CardForFamily

    def for_family(self, family: FamilyName) -> CardForFamily:
        return self.sd15 if family is FamilyName.SD15 else self.sdxl

    @property
    def is_cpu(self) -> bool:
        return self.name == "cpu"

    @property
    def does_bf16(self) -> bool:
        return self.sd15.mixed_precision == "bf16"


class RecipeForFamily(_Data):
    """What is learned: the same on every card.

    `batch` is the effective one; `steps` the optimizer steps aimed at.
    """

    batch: int = Field(ge=1)
    steps: int = Field(ge=1)
    options: dict[str, Any]


class Recipe(_Data):
    name: str
    source: str
    sd15: RecipeForFamily
    sdxl: RecipeForFamily

    def for_family(self, family: FamilyName) -> RecipeForFamily:
        return self.sd15 if family is FamilyName.SD15 else self.sdxl


@dataclass(frozen=True)
class Presets:
    gpus: Mapping[str, GpuPreset]
    recipe: Recipe

    def by_name(self, name: str) -> GpuPreset | None:
        """A preset by its name as people write it: "RTX 4090", "rtx4090", "4090"; "A100" is the smaller."""
        wanted = _squeezed(name)
        exact = [p for p in self.gpus.values() if wanted in (_squeezed(p.name), *map(_squeezed, p.nvml))]
        # "RTX" or "SUPER" names no card: the number does.
        telling = len(wanted) >= 3 and any(c.isdecimal() for c in wanted)
        loose = [p for p in self.gpus.values() if telling and wanted in _squeezed(p.name)]
        return min(exact or loose, key=_modesty, default=None)

    def for_gpu(self, gpu: Gpu) -> GpuPreset:
        """By the driver's name, else the most modest card of the next memory class that this one fills."""
        named = [p for p in self.gpus.values() if gpu.name in p.nvml]
        if named:
            return named[0]
        cards = [p for p in self.gpus.values() if not p.is_cpu]
        # A card's "24 GB" shows as a little less than 24 GiB.
        fitting = [p for p in cards if p.memory_gb * 0.9 * 2**30 <= gpu.memory]
        memory_class = max((p.memory_gb for p in fitting), default=min(p.memory_gb for p in cards))
        alike = [p for p in cards if p.memory_gb == memory_class]
        return min(alike, key=lambda p: (p.does_bf16 != gpu.does_bf16, *_modesty(p)))


def load(folder: Path) -> Presets:
    """Read presets/gpus/*.toml and presets/recipes/guide.toml."""
    gpus = [GpuPreset.model_validate(toml.load(path)) for path in sorted((folder / "gpus").glob("*.toml"))]
    recipe = Recipe.model_validate(toml.load(folder / "recipes" / "guide.toml"))
    return Presets({preset.name: preset for preset in gpus}, recipe)


def _modesty(preset: GpuPreset) -> tuple[int, int, int]:
    return preset.memory_gb, preset.sd15.micro_batch, preset.sdxl.micro_batch


def _squeezed(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum()).replace("nvidia", "").replace("geforce", "")
