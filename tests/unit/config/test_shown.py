"""An effective config as lines and as data."""

from __future__ import annotations

import toml

from kohya_wrap.config.option_table import for_script
from kohya_wrap.config.sections import SECTIONS, section_of
from kohya_wrap.config.shown import effective_values, lines, origin_in_words
from kohya_wrap.domain.config import Layer, Origin, Value, settle

TABLE = for_script("train_network.py")
CONFIG = settle([
    Layer(Origin.FILE, {"seed": 7, "network_alpha": 1, "vae": "a.safetensors", "resolution": "512"}, "c.toml"),
    Layer(Origin.FILE, {"wandb_api_key": "s3cret"}, "c.toml"),
])  # fmt: skip


def test_all_that_has_a_value_with_the_engine_s_defaults() -> None:
    values = effective_values(CONFIG, TABLE)
    assert values["seed"] == Value(7, Origin.FILE, "c.toml")
    assert values["max_grad_norm"] == Value(1.0, Origin.ENGINE)
    assert "unet_lr" not in values  # has neither


def test_values_are_shown_as_the_engine_gets_them_and_wrong_ones_as_they_are() -> None:
    right = settle([Layer(Origin.FILE, {"text_encoder_lr": 1, "network_alpha": 2})])
    shown = effective_values(right, TABLE)
    assert (shown["text_encoder_lr"].value, shown["network_alpha"].value) == ([1.0], 2.0)
    wrong = settle([Layer(Origin.FILE, {"text_encoder_lr": ["a"], "nonsense": 1})])
    assert effective_values(wrong, TABLE)["text_encoder_lr"].value == ["a"]


def test_only_what_differs() -> None:
    assert list(effective_values(CONFIG, TABLE, only_differing=True)) == [
        "resolution", "seed", "vae", "wandb_api_key",
    ]  # fmt: skip


def test_lines_are_toml_in_the_guide_s_sections() -> None:
    values = effective_values(CONFIG, TABLE)
    for with_origin in (False, True):
        text = "\n".join(lines(values, with_origin=with_origin))
        assert toml.loads(text) == {
            section: {name: v.value for name, v in values.items() if section_of(name) == section}
            for section in SECTIONS
        }
        assert "s3cret" not in text


def test_every_option_has_a_section() -> None:
    assert {section_of(name) for name in TABLE} == set(SECTIONS)


def test_each_origin_has_words_of_its_own() -> None:
    said = {origin_in_words(Value(1, origin)) for origin in Origin}
    assert len(said) == len(Origin)
    assert origin_in_words(Value(1, Origin.FILE, "c.toml:3")) == "c.toml:3"
    assert origin_in_words(Value(1, Origin.GPU, "T4")) == "gpu: T4"
