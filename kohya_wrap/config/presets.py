"""GPU presets and recipes: TOML data of ours; a test holds every file to its types and ranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import toml

from kohya_wrap.config import card_names
from kohya_wrap.domain.captions import CaptionStyle
from kohya_wrap.domain.family import FamilyName
from kohya_wrap.domain.hardware import Gpu
from kohya_wrap.domain.plain import build

# What a LoRA can be of; "" are the guide's own values, "none" leaves all to the file and the engine.
Subject = Literal["", "character", "style", "object", "none"]


@dataclass(frozen=True, kw_only=True)
class CardForFamily:
    """How a card does one family's work: never what is learned.

    `micro_batch` is the most images it takes at once; the recipe's batch is made up by accumulation.
    `seconds_per_image`: the longest that anybody has published of a step; None where nobody has.
    """

    micro_batch: int
    gradient_checkpointing: bool = False
    mixed_precision: Literal["no", "fp16", "bf16"]
    attention: Literal["sdpa", "xformers"] = "sdpa"
    seconds_per_image: float | None = None


@dataclass(frozen=True, kw_only=True)
class GpuPreset:
    """One card.

    Attributes:
        nvml: its names as the driver gives them; empty for a preset that stands for a class of memory.
        memory_gb: as the card is sold; the driver shows up to 7 % less.
        compute_capability: "8.9"; empty for a class of memory and for the processor.
        source: where the figures come from.
        tflops: a data sheet's dense rate of 16-bit products with sums in 32 bits; None for a class of memory and for the
            processor.
        watts: a data sheet's board power.
    """

    name: str
    nvml: tuple[str, ...] = ()
    memory_gb: int
    compute_capability: str = ""
    bf16: bool
    source: str
    sd15: CardForFamily
    sdxl: CardForFamily
    tflops: float | None = None
    watts: float | None = None

    def for_family(self, family: FamilyName) -> CardForFamily:
        return self.sd15 if family is FamilyName.SD15 else self.sdxl

    @property
    def is_cpu(self) -> bool:
        return self.name == "cpu"

    def is_called(self, name: str) -> bool:
        """Whether people mean it by this name: its own, its driver's, or its memory's."""
        return card_names.is_meant(name, self.name, self.nvml, self.memory_gb)

    def in_words(self) -> str:
        """Its figures, for who asked for a class of memory and gets this card."""
        at_once = f"{self.sd15.micro_batch} images at once for SD 1.5, {self.sdxl.micro_batch} for SDXL"
        return f"{self.name}: {at_once}, {self.sd15.mixed_precision}"

    @property
    def capability(self) -> tuple[int, ...]:
        """Empty for a class of memory and for the processor."""
        return tuple(map(int, filter(None, self.compute_capability.split("."))))

    def fits(self, gpu: Gpu) -> bool:
        """A card's "24 GB" shows as a little less than 24 GiB."""
        return self.memory_gb * 0.9 * 2**30 <= gpu.memory


@dataclass(frozen=True, kw_only=True)
class RecipeForFamily:
    """What is learned: the same on every card.

    `batch` is the effective one; `steps` the optimizer steps aimed at.
    """

    batch: int
    steps: int
    options: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What is learned of a subject.

    Attributes:
        captions: options beside the family's, by how the captions are written.
    """

    name: str
    source: str
    sd15: RecipeForFamily
    sdxl: RecipeForFamily
    captions: dict[CaptionStyle, dict[str, Any]] = field(default_factory=dict)

    def for_family(self, family: FamilyName, captions: CaptionStyle | None = None) -> RecipeForFamily:
        """The family's values, and those for such captions (None: there are none, or nobody has looked)."""
        recipe = self.sd15 if family is FamilyName.SD15 else self.sdxl
        more = self.captions.get(captions, {}) if captions else {}
        return replace(recipe, options=recipe.options | more)


@dataclass(frozen=True)
class Presets:
    gpus: Mapping[str, GpuPreset]
    recipes: Mapping[str, Recipe]

    def recipe_for(self, subject: Subject) -> Recipe:
        """The recipe of a `[kohya_wrap] subject`."""
        return self.recipes[subject or "guide"]

    def by_name(self, name: str) -> GpuPreset | None:
        """A preset by its name as people write it: "RTX 4090", "rtx4090", "4090"; "A100" is the smaller.

        For a class of memory, "24 GB", its most modest card.
        """
        if memory := card_names.memory_named(name):
            return self.of_memory(memory)
        called = [preset for preset in self.gpus.values() if preset.is_called(name)]
        return min(called, key=_modesty, default=None)

    def of_memory(self, memory_gb: int) -> GpuPreset | None:
        """The most modest card of the largest class that so much memory fills; None below the smallest."""
        fitting = [size for size in self.classes if size <= memory_gb]
        alike = [p for p in self.gpus.values() if fitting and p.memory_gb == fitting[-1] and not p.is_cpu]
        return min(alike, key=lambda p: (*_modesty(p)[:3], p.capability), default=None)

    def means(self, wanted: str, gpu: Gpu) -> bool:
        """Whether these words name a card that is here, with a preset of its own or one of its memory alone."""
        own, preset = self.for_gpu(gpu), self.by_name(wanted)
        if card_names.memory_named(wanted) and preset is not None and preset.memory_gb == own.memory_gb:
            return True
        return own is preset or card_names.alike(wanted, gpu.name)

    @property
    def classes(self) -> tuple[int, ...]:
        """The sizes of memory, in GB, that there are presets for."""
        return tuple(sorted({preset.memory_gb for preset in self.gpus.values() if not preset.is_cpu}))

    def nearest(self, name: str) -> list[str]:
        """Names that look like this one."""
        return card_names.nearest(name, (gpu.name for gpu in self.gpus.values() if not gpu.is_cpu))

    def for_gpu(self, gpu: Gpu) -> GpuPreset:
        """By the driver's name, else the most modest card of the largest memory class that this one fills.

        A name alone is not enough: the RTX 4060 Ti of 8 GB and that of 16 GB have the same one.
        """
        cards = [p for p in self.gpus.values() if not p.is_cpu]
        fitting = [p for p in cards if p.fits(gpu)]
        named = [p for p in fitting if gpu.name in p.nvml]
        if named:
            return named[0]
        memory_class = max((p.memory_gb for p in fitting), default=min(p.memory_gb for p in cards))
        alike = [p for p in cards if p.memory_gb == memory_class]
        return min(alike, key=lambda p: (p.bf16 != gpu.does_bf16, *_modesty(p)))


@cache
def load(folder: Path) -> Presets:
    """Read presets/gpus/*.toml and presets/recipes/*.toml."""
    gpus = [build(GpuPreset, toml.load(path)) for path in sorted((folder / "gpus").glob("*.toml"))]
    recipes = [build(Recipe, toml.load(path)) for path in sorted((folder / "recipes").glob("*.toml"))]
    return Presets({preset.name: preset for preset in gpus}, {recipe.name: recipe for recipe in recipes})


def _modesty(preset: GpuPreset) -> tuple[int, int, int, int]:
    """The least first; of equals the one with the shortest name: "4080" is no SUPER."""
    return preset.memory_gb, preset.sd15.micro_batch, preset.sdxl.micro_batch, len(preset.name)
