"""The same recipe is the same LoRA on any card: what is learned does not change, only how it is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from kohya_wrap import resources
from kohya_wrap.config import presets, recipe_notes
from kohya_wrap.config.presets import GpuPreset, Subject
from kohya_wrap.domain import buckets, steps
from kohya_wrap.domain.config import TrainingConfig
from kohya_wrap.domain.family import FAMILIES, FamilyName
from kohya_wrap.domain.steps import StepPlan
from kohya_wrap.engine import catalogue
from kohya_wrap.engine.catalogue import Base
from kohya_wrap.workflow import base_model, effective
from tests.unit.test_every_preset import machine

PRESETS = presets.load(resources.presets())
BASES = catalogue.load(resources.presets()).bases
SUBJECTS: tuple[Subject, ...] = ("", "character", "style", "object")
IMAGES = (15, 16, 23, 37, 50, 71, 100, 149, 150)
SQUARE = [(1024, 1024)]
MIXED = [(1024, 1024), (832, 1216), (1216, 832), (768, 1344), (1920, 1080), (600, 800), (3000, 1000)]

# How a card does it. All else is what is learned, and may not differ.
OF_THE_CARD = frozenset({
    "train_batch_size", "gradient_accumulation_steps", "gradient_checkpointing", "mixed_precision", "sdpa", "xformers",
    "no_half_vae",
})  # fmt: skip


def config_on(preset: GpuPreset, base: Base, subject: Subject, folder: Path) -> TrainingConfig:
    file = folder / "c.toml"
    file.write_text(f'[kohya_wrap]\nbase = "{base.name}"\nsubject = "{subject}"\n')
    asked = effective.read(file, (), {})
    return effective.settled(asked, base_model.of_catalogue(base), machine(preset), PRESETS).config


def batch_of(config: TrainingConfig) -> tuple[int, int]:
    return config.get("train_batch_size"), config.get("gradient_accumulation_steps", 1)


def passes_of(shapes: list[tuple[int, int]], images: int, family: FamilyName, repeats: int) -> list[int]:
    side = FAMILIES[family].resolution
    rule = buckets.BucketRule((side, side), maximum=FAMILIES[family].max_bucket_reso)
    return list(buckets.fill(rule, [(shapes[n % len(shapes)], repeats) for n in range(images)]).values())


def solved(
    passes: list[int], batch: int, accumulation: int, target: int, epochs: int | None = None
) -> StepPlan:
    return steps.solve(
        passes, batch=batch, accumulation=accumulation, epochs=epochs, max_steps=None, target=target
    )


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("base", BASES.values(), ids=lambda base: base.name)
def test_what_is_learned_is_the_same_on_every_card(tmp_path: Path, base: Base, subject: Subject) -> None:
    recipe = PRESETS.recipe_for(subject).for_family(base.family)
    learned = []
    for preset in PRESETS.gpus.values():
        config = config_on(preset, base, subject, tmp_path)
        micro, accumulation = batch_of(config)
        assert micro * accumulation == recipe.batch, preset.name
        learned.append({name: value for name, value in config.plain().items() if name not in OF_THE_CARD})
    assert all(options == learned[0] for options in learned)
    assert {name: learned[0][name] for name in recipe.options} == recipe.options


@pytest.mark.parametrize("repeats", [1, 10])
@pytest.mark.parametrize("images", IMAGES)
@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("family", FamilyName)
def test_steps_of_images_of_one_shape(
    family: FamilyName, subject: Subject, images: int, repeats: int
) -> None:
    """Equal on every card, to the step: ceil(ceil(n / micro) / accumulation) = ceil(n / batch)."""
    plans = {
        (p.steps, p.epochs)
        for p in plans_on_every_card(passes_of(SQUARE, images, family, repeats), family, subject)
    }
    assert len(plans) == 1


def plans_on_every_card(passes: list[int], family: FamilyName, subject: Subject) -> list[StepPlan]:
    recipe = PRESETS.recipe_for(subject).for_family(family)
    micros = {
        steps.micro_batch(recipe.batch, preset.for_family(family).micro_batch)
        for preset in PRESETS.gpus.values()
    }
    return [solved(passes, micro, recipe.batch // micro, recipe.steps) for micro in micros]


@pytest.mark.parametrize("repeats", [1, 10])
@pytest.mark.parametrize("images", IMAGES)
@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("family", FamilyName)
@pytest.mark.parametrize("epochs", [None, 10])
def test_steps_of_images_of_many_shapes(
    family: FamilyName, subject: Subject, images: int, repeats: int, epochs: int | None
) -> None:
    """Short batches count differently by card; what is more than 2 % is said, what is less is not."""
    recipe = PRESETS.recipe_for(subject).for_family(family)
    passes = passes_of(MIXED, images, family, repeats)
    at_once = solved(passes, recipe.batch, 1, recipe.steps, epochs)
    for preset in PRESETS.gpus.values():
        micro = steps.micro_batch(recipe.batch, preset.for_family(family).micro_batch)
        plan = solved(passes, micro, recipe.batch // micro, recipe.steps, epochs)
        said = recipe_notes.of_steps(plan, at_once, recipe.batch // micro)
        assert bool(said) is (abs(plan.steps - at_once.steps) > 0.02 * at_once.steps), preset.name
        assert all(str(plan.steps) in f.message and str(at_once.steps) in f.message for f in said)
