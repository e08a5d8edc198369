"""From the user's file to the effective config."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kohya_wrap.config.check import check, unused_section
from kohya_wrap.config.option_table import for_script
from kohya_wrap.config.user import UserConfig
from kohya_wrap.domain.config import Origin, Value
from kohya_wrap.domain.family import FamilyName
from kohya_wrap.domain.finding import Level
from kohya_wrap.errors import UsageError
from tests.unit.config.conftest import Resolve

GUIDE = (Path(__file__).parents[2] / "fixtures" / "guide_training_config.toml").read_text(encoding="utf-8")
GPU_4090 = """
[gpu]
preset = "RTX 4090"
train_batch_size = 4
gradient_accumulation_steps = 1
gradient_checkpointing = false
mixed_precision = "bf16"
sdpa = true
"""
SD15, SDXL = FamilyName.SD15, FamilyName.SDXL


# --- the guide's printed config


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("train_batch_size", 2),
        ("gradient_accumulation_steps", 1),
        ("caption_extension", ".txt"),
        ("resolution", "512,512"),
        ("network_module", "networks.lora"),
        ("network_alpha", 16.0),
        ("learning_rate", 1e-4),
        ("text_encoder_lr", 5e-5),
        ("lr_warmup_steps", 100),
        ("mixed_precision", "fp16"),
        ("save_every_n_epochs", 2),
        ("cache_latents", True),
        ("sdpa", True),
    ],
)
def test_the_guide_s_config_means_what_the_guide_says(resolved: Resolve, option: str, value: Any) -> None:
    config, _ = resolved(GUIDE)
    assert config.get(option) == value


def test_the_guide_s_config_checks_clean_but_for_what_it_leaves_open(resolved: Resolve) -> None:
    config, _ = resolved(GUIDE)
    found = check(config, for_script("train_network.py"), "train_network.py", {})
    assert {finding.level for finding in found} == {Level.NOTE}
    assert [finding.message.split("`")[1] for finding in found] == ["network_module", "caption_extension"]


def test_what_is_mapped_of_the_guide_s_config_is_said_once(user: Callable[[str], UserConfig]) -> None:
    said = [(finding.message, finding.where) for finding in user(GUIDE).findings]
    assert said == [
        ('`resolution = 512` is given as "512,512"', "training_config.toml:8"),
        ("`batch_size` is the engine's `train_batch_size`", "training_config.toml:9"),
    ]


def test_the_guide_s_paths_start_at_the_file(user: Callable[[str], UserConfig], tmp_path: Path) -> None:
    values = user(GUIDE).values
    assert values["pretrained_model_name_or_path"] == str(tmp_path / "models/sd/v1-5-pruned.safetensors")
    assert values["train_data_dir"] == str(tmp_path / "training_data")


def test_a_cpu_trains_the_guide_s_config_without_fp16_and_says_so_once(resolved: Resolve) -> None:
    config, said = resolved(GUIDE, card="cpu")
    assert (config.get("mixed_precision"), config.origin("mixed_precision")) == ("no", Origin.HARDWARE)
    assert [finding.message for finding in said] == [
        '`mixed_precision = "fp16"` becomes "no" here: a CPU cannot train in fp16.'
    ]


# --- what the machine cannot do


@pytest.mark.parametrize(
    ("text", "card", "capability", "option", "value"),
    [
        ('mixed_precision = "bf16"', "T4", (7, 5), "mixed_precision", "fp16"),
        ('mixed_precision = "bf16"\nfull_bf16 = true', "T4", (7, 5), "full_bf16", False),
        ('mixed_precision = "bf16"', "RTX 3090", (8, 0), "mixed_precision", "bf16"),
        ('mixed_precision = "fp16"', "RTX 3090", (8, 6), "mixed_precision", "fp16"),
        ('mixed_precision = "bf16"', "cpu", (0, 0), "mixed_precision", "no"),
        ('mixed_precision = "fp16"\nfull_fp16 = true', "cpu", (0, 0), "full_fp16", False),
        ("xformers = true", "V100 16GB", (7, 0), "xformers", False),
        ("xformers = true", "V100 16GB", (7, 0), "sdpa", True),
        ("xformers = true", "T4", (7, 5), "xformers", True),
        ("xformers = true", "cpu", (0, 0), "sdpa", True),
        ("fp8_base = true", "cpu", (0, 0), "fp8_base", False),
        ("fp8_base_unet = true", "T4", (7, 5), "fp8_base_unet", True),
        ('mixed_precision = "bf16"', "T4", None, "mixed_precision", "fp16"),  # the card is elsewhere
        ('mixed_precision = "bf16"', "RTX 3090", None, "mixed_precision", "bf16"),
        ("xformers = true", "T4", None, "xformers", True),
        ("xformers = true", "V100 16GB", None, "xformers", False),
    ],
)
def test_hardware_overrides_only_what_it_cannot_do(
    resolved: Resolve, text: str, card: str, capability: tuple[int, int] | None, option: str, value: Any
) -> None:
    config, said = resolved(text, card=card, capability=capability)
    assert config.get(option) == value
    changed = any(value.origin is Origin.HARDWARE for value in config.values.values())
    assert bool(said) == changed, "what is changed is said, and nothing else"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", ""),  # the preset's bf16, of no line
        ('mixed_precision = "bf16"', "training_config.toml:1"),
        ('[gpu]\npreset = "cpu"\nmixed_precision = "bf16"', "training_config.toml:3"),
    ],
)
def test_what_the_hardware_changes_is_said_at_the_line_that_asks_for_it(
    resolved: Resolve, text: str, where: str
) -> None:
    _, said = resolved(text, card="cpu", cpu_bf16=False)
    assert [(f.code, f.where) for f in said] == [("hardware", where)]


# --- the card and the batch


@pytest.mark.parametrize(
    ("card", "micro", "accumulation"),
    [("RTX 4090", 4, 1), ("RTX 3090", 2, 2), ("A100 40GB", 4, 1), ("cpu", 2, 2), ("T4", 4, 1)],
)
def test_every_card_makes_up_the_recipe_s_batch(
    resolved: Resolve, card: str, micro: int, accumulation: int
) -> None:
    config, _ = resolved("", card=card, capability=(8, 0))
    assert (config.get("train_batch_size"), config.get("gradient_accumulation_steps")) == (
        micro,
        accumulation,
    )


def test_on_its_own_card_the_gpu_section_stands(resolved: Resolve) -> None:
    config, said = resolved(GPU_4090.replace("train_batch_size = 4", "train_batch_size = 3"))
    assert (config.get("train_batch_size"), said) == (3, ())


def test_on_another_card_the_gpu_section_is_replaced_with_the_same_batch(resolved: Resolve) -> None:
    config, said = resolved(GPU_4090.replace("train_batch_size = 4", "train_batch_size = 8"), card="RTX 3090")
    assert (config.get("train_batch_size"), config.get("gradient_accumulation_steps")) == (2, 4)
    assert [(finding.level, finding.code) for finding in said] == [(Level.NOTE, "other-card")]
    assert "RTX 4090" in said[0].message and "RTX 3090" in said[0].message and "batch of 8" in said[0].message


@pytest.mark.parametrize("card", ["RTX 4090", "RTX 3090", "T4"])
def test_a_batch_of_the_user_s_is_not_multiplied(resolved: Resolve, card: str) -> None:
    config, _ = resolved("train_batch_size = 3\n" + GPU_4090, card=card, capability=(8, 0))
    assert (config.get("train_batch_size"), config.get("gradient_accumulation_steps")) == (3, 1)


def test_the_gpu_section_never_becomes_an_option(resolved: Resolve) -> None:
    config, _ = resolved(GPU_4090)
    assert "preset" not in config.plain() and "gpu" not in config.plain()


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("gpu = 3", "section", 1),
        ("kohya_wrap = 'x'", "section", 1),
        ("[[gpu]]\na = 1", "section", 1),
        ("[kohya_wrap]\nprice = 1", "wrapper-section", 2),
        ("[kohya_wrap]\nengine = 'real'\nprice_per_hour = -1", "wrapper-section", 3),
    ],
)
def test_a_wrong_section_of_our_own_is_an_error_at_its_line(
    user: Callable[[str], UserConfig], text: str, code: str, line: int
) -> None:
    (found,) = user(text).findings
    assert (found.level, found.code, found.where) == (Level.ERROR, code, f"training_config.toml:{line}")


def test_all_that_is_wrong_in_a_section_of_our_own_is_said_and_the_rest_read(
    user: Callable[[str], UserConfig],
) -> None:
    read = user("[kohya_wrap]\nprice = 1\nengine = 'unreal'\ntrigger = 'sks'")
    assert [finding.where[-1] for finding in read.findings] == ["2", "3"]
    assert (read.wrapper.engine, read.wrapper.trigger) == ("real", "sks")


@pytest.mark.parametrize("written", ["RTX 4090", "4090", "rtx4090", "24 GB"])
def test_a_section_for_this_card_counts_by_whatever_name(resolved: Resolve, written: str) -> None:
    config, said = resolved(f"[gpu]\npreset = '{written}'\ntrain_batch_size = 3", card="RTX 4090")
    assert (config.get("train_batch_size"), said) == (3, ())


@pytest.mark.parametrize("figure", ["'two'", "0", "true"])
def test_a_batch_of_another_card_that_cannot_be_counted_with_counts_as_one(
    resolved: Resolve, figure: str
) -> None:
    text = f"[gpu]\npreset = 'T4'\ntrain_batch_size = {figure}\ngradient_accumulation_steps = 4"
    config, _ = resolved(text)
    assert config.get("train_batch_size") * config.get("gradient_accumulation_steps") == 4


def test_what_is_wrong_in_a_gpu_section_not_in_use_is_said(
    resolved: Resolve, user: Callable[[str], UserConfig]
) -> None:
    text = "[gpu]\npreset = 'T4'\ntrain_batch_size = 'two'\nsdpa = true\nnonsense = 1"
    config, _ = resolved(text)
    found = unused_section(user(text), config, for_script("train_network.py"), "train_network.py")
    assert [(finding.code, finding.where[-1]) for finding in found] == [
        ("wrong-value", "3"),
        ("unknown-option", "5"),
    ]


def test_what_is_learned_has_no_place_in_the_card_s_section(user: Callable[[str], UserConfig]) -> None:
    read = user("[gpu]\npreset = 'T4'\nnetwork_dim = 64\nsdpa = true\nshuffle_caption = true")
    assert [(f.level.value, f.code, f.where[-1], f.hint) for f in read.findings] == [
        ("error", "not-of-the-card", "3", "Move it into [training]."),
        ("error", "not-of-the-card", "5", "Move it into [dataset]."),
    ]


def test_a_value_in_the_card_s_section_and_in_another_is_said(user: Callable[[str], UserConfig]) -> None:
    read = user("[training]\ntrain_batch_size = 2\n[gpu]\ntrain_batch_size = 4")
    assert [(f.level.value, f.code, f.where[-1]) for f in read.findings] == [("warning", "given-twice", "4")]


# --- where a value comes from


def test_each_value_knows_its_origin(resolved: Resolve) -> None:
    config, _ = resolved("seed = 7", environment={"KOHYA_WRAP_SET_NETWORK_DIM": "8"})
    names = ("save_precision", "resolution", "network_alpha", "mixed_precision", "seed", "network_dim")
    assert [config.origin(name) for name in names] == [
        Origin.WRAPPER,
        Origin.FAMILY,
        Origin.RECIPE,
        Origin.GPU,
        Origin.FILE,
        Origin.ENVIRONMENT,
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("16", 16),
        ("fp16", "fp16"),
        ('"16"', "16"),
        ("true", True),
        ("[1, 2]", [1, 2]),
        ("", ""),
        ("[1", "[1"),
    ],
)
def test_a_variable_is_read_as_toml_else_as_text(resolved: Resolve, text: str, value: Any) -> None:
    config, _ = resolved("seed = 1", environment={"KOHYA_WRAP_SET_SEED": text, "SEED": "9"})
    assert config.get("seed") == value


def test_a_variable_is_respelled_and_its_path_starts_at_the_file(resolved: Resolve, tmp_path: Path) -> None:
    variables = {"KOHYA_WRAP_SET_BATCH_SIZE": "3", "KOHYA_WRAP_SET_OUTPUT_DIR": "out"}
    config, _ = resolved("", environment=variables)
    assert (config.get("train_batch_size"), config.get("output_dir")) == (3, str(tmp_path / "out"))


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ('vae = "hf:a/b"', "hf:a/b"),
        ('vae = "/abs/v.safetensors"', "/abs/v.safetensors"),
        ('vae = "a:b.safetensors"', "{}/a:b.safetensors"),
        ('vae = "~/v.safetensors"', "{}/home/v.safetensors"),
        ('base_weights = ["a.safetensors"]', ["{}/a.safetensors"]),
        ('output_name = "./x"', "./x"),
        ('vae = ""', ""),
    ],
)
def test_paths(user: Callable[[str], UserConfig], tmp_path: Path, written: str, value: Any) -> None:
    (got,) = user(written).values.values()
    here = [v.format(tmp_path) for v in value] if isinstance(value, list) else value.format(tmp_path)
    assert got == here


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('seed = 1\n[network_args]\nalgo = "loha"\n', 2),
        ('[training]\nseed = 1\nnetwork_args = {algo = "loha"}\n', 3),
        ('[training]\n[training.network_args]\nalgo = "loha"\n', 2),
        ('[training]\nseed = 1\nnetwork_args.algo = "loha"\n', 3),
    ],
)
def test_arguments_as_a_table_are_the_engine_s_list(
    user: Callable[[str], UserConfig], text: str, line: int
) -> None:
    read = user(text)
    assert read.values["network_args"] == ["algo=loha"]
    assert read.lines["network_args"] == f"training_config.toml:{line}"
    assert [finding.code for finding in read.findings] == ["spelling"]


def test_one_option_given_twice_with_one_value_is_a_warning(user: Callable[[str], UserConfig]) -> None:
    findings = user("[dataset]\nseed = 2\n[training]\nseed = 2").findings
    assert [(found.level, found.code) for found in findings] == [(Level.WARNING, "given-twice")]


def test_the_command_line_is_stronger_than_the_environment(resolved: Resolve, tmp_path: Path) -> None:
    config, _ = resolved(
        "seed = 1", environment={"KOHYA_WRAP_SET_SEED": "2"}, words=("seed=3", "clip-skip=2")
    )
    assert config.values["seed"] == Value(3, Origin.COMMAND_LINE, "--set")
    assert config.get("clip_skip") == 2


@pytest.mark.parametrize(
    ("word", "option", "value"),
    [
        ("output_name=123", "output_name", "123"),
        ('output_name="a b"', "output_name", "a b"),
        ("batch_size=3", "train_batch_size", 3),
        ("resolution=768", "resolution", "768"),
        ("network_args={algo = 'loha'}", "network_args", ["algo=loha"]),
        ("training_comment=a = b", "training_comment", "a = b"),
        ("seed=many", "seed", "many"),
    ],
)
def test_a_word_of_the_command_line(resolved: Resolve, word: str, option: str, value: Any) -> None:
    assert resolved("", words=(word,))[0].get(option) == value


@pytest.mark.parametrize("word", ["seed", "=3", ""])
def test_a_word_that_sets_nothing(resolved: Resolve, word: str) -> None:
    with pytest.raises(UsageError, match="is not KEY=VALUE"):
        resolved("", words=(word,))


def test_a_variable_is_named_where_it_is_wrong(resolved: Resolve) -> None:
    config, _ = resolved("", environment={"KOHYA_WRAP_SET_SEED": "x"})
    assert config.detail("seed") == "KOHYA_WRAP_SET_SEED"


def test_one_option_given_twice_is_an_error_with_both_lines(user: Callable[[str], UserConfig]) -> None:
    read = user("[dataset]\nbatch_size = 2\n[training]\ntrain_batch_size = 3")
    (twice,) = [finding for finding in read.findings if finding.code == "given-twice"]
    assert read.values["train_batch_size"] == 3, "the rest is checked with what the engine would take"
    assert twice.level is Level.ERROR
    assert (twice.where, "training_config.toml:2" in twice.message) == ("training_config.toml:4", True)


# --- the recipe gives way to what the user said


@pytest.mark.parametrize(
    ("text", "family", "gone"),
    [
        ("learning_rate = 3e-4", FamilyName.SD15, "unet_lr"),
        ("learning_rate = 3e-4", FamilyName.SD15, "text_encoder_lr"),
        ('lr_scheduler = "constant"', FamilyName.SD15, "lr_warmup_steps"),
        ('lr_scheduler_type = "CosineAnnealingLR"', FamilyName.SD15, "lr_warmup_steps"),
        ('optimizer_type = "Adafactor"', FamilyName.SD15, "lr_warmup_steps"),
        ("use_8bit_adam = true", FamilyName.SD15, "optimizer_type"),
        ("use_lion_optimizer = true", FamilyName.SD15, "optimizer_type"),
        ("text_encoder_lr = 1e-5", SDXL, "network_train_unet_only"),
        ("text_encoder_lr = 1e-5", SDXL, "cache_text_encoder_outputs"),
    ],
)
def test_the_recipe_never_undoes_what_the_user_said(
    resolved: Resolve, text: str, family: FamilyName, gone: str
) -> None:
    assert resolved("", family=family)[0].get(gone), "it is in the recipe, or follows from it"
    assert resolved(text, family=family)[0].get(gone) is None


def test_adafactor_with_a_rate_of_its_own_keeps_the_recipe_s_warm_up(resolved: Resolve) -> None:
    text = 'optimizer_type = "Adafactor"\noptimizer_args = ["relative_step=False"]'
    assert resolved(text)[0].get("lr_warmup_steps")


# --- family and speed


def test_sdxl_gets_its_resolution_buckets_and_cached_text_encoders(resolved: Resolve) -> None:
    config, _ = resolved("", family=SDXL)
    assert (config.get("resolution"), config.get("max_bucket_reso")) == ("1024,1024", 2048)
    assert config.get("cache_text_encoder_outputs") is True


@pytest.mark.parametrize("option", ["v_parameterization", "zero_terminal_snr"])
def test_v_prediction_comes_from_the_weights(resolved: Resolve, option: str) -> None:
    assert resolved("")[0].get(option) is None
    assert resolved("", v_prediction=True, zero_terminal_snr=True)[0].get(option) is True


@pytest.mark.parametrize(
    ("text", "card", "capability", "family", "value"),
    [
        ('mixed_precision = "fp16"', "RTX 4090", (8, 9), SDXL, True),
        ("", "T4", (7, 5), SDXL, True),
        ('mixed_precision = "bf16"', "T4", (7, 5), SDXL, True),  # becomes fp16 there
        ('mixed_precision = "fp16"\nvae = "v.safetensors"', "RTX 4090", (8, 9), SDXL, None),
        ('mixed_precision = "fp16"\nno_half_vae = false', "RTX 4090", (8, 9), SDXL, False),
        ("", "RTX 4090", (8, 9), SDXL, None),
        ('mixed_precision = "fp16"', "RTX 4090", (8, 9), FamilyName.SD15, None),
    ],
)
def test_sdxl_s_own_vae_is_not_run_in_fp16(
    resolved: Resolve, text: str, card: str, capability: tuple[int, int], family: FamilyName, value: bool
) -> None:
    config, _ = resolved(text, card=card, capability=capability, family=family)
    assert config.get("no_half_vae") is value


@pytest.mark.parametrize(
    ("text", "workers"),
    [
        ("", 0),
        ("persistent_data_loader_workers = true", None),  # beside 0 workers the engine dies of it
        ("persistent_data_loader_workers = true\nmax_data_loader_n_workers = 2", 2),
    ],
)
def test_persistent_workers_are_some(resolved: Resolve, text: str, workers: int | None) -> None:
    assert resolved(text)[0].plain().get("max_data_loader_n_workers") == workers


@pytest.mark.parametrize(
    "text",
    [
        "shuffle_caption = true",
        "caption_dropout_rate = 0.1",
        "token_warmup_step = 0.2",
        "caption_tag_dropout_rate = 0.1",
        "caption_dropout_every_n_epochs = 2",
        "enable_wildcard = true",
        'caption_prefix = "a"',
        'caption_suffix = "a"',
        'secondary_separator = ";"',
        "network_train_unet_only = false",
    ],
)
def test_text_encoders_are_not_cached_where_captions_change(resolved: Resolve, text: str) -> None:
    assert resolved(text, family=SDXL)[0].get("cache_text_encoder_outputs") is None


@pytest.mark.parametrize(
    ("text", "option", "value"),
    [
        ("color_aug = true", "cache_latents", None),
        ("random_crop = true", "cache_latents", None),
        ("cache_latents = false", "cache_latents", False),
        ("xformers = true", "sdpa", None),
        ("mem_eff_attn = true", "sdpa", None),
        ("", "sdpa", True),
    ],
)
def test_speed_only_where_the_user_said_nothing(
    resolved: Resolve, text: str, option: str, value: Any
) -> None:
    assert resolved(text)[0].get(option) is value


@pytest.mark.parametrize(
    ("text", "family", "latents", "texts"),
    [
        ("", SD15, True, None),
        ("", SDXL, True, True),
        ("cache_latents = true", SD15, True, None),
        ("cache_latents = false", SD15, None, None),
        ("cache_latents_to_disk = false", SDXL, False, True),
        ("color_aug = true", SD15, None, None),
        ("shuffle_caption = true", SDXL, True, None),
        ("network_train_unet_only = false", SDXL, True, None),
        ("cache_text_encoder_outputs_to_disk = false", SDXL, True, False),
    ],
)
def test_what_is_cached_is_cached_on_disk(
    resolved: Resolve, text: str, family: FamilyName, latents: Any, texts: Any
) -> None:
    """In the training view, where the next run finds it."""
    config, _ = resolved(text, family=family)
    assert config.get("cache_latents_to_disk") is latents
    assert config.get("cache_text_encoder_outputs_to_disk") is texts


def test_where_a_lora_goes_by_default(resolved: Resolve, tmp_path: Path) -> None:
    config, _ = resolved("")
    assert (config.get("output_dir"), config.get("output_name")) == (str(tmp_path / "output"), tmp_path.name)


@pytest.mark.parametrize("written", ["", 'mixed_precision = "fp16"', 'mixed_precision = "bf16"'])
def test_a_cpu_with_bf16_instructions_uses_them(resolved: Resolve, written: str) -> None:
    assert resolved(written, card="cpu", cpu_bf16=True)[0].get("mixed_precision") == "bf16"


def test_full_precision_asked_for_is_kept(resolved: Resolve) -> None:
    assert resolved('mixed_precision = "no"', card="cpu", cpu_bf16=True)[0].get("mixed_precision") == "no"
