"""Every card with every base and every subject: what they make of a config has no error in it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, product
from pathlib import Path

import pytest

from kohya_wrap import resources
from kohya_wrap.config import generate, presets, render
from kohya_wrap.config.limits import Machine
from kohya_wrap.config.presets import GpuPreset, Presets, Subject
from kohya_wrap.domain.captions import CaptionStyle
from kohya_wrap.domain.family import FAMILIES
from kohya_wrap.domain.finding import Level
from kohya_wrap.domain.hardware import Cpu, Gpu
from kohya_wrap.engine import catalogue
from kohya_wrap.engine.catalogue import Base
from kohya_wrap.workflow import base_model, effective
from kohya_wrap.workflow.effective import Effective

PRESETS = presets.load(resources.presets())
BASES = catalogue.load(resources.presets()).bases
SUBJECTS: tuple[Subject, ...] = ("", "character", "style", "object", "none")
STYLES = (None, *CaptionStyle)


def machine(preset: GpuPreset) -> Machine:
    """The card itself; of a class of memory, one that is old."""
    major, _, minor = (preset.compute_capability or "7.5").partition(".")
    card = Gpu("GPU-0", preset.name, preset.memory_gb << 30, (int(major), int(minor or 0)))
    return Machine(preset, None if preset.is_cpu else card, Cpu(2, does_bf16=True))


def errors(found: Effective) -> list[str]:
    return [f"{f.code}: {f.message}" for f in found.findings if f.level is Level.ERROR]


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("base", BASES.values(), ids=lambda base: base.name)
def test_a_config_that_says_nothing(tmp_path: Path, base: Base, subject: Subject) -> None:
    (tmp_path / "c.toml").write_text(f'[kohya_wrap]\nbase = "{base.name}"\nsubject = "{subject}"\n')
    asked = effective.read(tmp_path / "c.toml", (), {})
    facts = base_model.of_catalogue(base)
    for preset in PRESETS.gpus.values():
        for style in STYLES:
            found = effective.settled(asked, facts, machine(preset), PRESETS, captions=style)
            assert not errors(found), (preset.name, style)
            assert found.config.get("v_parameterization", False) is base.options.v_parameterization
            assert found.config.get("zero_terminal_snr", False) is base.options.zero_terminal_snr
            assert not (facts.v_prediction and found.config.get("noise_offset"))
            assert not (
                found.config.get("shuffle_caption") and found.config.get("cache_text_encoder_outputs")
            )


# All of base, subject and style, and the cards in turn.
WRITTEN = [
    (*what, card)
    for what, card in zip(
        product(BASES.values(), SUBJECTS[:-1], STYLES), cycle(PRESETS.gpus.values()), strict=False
    )
]


@pytest.mark.parametrize(("base", "subject", "style", "preset"), WRITTEN)
def test_what_init_writes(
    tmp_path: Path, base: Base, subject: Subject, style: CaptionStyle | None, preset: GpuPreset
) -> None:
    (tmp_path / "c.toml").write_text(written(base, subject, style, preset), encoding="utf-8")
    asked = effective.read(tmp_path / "c.toml", (), {})
    for other in (preset, *cards_unlike(PRESETS, preset)):
        found = effective.settled(asked, base_model.of_catalogue(base), machine(other), PRESETS)
        assert not errors(found), other.name


def written(base: Base, subject: Subject, style: CaptionStyle | None, preset: GpuPreset) -> str:
    family = FAMILIES[base.family]
    recipe = PRESETS.recipe_for(subject).for_family(base.family, style)
    project = generate.NewProject(
        name="lora", base=base.name, base_path="./models/base.safetensors",
        vae="./models/vae.safetensors" if base.vae else None,
        v_prediction=base.options.v_parameterization, zero_terminal_snr=base.options.zero_terminal_snr,
        family=family, recipe=recipe, preset=preset, engine="real", trigger="sks", target_steps=recipe.steps,
        epochs=10, subject=subject,
    )  # fmt: skip
    return render.for_people(
        resources.templates(), generate.sections(project), title="", family="", epochs_note="", checkpoints=5
    )


def cards_unlike(known: Presets, preset: GpuPreset) -> Iterator[GpuPreset]:
    """One with fp16 and the processor."""
    return (known.gpus[name] for name in ("T4", "cpu") if name != preset.name)
