from __future__ import annotations

import math
from pathlib import Path

import pytest

from kohya_wrap.domain.events import (
    CheckpointSaved,
    Crash,
    EngineWarning,
    EpochStarted,
    Event,
    LossNotFinite,
    NoData,
    OutOfMemory,
    PlanSeen,
    Progress,
    StateSaved,
    Validated,
)
from kohya_wrap.training.output import OutputReader


def read(*lines: str) -> list[Event]:
    reader = OutputReader(Path("/out"), "lora")
    return [event for line in lines for event in reader.feed(line)]


@pytest.mark.parametrize(
    ("line", "event"),
    [
        ("epoch 2/10", EpochStarted(2, 10)),
        ("saving checkpoint: /out/lora-000002.safetensors", CheckpointSaved("/out/lora-000002.safetensors")),
        (
            "2026-11-24 10:00:00 INFO     saving state at epoch 2   train_util.py:5942",
            StateSaved("/out/lora-000002-state"),
        ),
        (
            "2026-11-24 10:00:00 INFO     saving state at step 40   train_util.py:5964",
            StateSaved("/out/lora-step00000040-state"),
        ),
        (
            "                    INFO     saving last state.        train_util.py:5990",
            StateSaved("/out/lora-state"),
        ),
        ("  num train images * repeats / 学習画像の数×繰り返し回数: 80", PlanSeen("images", 80)),
        ("  num batches per epoch / 1epochのバッチ数: 40", PlanSeen("batches_per_epoch", 40)),
        ("  num epochs / epoch数: 10", PlanSeen("epochs", 10)),
        ("  batch size per device / バッチサイズ: 2", PlanSeen("batch_size_per_device", 2)),
        ("  gradient accumulation steps / 勾配を合計するステップ数 = 1", PlanSeen("accumulation", 1)),
        ("  total optimization steps / 学習ステップ数: 400", PlanSeen("total_steps", 400)),
        (
            "2026-11-24 10:00:00 ERROR    No data found. Please verify arguments    train_network.py:576",
            NoData("No data found"),
        ),
        (
            "                    WARNING  No caption file found for 3 images. Training will continue / キャプション   train_util.py:1957",
            EngineWarning("No caption file found for 3 images. Training will continue"),
        ),
    ],
)
def test_lines_the_engine_prints(line: str, event: Event) -> None:
    assert read(line) == [event]


@pytest.mark.parametrize(
    ("bar", "step", "seconds"),
    [
        ("steps:  50%|█████     | 9/18 [00:02<00:02,  3.46it/s, avr_loss=1.07]", 9, 1 / 3.46),
        ("steps:   6%|▌         | 1/18 [00:09<02:45,  9.75s/it, avr_loss=1.07]", 1, 9.75),
        ("steps:   6%|▌         | 1/18 [00:09<?, ?it/s, avr_loss=1.07]", 1, None),
        (
            "steps:   6%|▌  | 1/18 [00:09<02:45,  9.75s/it, Average key norm=0.1, Keys Scaled=0, avr_loss=1.07]",
            1,
            9.75,
        ),
    ],
)
def test_a_bar(bar: str, step: int, seconds: float | None) -> None:
    [event] = read("epoch 1/2", bar)[1:]
    assert isinstance(event, Progress)
    assert (event.step, event.total, event.loss, event.epoch) == (step, 18, 1.07, 1)
    assert event.seconds_per_step == (pytest.approx(seconds) if seconds else None)


def test_a_bar_of_something_else_is_no_step() -> None:
    assert read("bucket_reso_steps:  50%|█████     | 9/18 [00:02<00:02,  3.46it/s]") == []


def test_the_same_bar_drawn_again_is_one_event() -> None:
    bar = "steps:  50%|█████     | 9/18 [00:02<00:02,  3.46it/s, avr_loss=1.07]"
    assert len(read(bar, bar)) == 1


def test_a_loss_that_is_no_number_is_said_once() -> None:
    bars = [f"steps:  50%|█████     | {n}/18 [00:02<00:02,  3.46it/s, avr_loss=nan]" for n in (9, 10)]
    events = read(*bars)
    assert [e for e in events if isinstance(e, LossNotFinite)] == [LossNotFinite(9)]
    assert math.isnan(events[0].loss)  # type: ignore[attr-defined]


TRAINER = """Traceback (most recent call last):
  File "/engine/train_network.py", line 1760, in <module>
    trainer.train(args)
    ~~~~~~~~~~~~~^^^^^^
  File "/engine/library/train_util.py", line 5410, in prepare_dataset_args
    args.resolution = tuple([int(r) for r in args.resolution.split(",")])
AttributeError: 'int' object has no attribute 'split'
Traceback (most recent call last):
  File "/venv/lib/python3.11/site-packages/accelerate/commands/launch.py", line 788, in simple_launcher
    raise subprocess.CalledProcessError(returncode=process.returncode, cmd=cmd)
subprocess.CalledProcessError: Command '['python', 'train_network.py']' returned non-zero exit status 1.
""".splitlines()


def test_the_trainers_exception_is_the_cause_and_the_launchers_is_left_out() -> None:
    cause = "AttributeError: 'int' object has no attribute 'split'"
    assert read(*TRAINER) == [Crash(cause, "/engine/library/train_util.py:5410")]


def test_a_traceback_glued_to_an_unfinished_bar_is_seen() -> None:
    glued = "steps:   0%|          | 0/18 [00:00<?, ?it/s]" + TRAINER[0]
    assert len(read(glued, *TRAINER[1:])) == 1


def test_out_of_memory_is_its_own_event() -> None:
    cause = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB."
    assert read("Traceback (most recent call last):", '  File "/e/t.py", line 3, in f', cause) == [
        OutOfMemory(cause),
        Crash(cause, "/e/t.py:3"),
    ]


def test_the_validation_loss_when_it_is_whole() -> None:
    """As the engine writes it: drawn with the average of all but the last first, and once more when the next begins."""
    reader = OutputReader(Path("/o"), "x")
    up = "\x1b[A"
    bars = [
        "epoch 3/10",
        f"epoch validation steps:   0%|          | 0/4 [00:00<?, ?it/s]{up}",
        f"epoch validation steps:  25%|██▌       | 1/4 [00:01<00:03,  1.00s/it, val_epoch_avg_loss=0.9, timestep=200]{up}",
        f"epoch validation steps: 100%|██████████| 4/4 [00:04<00:00,  1.00s/it, val_epoch_avg_loss=0.4, timestep=600]{up}",
        f"epoch validation steps: 100%|██████████| 4/4 [00:04<00:00,  1.00s/it, val_epoch_avg_loss=0.112, timestep=800]{up}",
        f"validation steps: 100%|██████████| 4/4 [00:04<00:00,  1.00s/it, val_avg_loss=0.5, timestep=800]{up}",
        "epoch 4/10",
        "epoch validation steps: 100%|██████████| 4/4 [00:18<00:00,  4.75s/it, val_epoch_avg_loss=0.112, timestep=800]",
        "steps:  50%|█████     | 9/18 [00:02<00:02,  3.46it/s, avr_loss=1.07]",
        f"epoch validation steps: 100%|██████████| 4/4 [00:07<00:00,  1.78s/it, val_epoch_avg_loss=0.1, timestep=800]{up}{up}2026-11-29 INFO",
        "saving checkpoint: /o/x.safetensors",
    ]
    events = [event for line in bars for event in reader.feed(line)]
    assert [event for event in events if isinstance(event, Validated)] == [
        Validated(3, 0.112),
        Validated(4, 0.1),
    ]
