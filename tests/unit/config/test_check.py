"""What a wrong config is told, before anything starts."""

from __future__ import annotations

from typing import Any

import pytest

from kohya_wrap.config.check import check, check_plan
from kohya_wrap.config.option_table import for_script
from kohya_wrap.domain.config import Layer, Origin, TrainingConfig, settle
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.domain.steps import plan

BASE: dict[str, Any] = {"resolution": "512,512", "enable_bucket": True, "lr_scheduler": "cosine"}


def config(**file: Any) -> TrainingConfig:
    lines = {name: f"c.toml:{number}" for number, name in enumerate(file, start=1)}
    return settle([Layer(Origin.WRAPPER, BASE, "defaults"), Layer(Origin.FILE, file, "c.toml", lines)])


def findings(script: str = "train_network.py", **file: Any) -> tuple[Finding, ...]:
    lines = {name: f"c.toml:{number}" for number, name in enumerate(file, start=1)}
    return check(config(**file), for_script(script), script, lines)


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ({"network_dims": 4}, "unknown-option"),
        ({"config_file": "x.toml"}, "not-in-a-config"),
        ({"output_config": True}, "not-in-a-config"),
        ({"network_dim": "4"}, "wrong-value"),
        ({"save_every_n_epochs": "1"}, "wrong-value"),
        ({"mixed_precision": "banana"}, "wrong-value"),
        ({"lr_warmup_steps": "10%"}, "wrong-value"),
        ({"cache_text_encoder_outputs": True}, "unknown-option"),  # of the other script
        ({"train_batch_size": 0}, "below-one"),
        ({"gradient_accumulation_steps": 0}, "below-one"),
        ({"max_train_epochs": -1}, "below-one"),
        ({"bucket_reso_steps": 0}, "below-one"),
        ({"dataset_config": "x.toml"}, "dataset-config"),
        ({"in_json": "x.json"}, "dataset-config"),
        ({"output_name": "a/b"}, "output-name"),
        ({"output_name": "a\\b"}, "output-name"),
        ({"resolution": "512x512"}, "resolution"),
        ({"resolution": "512,512,512"}, "resolution"),
        ({"bucket_reso_steps": 32}, "bucket-steps"),
        ({"resolution": "128"}, "bucket-range"),
        ({"resolution": "512,1088"}, "bucket-range"),
        ({"min_bucket_reso": 576}, "bucket-range"),
        ({"min_bucket_reso": 63}, "bucket-range"),  # rounded down to 0, which the engine divides by
        ({"resolution": "128", "bucket_no_upscale": True}, "bucket-range"),
        ({"lr_scheduler": "constant", "lr_warmup_steps": 10}, "warmup-constant"),
    ],
)
def test_an_error_at_its_line(file: dict[str, Any], code: str) -> None:
    (found,) = findings(**file)
    assert (found.level, found.code) == (Level.ERROR, code)
    assert found.where in {f"c.toml:{number}" for number in range(1, len(file) + 1)} | {""}
    assert found.hint


@pytest.mark.parametrize(
    "file",
    [
        {},
        {"resolution": "512"},
        {"min_bucket_reso": 570},  # rounded down to 512
        {"resolution": "512,1088", "max_bucket_reso": 1030},  # rounded up to 1088
        {"resolution": "128", "enable_bucket": False},
        {"resolution": "1024", "max_bucket_reso": 2048},
        {"lr_scheduler": "constant"},
        {"lr_scheduler": "constant", "lr_warmup_steps": 0},
        {"lr_scheduler": "constant_with_warmup", "lr_warmup_steps": 10},
        {"max_train_steps": 100},
    ],
)
def test_nothing_to_say(file: dict[str, Any]) -> None:
    assert findings(**file) == ()


def test_sdxl_takes_steps_of_32_and_its_own_options() -> None:
    assert findings("sdxl_train_network.py", bucket_reso_steps=32, cache_text_encoder_outputs=True) == ()


def test_a_typo_is_told_what_was_meant() -> None:
    (found,) = findings(network_dims=4)
    assert (found.hint, found.where) == ("Write `network_dim`.", "c.toml:1")
    assert "train_network.py" in found.message


def test_all_is_said_at_once() -> None:
    found = findings(nonsense=1, network_dim="4", output_name="a/b", resolution="wide")
    assert [f.code for f in found] == ["unknown-option", "wrong-value", "output-name", "resolution"]


@pytest.mark.parametrize(("origin", "told"), [(Origin.FILE, True), (Origin.RECIPE, False)])
def test_steps_of_the_user_s_that_epochs_override_are_a_warning(origin: Origin, told: bool) -> None:
    both = config(max_train_epochs=2).with_layer(Layer(origin, {"max_train_steps": 100}))
    found = check(both, for_script("train_network.py"), "train_network.py", {})
    assert [(f.level, f.code) for f in found] == ([(Level.WARNING, "steps-dropped")] if told else [])


def test_where_a_value_is_not_from_the_file_names_what_set_it() -> None:
    wrong = config(seed=1).with_layer(Layer(Origin.ENVIRONMENT, {"seed": "x"}, "KOHYA_WRAP_SET_*"))
    (found,) = check(wrong, for_script("train_network.py"), "train_network.py", {"seed": "c.toml:1"})
    assert found.where == "KOHYA_WRAP_SET_*"


@pytest.mark.parametrize("hint_of", [{"resolution": "128"}, {"resolution": "2048"}, {"min_bucket_reso": 10}])
def test_the_hint_for_buckets_mends_it(hint_of: dict[str, Any]) -> None:
    (found,) = findings(**hint_of)
    mended = dict(pair.split(" = ") for pair in found.hint.removeprefix("Write ").rstrip(".").split(", "))
    assert findings(**hint_of | {name: int(value) for name, value in mended.items()}) == ()


@pytest.mark.parametrize(
    ("warmup", "told"), [(100, True), (49, False), (50, True), (0.05, False), (2.0, True), (0, False)]
)
def test_a_warm_up_as_long_as_the_run_is_a_warning(warmup: float, told: bool) -> None:
    found = check_plan(config(lr_warmup_steps=warmup), plan([50], batch=1, epochs=1), {})
    assert [(f.level, f.code) for f in found] == ([(Level.WARNING, "warmup-longer-than-run")] if told else [])


def test_no_warm_up_to_say_anything_about() -> None:
    assert check_plan(config(), plan([50], batch=1, epochs=1), {}) == ()
