"""Every file of presets/ against its types and ranges, with pydantic: at run time it would be half of `config check`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import toml
from pydantic import TypeAdapter, ValidationError

from kohya_wrap import resources
from kohya_wrap.config import presets
from kohya_wrap.config.presets import CardForFamily, GpuPreset, Recipe
from kohya_wrap.engine import catalogue
from kohya_wrap.engine.catalogue import Base

KINDS = {"gpus": GpuPreset, "recipes": Recipe, "bases": Base}
FILES = [path for folder in KINDS for path in sorted((resources.presets() / folder).glob("*.toml"))]


def read(kind: type, data: dict[str, Any]) -> Any:
    return TypeAdapter(kind).validate_python(data)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_each_value_is_of_its_type(path: Path) -> None:
    data = toml.load(path)
    if isinstance(data.get("vae"), str):  # of another base
        del data["vae"]
    read(KINDS[path.parent.name], data)


@pytest.mark.parametrize(
    "wrong", [{"mixed_precision": "fp8"}, {"attention": "flash"}, {"micro_batch": "two"}]
)
def test_a_wrong_value_would_be_seen(wrong: dict[str, Any]) -> None:
    read(CardForFamily, {"micro_batch": 1, "mixed_precision": "bf16"})
    with pytest.raises(ValidationError):
        read(CardForFamily, {"micro_batch": 1, "mixed_precision": "bf16"} | wrong)


@pytest.mark.parametrize("more", ["nonsense = 1\n{}", "{}\nnonsense = 1\n"])
def test_a_key_that_is_not_known_is_refused_when_it_is_read(tmp_path: Path, more: str) -> None:
    for folder in ("gpus", "recipes"):
        (tmp_path / folder).mkdir()
    text = (resources.presets() / "gpus" / "rtx-4090.toml").read_text(encoding="utf-8")
    (tmp_path / "gpus" / "x.toml").write_text(more.format(text), encoding="utf-8")
    with pytest.raises(TypeError, match="nonsense"):
        presets.load(tmp_path)


@pytest.mark.parametrize("preset", presets.load(resources.presets()).gpus.values(), ids=lambda p: p.name)
def test_a_card_s_figures_can_be(preset: GpuPreset) -> None:
    assert preset.memory_gb >= 0
    assert re.fullmatch(r"(\d+\.\d)?", preset.compute_capability)
    assert min(preset.sd15.micro_batch, preset.sdxl.micro_batch) >= 1


@pytest.mark.parametrize("recipe", presets.load(resources.presets()).recipes.values(), ids=lambda r: r.name)
def test_a_recipe_s_figures_can_be(recipe: Recipe) -> None:
    for learned in (recipe.sd15, recipe.sdxl):
        assert min(learned.batch, learned.steps) >= 1


@pytest.mark.parametrize("base", catalogue.load(resources.presets()).bases.values(), ids=lambda b: b.name)
def test_a_base_s_files_can_be(base: Base) -> None:
    assert base.default in base.files
    for file in (*base.files.values(), *filter(None, [base.vae])):
        assert file.bytes > 0
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
