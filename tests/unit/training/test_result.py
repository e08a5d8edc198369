from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from kohya_wrap.domain.events import (
    Crash,
    EpochStarted,
    LossNotFinite,
    NoData,
    OutOfMemory,
    PlanSeen,
    Progress,
)
from kohya_wrap.errors import TrainingFailed
from kohya_wrap.training import result
from kohya_wrap.training.seen import Seen


def lora(path: Path, up: float = 0.5, dtype: str = "float16") -> Path:
    down = np.ones((2, 4), dtype)
    save_file(
        {"lora_unet_a.lora_down.weight": down, "lora_unet_a.lora_up.weight": np.full((4, 2), up, dtype)}, path
    )
    return path


CONFIG = Path("cat/training_config.toml")
DONE = Seen(steps=4, total=4, loss=0.1)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_whole_file_that_moved_passes(tmp_path: Path, dtype: str) -> None:
    result.judge(
        lora(tmp_path / "a.safetensors", dtype=dtype),
        DONE,
        0,
        log=tmp_path / "log",
        log_from=0,
        config=CONFIG,
    )


@pytest.mark.parametrize(
    ("up", "problem"),
    [(0.0, "never moved"), (-0.0, "never moved"), (float("nan"), "no numbers"), (float("inf"), "no numbers")],
)
def test_weights_of_no_use(tmp_path: Path, up: float, problem: str) -> None:
    assert problem in result.weights_problem(lora(tmp_path / "a.safetensors", up))


@pytest.mark.parametrize(
    ("from_zero", "random"),
    [
        ("lora_up.weight", ("lora_down.weight", "dora_scale")),
        ("hada_w2_a", ("hada_w1_a", "hada_w1_b", "hada_w2_b", "dora_scale")),
        ("lokr_w2", ("lokr_w1",)),
        ("lokr_w2_b", ("lokr_w1", "lokr_w2_a")),
        ("oft_blocks", ("rescale",)),
        ("b2.weight", ("a1.weight", "b1.weight")),
        ("diff", ()),
    ],
)
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_network_of_any_kind_that_never_moved_is_seen(
    tmp_path: Path, from_zero: str, random: tuple[str, ...], dtype: str
) -> None:
    path = tmp_path / "a.safetensors"
    others = {f"lora_unet_a.{name}": np.ones((2, 4), dtype) for name in random}
    for value, problem in ((0.0, "holds layers that never moved"), (1e-6, "")):
        save_file({**others, f"lora_unet_a.{from_zero}": np.full((4, 2), value, dtype)}, path)
        assert result.weights_problem(path) == problem


def test_bfloat16_is_read_too(tmp_path: Path) -> None:
    import json
    import struct

    def blob(bits: int) -> bytes:
        header = json.dumps(
            {"x.lora_up.weight": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}
        ).encode()
        return struct.pack("<Q", len(header)) + header + struct.pack("<H", bits)

    path = tmp_path / "a.safetensors"
    for bits, problem in ((0x3F80, ""), (0x7FC0, "no numbers"), (0x0000, "never moved")):
        path.write_bytes(blob(bits))
        assert (problem in result.weights_problem(path)) and bool(problem) == bool(
            result.weights_problem(path)
        )


def test_a_file_cut_short_is_seen(tmp_path: Path) -> None:
    path = lora(tmp_path / "a.safetensors")
    path.write_bytes(path.read_bytes()[:-3])
    assert result.weights_problem(path)


@pytest.mark.parametrize(
    ("seen", "code", "words"),
    [
        (Seen(steps=4, total=4, no_data=True), 0, "no image"),
        (Seen(steps=3, total=4), 0, "3 of 4 steps"),
        (Seen(steps=2, total=4, not_finite_at=2), -15, "not a number since step 2"),
        (Seen(steps=2, total=4, crash=Crash("ValueError: x", "a.py:1")), 1, "ValueError: x"),
        (
            Seen(steps=2, total=4, out_of_memory=True, crash=Crash("torch.OutOfMemoryError: y")),
            1,
            "ran out of memory after step 2 of 4",
        ),
        (Seen(out_of_memory=True), 1, "ran out of memory before the first step was done"),
        (Seen(steps=2, total=4), -9, "killed by SIGKILL after step 2 of 4"),
        (Seen(steps=2, total=4), 1, "exit code 1"),
    ],
)
def test_what_is_no_success(tmp_path: Path, seen: Seen, code: int, words: str) -> None:
    with pytest.raises(TrainingFailed, match=words):
        result.judge(
            lora(tmp_path / "a.safetensors"), seen, code, log=tmp_path / "log", log_from=0, config=CONFIG
        )


def test_exit_code_0_without_the_file_is_no_success(tmp_path: Path) -> None:
    with pytest.raises(TrainingFailed, match=r"without a\.safetensors"):
        result.judge(tmp_path / "a.safetensors", DONE, 0, log=tmp_path / "log", log_from=0, config=CONFIG)


def test_what_nobody_saw_end_is_judged_by_its_file(tmp_path: Path) -> None:
    path = lora(tmp_path / "a.safetensors")
    result.judge(path, DONE, None, log=tmp_path / "log", log_from=0, config=CONFIG)
    path.unlink()
    with pytest.raises(TrainingFailed, match="without a word after step 4 of 4"):
        result.judge(path, DONE, None, log=tmp_path / "log", log_from=0, config=CONFIG)


def test_what_an_earlier_attempt_died_of_is_not_this_ones(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("Command '[...]' died with <Signals.SIGKILL: 9>.\n")
    begin = log.stat().st_size
    with pytest.raises(TrainingFailed, match="exit code 1"):
        result.judge(tmp_path / "a.safetensors", Seen(steps=1), 1, log=log, log_from=begin, config=CONFIG)


def test_a_trainer_killed_behind_the_launcher_is_named(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("subprocess.CalledProcessError: Command '[...]' died with <Signals.SIGKILL: 9>.\n")
    with pytest.raises(TrainingFailed, match="killed by SIGKILL"):
        result.judge(tmp_path / "a.safetensors", Seen(steps=1), 1, log=log, log_from=0, config=CONFIG)


def test_events_amount_to() -> None:
    seen = Seen.of(
        [
            PlanSeen("total_steps", 9),
            Progress(1, 9, 1.0, 2.0, 1),
            Progress(2, 9, float("nan"), 2.0, 1),
            LossNotFinite(2),
            LossNotFinite(3),
            EpochStarted(3, 4),
            NoData("n"),
            Crash("first"),
            Crash("second"),
            OutOfMemory("o"),
        ]
    )
    assert (seen.steps, seen.total, seen.epoch, seen.epochs, seen.not_finite_at) == (2, 9, 3, 4, 2)
    assert seen.no_data and seen.out_of_memory and seen.crash == Crash("first")
