"""The shipped presets, and which one a card gets."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from kohya_wrap.config.option_table import for_script
from kohya_wrap.config.presets import CardForFamily, GpuPreset, Presets
from kohya_wrap.config.resolve import card_values
from kohya_wrap.domain.family import FAMILIES, FamilyName
from tests.unit.config.conftest import gpu

# The guide's figures, by memory class: the most any card of that class may have.
GUIDE = {12: (2, 1), 16: (2, 1), 24: (4, 2), 32: (4, 2), 40: (8, 4), 48: (8, 4), 80: (8, 4)}


@pytest.mark.parametrize(
    ("card", "sd15", "sdxl", "checkpointing"),
    [("RTX 4090", 4, 2, None), ("RTX 3090", 2, 1, True), ("A100 40GB", 8, 4, None)],
)
def test_the_guide_s_own_figures(
    shipped: Presets, card: str, sd15: int, sdxl: int, checkpointing: bool | None
) -> None:
    preset = shipped.gpus[card]
    assert (preset.sd15.micro_batch, preset.sdxl.micro_batch) == (sd15, sdxl)
    if checkpointing is not None:
        assert preset.sdxl.gradient_checkpointing is checkpointing


def test_no_card_is_given_more_than_the_guide_gives_its_memory_class(shipped: Presets) -> None:
    for preset in shipped.gpus.values():
        if not preset.is_cpu:
            sd15, sdxl = GUIDE[preset.memory_gb]
            assert preset.sd15.micro_batch <= sd15 and preset.sdxl.micro_batch <= sdxl, preset.name


def test_below_80_gb_sdxl_is_checkpointed(shipped: Presets) -> None:
    plain = [p.name for p in shipped.gpus.values() if not p.sdxl.gradient_checkpointing]
    assert all(shipped.gpus[name].memory_gb >= 80 for name in plain)


def test_a_card_the_guide_does_not_have_says_that_it_was_not_run(shipped: Presets) -> None:
    for preset in shipped.gpus.values():
        if preset.name not in ("RTX 4090", "RTX 3090", "A100 40GB", "cpu"):
            assert "never run" in preset.source, preset.name


@pytest.mark.parametrize("family", list(FamilyName))
def test_a_preset_is_options_the_engine_takes(shipped: Presets, family: FamilyName) -> None:
    table = for_script(FAMILIES[family].script)
    for preset in shipped.gpus.values():
        for batch in (1, 4):
            for name, value in card_values(preset.for_family(family), batch).items():
                assert table[name].refuses(value) == ""


@pytest.mark.parametrize("family", list(FamilyName))
def test_a_recipe_is_options_the_engine_takes(shipped: Presets, family: FamilyName) -> None:
    table = for_script(FAMILIES[family].script)
    refused = {n: table[n].refuses(v) for n, v in shipped.recipe.for_family(family).options.items()}
    assert not any(refused.values())


@pytest.mark.parametrize("family", list(FamilyName))
def test_every_card_makes_the_recipe_s_batch(shipped: Presets, family: FamilyName) -> None:
    for preset in shipped.gpus.values():
        values = card_values(preset.for_family(family), shipped.recipe.for_family(family).batch)
        assert values["train_batch_size"] * values["gradient_accumulation_steps"] == 4
        assert values["train_batch_size"] <= preset.for_family(family).micro_batch


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("RTX 4090", "RTX 4090"),
        ("rtx4090", "RTX 4090"),
        ("4090", "RTX 4090"),
        ("NVIDIA GeForce RTX 3090", "RTX 3090"),
        ("a100-40gb", "A100 40GB"),
        ("A100", "A100 40GB"),
        ("A100 80GB", "A100 80GB"),
        ("NVIDIA A100-SXM4-80GB", "A100 80GB"),
        ("L4", "L4"),
        ("l40s", "L40S"),
        ("T4", "T4"),
        ("V100", "V100 16GB"),
        ("h100", "H100 80GB"),
        ("cpu", "cpu"),
        ("CPU", "cpu"),
        ("RTX", None),
        ("SUPER", None),
        ("GB", None),
        ("40", None),
        ("RTX 9999", None),
        ("", None),
    ],
)
def test_a_card_by_the_name_people_write(shipped: Presets, written: str, name: str | None) -> None:
    found = shipped.by_name(written)
    assert (found.name if found else None) == name


@pytest.mark.parametrize(
    ("driver_name", "gib", "capability", "name"),
    [
        ("NVIDIA GeForce RTX 4090", 24, (8, 9), "RTX 4090"),
        ("NVIDIA A100-SXM4-40GB", 40, (8, 0), "A100 40GB"),
        ("NVIDIA H100 80GB HBM3", 80, (9, 0), "H100 80GB"),
        ("Tesla T4", 16, (7, 5), "T4"),
    ],
)
def test_a_known_card_by_the_driver_s_name(
    shipped: Presets, driver_name: str, gib: int, capability: tuple[int, int], name: str
) -> None:
    assert shipped.for_gpu(gpu(driver_name, gib, capability)).name == name


@pytest.mark.parametrize(
    ("gib", "memory_class"),
    [(8, 12), (11, 12), (12, 12), (16, 16), (20, 16), (24, 24), (36, 32), (40, 40), (141, 80)],
)
def test_an_unknown_card_by_its_memory(shipped: Presets, gib: int, memory_class: int) -> None:
    assert shipped.for_gpu(gpu("NVIDIA New", gib)).memory_gb == memory_class


def test_an_unknown_card_gets_the_careful_figures_of_its_class(shipped: Presets) -> None:
    preset = shipped.for_gpu(gpu("NVIDIA GeForce RTX 3090 Ti", 24, (8, 6)))
    assert (preset.sd15.micro_batch, preset.sdxl.micro_batch) == (2, 1)


@pytest.mark.parametrize(("capability", "precision"), [((8, 6), "bf16"), ((7, 5), "fp16")])
def test_an_unknown_card_gets_a_precision_it_can_do(
    shipped: Presets, capability: tuple[int, int], precision: str
) -> None:
    assert shipped.for_gpu(gpu("NVIDIA New", 16, capability)).sd15.mixed_precision == precision


def test_a_preset_with_a_key_it_does_not_know_is_refused(shipped: Presets) -> None:
    raw = shipped.gpus["RTX 4090"].model_dump()
    GpuPreset.model_validate(raw)
    with pytest.raises(ValidationError, match="microbatch"):
        GpuPreset.model_validate(raw | {"microbatch": 1})


@pytest.mark.parametrize("wrong", [{"micro_batch": 0}, {"mixed_precision": "fp8"}, {"attention": "flash"}])
def test_a_preset_with_a_value_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CardForFamily.model_validate({"micro_batch": 1, "mixed_precision": "bf16"} | wrong)
