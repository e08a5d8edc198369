"""How many image passes an epoch may have, so that the state at its end is never further than ten minutes away."""

from __future__ import annotations

from kohya_wrap import resources
from kohya_wrap.config import presets
from kohya_wrap.config.presets import GpuPreset
from kohya_wrap.domain.family import FamilyName
from kohya_wrap.domain.steps import MOST_PASSES
from kohya_wrap.engine.reference import Reference
from kohya_wrap.places import Places, Project
from kohya_wrap.workflow import base_model, kept_config
from kohya_wrap.workflow.kept_config import KeptConfig

_SECONDS = 600.0
# A step's time for each image, of the slowest card that anybody has published a figure of, where a preset has none of its
# own: SD 1.5 at 512 on a T4 of Kaggle's, SDXL at 1024 on an RTX 4080 (FACTS 1; settings differ, so within a factor of two).
_SLOWEST = {FamilyName.SD15: 0.57, FamilyName.SDXL: 2.6}


def most_passes(family: FamilyName, preset: GpuPreset | None) -> int:
    """No more than 400."""
    known = preset.for_family(family).seconds_per_image if preset else None
    return min(MOST_PASSES, int(_SECONDS / (known or _SLOWEST.get(family, _SLOWEST[FamilyName.SDXL]))))


def of_base(base: Reference | None, project: Project, places: Places, preset: GpuPreset | None) -> int:
    """As SD 1.5 where nothing is known of it yet."""
    found = base_model.facts(base, project.models, places, allow_pickle=False)
    return most_passes(found.family if found else FamilyName.SD15, preset)


def of_config(kept: KeptConfig | None, project: Project, places: Places) -> int:
    """By the base and the card that the project's config names."""
    if kept is None:
        return MOST_PASSES
    preset = presets.load(resources.presets()).by_name(str(kept.user.gpu.get("preset", "")))
    return of_base(kept_config.base(kept, places, needed=False), project, places, preset)
