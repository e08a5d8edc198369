"""The config for people, and the one for the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import toml
import tomlkit

from kohya_wrap import resources
from kohya_wrap.config.generate import NewProject, sections
from kohya_wrap.config.option_table import for_script
from kohya_wrap.config.presets import Presets
from kohya_wrap.config.render import for_engine, for_people, secrets
from kohya_wrap.domain.config import Layer, Origin, settle
from kohya_wrap.domain.family import FAMILIES, FamilyName

TABLE = for_script("train_network.py")
OWN = {"gpu": {"preset"}, "kohya_wrap": {"base", "engine", "subject", "trigger", "target_steps"}}


def project(shipped: Presets, family: FamilyName, card: str, **changes: Any) -> NewProject:
    values: dict[str, Any] = {
        "name": 'my "lora"',
        "base": family.value,
        "base_path": "./models/base.safetensors",
        "vae": "./models/vae.safetensors" if family is FamilyName.SDXL else None,
        "v_prediction": False,
        "zero_terminal_snr": False,
        "family": FAMILIES[family],
        "recipe": shipped.recipe_for("").for_family(family),
        "preset": shipped.gpus[card],
        "engine": "real",
        "trigger": "ミク\\n\t#",
        "target_steps": 1500,
        "epochs": 12,
    }
    return NewProject(**values | changes)


def text_of(values: dict[str, dict[str, Any]]) -> str:
    return for_people(
        resources.templates(), values, title="T", family="F", epochs_note="Note.", checkpoints=6
    )


PROJECTS = [
    (FamilyName.SD15, "RTX 4090", {}),
    (FamilyName.SD15, "cpu", {"epochs": None}),
    (FamilyName.SDXL, "RTX 3090", {}),
    (FamilyName.SDXL, "T4", {"v_prediction": True, "zero_terminal_snr": True, "vae": None}),
]


@pytest.mark.parametrize(("family", "card", "changes"), PROJECTS)
def test_the_template_shows_exactly_the_values(
    shipped: Presets, family: FamilyName, card: str, changes: dict[str, Any]
) -> None:
    values = sections(project(shipped, family, card, **changes))
    assert tomlkit.parse(text_of(values)).unwrap() == values


@pytest.mark.parametrize(("family", "card", "changes"), PROJECTS)
def test_every_name_it_writes_is_the_engine_s_and_its_value_taken(
    shipped: Presets, family: FamilyName, card: str, changes: dict[str, Any]
) -> None:
    table = for_script(FAMILIES[family].script)
    for section, values in sections(project(shipped, family, card, **changes)).items():
        for name, value in values.items():
            if name not in OWN.get(section, set()):
                assert table[name].refuses(value) == "", name


def test_every_line_the_template_can_write_is_an_option_of_the_engine() -> None:
    """Also the lines no project above has, and the ones that are commented out."""
    template = (resources.templates() / "training_config.toml.j2").read_text(encoding="utf-8")
    known = set(for_script("sdxl_train_network.py")) | OWN["gpu"] | OWN["kohya_wrap"] | {"price_per_hour"}
    lines = [line.removeprefix("# ") for line in template.splitlines()]
    names = {line.split(" = ")[0] for line in lines if " = " in line and " " not in line.split(" = ")[0]}
    assert len(names) > 30 and names <= known


@pytest.mark.parametrize("section", ["model", "dataset", "training", "gpu", "kohya_wrap"])
def test_a_value_the_template_has_no_line_for_is_a_bug_that_shows(shipped: Presets, section: str) -> None:
    values = sections(project(shipped, FamilyName.SD15, "RTX 4090"))
    values[section]["clip_skip"] = 2
    with pytest.raises(AssertionError):
        text_of(values)


def rendered(path: Path, values: dict[str, Any]) -> dict[str, Any]:
    for_engine(path / "engine_config.toml", settle([Layer(Origin.FILE, values)]), TABLE)
    return toml.load(path / "engine_config.toml")


def test_secrets_go_by_the_environment_and_into_no_file(tmp_path: Path) -> None:
    values = {"wandb_api_key": "0123abcd", "huggingface_token": "hf_0123abcd", "network_dim": 4}
    assert rendered(tmp_path, values) == {"network_dim": 4}
    given = settle([Layer(Origin.FILE, values)])
    assert secrets(given) == {"WANDB_API_KEY": "0123abcd", "HF_TOKEN": "hf_0123abcd"}
    assert secrets(settle([Layer(Origin.FILE, {"network_dim": 4})])) == {}


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("learning_rate", 1, 1.0),
        ("learning_rate", 1e-4, 1e-4),
        ("text_encoder_lr", 0, [0.0]),  # the parser knows it as a list only
        ("text_encoder_lr", [5e-5, 0], [5e-5, 0.0]),
        ("lr_warmup_steps", 100, 100),  # a float would mean 10,000 %
        ("lr_warmup_steps", 0.05, 0.05),
        ("network_dim", 4, 4),
        ("enable_bucket", True, True),
        ("network_args", ["conv_dim=4"], ["conv_dim=4"]),
        ("output_name", 'é "x" \\ #', 'é "x" \\ #'),
    ],
)
def test_the_engine_reads_each_value_in_its_own_type(
    tmp_path: Path, name: str, value: Any, written: Any
) -> None:
    got = rendered(tmp_path, {name: value})[name]
    assert (got, type(got)) == (written, type(written))
    if isinstance(written, list):
        assert list(map(type, got)) == list(map(type, written))


def test_the_engine_gets_nothing_but_its_own_options(tmp_path: Path) -> None:
    assert rendered(tmp_path, {"seed": 1, "batch_size": 2, "vae": None}) == {"seed": 1}
