"""Bad input, faults on order, and signals: texts, exit codes, what is left on disk."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors import SafetensorError
from safetensors.numpy import load_file

from kohya_wrap.rehearsal import network, trainer
from tests.unit.rehearsal.conftest import SQUARE, WIDE, Bench

FAULT = "KOHYA_WRAP_REHEARSAL_FAULT"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"resolution": 512}, "'int' object has no attribute 'split'"),
        ({"resolution": None}, "resolution is required"),
        ({"network_module": None}, "'NoneType' object has no attribute 'startswith'"),
        ({"network_module": "networks.nope"}, "No module named 'networks.nope'"),
        ({"train_batch_size": "2"}, "TypeError"),
        ({"network_args": "conv_dim=4"}, "not enough values to unpack"),
        ({"learning_rate": "1e-3"}, "TypeError"),
        ({"network_dim": "4"}, "TypeError"),
        ({"mixed_precision": "banana"}, "Unknown mixed_precision mode"),
        ({"lr_scheduler": "banana"}, "is not a valid SchedulerType"),
        ({"lr_warmup_steps": 2}, "does not require `num_warmup_steps`"),
        ({"optimizer_type": "banana"}, "module 'torch.optim' has no attribute 'banana'"),
        ({"network_train_unet_only": True, "network_train_text_encoder_only": True}, "empty parameter list"),
        ({"min_bucket_reso": 256}, "min_bucket_reso must be equal or less than resolution"),
        ({"dataset_config": "x.toml"}, "the rehearsal does not play dataset_config; the real engine does"),
        ({"validation_split": 0.1}, "the rehearsal does not play validation_split; the real engine does"),
        ({"enable_bucket": False}, "image size is small"),
    ],
)
def test_a_value_the_engine_crashes_on(bench: Bench, options: dict[str, Any], text: str) -> None:
    bench.images(SQUARE, SQUARE)
    with pytest.raises(Exception) as failure:
        trainer.main(network.SD15, ["--config_file", str(bench.config(**options))])
    assert text in f"{failure.type.__name__}: {failure.value}"
    assert not bench.out.exists()


@pytest.mark.parametrize(
    ("options", "text", "trained"),
    [
        ({"output_dir": None}, "TypeError", 2),
        ({"output_name": "a/b"}, "No such file or directory", 2),
        ({"save_every_n_epochs": "1"}, "TypeError", 1),
    ],
)
def test_a_mistake_that_the_engine_finds_only_when_saving(
    bench: Bench, options: dict[str, Any], text: str, trained: int
) -> None:
    bench.images(SQUARE, SQUARE)
    run = bench.train(**options)
    assert run.returncode == 1 and text in run.stderr
    assert f"| {trained}/2 [" in run.stderr and bench.files() == set()


def test_unknown_keys_and_table_names_mean_nothing(bench: Bench) -> None:
    bench.images(SQUARE, SQUARE)
    config = bench.config(batch_size=7, nonsense="x")
    config.write_text("[anything]\n" + config.read_text())
    run = subprocess.run(bench.argv(), env=bench.environment(), capture_output=True, encoding="utf-8")
    assert run.returncode == 0 and "batch size per device / バッチサイズ: 2\n" in run.stdout


def test_an_unknown_argument_is_refused(bench: Bench) -> None:
    bench.images(SQUARE, SQUARE)
    assert bench.train(arguments=("--nonsense",)).returncode == 2


def test_no_config_file(bench: Bench) -> None:
    run = subprocess.run(bench.argv(), env=bench.environment(), capture_output=True, encoding="utf-8")
    assert run.returncode == 1 and "engine_config.toml not found." in run.stderr


def break_size(data: bytes) -> bytes:
    return b""


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


@pytest.mark.parametrize(
    ("damage", "cached", "texts", "begun"),
    [
        (break_size, False, ("failed to get image size", "ZeroDivisionError: division by zero"), False),
        (cut, False, ("Error loading file", "truncated"), True),
        (cut, True, ("Error loading file", "truncated"), False),
    ],
)
def test_a_damaged_image(
    bench: Bench, damage: Callable[[bytes], bytes], cached: bool, texts: tuple[str, ...], begun: bool
) -> None:
    bench.images(SQUARE)
    image = bench.root / "data" / "1_thing" / "image00.jpg"
    Image.effect_noise((300, 300), 90).convert("RGB").save(image)
    image.write_bytes(damage(image.read_bytes()))
    run = bench.train(cache_latents=cached)
    assert run.returncode == 1 and all(text in run.stderr for text in texts), run.stderr[-500:]
    assert ("epoch 1/2" in run.stdout) == begun


@pytest.mark.parametrize(
    ("content", "text"), [(b"", "caption file is empty"), (b"\xff\xfe", "UnicodeDecodeError")]
)
def test_a_bad_caption(bench: Bench, content: bytes, text: str) -> None:
    folder = bench.images(SQUARE, WIDE)
    (folder / "image01.txt").write_bytes(content)
    run = bench.train()
    assert run.returncode == 1 and text in run.stderr


def test_oom(bench: Bench) -> None:
    bench.images(*[SQUARE] * 4)
    run = bench.train(launcher=True, env={FAULT: "oom@3"})
    assert run.returncode == 1 and "| 2/4 [" in run.stderr and "| 3/4 [" not in run.stderr
    assert "\ntorch.OutOfMemoryError: CUDA out of memory. Tried to allocate" in run.stderr
    assert run.stderr.rstrip().endswith("returned non-zero exit status 1.")


def test_nan_trains_on_and_exits_0(bench: Bench) -> None:
    bench.images(*[SQUARE] * 4)
    run = bench.train(env={FAULT: "nan@3"}, max_train_epochs=3)
    shown = re.findall(r"avr_loss=([^]]+)]", run.stderr)
    assert run.returncode == 0 and "nan" not in shown[:2] and set(shown[2:]) == {"nan"}
    weights = load_file(bench.out / "lo.safetensors")
    assert all(np.isnan(value).all() for name, value in weights.items() if "lora_up" in name)


def test_crash(bench: Bench) -> None:
    bench.images(*[SQUARE] * 4)
    run = bench.train(launcher=True, env={FAULT: "crash@3"}, save_every_n_epochs=1)
    assert run.returncode == 1 and "died with <Signals.SIGKILL: 9>" in run.stderr
    assert "subprocess.CalledProcessError: Command '[" in run.stderr
    assert bench.files() == {"lo-000001.safetensors"}


@pytest.mark.parametrize(("fault", "left"), [("save", "lo-000001.safetensors"), ("state", "lo-000001-state")])
def test_disk_full(bench: Bench, fault: str, left: str) -> None:
    bench.images(*[SQUARE] * 4)
    run = bench.train(env={FAULT: f"disk-full@{fault}"}, save_every_n_epochs=1, save_state=True)
    assert run.returncode == 1 and left in bench.files() and "lo.safetensors" not in bench.files()
    if fault == "save":
        assert "No space left on device" in run.stderr
        with pytest.raises(SafetensorError):
            load_file(bench.out / left)
    else:
        assert (bench.out / left / "optimizer.bin").exists()
        assert not (bench.out / left / "random_states_0.pkl").exists()


def test_a_fault_can_strike_once(bench: Bench) -> None:
    bench.images(*[SQUARE] * 4)
    env = {FAULT: "oom@2,crash@3", "KOHYA_WRAP_REHEARSAL_FAULT_ONCE": str(bench.root / "struck")}
    assert [bench.train(env=env).returncode for _ in range(3)] == [1, -signal.SIGKILL, 0]


def test_an_order_that_is_none_is_refused(bench: Bench) -> None:
    run = bench.train(env={FAULT: "oom"})
    assert run.returncode == 1 and "'oom' is none of" in run.stderr


def start_hanging(bench: Bench) -> tuple[subprocess.Popen[bytes], int]:
    """The launcher, and the pid of its trainer, which is stuck in step 2."""
    bench.images(*[SQUARE] * 4)
    bench.config()
    log = bench.root / "log"
    with log.open("wb") as file:
        launcher = subprocess.Popen(
            bench.argv(launcher=True),
            env=bench.environment(**{FAULT: "hang@2"}),
            stderr=file,
            start_new_session=True,
        )
    deadline = time.monotonic() + 20
    while b"| 1/4 [" not in log.read_bytes():
        assert launcher.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(launcher.pid)], capture_output=True, text=True
    )
    return launcher, int(children.stdout)


def alive(pid: int) -> bool:
    """Running, and no zombie that nobody has collected."""
    state = subprocess.run(
        ["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True
    ).stdout.strip()
    return state not in ("", "Z")


def test_a_signal_to_the_launcher_alone_orphans_the_trainer(bench: Bench) -> None:
    launcher, trainer = start_hanging(bench)
    try:
        launcher.terminate()
        assert launcher.wait(5) == -signal.SIGTERM
        time.sleep(0.3)
        assert alive(trainer)
    finally:
        os.kill(trainer, signal.SIGKILL)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_to_the_group_stops_both(bench: Bench, name: str) -> None:
    launcher, trainer = start_hanging(bench)
    os.killpg(launcher.pid, signal.Signals[name])
    assert launcher.wait(5) == -signal.Signals[name]
    deadline = time.monotonic() + 5
    while alive(trainer):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_signal_to_the_trainer_is_named_by_the_launcher(bench: Bench) -> None:
    launcher, trainer = start_hanging(bench)
    os.kill(trainer, signal.SIGTERM)
    assert launcher.wait(5) == 1
    assert "died with <Signals.SIGTERM: 15>" in (bench.root / "log").read_text()
