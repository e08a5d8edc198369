"""Batches and steps, as observed on the real engine (engine contract, section 2) or counted by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest
from safetensors import safe_open

from tests.unit.rehearsal.conftest import SQUARE, TALL, WIDE, Bench

THREE_BUCKETS = [SQUARE] * 15 + [WIDE] * 11 + [TALL] * 9


@pytest.mark.parametrize(
    ("sizes", "options", "batches", "epochs", "steps"),
    [
        (THREE_BUCKETS, {"train_batch_size": 4, "max_train_epochs": 1}, 10, 1, 10),
        (
            THREE_BUCKETS,
            {"train_batch_size": 4, "gradient_accumulation_steps": 3, "max_train_epochs": 2},
            10,
            2,
            8,
        ),
        (
            THREE_BUCKETS,
            {"train_batch_size": 3, "gradient_accumulation_steps": 2, "max_train_epochs": 3},
            12,
            3,
            18,
        ),
        ([SQUARE] * 18, {"gradient_accumulation_steps": 2, "max_train_epochs": 2}, 9, 2, 10),
        ([SQUARE] * 18, {"max_train_epochs": None, "max_train_steps": 13}, 9, 2, 13),
        ([SQUARE] * 18, {"max_train_epochs": 1, "max_train_steps": 13}, 9, 1, 9),
        ([SQUARE] * 3, {"train_batch_size": 3, "max_train_epochs": None}, 1, 1600, 1600),
        ([SQUARE, WIDE] * 3, {"enable_bucket": False, "cache_latents": True}, 3, 2, 6),
        ([SQUARE, WIDE] * 3, {}, 4, 2, 8),
        ([(64, 64), (130, 70)] * 3, {"bucket_no_upscale": True}, 4, 2, 8),
    ],
)
def test_the_plan_is_the_engines(
    bench: Bench, sizes: list[tuple[int, int]], options: dict[str, Any], batches: int, epochs: int, steps: int
) -> None:
    bench.images(*sizes)
    run = bench.train(**options)
    assert run.returncode == 0, run.stderr
    assert f"num batches per epoch / 1epochのバッチ数: {batches}\n" in run.stdout
    assert f"num epochs / epoch数: {epochs}\n" in run.stdout
    assert f"total optimization steps / 学習ステップ数: {steps}\n" in run.stdout
    assert f"| {steps}/{steps} [" in run.stderr
    with safe_open(bench.out / "lo.safetensors", "np") as file:
        assert file.metadata()["ss_steps"] == str(steps)


def test_repeats_and_folders_follow_the_naming_rule(bench: Bench) -> None:
    for folder, count in {"3_a b": 2, "2": 1, "x_no": 4, "0_zero": 4, "-1_neg": 4, "07_c_d": 1}.items():
        bench.images(*[SQUARE] * count, folder=folder)
    bench.images(SQUARE, parent="data", folder="3_a b/nested")
    run = bench.train(caption_extension=None)
    assert "学習画像の数×繰り返し回数: 15\n" in run.stdout  # 3 x 2 + 2 x 1 + 7 x 1
    assert "WARNING  ignore directory without repeats: x_no" in run.stderr
    assert "No caption file found for 2 images." in run.stderr  # .txt is not the engine's default
    with safe_open(bench.out / "lo.safetensors", "np") as file:
        tags = json.loads(file.metadata()["ss_tag_frequency"])
    assert tags == {"2": {}, "3_a b": {"a b": 2}, "07_c_d": {"c_d": 1}}


def test_an_image_goes_to_the_nearest_aspect_the_first_of_two(bench: Bench) -> None:
    bench.images(SQUARE, WIDE, (100, 50))
    bench.train()
    with safe_open(bench.out / "lo.safetensors", "np") as file:
        info = json.loads(file.metadata()["ss_bucket_info"])
    assert list(info["buckets"].values()) == [
        {"resolution": [128, 128], "count": 2}, {"resolution": [192, 64], "count": 1}
    ]  # fmt: skip
    assert info["mean_img_ar_error"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("folder", [None, "thing", "1_empty"])
def test_no_image_is_an_error_line_and_exit_code_0(bench: Bench, folder: str | None) -> None:
    if folder:
        bench.images(*([SQUARE] if folder == "thing" else []), folder=folder)
    run = bench.train()
    assert run.returncode == 0
    assert "ERROR    No data found. Please verify arguments" in run.stderr
    assert not bench.out.exists()
