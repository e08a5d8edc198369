"""Options that do nothing as the others stand."""

from __future__ import annotations

from typing import Any

import pytest

from kohya_wrap.config.check import check, check_plan
from kohya_wrap.config.option_table import for_script
from kohya_wrap.domain.config import Layer, Origin
from kohya_wrap.domain.finding import Level
from kohya_wrap.domain.steps import plan
from tests.unit.config.check.hints import followed
from tests.unit.config.test_check import config, findings

STABLE = {"lr_scheduler": "warmup_stable_decay", "lr_decay_steps": 0.2}
ADAFACTOR = {"optimizer_type": "Adafactor"}
FREE = {"optimizer_type": "AdamWScheduleFree"}


@pytest.mark.parametrize(
    ("file", "at"),
    [
        ({"lr_scheduler_num_cycles": 3}, "lr_scheduler_num_cycles"),
        ({"lr_scheduler_power": 2.0}, "lr_scheduler_power"),
        ({"lr_scheduler_timescale": 100}, "lr_scheduler_timescale"),
        ({"lr_decay_steps": 0.2}, "lr_decay_steps"),
        ({"lr_scheduler_type": "ConstantLR", "lr_scheduler_num_cycles": 3}, "lr_scheduler_num_cycles"),
        ({**FREE, "lr_scheduler_power": 2.0}, "lr_scheduler_power"),
        ({**ADAFACTOR, "lr_scheduler_power": 2.0}, "lr_scheduler_power"),
        ({**ADAFACTOR, "lr_scheduler": "cosine"}, "lr_scheduler"),
        # what these need is not asked for either
        ({**ADAFACTOR, "lr_scheduler": "piecewise_constant"}, "lr_scheduler"),
        ({**ADAFACTOR, "lr_scheduler": "cosine_with_min_lr"}, "lr_scheduler"),
        ({"save_n_epoch_ratio": 4, "save_every_n_epochs": 2}, "save_every_n_epochs"),
        ({"save_every_n_steps": 100, "save_last_n_epochs": 2}, "save_last_n_epochs"),
        ({"save_last_n_steps": 200}, "save_last_n_steps"),
        ({"save_last_n_epochs_state": 2}, "save_last_n_epochs_state"),
        ({"save_state": True, "save_last_n_steps_state": 200}, "save_last_n_steps_state"),
        ({"masked_loss": True}, "masked_loss"),
        ({"huber_c": 0.2}, "huber_c"),
        ({"huber_schedule": "constant"}, "huber_schedule"),
        ({"loss_type": "huber", "huber_scale": 2.0}, "huber_scale"),
        ({"noise_offset_random_strength": True}, "noise_offset_random_strength"),
        ({"ip_noise_gamma_random_strength": True}, "ip_noise_gamma_random_strength"),
        ({"multires_noise_discount": 0.2}, "multires_noise_discount"),
        ({"face_crop_aug_range": "1.0,2.0"}, "face_crop_aug_range"),
        ({"cache_latents_to_disk": True, "cache_latents": False}, "cache_latents"),
    ],
)
def test_it_has_no_effect_until_the_hint_is_followed(file: dict[str, Any], at: str) -> None:
    (found,) = findings(**file)
    assert (found.level, found.code) == (Level.WARNING, "no-effect")
    assert found.message.startswith(f"`{at}")
    assert found.where == f"c.toml:{list(file).index(at) + 1}"
    assert findings(**followed(file, at, found.hint)) == ()


def test_prompts_that_nothing_is_drawn_from(tmp_path: Any) -> None:
    (tmp_path / "p.txt").write_text("a cat")
    file = {"sample_prompts": str(tmp_path / "p.txt")}
    (found,) = findings(**file)
    assert found.code == "no-effect"
    assert findings(**followed(file, "sample_prompts", found.hint)) == ()


def test_a_share_of_the_rate_for_a_scheduler_that_falls_to_0() -> None:
    (found,) = findings(lr_scheduler_min_lr_ratio=0.1)
    assert found.code == "no-effect"
    assert findings(lr_scheduler_min_lr_ratio=0.1, lr_scheduler="cosine_with_min_lr") == ()


@pytest.mark.parametrize(
    "file",
    [
        # the engine's own defaults, which the GUI writes out
        {"lr_scheduler_num_cycles": 1, "lr_scheduler_power": 1, "lr_decay_steps": 0, "huber_c": 0.1},
        {"huber_schedule": "snr", "huber_scale": 1.0, "multires_noise_discount": 0.3, "sample_prompts": ""},
        {"lr_scheduler": "cosine_with_restarts", "lr_scheduler_num_cycles": 3},
        {"lr_scheduler": "polynomial", "lr_scheduler_power": 2.0},
        {"lr_scheduler": "inverse_sqrt", "lr_scheduler_timescale": 100},
        {**STABLE, "lr_scheduler_num_cycles": 2, "lr_scheduler_min_lr_ratio": 0.1},
        {**ADAFACTOR, "lr_scheduler": "adafactor"},
        {**ADAFACTOR, "lr_scheduler": "constant"},
        {**ADAFACTOR, "optimizer_args": ["relative_step=False"], "lr_scheduler": "cosine"},
        {"save_every_n_steps": 100, "save_last_n_steps": 200},
        {"save_last_n_epochs": 2},  # kohya-wrap saves by epochs
        {"save_n_epoch_ratio": 4, "save_last_n_epochs": 2},
        {"alpha_mask": True, "masked_loss": True},
        {"loss_type": "smooth_l1", "huber_c": 0.2, "huber_schedule": "exponential", "huber_scale": 2.0},
        {"noise_offset": 0.05, "noise_offset_random_strength": True},
        {"multires_noise_iterations": 6, "multires_noise_discount": 0.2},
        {"cache_latents": False},
        {"save_every_n_epochs": 5, "max_train_epochs": 5},
    ],
)
def test_nothing_to_say(file: dict[str, Any]) -> None:
    assert findings(**file) == ()


def test_what_a_recipe_says_is_not_the_user_s() -> None:
    recipe = config().with_layer(Layer(Origin.RECIPE, {"huber_c": 0.2}))
    assert check(recipe, for_script("train_network.py"), "train_network.py", {}) == ()


@pytest.mark.parametrize(
    "file",
    [
        {"max_train_epochs": 5, "save_every_n_epochs": 6},
        {"max_train_steps": 100, "save_every_n_steps": 101},
    ],
)
def test_a_save_that_never_comes(file: dict[str, Any]) -> None:
    (found,) = findings(**file)
    at = list(file)[1]
    assert (found.level, found.code, found.where) == (Level.WARNING, "never-saved", "c.toml:2")
    assert findings(**followed(file, at, found.hint)) == ()
    assert check_plan(config(**file), plan([10], batch=1, epochs=5), {}) == ()  # said once


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ({"save_every_n_epochs": 11}, True),
        ({"save_every_n_epochs": 10}, False),
        ({"save_every_n_steps": 501}, True),
        ({"save_every_n_steps": 500}, False),
    ],
)
def test_of_solved_epochs_it_is_said_when_they_are_known(file: dict[str, Any], told: bool) -> None:
    assert findings(**file) == ()
    solved = config(**file).with_layer(Layer(Origin.WRAPPER, {"max_train_epochs": 10}))
    found = check_plan(solved, plan([50], batch=1, epochs=10), {})
    assert [f.code for f in found] == (["never-saved"] if told else [])
