"""An imported config trains what its source would have trained, on any card."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kohya_wrap import resources
from kohya_wrap.config import option_table, presets
from kohya_wrap.config.importing.completed import MAY_DIFFER
from kohya_wrap.config.limits import Machine
from kohya_wrap.domain.captions import CaptionStyle
from kohya_wrap.domain.config import Origin, TrainingConfig
from kohya_wrap.domain.family import FAMILIES, FamilyName
from kohya_wrap.domain.finding import Level
from kohya_wrap.domain.hardware import Cpu
from kohya_wrap.errors import ConfigError, UsageError
from kohya_wrap.places import Places
from kohya_wrap.workflow import effective, import_config
from kohya_wrap.workflow.base_model import Facts
from kohya_wrap.workflow.import_config import Imported, ImportRequest
from tests.fixtures import weight_files

CARDS = ("RTX 4090", "RTX 3060 12GB", "T4", "cpu")


@dataclass(frozen=True)
class Case:
    """A source, and what it would have run: options that are not the engine's defaults."""

    name: str
    text: str
    runs: dict[str, Any]
    family: FamilyName = FamilyName.SD15


GUI_2023 = {
    "LoRA_type": "Standard", "train_batch_size": 3, "learning_rate": "0.0001", "unet_lr": "0.0001", "text_encoder_lr": "5e-5",
    "network_dim": 32, "network_alpha": 16, "max_resolution": "512,650", "optimizer": "AdamW", "lr_scheduler": "constant",
    "lr_warmup": "0", "epoch": 4, "caption_extension": "", "seed": "1234", "clip_skip": 2, "keep_tokens": "0", "xformers": True,
    "mixed_precision": "no", "max_token_length": "75", "noise_offset": "", "enable_bucket": False,
}  # fmt: skip
GUI_SDXL = {
    "LoRA_type": "LyCORIS/LoHa", "LyCORIS_preset": "full", "sdxl": True, "train_batch_size": 4, "learning_rate": 4e-4,
    "unet_lr": 4e-4, "text_encoder_lr": 0, "network_dim": 8, "network_alpha": 4, "conv_dim": 4, "conv_alpha": 1,
    "max_resolution": "1024,1024", "enable_bucket": True, "min_bucket_reso": 256, "max_bucket_reso": 2048,
    "optimizer": "Adafactor", "optimizer_args": "scale_parameter=False relative_step=False", "lr_scheduler": "cosine",
    "lr_warmup": 10, "max_train_steps": 1600, "caption_extension": ".txt", "mixed_precision": "no", "keep_tokens": 1,
    "shuffle_caption": True, "min_snr_gamma": 5, "gradient_accumulation_steps": 2, "sdxl_no_half_vae": True,
}  # fmt: skip
CASES = (
    Case("GUI of 2023", json.dumps(GUI_2023), {
        "network_module": "networks.lora", "train_batch_size": 3, "learning_rate": 1e-4, "unet_lr": 1e-4,
        "text_encoder_lr": 5e-5, "network_dim": 32, "network_alpha": 16.0, "resolution": "512,650",
        "optimizer_type": "AdamW", "max_train_epochs": 4, "seed": 1234, "clip_skip": 2,
    }),
    Case("GUI, SDXL", json.dumps(GUI_SDXL), {
        "network_module": "lycoris.kohya", "train_batch_size": 4, "learning_rate": 4e-4, "unet_lr": 4e-4,
        "network_train_unet_only": True, "network_dim": 8, "network_alpha": 4.0, "resolution": "1024,1024",
        "network_args": ["preset=full", "conv_dim=4", "conv_alpha=1", "algo=loha"], "enable_bucket": True,
        "max_bucket_reso": 2048, "optimizer_type": "Adafactor", "lr_scheduler": "cosine", "lr_warmup_steps": 0.1,
        "optimizer_args": ["scale_parameter=False", "relative_step=False"], "max_train_steps": 1600,
        "caption_extension": ".txt", "keep_tokens": 1, "shuffle_caption": True, "min_snr_gamma": 5.0,
        "gradient_accumulation_steps": 2, "no_half_vae": True,
    }, FamilyName.SDXL),
    Case("TOML, the least", "[x]\nnetwork_dim = 8\nresolution = 512", {
        "network_module": "networks.lora", "network_dim": 8, "resolution": "512,512",
    }),
    Case("TOML", "[a]\nnetwork_module = 'networks.lora'\nbatch_size = 2\nlearning_rate = 1e-4\n[b]\nmax_train_epochs = 3\n"
         "network_args = ['conv_dim=4', 'conv_alpha=1']\nresolution = '768'\nmixed_precision = 'no'", {
        "network_module": "networks.lora", "train_batch_size": 2, "learning_rate": 1e-4, "max_train_epochs": 3,
        "network_args": ["conv_dim=4", "conv_alpha=1"], "resolution": "768",
    }),
    Case("script, SDXL", "accelerate launch sdxl_train_network.py --network_module=networks.lora --network_dim 4 "
         "--resolution 1024,1024 --network_train_unet_only --max_train_steps 10 --unet_lr 1e-4 --enable_bucket", {
        "network_module": "networks.lora", "network_dim": 4, "resolution": "1024,1024", "network_train_unet_only": True,
        "max_train_steps": 10, "unet_lr": 1e-4, "enable_bucket": True,
    }, FamilyName.SDXL),
)  # fmt: skip


@pytest.fixture
def bring(tmp_path: Path) -> Callable[..., Imported]:
    def through(text: str, *, replace: bool = False) -> Imported:
        source = tmp_path / "source"
        source.write_text(text, encoding="utf-8")
        request = ImportRequest(source, tmp_path / "training_config.toml", replace)
        return import_config.run(request, Places(tmp_path / "home"), {})

    return through


def settled(
    imported: Imported, card: str, facts: Facts, captions: CaptionStyle | None = None
) -> TrainingConfig:
    """As `run` would settle the written file on that card."""
    known = presets.load(resources.presets())
    machine = Machine(known.gpus[card], None, Cpu(2, does_bf16=True))
    asked = effective.read(imported.target, (), {})
    return effective.settled(asked, facts, machine, known, captions=captions).config


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("captions", [None, *CaptionStyle])
def test_every_option_that_is_learned_is_the_sources(
    bring: Callable[..., Imported], case: Case, card: str, captions: CaptionStyle | None
) -> None:
    imported = bring(case.text)
    config = settled(imported, card, Facts(case.family), captions)
    free = {name for names in MAY_DIFFER.values() for name in names} - case.runs.keys()
    if "max_train_epochs" in case.runs:
        free.add("max_train_steps")  # which has no effect then
    for name, option in option_table.for_script(FAMILIES[case.family].script).items():
        if name not in free:
            assert config.get(name, option.default) == case.runs.get(name, option.default), name


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_checks_clean(bring: Callable[..., Imported], case: Case) -> None:
    imported = bring(case.text)
    assert [finding for finding in imported.findings if finding.level is Level.ERROR] == []
    assert imported.family is case.family


@pytest.mark.parametrize("family", FamilyName)
@pytest.mark.parametrize("captions", [None, *CaptionStyle])
@pytest.mark.parametrize("v", [False, True])
def test_whatever_a_layer_fills_is_written_or_named(
    bring: Callable[..., Imported], family: FamilyName, captions: CaptionStyle | None, v: bool
) -> None:
    """A default that kohya-wrap gets in future shows here: it must not change what an import trains."""
    script = FAMILIES[family].script
    imported = bring(f"python {script} --network_dim 4 --mixed_precision fp16 --network_train_unet_only")
    named = {name for names in imported.may_differ.values() for name in names}
    for card in CARDS:
        config = settled(imported, card, Facts(family, v, v), captions)
        filled = {name for name, value in config.values.items() if Origin.ENGINE < value.origin < Origin.FILE}
        assert filled <= named


def test_a_v_prediction_base_is_trained_as_the_source_did_and_the_check_says_so(
    bring: Callable[..., Imported],
) -> None:
    imported = bring("network_dim = 4")
    config = settled(imported, "RTX 4090", Facts(FamilyName.SDXL, v_prediction=True, zero_terminal_snr=True))
    assert config.get("v_parameterization") is False
    assert config.get("zero_terminal_snr") is False


@pytest.mark.parametrize(
    ("line", "steps"), [("", 1600), ("max_train_steps = 50", 50), ("max_train_epochs = 3", None)]
)
def test_a_length_that_the_source_leaves_to_the_engine_is_not_solved_anew(
    bring: Callable[..., Imported], line: str, steps: int | None
) -> None:
    values = effective.read(bring(f"network_dim = 4\n{line}").target, (), {}).values
    assert values.get("max_train_steps") == steps


@pytest.mark.parametrize(
    ("text", "base"),
    [
        (json.dumps(GUI_2023), "sd15"),
        (json.dumps(GUI_SDXL), "sdxl"),
        (
            json.dumps(
                GUI_2023 | {"pretrained_model_name_or_path": "stabilityai/stable-diffusion-xl-base-1.0"}
            ),
            "sdxl",
        ),
        (json.dumps(GUI_2023 | {"pretrained_model_name_or_path": "/models/own.safetensors"}), ""),
    ],
)
def test_the_base(bring: Callable[..., Imported], text: str, base: str) -> None:
    wrapper = effective.read(bring(text).target, (), {}).user.wrapper
    assert wrapper.base == base
    assert wrapper.subject == "none"


def test_a_base_that_is_elsewhere_is_no_error(bring: Callable[..., Imported]) -> None:
    imported = bring(json.dumps(GUI_SDXL | {"pretrained_model_name_or_path": "D:\\models\\own.safetensors"}))
    assert "base-elsewhere" in [f.code for f in imported.findings if f.level is Level.WARNING]
    assert imported.family is FamilyName.SDXL


def test_a_base_of_another_family_than_the_source_is_said(
    bring: Callable[..., Imported], tmp_path: Path
) -> None:
    weight_files.write(tmp_path / "own.safetensors", weight_files.SD15)
    imported = bring(json.dumps(GUI_SDXL | {"pretrained_model_name_or_path": "./own.safetensors"}))
    assert "family" in [finding.code for finding in imported.findings]


def test_prompts_are_written_beside_it(bring: Callable[..., Imported], tmp_path: Path) -> None:
    imported = bring(json.dumps(GUI_2023 | {"sample_prompts": "a cat", "sample_every_n_epochs": 1}))
    assert (tmp_path / "sample_prompts.txt").read_text(encoding="utf-8") == "a cat\n"
    assert imported.files == (tmp_path / "training_config.toml", tmp_path / "sample_prompts.txt")
    assert "prompts-missing" not in [finding.code for finding in imported.findings]
    assert [finding for finding in imported.findings if finding.level is Level.ERROR] == []


@pytest.mark.parametrize("there", ["training_config.toml", "sample_prompts.txt"])
def test_what_is_there_is_kept_unless_it_shall_be_replaced(
    bring: Callable[..., Imported], tmp_path: Path, there: str
) -> None:
    (tmp_path / there).write_text("mine", encoding="utf-8")
    text = json.dumps(GUI_2023 | {"sample_prompts": "a cat"})
    with pytest.raises(UsageError, match=there):
        bring(text)
    assert (tmp_path / there).read_text(encoding="utf-8") == "mine"
    assert len([path for path in tmp_path.iterdir() if path.is_file()]) == 2  # the source and what was there
    bring(text, replace=True)
    assert (tmp_path / there).read_text(encoding="utf-8") != "mine"


def test_a_refused_source_writes_nothing(bring: Callable[..., Imported], tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        bring(json.dumps(GUI_2023 | {"flux1_checkbox": True}))
    assert not (tmp_path / "training_config.toml").exists()


@pytest.mark.parametrize(
    ("fields", "code", "said"),
    [
        ({"train_data_dir": "./img"}, "relative-paths", True),
        ({"train_data_dir": "/data/img"}, "relative-paths", False),
        ({"train_data_dir": "D:\\img"}, "relative-paths", False),
        ({"caption_extension": ""}, "caption-extension", True),
        ({"caption_extension": ".txt"}, "caption-extension", False),
        ({"epoch": 4}, "whole-epochs", True),
        ({"max_train_steps": 400}, "whole-epochs", False),
        ({"max_train_epochs": 4}, "whole-epochs", False),
    ],
)
def test_what_is_said(bring: Callable[..., Imported], fields: dict[str, Any], code: str, said: bool) -> None:
    assert (code in [f.code for f in bring(json.dumps(GUI_2023 | fields)).findings]) is said


IA3 = {"LoRA_type": "LyCORIS/iA3", "train_on_input": False}


def test_a_network_that_the_engine_refuses_is_not_written(
    bring: Callable[..., Imported], tmp_path: Path
) -> None:
    imported = bring(json.dumps(GUI_2023 | IA3 | {"sample_prompts": "a cat"}))
    assert imported.files == ()
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["source"]
    with pytest.raises(ConfigError, match=r"source trains a LoRA that the engine cannot: .*'ia3'") as refused:
        import_config.refuse_untrainable(imported)
    assert "nothing was written" in refused.value.why


def test_where_one_line_has_to_be_changed_the_rest_is_written(
    bring: Callable[..., Imported], tmp_path: Path
) -> None:
    imported = bring(json.dumps(GUI_2023 | {"optimizer": "DAdaptAdam"}))
    assert imported.files == (tmp_path / "training_config.toml",)
    import_config.refuse_untrainable(imported)
    line = next(f.where for f in imported.findings if f.code == "unknown-optimizer")
    assert line.startswith("training_config.toml:")


@pytest.mark.parametrize(
    ("base", "reason", "named"),
    [
        ("base_model_is_sd15", "", False),
        ("base_model_is_sdxl", "SDXL's VAE in fp16 gives NaN, so it is kept in full precision", True),
        ("nowhere", "if the base is SDXL", True),
    ],
)
def test_what_only_sdxl_has_is_left_open_for_sdxl_alone(
    bring: Callable[..., Imported], tmp_path: Path, base: str, reason: str, named: bool
) -> None:
    if base != "nowhere":
        keys = weight_files.SD15 if base.endswith("sd15") else weight_files.SDXL
        weight_files.write(tmp_path / f"{base}.safetensors", keys)
    imported = bring(f"network_dim = 4\npretrained_model_name_or_path = './{base}.safetensors'")
    told = {why for why, names in imported.may_differ.items() if "no_half_vae" in names}
    assert told == ({reason} if named else set())


def test_buckets_of_32_are_kept_where_the_base_decides_the_family(bring: Callable[..., Imported]) -> None:
    source = bring(
        "network_dim = 4\nenable_bucket = true\nbucket_reso_steps = 32\nresolution = '1024'"
    ).source
    assert source.options["bucket_reso_steps"] == 32


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("python train_network.py --network_dim 4 --train_batch_size $bs", "train_batch_size"),
        ("python train_network.py --network_dim 4 --max_train_epochs $n", "max_train_steps"),
        ("python train_network.py --network_dim 4 --network_module $m", "network_module"),
        (
            "if x; then a+=(--mixed_precision fp16); fi\npython train_network.py --network_dim 4 ${a[@]}",
            "mixed_precision",
        ),
        ("network_dim = 4\ncaption_extension = 5.5\ntrain_batch_size = 'two'", "train_batch_size"),
        (json.dumps(GUI_2023 | {"train_batch_size": "two"}), "train_batch_size"),
        (json.dumps(GUI_2023 | {"epoch": [1]}), "max_train_steps"),
    ],
)
def test_no_default_is_written_for_what_the_source_set_to_something_unknown(
    bring: Callable[..., Imported], text: str, option: str
) -> None:
    imported = bring(text)
    assert option not in imported.written
    (named,) = [names for why, names in imported.may_differ.items() if why.startswith("set there")]
    assert option in named or "max_train_epochs" in named
