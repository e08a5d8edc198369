"""It learns, repeats itself, and goes on where it stopped."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from kohya_wrap.rehearsal.network import schedule
from kohya_wrap.rehearsal.options import Options
from tests.unit.rehearsal.conftest import SQUARE, WIDE, Bench


def losses(stderr: str) -> list[float]:
    return [float(value) for value in re.findall(r"avr_loss=([^,\]]+)\]", stderr)]


def same(one: Path, other: Path) -> bool:
    first, second = load_file(one), load_file(other)
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("options", [{}, {"network_train_unet_only": True}, {"optimizer_type": "AdamW8bit"}])
def test_the_loss_falls(bench: Bench, options: dict[str, Any]) -> None:
    bench.images(*[SQUARE] * 8)
    run = bench.train(max_train_epochs=30, learning_rate=1e-4, network_dim=32, network_alpha=16.0, **options)
    seen = losses(run.stderr)
    assert seen[-1] < 0.75 * seen[3], seen


def test_the_text_encoders_share_learns_too(bench: Bench) -> None:
    bench.images(*[SQUARE] * 8)
    run = bench.train(max_train_epochs=60, network_train_text_encoder_only=True)
    seen = losses(run.stderr)  # each the mean over an epoch of four batches
    assert np.mean(seen[-80:]) < 0.9 * np.mean(seen[4:84])


def test_no_rate_is_no_learning(bench: Bench) -> None:
    bench.images(*[SQUARE] * 4)
    bench.train(unet_lr=0.0)
    up = {name: value for name, value in load_file(bench.out / "lo.safetensors").items() if "lora_up" in name}
    assert all(value.any() == name.startswith("lora_te") for name, value in up.items())


def test_the_schedule_sets_the_rate(bench: Bench) -> None:
    bench.images(*[SQUARE] * 4)
    bench.train(lr_scheduler="constant_with_warmup", lr_warmup_steps=1_000_000_000)
    weights = load_file(bench.out / "lo.safetensors")
    assert max(np.abs(value).max() for name, value in weights.items() if "lora_up" in name) < 1e-9


def test_a_seed_repeats_itself_and_another_does_not(bench: Bench) -> None:
    bench.images(*[SQUARE] * 4)
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        bench.train(output_name=name, seed=seed)
    assert same(bench.out / "a.safetensors", bench.out / "b.safetensors")
    assert not same(bench.out / "a.safetensors", bench.out / "c.safetensors")


def test_resumed_is_uninterrupted_bit_for_bit(bench: Bench) -> None:
    bench.images(*[SQUARE] * 5, *[WIDE] * 3)
    options: dict[str, Any] = {
        "max_train_epochs": 4, "save_every_n_epochs": 1, "save_state": True, "lr_scheduler": "cosine",
        "lr_warmup_steps": 2, "gradient_accumulation_steps": 2, "network_alpha": 1.0,
    }  # fmt: skip
    bench.train(**options)
    state = bench.out / "lo-000002-state"
    run = bench.train(**options, output_name="again", resume=str(state), initial_step=6, learning_rate=0.5)
    assert run.returncode == 0, run.stderr
    assert same(bench.out / "lo-000003.safetensors", bench.out / "again-000003.safetensors")
    assert same(bench.out / "lo.safetensors", bench.out / "again.safetensors")
    # The engine's own counting: epochs are absolute, steps restart, the total is the whole run's.
    assert "\nepoch 3/4\n" in run.stdout and "epoch 2/4" not in run.stdout
    assert "| 6/12 [" in run.stderr and "| 7/12 [" not in run.stderr
    assert '"current_step": 6' in (bench.out / "again-state" / "train_state.json").read_text()


def test_the_state_tells_the_step_where_the_config_does_not(bench: Bench) -> None:
    bench.images(*[SQUARE] * 4)
    bench.train(save_every_n_epochs=1, save_state=True)
    run = bench.train(max_train_epochs=3, resume=str(bench.out / "lo-state"))
    assert "\nepoch 3/3\n" in run.stdout and "epoch 2/3" not in run.stdout
    run = bench.train(resume=str(bench.out / "lo-state"))
    assert run.returncode == 1 and "max_train_steps should be greater than initial step" in run.stderr


@pytest.mark.parametrize(
    ("changes", "missing", "text"),
    [
        ({"network_dim": 4}, None, "size mismatch for lora_te"),
        ({}, "optimizer.bin", "FileNotFoundError"),
        ({"resume": "nowhere"}, None, "Tried to find nowhere but folder does not exist"),
    ],
)
def test_a_state_that_does_not_fit(
    bench: Bench, changes: dict[str, Any], missing: str | None, text: str
) -> None:
    bench.images(*[SQUARE] * 2)
    bench.train(save_state=True)
    if missing:
        (bench.out / "lo-state" / missing).unlink()
    run = bench.train(**{"resume": str(bench.out / "lo-state"), "max_train_epochs": 3, **changes})
    assert run.returncode == 1 and text in run.stderr


def test_weights_to_start_from(bench: Bench) -> None:
    bench.images(*[SQUARE] * 2)
    bench.train()
    weights = bench.out / "lo.safetensors"
    run = bench.train(output_name="next", network_weights=str(weights), learning_rate=1e-12)
    assert f"load network weights from {weights}" in run.stdout
    first, second = load_file(weights), load_file(bench.out / "next.safetensors")
    assert all(np.allclose(first[name], second[name], atol=1e-9) for name in first)


@pytest.mark.parametrize(
    ("name", "warmup", "shares"),
    [
        ("constant", 0, [1, 1, 1, 1]),
        ("constant_with_warmup", 4, [0, 1, 1, 1]),
        ("linear", 0, [1, 0.6, 0.2, 0]),
        ("linear", 0.2, [0, 0.75, 0.25, 0]),
        ("cosine", 0, [1, 0.6545, 0.0955, 0]),
        ("cosine_with_restarts", 0, [1, 0.0955, 0.3455, 0]),
    ],
)
def test_schedules(name: str, warmup: float, shares: list[float]) -> None:
    args = Options(lr_scheduler=name, lr_warmup_steps=warmup, max_train_steps=10, lr_scheduler_num_cycles=2)
    assert [schedule(args, step) for step in (0, 4, 8, 10)] == pytest.approx(shares, abs=1e-4)
