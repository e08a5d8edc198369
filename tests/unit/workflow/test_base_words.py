"""Bases that are named otherwise than by a file that is here."""

from __future__ import annotations

from pathlib import Path

import pytest

from kohya_wrap.domain.family import FamilyName
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.domain.hardware import Gpu
from kohya_wrap.errors import EngineError
from kohya_wrap.places import Places
from kohya_wrap.workflow import effective
from kohya_wrap.workflow.effective import ConfigRequest, Effective
from tests.fixtures import weight_files
from tests.unit.workflow.conftest import Prepared


def seen(folder: Path, places: Places, path: str, base: str = "") -> Effective:
    config = folder / "training_config.toml"
    section = f'\n[kohya_wrap]\nbase = "{base}"\n' if base else ""
    config.write_text(f"pretrained_model_name_or_path = '{path}'{section}", encoding="utf-8")
    return effective.of(ConfigRequest(config, "RTX 4090"), places, {})


def of_base(found: Effective) -> list[Finding]:
    return [f for f in found.findings if f.code not in ("filled", "images")]


@pytest.mark.parametrize(
    ("path", "family", "hint"),
    [
        ("runwayml/stable-diffusion-v1-5", FamilyName.SD15, 'base = "sd15"'),
        ("stabilityai/stable-diffusion-xl-base-1.0", FamilyName.SDXL, 'base = "sdxl"'),
        ("someone/myXL", FamilyName.SDXL, '"hf:someone/myXL/FILE.safetensors"'),
        ("C:\\models\\mine.safetensors", FamilyName.SD15, '"./models/mine.safetensors"'),
    ],
)
def test_what_to_write_instead(
    tmp_path: Path,
    places: Places,
    cards: list[Gpu],
    prepared: Prepared,
    path: str,
    family: FamilyName,
    hint: str,
) -> None:
    found = seen(tmp_path, places, path)
    (said,) = of_base(found)
    assert (found.family.name, said.code, said.where) == (family, "base-missing", "training_config.toml:1")
    assert hint in said.hint
    with pytest.raises(EngineError) as refused:
        prepared(f"pretrained_model_name_or_path = '{path}'", gpu="cpu")
    assert hint in (refused.value.hint or "")


@pytest.mark.parametrize("path", ["models/mine.safetensors", "models/mine", "/elsewhere/a/b"])
def test_a_path_that_is_only_missing(tmp_path: Path, places: Places, cards: list[Gpu], path: str) -> None:
    (tmp_path / "models").mkdir()
    (said,) = of_base(seen(tmp_path, places, path))
    assert said.hint.startswith("Put it there: ")


def test_a_file_of_the_catalogue_is_known_by_its_name_on_windows_too(
    tmp_path: Path, places: Places, cards: list[Gpu]
) -> None:
    (said,) = of_base(seen(tmp_path, places, "C:\\models\\sd_xl_base_1.0.safetensors"))
    assert said.code == "base-fetched"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("models/FLUX.1-dev.safetensors", "Flux"),
        ("black-forest-labs/FLUX.1-dev", "Flux"),
        ("hf:black-forest-labs/FLUX.1-dev/flux1-dev.safetensors", "Flux"),
        ("models/sd3_medium.safetensors", "Stable Diffusion 3"),
        ("stabilityai/stable-diffusion-2-1", "Stable Diffusion 2"),
    ],
)
def test_a_model_of_another_kind_is_not_taken_for_sd15_in_silence(
    tmp_path: Path, places: Places, cards: list[Gpu], path: str, kind: str
) -> None:
    found = of_base(seen(tmp_path, places, path))
    (said,) = [f for f in found if f.code != "family-assumed"]
    assert (said.level, said.code) == (Level.WARNING, "other-kind")
    assert f"a model of {kind}:" in said.message


@pytest.mark.parametrize(
    "path",
    ["models/fluffyMix_v3.safetensors", "hf:a/b/dreamshaper_8.safetensors", "chromaticXL-v2-1", "m/fluxXL"],
)
def test_a_name_that_says_nothing_of_the_kind(
    tmp_path: Path, places: Places, cards: list[Gpu], path: str
) -> None:
    assert "other-kind" not in [f.code for f in seen(tmp_path, places, path).findings]


def test_and_run_says_so_too(tmp_path: Path, prepared: Prepared) -> None:
    weight_files.write(tmp_path / "mine.safetensors", weight_files.SDXL)
    text = f'pretrained_model_name_or_path = "{tmp_path}/mine.safetensors"\n[kohya_wrap]\nbase = "sd15"\n'
    assert "base-denied" in [f.code for f in prepared(text, gpu="cpu").findings]


@pytest.mark.parametrize(
    ("base", "told"), [("sd15", True), ("sd15:full", True), ("sdxl", False), ("noobai", False)]
)
def test_the_file_wins_over_the_base_of_the_project(
    tmp_path: Path, places: Places, cards: list[Gpu], base: str, told: bool
) -> None:
    weight_files.write(tmp_path / "mine.safetensors", weight_files.SDXL)
    for path in ("mine.safetensors", "elsewhere/sd_xl_base_1.0.safetensors"):
        found = seen(tmp_path, places, path, base)
        assert found.family.name is FamilyName.SDXL
        assert [f.where for f in found.findings if f.code == "base-denied"] == [
            "training_config.toml:3"
        ] * told


def test_run_refuses_it_by_its_name_where_it_is_not_here(prepared: Prepared) -> None:
    with pytest.raises(EngineError, match="a model of Flux"):
        prepared('pretrained_model_name_or_path = "black-forest-labs/FLUX.1-dev"', gpu="cpu")
