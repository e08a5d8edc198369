"""The shipped presets, and which one a card gets."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kohya_wrap.config.option_table import for_script
from kohya_wrap.config.presets import Presets, Subject
from kohya_wrap.config.resolve import card_values
from kohya_wrap.domain.captions import CaptionStyle
from kohya_wrap.domain.family import FAMILIES, FamilyName
from tests.unit.config.conftest import gpu

# The cards people rent, as price lists call them: VRAM in GB and compute capability of each.
RENTED = {
    "T4": (16, "7.5"), "V100-16GB": (16, "7.0"), "RTX 3060 12GB": (12, "8.6"), "RTX 3090": (24, "8.6"),
    "RTX 3090 Ti": (24, "8.6"), "RTX 4060 Ti 16GB": (16, "8.9"), "RTX 4070 Ti SUPER": (16, "8.9"),
    "RTX 4080": (16, "8.9"), "RTX 4080 SUPER": (16, "8.9"), "RTX 4090": (24, "8.9"), "RTX 5080": (16, "12.0"),
    "RTX 5090": (32, "12.0"), "RTX A4000": (16, "8.6"), "RTX A4500": (20, "8.6"), "RTX A5000": (24, "8.6"),
    "RTX A6000": (48, "8.6"), "RTX 6000 Ada": (48, "8.9"), "L4": (24, "8.9"), "L40": (48, "8.9"), "L40S": (48, "8.9"),
    "A10": (24, "8.6"), "A40": (48, "8.6"), "A100 40GB": (40, "8.0"), "A100 80GB PCIe": (80, "8.0"),
    "A100 80GB SXM": (80, "8.0"), "H100 PCIe": (80, "9.0"), "H100 SXM": (80, "9.0"), "H200 SXM": (141, "9.0"),
}  # fmt: skip
# GB of a card nobody has heard of -> the class whose figures it gets
BY_MEMORY = [
    (6, 8), (8, 8), (10, 8), (11, 8), (12, 12), (16, 16), (20, 20), (24, 24), (32, 32), (36, 32), (40, 40), (44, 40),
    (48, 48), (64, 48), (80, 80), (96, 80), (141, 141), (192, 141),
]  # fmt: skip
SUBJECTS: tuple[Subject, ...] = ("", "character", "style", "object", "none")


@pytest.mark.parametrize("name", RENTED)
def test_every_card_people_rent_has_a_preset_of_its_own(shipped: Presets, name: str) -> None:
    preset = shipped.by_name(name)
    assert preset is not None
    assert preset.name.replace(" ", "").replace("-", "") == name.replace(" ", "").replace("-", "")
    assert (preset.memory_gb, preset.compute_capability) == RENTED[name]


@pytest.mark.parametrize("name", RENTED)
def test_every_card_is_known_by_each_of_the_driver_s_names(shipped: Presets, name: str) -> None:
    preset = shipped.by_name(name)
    assert preset is not None and preset.nvml
    capability = tuple(map(int, preset.compute_capability.split(".")))
    for driver_name in preset.nvml:
        assert shipped.for_gpu(gpu(driver_name, preset.memory_gb, (capability[0], capability[1]))) is preset


@pytest.mark.parametrize("name", ["RTX 4070", "4060", "RTX 6000"])
def test_a_card_of_a_like_name_is_another_card(shipped: Presets, name: str) -> None:
    assert shipped.by_name(name) is None


def test_bf16_begins_with_compute_capability_8(shipped: Presets) -> None:
    for preset in shipped.gpus.values():
        if preset.compute_capability:
            assert preset.bf16 is (float(preset.compute_capability) >= 8), preset.name
        able = "bf16" if preset.bf16 else "fp16"
        assert {preset.sd15.mixed_precision, preset.sdxl.mixed_precision} == {able}, preset.name


def test_the_micro_batches_are_those_the_memory_model_allows() -> None:
    script = Path(__file__).parents[3] / "scripts" / "micro_batches.py"
    printed = subprocess.run([sys.executable, script], capture_output=True, encoding="utf-8", check=False)
    assert printed.returncode == 0, printed.stderr


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


def test_a_preset_says_that_its_figures_were_not_run(shipped: Presets) -> None:
    for preset in shipped.gpus.values():
        assert preset.is_cpu or "no GPU run by us" in preset.source, preset.name


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
    for recipe in shipped.recipes.values():
        for style in (None, *CaptionStyle):
            options = recipe.for_family(family, style).options
            assert not any(table[name].refuses(value) for name, value in options.items()), recipe.name


@pytest.mark.parametrize("family", list(FamilyName))
@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_card_makes_the_recipe_s_batch(shipped: Presets, family: FamilyName, subject: Subject) -> None:
    batch = shipped.recipe_for(subject).for_family(family).batch
    for preset in shipped.gpus.values():
        values = card_values(preset.for_family(family), batch)
        assert values["train_batch_size"] * values["gradient_accumulation_steps"] == batch
        assert values["train_batch_size"] <= preset.for_family(family).micro_batch


@pytest.mark.parametrize("family", list(FamilyName))
@pytest.mark.parametrize("subject", ["character", "style", "object"])
def test_tags_are_shuffled_behind_the_first_and_prose_is_not(
    shipped: Presets, family: FamilyName, subject: Subject
) -> None:
    recipe = shipped.recipe_for(subject)
    tags = recipe.for_family(family, CaptionStyle.TAGS).options
    assert (tags["shuffle_caption"], tags["keep_tokens"]) == (True, 1)
    assert recipe.for_family(family, CaptionStyle.PROSE).options["shuffle_caption"] is False
    assert "shuffle_caption" not in recipe.for_family(family).options


@pytest.mark.parametrize("subject", ["", "none"])
@pytest.mark.parametrize("style", CaptionStyle)
def test_without_a_subject_captions_are_left_as_they_are(
    shipped: Presets, subject: Subject, style: CaptionStyle
) -> None:
    for family in FamilyName:
        assert not {"shuffle_caption", "keep_tokens"} & set(
            shipped.recipe_for(subject).for_family(family, style).options
        )


def test_no_recipe_sets_nothing(shipped: Presets) -> None:
    for family in FamilyName:
        assert shipped.recipe_for("none").for_family(family).options == {}


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("RTX 4090", "RTX 4090"),
        ("rtx4090", "RTX 4090"),
        ("4090", "RTX 4090"),
        ("NVIDIA GeForce RTX 3090", "RTX 3090"),
        ("a100-40gb", "A100 40GB"),
        ("A100", "A100 40GB"),
        ("A100 80GB", "A100 80GB SXM"),
        ("NVIDIA A100-SXM4-80GB", "A100 80GB SXM"),
        ("L4", "L4"),
        ("l40s", "L40S"),
        ("T4", "T4"),
        ("V100", "V100 16GB"),
        ("h100", "H100 SXM"),
        ("4080", "RTX 4080"),
        ("4080 super", "RTX 4080 SUPER"),
        ("3090", "RTX 3090"),
        ("A10", "A10"),
        ("L40", "L40"),
        ("A100 SXM", "A100 80GB SXM"),
        ("H100 80GB", "H100 SXM"),
        ("RTX 3090 24 GB", "RTX 3090"),
        ("3060", "RTX 3060 12GB"),
        ("A10G", "A10"),
        ("Tesla V100", "V100 16GB"),
        ("V100 32GB", None),
        ("RTX 4090 Laptop", None),
        ("RTX 3060 Ti", None),
        ("RTX 4060 Ti 8GB", None),
        ("RTX 3080", None),
        ("A30", None),
        ("100", None),
        ("RTX 40", None),
        ("RTX 409", None),
        ("SXM", None),
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
    ("written", "memory_class"),
    [
        ("8 GB card", 8), ("8GB", 8), ("24GB", 24), ("24 gb", 24), (" 16 GiB ", 16), ("10 GB", 8), ("11 GB", 8), ("96GB", 80),
        ("6 GB", None), ("24", None), ("0 GB", None), ("24 MB", None),
    ],
)  # fmt: skip
def test_a_memory_names_the_most_modest_card_of_its_class(
    shipped: Presets, written: str, memory_class: int | None
) -> None:
    found = shipped.by_name(written)
    assert (found.memory_gb if found else None) == memory_class
    if found:
        alike = [p for p in shipped.gpus.values() if p.memory_gb == memory_class]
        assert found.sd15.micro_batch == min(p.sd15.micro_batch for p in alike)
        assert found.sdxl.micro_batch == min(p.sdxl.micro_batch for p in alike)


def test_of_cards_alike_the_oldest_stands_for_the_memory(shipped: Presets) -> None:
    assert shipped.gpus["A100 80GB PCIe"] is shipped.by_name("80 GB")


def test_what_a_card_stands_for_is_said_with_its_figures(shipped: Presets) -> None:
    said = shipped.gpus["RTX 3090"].in_words()
    assert said == "RTX 3090: 2 images at once for SD 1.5, 1 for SDXL, bf16"


@pytest.mark.parametrize(
    ("written", "near"),
    [
        ("RTX 3080", "RTX 3090"),
        ("A30", "A40"),
        ("V100 32GB", "V100 16GB"),
        ("zzz", None),
        ("MI300X", None),
        ("H100 NVL", "H100 SXM"),
        ("B200", "H200 SXM"),
        ("RTX 4070", "RTX 4070 Ti SUPER"),
    ],
)
def test_near_names(shipped: Presets, written: str, near: str | None) -> None:
    found = shipped.nearest(written)
    assert near in found if near else found == []


@pytest.mark.parametrize(
    ("written", "driver_name", "gib", "meant"),
    [
        ("RTX 3090", "NVIDIA GeForce RTX 3090", 24, True),
        ("RTX 3080", "NVIDIA GeForce RTX 3080", 10, True),  # has no preset
        ("geforce rtx 3080", "NVIDIA GeForce RTX 3080", 10, True),
        ("RTX 3080", "NVIDIA GeForce RTX 3080 Ti", 12, False),
        ("24 GB", "NVIDIA GeForce RTX 4090", 24, True),
        ("24 GB", "NVIDIA New", 24, True),
        ("16 GB", "NVIDIA GeForce RTX 4090", 24, False),
        ("10 GB", "NVIDIA GeForce RTX 3080", 10, True),
        ("6 GB", "NVIDIA GeForce RTX 3080", 10, False),
        ("RTX 4090", "NVIDIA GeForce RTX 3090", 24, False),
    ],
)
def test_whether_a_card_that_is_here_is_meant(
    shipped: Presets, written: str, driver_name: str, gib: int, meant: bool
) -> None:
    assert shipped.means(written, gpu(driver_name, gib, (8, 6))) is meant


@pytest.mark.parametrize(
    ("written", "card", "called"),
    [
        ("RTX 4090", "RTX 4090", True),
        ("4090", "RTX 4090", True),
        ("24 GB", "RTX 4090", True),
        ("24 GB", "RTX 3090", True),
        ("16 GB", "RTX 4090", False),
        ("A100", "A100 80GB SXM", True),
        ("RTX 4080", "RTX 4080 SUPER", False),
        ("", "RTX 4090", False),
        ("None", "cpu", False),
    ],
)
def test_whether_a_section_was_written_for_a_card(
    shipped: Presets, written: str, card: str, called: bool
) -> None:
    assert shipped.gpus[card].is_called(written) is called


@pytest.mark.parametrize(
    ("driver_name", "gib", "capability", "name"),
    [
        ("NVIDIA GeForce RTX 4090", 24, (8, 9), "RTX 4090"),
        ("NVIDIA A100-SXM4-40GB", 40, (8, 0), "A100 40GB"),
        ("NVIDIA H100 80GB HBM3", 80, (9, 0), "H100 SXM"),
        ("Tesla T4", 16, (7, 5), "T4"),
    ],
)
def test_a_known_card_by_the_driver_s_name(
    shipped: Presets, driver_name: str, gib: int, capability: tuple[int, int], name: str
) -> None:
    assert shipped.for_gpu(gpu(driver_name, gib, capability)).name == name


@pytest.mark.parametrize(("gib", "memory_class"), BY_MEMORY)
def test_an_unknown_card_by_its_memory(shipped: Presets, gib: int, memory_class: int) -> None:
    assert shipped.for_gpu(gpu("NVIDIA New", gib)).memory_gb == memory_class


@pytest.mark.parametrize(
    ("driver_name", "gib", "memory_class"),
    [("NVIDIA GeForce RTX 4060 Ti", 8, 8), ("NVIDIA GeForce RTX 3060", 8, 8)],
)
def test_a_card_with_less_memory_than_its_namesake(
    shipped: Presets, driver_name: str, gib: int, memory_class: int
) -> None:
    assert shipped.for_gpu(gpu(driver_name, gib, (8, 6))).memory_gb == memory_class


def test_a_slice_of_a_card_gets_the_figures_of_its_own_memory(shipped: Presets) -> None:
    assert shipped.for_gpu(gpu("NVIDIA A100-SXM4-40GB MIG 3g.20gb", 20, (8, 0))).memory_gb == 20


def test_an_unknown_card_gets_the_careful_figures_of_its_class(shipped: Presets) -> None:
    preset = shipped.for_gpu(gpu("NVIDIA New", 24, (8, 6)))
    assert (preset.sd15.micro_batch, preset.sdxl.micro_batch) == (2, 1)


@pytest.mark.parametrize(("capability", "precision"), [((8, 6), "bf16"), ((7, 5), "fp16")])
def test_an_unknown_card_gets_a_precision_it_can_do(
    shipped: Presets, capability: tuple[int, int], precision: str
) -> None:
    assert shipped.for_gpu(gpu("NVIDIA New", 16, capability)).sd15.mixed_precision == precision


@pytest.mark.parametrize(
    ("written", "card"),
    [
        ("RTX 4080S", "RTX 4080 SUPER"), ("4080s", "RTX 4080 SUPER"), ("RTX 4080S 16GB", "RTX 4080 SUPER"),
        ("RTX 4070 TiS", "RTX 4070 Ti SUPER"), ("RTX 4080", "RTX 4080"), ("L40S", "L40S"),
        ("24576 MB", "RTX 3090"), ("24576MiB", "RTX 3090"), ("24564 MiB", "RTX 3090"), ("23028MiB", "RTX 3090"),
        ("15360 MiB", "V100 16GB"), ("46068MiB", "A40"), ("11264MiB", "8 GB card"), ("6144 MiB", None), ("24576", None),
    ],
)  # fmt: skip
def test_short_for_super_and_the_drivers_mebibytes(shipped: Presets, written: str, card: str | None) -> None:
    found = shipped.by_name(written)
    assert (found.name if found else None) == card
