"""What a config means on a machine that has nothing: no dataset, base, card or engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kohya_wrap.domain.config import Origin
from kohya_wrap.domain.family import FamilyName
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.domain.hardware import Gpu
from kohya_wrap.errors import ConfigError, UsageError
from kohya_wrap.places import Places
from kohya_wrap.workflow import effective
from kohya_wrap.workflow.effective import ConfigRequest, Effective
from tests.fixtures import weight_files
from tests.unit.workflow.conftest import RTX_3090, Prepared

Of = Callable[..., Effective]
BASE = '[kohya_wrap]\nbase = "sd15"\n'


@pytest.fixture
def of(tmp_path: Path, places: Places, cards: list[Gpu]) -> Of:
    """of('seed = 1', gpu="T4"): what a config with that text means."""

    def run(text: str, *, gpu: str = "auto", words: tuple[str, ...] = ()) -> Effective:
        config = tmp_path / "training_config.toml"
        config.write_text(text, encoding="utf-8")
        return effective.of(ConfigRequest(config, gpu, words), places, {})

    return run


def codes(found: Effective | tuple[Finding, ...]) -> list[str]:
    findings = found.findings if isinstance(found, Effective) else found
    return [finding.code for finding in findings]


@pytest.mark.parametrize(
    ("text", "family", "said"),
    [
        ('[kohya_wrap]\nbase = "sdxl"\n', FamilyName.SDXL, []),
        ('[kohya_wrap]\nbase = "sd15"\n', FamilyName.SD15, []),
        ('pretrained_model_name_or_path = "./v1-5-pruned.safetensors"', FamilyName.SD15, ["base-fetched"]),
        ('pretrained_model_name_or_path = "x/sd_xl_base_1.0.safetensors"', FamilyName.SDXL, ["base-fetched"]),
        ('pretrained_model_name_or_path = "hf:a/b/someXL.safetensors"', FamilyName.SDXL, ["family-assumed"]),
        ('pretrained_model_name_or_path = "civitai:7"', FamilyName.SD15, ["family-assumed"]),
        ('pretrained_model_name_or_path = "nowhere.safetensors"', FamilyName.SD15, ["base-missing"]),
        ('pretrained_model_name_or_path = "hf:a"', FamilyName.SD15, ["base"]),
        (
            'pretrained_model_name_or_path = "./v1-5-pruned.safetensors"\n[kohya_wrap]\nbase = "sd16"\n',
            FamilyName.SD15,
            ["base"],
        ),
        ('pretrained_model_name_or_path = "http://x/v1-5-pruned.safetensors"', FamilyName.SD15, ["address"]),
        ("seed = 1", FamilyName.SD15, ["no-base"]),
        ('[kohya_wrap]\nbase = "./someXL.safetensors"\n', FamilyName.SDXL, ["base-missing"]),
        ('[kohya_wrap]\nengine = "rehearsal"\n', FamilyName.SD15, []),
        ("pretrained_model_name_or_path = 3", FamilyName.SD15, ["wrong-value"]),
    ],
)
def test_the_family_without_the_base(of: Of, text: str, family: FamilyName, said: list[str]) -> None:
    found = of(text, gpu="RTX 4090")
    assert found.family.name is family
    assert [code for code in codes(found) if code not in ("filled", "images")] == said


def test_the_family_from_the_file_s_header(of: Of, tmp_path: Path) -> None:
    weight_files.write(tmp_path / "mine.safetensors", weight_files.SDXL)
    found = of('pretrained_model_name_or_path = "mine.safetensors"', gpu="RTX 4090")
    assert found.family.name is FamilyName.SDXL


@pytest.mark.parametrize(
    ("base", "family"),
    [("sdxl", FamilyName.SDXL), ("illustrious", FamilyName.SDXL), ("sd15", FamilyName.SD15)],
)
def test_a_base_of_the_catalogue_decides_where_the_file_is_broken(
    of: Of, tmp_path: Path, base: str, family: FamilyName
) -> None:
    (tmp_path / "mine.safetensors").write_bytes(b"no header")
    text = f'pretrained_model_name_or_path = "mine.safetensors"\n[kohya_wrap]\nbase = "{base}"\n'
    assert of(text, gpu="RTX 4090").family.name is family


@pytest.mark.parametrize(
    ("tensors", "metadata", "told"),
    [
        (weight_files.SDXL, {"modelspec.prediction_type": "epsilon"}, [Level.WARNING]),
        (weight_files.SDXL, {}, []),
        (weight_files.SDXL_VPRED, {}, []),
    ],
)
def test_v_prediction_on_a_base_that_says_otherwise(
    of: Of, tmp_path: Path, tensors: dict[str, tuple[int, ...]], metadata: dict[str, str], told: list[Level]
) -> None:
    weight_files.write(tmp_path / "mine.safetensors", tensors, metadata=metadata)
    found = of(
        'pretrained_model_name_or_path = "mine.safetensors"\nv_parameterization = true', gpu="RTX 4090"
    )
    assert [f.level for f in found.findings if f.code == "prediction"] == told


@pytest.mark.parametrize(
    ("base", "value", "told"),
    [
        ("noobai", "true", [Level.ERROR]),
        ("noobai", "false", []),
        ("noobai-vpred", "true", []),
        ("noobai-vpred", "false", [Level.ERROR]),
    ],
)
def test_v_prediction_against_the_catalogue_is_one_error_at_its_line(
    of: Of, base: str, value: str, told: list[Level]
) -> None:
    found = of(f'v_parameterization = {value}\n[kohya_wrap]\nbase = "{base}"\n', gpu="RTX 4090").findings
    said = [(f.level, f.code, f.where) for f in found if f.level is not Level.NOTE]
    assert said == [(level, "prediction", "training_config.toml:1") for level in told]


def test_a_pickle_is_told_of_and_not_run(of: Of, tmp_path: Path) -> None:
    weight_files.write_ckpt(tmp_path / "model.ckpt", weight_files.SD15)
    found = of('pretrained_model_name_or_path = "model.ckpt"', gpu="RTX 4090")
    assert [(f.level, f.where) for f in found.findings if f.code == "pickle-base"] == [
        (Level.WARNING, "training_config.toml:1")
    ]
    assert not (tmp_path / "pickle-was-run").exists()


def test_a_file_that_is_no_base_is_an_error_at_its_line(of: Of, tmp_path: Path) -> None:
    (tmp_path / "mine.safetensors").write_bytes(b"nothing")
    found = of('seed = 1\npretrained_model_name_or_path = "mine.safetensors"', gpu="RTX 4090")
    (error,) = [finding for finding in found.findings if finding.level is Level.ERROR]
    assert (error.code, error.where) == ("base", "training_config.toml:2")


@pytest.mark.parametrize(
    ("text", "asked", "here", "card", "said"),
    [
        ("", "auto", False, "RTX 4090", "card-assumed"),
        ('[gpu]\npreset = "T4"\n', "auto", False, "T4", "card-assumed"),
        ('[gpu]\npreset = "T5"\n', "auto", False, "RTX 4090", "unknown-preset"),
        ("[gpu]\npreset = 4\n", "auto", False, "RTX 4090", "unknown-preset"),
        ('[gpu]\npreset = "T4"\n', "auto", True, "RTX 3090", None),
        ('[gpu]\npreset = "T4"\n', "4080", True, "RTX 4080", None),
        ("", "cpu", False, "cpu", None),
    ],
)
def test_the_card(
    of: Of, cards: list[Gpu], text: str, asked: str, here: bool, card: str, said: str | None
) -> None:
    cards += [RTX_3090] if here else []
    found = of(BASE + text, gpu=asked)
    assert found.machine.preset.name == card
    assert [code for code in codes(found) if "card" in code or "preset" in code] == ([said] if said else [])


def test_no_preset_of_that_name(of: Of) -> None:
    with pytest.raises(UsageError):
        of(BASE, gpu="RTX 9999")


def test_a_word_of_the_command_line_is_the_strongest(of: Of) -> None:
    found = of("seed = 1\n" + BASE, words=("seed=2",))
    assert (found.config.get("seed"), found.config.origin("seed")) == (2, Origin.COMMAND_LINE)


def test_what_weighs_most_stands_last(of: Of) -> None:
    found = of('seed = "1"\nbatch_size = 2\nsave_model_as = "ckpt"\nclip_skip = "2"\n' + BASE)
    assert [(finding.level, finding.where[-2:]) for finding in found.findings if ":" in finding.where] == [
        (Level.NOTE, ":2"),
        (Level.WARNING, ":3"),
        (Level.ERROR, ":1"),
        (Level.ERROR, ":4"),
    ]


def test_before_the_base_is_known_only_what_is_wrong_with_every_family_counts(prepared: Prepared) -> None:
    unknown = 'pretrained_model_name_or_path = "civitai:7"\n'
    with pytest.raises(ConfigError) as error:
        prepared(unknown + 'seed = "1"\n', gpu="cpu")
    assert "wrong-value" in codes(error.value.findings)
    assert prepared(
        unknown + "cache_text_encoder_outputs = true\nnetwork_train_unet_only = true\n", gpu="cpu"
    )


@pytest.mark.parametrize("name", ["train_data_dir", "caption_extension", "pretrained_model_name_or_path"])
def test_a_wrong_type_where_files_are_looked_for_is_one_finding_of_all(prepared: Prepared, name: str) -> None:
    with pytest.raises(ConfigError) as error:
        prepared(f'{name} = 3\nseed = "1"\n' + BASE, gpu="cpu")
    assert codes(error.value.findings).count("wrong-value") == 2


def test_what_is_wrong_with_the_config_comes_before_what_is_wrong_with_the_images(prepared: Prepared) -> None:
    with pytest.raises(ConfigError):
        prepared('train_data_dir = "nowhere"\nseed = "1"\n' + BASE, gpu="cpu")


def test_run_trains_with_what_the_command_line_says(prepared: Prepared) -> None:
    job = prepared(BASE, gpu="cpu", words=("max_train_epochs=3", "seed=5"))
    assert (job.plan.epochs, job.config.get("seed")) == (3, 5)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ('name = "x"\nversion = "1"\n', True),
        ("nonsense = 1\n", False),
        ("nonsense = 1\nnetwork_dimm = 2\n", False),
        ("a = 1\nb = 2\n" + BASE, False),
    ],
)
def test_a_file_of_another_program(of: Of, text: str, other: bool) -> None:
    try:
        assert "unknown-option" in codes(of(text))
    except ConfigError as error:
        assert other and error.message.endswith("is no training config.")
    else:
        assert not other
