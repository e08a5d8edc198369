"""One mistake, one finding at its line; its hint mends it."""

from __future__ import annotations

from typing import Any

import pytest

from kohya_wrap.config.check import check_base
from kohya_wrap.domain.finding import Level
from tests.unit.config.check.hints import followed
from tests.unit.config.test_check import config, findings

E, W = Level.ERROR, Level.WARNING
SHUFFLED = {"shuffle_caption": True}
LYCORIS = {"network_module": "lycoris.kohya"}
DYLORA = {"network_module": "networks.dylora", "network_dim": 16}
HUB = {"huggingface_repo_id": "me/x", "huggingface_path_in_repo": "x"}


@pytest.mark.parametrize(
    ("file", "level", "code", "at"),
    [
        # captions
        ({"clip_skip": 0}, E, "clip-skip", "clip_skip"),
        ({"clip_skip": 13}, E, "clip-skip", "clip_skip"),
        ({"clip_skip": -1}, E, "clip-skip", "clip_skip"),
        ({"keep_tokens_separator": "|||"}, W, "keep-tokens-idle", "keep_tokens_separator"),
        ({"caption_separator": ";"}, W, "separator-idle", "caption_separator"),
        ({**SHUFFLED, "caption_separator": ""}, E, "empty", "caption_separator"),
        ({"token_warmup_min": 3}, W, "token-warmup-idle", "token_warmup_min"),
        ({"caption_dropout_rate": 1.0}, W, "captions-dropped", "caption_dropout_rate"),
        ({"caption_dropout_every_n_epochs": 1}, W, "captions-dropped", "caption_dropout_every_n_epochs"),
        # rates
        ({"unet_lr": 0, "text_encoder_lr": 0}, E, "nothing-trained", "unet_lr"),
        ({"learning_rate": 0}, E, "nothing-trained", "learning_rate"),
        ({"learning_rate": 0, "text_encoder_lr": [0.0]}, E, "nothing-trained", "learning_rate"),
        ({"network_train_unet_only": True, "unet_lr": 0}, E, "nothing-trained", "unet_lr"),
        ({"network_train_text_encoder_only": True, "text_encoder_lr": 0}, E, "nothing-trained", "text_encoder_lr"),
        ({"optimizer_type": "Prodigy", "unet_lr": 0, "text_encoder_lr": 0}, E, "nothing-trained", "unet_lr"),
        ({"optimizer_type": "Lion", "learning_rate": 0, "unet_lr": 1e-4}, E, "zero-rate", "learning_rate"),
        ({"network_train_text_encoder_only": True, "unet_lr": 1e-4}, W, "unet-untrained", "unet_lr"),
        ({"optimizer_type": "DAdaptAdam", "learning_rate": 1e-4}, E, "unknown-optimizer", "optimizer_type"),
        ({"min_timestep": 900, "max_timestep": 100}, E, "timesteps", "min_timestep"),
        ({"optimizer_type": "Prodigy", "text_encoder_lr": [1e-4, 0], "unet_lr": 1.0}, W, "adaptive-rate", "text_encoder_lr"),
        # the picture's size
        ({"resolution": "1024,1024", "bucket_no_upscale": True}, W, "large-for-sd15", "resolution"),
        ({"resolution": "640x768"}, E, "resolution", "resolution"),
        ({"resolution": "large"}, E, "resolution", "resolution"),
        ({"resolution": ""}, E, "resolution", "resolution"),
        ({"resolution": "0x0"}, E, "resolution", "resolution"),
        # names and texts
        ({"output_name": "my-lora.safetensors"}, W, "output-name-ending", "output_name"),
        ({"training_comment": "by hf_" + "a1" * 12}, W, "secret", "training_comment"),
        ({"metadata_author": "wandb key: " + "0a" * 20}, W, "secret", "metadata_author"),
        ({"output_dir": "/here/C:\\loras"}, W, "windows-path", "output_dir"),
        ({"logging_dir": "D:/logs"}, W, "windows-path", "logging_dir"),
        # machine
        ({"deepspeed": True}, E, "deepspeed", "deepspeed"),
        # the Hub
        ({"save_state_to_huggingface": True}, E, "hub-repository", "save_state_to_huggingface"),
        ({"async_upload": True}, W, "hub-repository", "async_upload"),
        ({"huggingface_path_in_repo": "x"}, W, "hub-repository", "huggingface_path_in_repo"),
        ({"huggingface_repo_id": "me/x"}, E, "hub-path", "huggingface_repo_id"),
        ({**HUB, "huggingface_repo_type": "models"}, E, "hub-type", "huggingface_repo_type"),
        (
            {"resume_from_huggingface": True, "resume": "me/x/s", "initial_step": 5},
            E, "hub-resume", "resume_from_huggingface",
        ),
        # paths
        ({"train_data_dir": ""}, E, "empty", "train_data_dir"),
        ({"caption_extension": ""}, E, "empty", "caption_extension"),
        ({"logging_dir": ""}, E, "empty", "logging_dir"),
        ({"vae": ""}, E, "empty", "vae"),
        ({"network_weights": ""}, E, "empty", "network_weights"),
        # networks
        ({**DYLORA, "network_args": ["unit=3"]}, E, "dylora", "network_args"),
        ({"network_module": "networks.dylora", "network_args": ["unit=8"]}, E, "dylora", "network_args"),
        ({**DYLORA, "network_args": ["conv_dim=4", "conv_alpha=2"]}, E, "dylora", "network_args"),
        ({**LYCORIS, "network_args": ["use_cp=False", "use_tucker=True"]}, E, "argument-twice", "network_args"),
        ({**LYCORIS, "network_args": ["use_tucker=True", "use_conv_cp=False"]}, E, "argument-twice", "network_args"),
        ({**LYCORIS, "network_args": ["use_tucker=True", "disable_conv_cp=False"]}, E, "argument-twice", "network_args"),
        ({**LYCORIS, "network_args": ["use_cp=True", "use_tucker=False"]}, W, "argument-twice", "network_args"),
        ({**LYCORIS, "network_args": ["constraint=0.1", "constrain=0.2"]}, E, "argument-twice", "network_args"),
    ],
)  # fmt: skip
def test_one_finding_whose_hint_mends_it(file: dict[str, Any], level: Level, code: str, at: str) -> None:
    (found,) = findings(**file)
    assert (found.level, found.code) == (level, code)
    assert found.where == f"c.toml:{list(file).index(at) + 1}"
    assert findings(**followed(file, at, found.hint)) == ()


@pytest.mark.parametrize(
    ("file", "code", "at"),
    [
        ({"output_dir": "/p/$HOME/out"}, "variable-in-path", "output_dir"),
        ({"output_dir": "/p/${WORK}/out"}, "variable-in-path", "output_dir"),
        ({"output_dir": "/p/~nobody/out"}, "variable-in-path", "output_dir"),
        ({"base_weights": ["/p/%USERPROFILE%/a"]}, "variable-in-path", "base_weights"),
        ({"base_weights": [""]}, "empty", "base_weights"),
        ({**LYCORIS, "network_args": ["preset=my.toml"]}, "preset-path", "network_args"),
    ],
)
def test_a_path_that_nothing_is_found_by(file: dict[str, Any], code: str, at: str) -> None:
    found = [f for f in findings(**file) if f.level is E]
    assert [(f.code, f.where) for f in found] == [(code, f"c.toml:{list(file).index(at) + 1}")]


@pytest.mark.parametrize(
    "file",
    [
        {"clip_skip": 1},
        {"clip_skip": 12},
        {**SHUFFLED, "keep_tokens_separator": "|||"},
        {**SHUFFLED, "caption_separator": ";"},
        {"caption_separator": ";", "secondary_separator": "::"},
        {"caption_separator": ","},
        {"secondary_separator": ";"},
        {"enable_wildcard": True},
        {"token_warmup_step": 0.2, "token_warmup_min": 3},
        {"token_warmup_min": 1},
        {"caption_dropout_rate": 0.1, "caption_dropout_every_n_epochs": 2},
        {"unet_lr": 1e-4, "text_encoder_lr": 0},
        {"unet_lr": 0, "text_encoder_lr": 1e-4},
        {"learning_rate": 0, "unet_lr": 1e-4},
        {"text_encoder_lr": [], "learning_rate": 1e-4},
        {"optimizer_type": "Lion", "unet_lr": 1e-4},
        {"network_train_text_encoder_only": True, "text_encoder_lr": 1e-4},
        {"min_timestep": 0, "max_timestep": 1},
        {"resolution": "768,832"},
        {"training_comment": "of commit " + "0a" * 20 + ", see hf_realistic_vision_style"},
        {"output_name": "v1.5"},
        {"output_dir": "/here/C/loras"},
        {"deepspeed": False, "zero_stage": 2},
        {"async_upload": False},
        {**HUB, "async_upload": True, "save_state_to_huggingface": True, "huggingface_repo_type": "model"},
        {"reg_data_dir": "", "resume": "", "sample_prompts": ""},
        {"output_dir": "/p/100 % ~ $5/out"},
        {**DYLORA, "network_args": ["unit=4", "conv_dim=16", "conv_alpha=8"]},
        {**LYCORIS, "network_args": ["use_cp=True", "use_tucker=true"]},
        {**LYCORIS, "network_args": ["use_cp=True", "disable_conv_cp=False"]},
        {**LYCORIS, "network_args": ["preset=attn-mlp"]},
        {**LYCORIS, "network_args": ["preset=/p/my.toml"]},
    ],
)
def test_nothing_to_say(file: dict[str, Any]) -> None:
    assert findings(**file) == ()


@pytest.mark.parametrize("written", ["1024x1024", "1024 × 1024", "large", ""])
def test_a_resolution_for_sdxl(written: str) -> None:
    file = {"resolution": written, "max_bucket_reso": 2048}
    (found,) = findings("sdxl_train_network.py", **file)
    assert found.hint == 'Write resolution = "1024,1024".'


@pytest.mark.parametrize(("sd15", "told"), [(True, [W]), (False, [])])
def test_v_prediction_that_nothing_speaks_for(sd15: bool, told: list[Level]) -> None:
    asked = config(v_parameterization=True)
    found = check_base(asked, {}, v_prediction=False, noise_by="", sd15=sd15)
    assert [f.level for f in found] == told
    assert check_base(config(), {}, v_prediction=False, noise_by="", sd15=sd15) == ()


def test_what_sdxl_does_not_look_at() -> None:
    xl = {"resolution": "1024,1024", "max_bucket_reso": 2048}
    assert findings("sdxl_train_network.py", **xl, clip_skip=0) == ()


def test_a_path_with_a_dollar_that_is_there(tmp_path: Any) -> None:
    (tmp_path / "$HOME").mkdir()
    assert findings(output_dir=str(tmp_path / "$HOME")) == ()


@pytest.mark.parametrize(
    ("asked", "v", "noise_by", "told"),
    [
        (False, True, "", [E]),
        (True, True, "", []),
        (True, False, "catalogue", [E]),
        (True, False, "header", [W]),
        (True, False, "", []),  # many v-models say nothing
        (False, False, "catalogue", []),
        (False, False, "", []),
    ],
)
def test_a_config_that_denies_what_is_known_of_the_base(
    asked: bool, v: bool, noise_by: str, told: list[Level]
) -> None:
    found = check_base(
        config(v_parameterization=asked),
        {"v_parameterization": "c.toml:1"},
        v_prediction=v,
        noise_by=noise_by,
    )
    assert [(f.level, f.code, f.where) for f in found] == [
        (level, "prediction", "c.toml:1") for level in told
    ]
