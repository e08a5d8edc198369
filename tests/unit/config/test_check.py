"""What a wrong config is told, before anything starts."""

from __future__ import annotations

import math
from typing import Any

import pytest

from kohya_wrap.config.check import check, check_plan, check_value
from kohya_wrap.config.option_table import for_script
from kohya_wrap.domain.config import Layer, Origin, TrainingConfig, settle
from kohya_wrap.domain.finding import Finding, Level
from kohya_wrap.domain.steps import plan
from tests.unit.config.check.hints import followed

BASE: dict[str, Any] = {"enable_bucket": True, "lr_scheduler": "cosine", "sdpa": True}
GIVEN: dict[str, Any] = {
    "resolution": "512,512", "network_module": "networks.lora", "caption_extension": ".txt", "output_dir": "/out",
}  # fmt: skip


def config(**file: Any) -> TrainingConfig:
    lines = {name: f"c.toml:{number}" for number, name in enumerate(file, start=1)}
    written = Layer(Origin.FILE, GIVEN | file, "c.toml", lines)
    return settle([Layer(Origin.WRAPPER, BASE, "defaults"), written])


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
        ({"train_batch_size": 0}, "out-of-range"),
        ({"gradient_accumulation_steps": 0}, "out-of-range"),
        ({"max_train_epochs": -1}, "out-of-range"),
        ({"bucket_reso_steps": 0}, "out-of-range"),
        ({"in_json": "x.json"}, "in-json"),
        ({"output_name": "a/b"}, "output-name"),
        ({"output_name": "a\\b"}, "output-name"),
        ({"output_name": ""}, "output-name"),
        ({"output_name": " "}, "output-name"),
        ({"output_name": ".."}, "output-name"),
        ({"output_name": "a\nb"}, "output-name"),
        ({"output_name": "é" * 116}, "output-name"),  # 232 bytes
        ({"output_dir": ""}, "output-dir"),
        ({"seed": -1}, "out-of-range"),
        ({"seed": 2**32}, "out-of-range"),
        ({"learning_rate": math.nan}, "wrong-value"),
        ({"price_per_hour": 0.4}, "misplaced"),
        ({"trigger": "xyz"}, "misplaced"),
        ({"pretrained_model_name_or_path": "http://x/y.safetensors"}, "address"),
        ({"vae": "HTTPS://x/y.safetensors"}, "address"),
        ({"resolution": "512x512"}, "resolution"),
        ({"resolution": "512,512,512"}, "resolution"),
        ({"bucket_reso_steps": 32}, "bucket-steps"),
        ({"resolution": "128"}, "bucket-range"),
        ({"resolution": "512,1088"}, "bucket-range"),
        ({"min_bucket_reso": 576}, "bucket-range"),
        ({"min_bucket_reso": 63}, "bucket-range"),  # rounded down to 0, which the engine divides by
        ({"resolution": "128", "bucket_no_upscale": True}, "bucket-range"),
        ({"bucket_reso_steps": 128, "min_bucket_reso": 64}, "bucket-range"),
        ({"resolution": "100", "min_bucket_reso": 128, "bucket_reso_steps": 128}, "bucket-range"),
        ({"lr_scheduler": "constant", "lr_warmup_steps": 10}, "warmup-constant"),
    ],
)
def test_an_error_at_its_line(file: dict[str, Any], code: str) -> None:
    (found,) = findings(**file)
    assert (found.level, found.code) == (Level.ERROR, code)
    assert found.where in {f"c.toml:{number}" for number in range(1, len(file) + 1)} | {""}
    assert found.hint


RANGES = [
    {"resolution": f"{short},{long}", "min_bucket_reso": low, "max_bucket_reso": high, "bucket_reso_steps": step,
     "bucket_no_upscale": no_upscale}
    for short, long in ((48, 48), (100, 100), (100, 1000), (256, 256), (300, 1300), (768, 768))
    for low in (0, 63, 64, 128, 256, 1024)
    for high in (-1, 64, 512, 1000, 1280)
    for step in (64, 128)
    for no_upscale in (False, True)
]  # fmt: skip


def test_the_hints_about_a_bucket_s_sides_are_enough() -> None:
    for file in RANGES:
        wrong = [found for found in findings(**file) if found.level is Level.ERROR]
        mended = file
        for found in wrong:
            mended = followed(mended, "", found.hint)
        assert bool(wrong) == (mended != file), (file, wrong)
        left = [found for found in findings(**mended) if found.level is Level.ERROR]
        assert left == [], (file, wrong, mended)


def test_what_is_said_of_a_bucket_s_sides_is_so() -> None:
    (found,) = findings(min_bucket_reso=64, bucket_reso_steps=128, resolution="768")
    assert found.message.startswith("`min_bucket_reso = 64` is less than a bucket's step, 128")
    assert (found.hint, found.where) == ("Write min_bucket_reso = 128.", "c.toml:1")
    (found,) = findings(resolution="128")
    assert found.message.startswith(
        "`min_bucket_reso = 256` is more than the shorter side of the resolution 128"
    )
    assert (found.hint, found.where) == ("Write min_bucket_reso = 128.", "c.toml:1")


@pytest.mark.parametrize(
    "file",
    [
        {},
        {"resolution": "512"},
        {"min_bucket_reso": 570},  # rounded down to 512
        {"resolution": "512,1088", "max_bucket_reso": 1089},
        {"resolution": "800", "max_bucket_reso": 800},  # rounded up to 832
        {"resolution": "48", "min_bucket_reso": 0, "bucket_no_upscale": True},  # nothing is divided by it
        {"resolution": "128", "enable_bucket": False, "cache_latents": True},
        {"resolution": "832", "max_bucket_reso": 2048},
        {"resolution": "896", "max_bucket_reso": 896, "bucket_no_upscale": True},
        {"lr_scheduler": "constant"},
        {"lr_scheduler": "constant", "lr_warmup_steps": 0},
        {"lr_scheduler": "constant_with_warmup", "lr_warmup_steps": 10},
        {"max_train_steps": 100},
        {"seed": 0},
        {"seed": 2**32 - 1},
        {"output_name": "私の猫 v1.5 (é)"},
        {"output_name": "a" * 230},
        {"pretrained_model_name_or_path": "hf:a/b/c.safetensors"},
    ],
)
def test_nothing_to_say(file: dict[str, Any]) -> None:
    assert findings(**file) == ()


def test_sdxl_takes_steps_of_32_and_its_own_options() -> None:
    assert findings(
        "sdxl_train_network.py", resolution="1024,1024", max_bucket_reso=2048, bucket_reso_steps=32,
        cache_text_encoder_outputs=True, network_train_unet_only=True,
    ) == ()  # fmt: skip


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


def test_an_address_in_a_list_is_found() -> None:
    found = findings(base_weights=["/a", "https://x/y"])
    assert "`base_weights = 'https://x/y'`" in next(f.message for f in found if f.code == "address")


@pytest.mark.parametrize(
    ("origin", "detail", "where"),
    [
        (Origin.GPU, "RTX 4090", ""),  # a preset's value
        (Origin.GPU, "c.toml:9", "c.toml:9"),  # [gpu]'s
        (Origin.HARDWARE, "cpu", "c.toml:1"),  # what it overrides stands there
    ],
)
def test_the_name_of_a_card_is_no_place_to_look_at(origin: Origin, detail: str, where: str) -> None:
    without = config().with_layer(Layer(origin, {"sdpa": False}, detail))
    (found,) = check(without, for_script("train_network.py"), "train_network.py", {"sdpa": "c.toml:1"})
    assert (found.code, found.where) == ("no-kernel", where)


@pytest.mark.parametrize(
    "hint_of", [{"resolution": "128"}, {"resolution": "512,1088"}, {"min_bucket_reso": 10}]
)
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


def test_a_warm_up_against_steps_of_the_config_has_been_said() -> None:
    assert (
        check_plan(config(max_train_steps=50, lr_warmup_steps=50), plan([50], batch=1, max_steps=50), {})
        == ()
    )


def test_no_warm_up_to_say_anything_about() -> None:
    assert check_plan(config(), plan([50], batch=1, epochs=1), {}) == ()


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("enable_bucket", "true", "Write enable_bucket = true."),
        ("enable_bucket", 0, "Write enable_bucket = false."),
        ("seed", "42", "Write seed = 42."),
        ("seed", 42.0, "Write seed = 42."),
        ("learning_rate", "1e-4", "Write learning_rate = 0.0001."),
        ("lr_warmup_steps", "10%", "Write lr_warmup_steps = 0.1."),
        ("network_args", "conv_dim=4", 'Write network_args = ["conv_dim=4"].'),
        ("network_args", "conv_dim=4 conv_alpha=2", 'Write network_args = ["conv_dim=4", "conv_alpha=2"].'),
        ("mixed_precision", "bf-16", 'Write mixed_precision = "bf16".'),
        ("resolution", 512.5, "Mend the value there."),
        ("resolution", 512.0, 'Write resolution = "512,512".'),
        ("resolution", [512.0, 768.0], 'Write resolution = "512,768".'),
        ("resolution", [512, 768, 1], "Mend the value there."),
        ("resolution", True, "Mend the value there."),
        ("text_encoder_lr", "5e-5", "Write text_encoder_lr = 5e-5."),
        ("text_encoder_lr", ["5e-5"], "Write text_encoder_lr = [5e-5]."),
        ("text_encoder_lr", ["low"], "Mend the value there."),
        ("learning_rate", "nan", "Mend the value there."),
        ("base_weights", "a.safetensors", 'Write base_weights = ["a.safetensors"].'),
        ("mixed_precision", "fp32", 'Write mixed_precision = "no".'),
        ("mixed_precision", False, 'Write mixed_precision = "no".'),
        ("save_precision", "float16", 'Write save_precision = "fp16".'),
        ("save_precision", "fp32", 'Write save_precision = "float".'),
        ("loss_type", "mse", 'Write loss_type = "l2".'),
        ("max_token_length", 75, "Leave it out: 75 is what the engine takes by itself."),
        ("seed", "many", "Mend the value there."),
        ("seed", [1], "Mend the value there."),
    ],
)
def test_a_wrong_value_is_told_what_to_write(name: str, value: Any, hint: str) -> None:
    (found,) = check_value(name, value, for_script("train_network.py"), "train_network.py")
    assert (found.code, found.hint) == ("wrong-value", hint)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("epochs", "Write `max_train_epochs`."),
        ("lr", "Write `learning_rate`."),
        ("unet_learning_rate", "Write `unet_lr`."),  # by its letters it would be learning_rate
        ("text_encoder_learning_rate", "Write `text_encoder_lr`."),
        ("te_learning_rate", "Write `text_encoder_lr`."),
        ("max_resolution", "Write `resolution`."),  # another script's, which is not meant
        ("zzz", "Remove the line."),
        ("repeats", "Remove the line: the folder's name says it, 10_concept."),
    ],
)
def test_a_name_with_other_letters_is_told_what_was_meant(name: str, hint: str) -> None:
    (found,) = findings(**{name: 1})
    assert (found.code, found.hint) == ("unknown-option", hint)


@pytest.mark.parametrize(
    "module", ["networks.nope", "networks.lora_flux", "networks.lora_sd3", "networks.loraa"]
)
def test_a_module_for_other_models_is_told_the_one_for_this(module: str) -> None:
    (found,) = findings(network_module=module)
    assert (found.code, found.hint) == ("unknown-network", 'Write network_module = "networks.lora".')


@pytest.mark.parametrize(
    ("name", "layer", "hint"),
    [
        ("foo", Layer(Origin.COMMAND_LINE, {"foo": 1}, "--set"), "Leave out `--set foo=…`."),
        ("foo", Layer(Origin.COMMAND_LINE, {"foo": 1}), "Leave out `foo=…`."),  # of `config set`
        ("foo", Layer(Origin.ENVIRONMENT, {"foo": 1}, "KOHYA_WRAP_SET_FOO"), "unset KOHYA_WRAP_SET_FOO"),
        ("config_file", Layer(Origin.COMMAND_LINE, {"config_file": "x"}, "--set"), "Leave out `--set config_file=…`."),
        ("trigger", Layer(Origin.COMMAND_LINE, {"trigger": "x"}, "--set"), "Write `kohya_wrap.trigger=…`."),
    ],
)  # fmt: skip
def test_what_has_no_line_is_told_what_to_leave_out(name: str, layer: Layer, hint: str) -> None:
    (found,) = check(config().with_layer(layer), for_script("train_network.py"), "train_network.py", {})
    assert found.hint == hint


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("diffusers_xformers", "it is read by "),
        ("datasets", "it belongs into a dataset file of the engine"),  # near to dataset_class, and not meant
        ("cache_text_encoder_outputs", "it is read by sdxl_train_network.py"),
        ("num_repeats", "it belongs into a dataset file of the engine"),
    ],
)
def test_who_reads_an_option_of_another_script(name: str, said: str) -> None:
    (found,) = findings(**{name: 1})
    assert said in found.message
    assert found.hint.startswith("Remove the line")


@pytest.mark.parametrize("value", [3, ["s3cret"], "s3cret"])
@pytest.mark.parametrize("name", ["wandb_api_key", "huggingface_token"])
def test_a_secret_is_told_of_and_never_shown(name: str, value: Any) -> None:
    (found,) = findings(**{name: value})
    assert found.level is (Level.WARNING if value == "s3cret" else Level.ERROR)
    assert "s3cret" not in found.message + found.hint


@pytest.mark.parametrize("name", sorted(GIVEN))
def test_what_the_wrapper_fills_is_said(name: str) -> None:
    filled = {key: value for key, value in GIVEN.items() if key != name}
    layers = [
        Layer(Origin.FAMILY, {name: GIVEN[name]}),
        Layer(Origin.WRAPPER, BASE),
        Layer(Origin.FILE, filled),
    ]
    (found,) = check(settle(layers), for_script("train_network.py"), "train_network.py", {})
    assert (found.level, found.code) == (Level.NOTE, "filled")
    assert found.message.startswith(f"`{name}` is not given: ")
