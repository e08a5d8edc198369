"""The same config and images on the rehearsal and on the real engine: the same steps, names, states and exit codes."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import toml
from PIL import Image

from kohya_wrap.domain.events import Crash, EpochStarted, Event, NoData, PlanSeen, Progress
from kohya_wrap.engine import locate
from kohya_wrap.engine.locate import Engine
from kohya_wrap.training import command
from kohya_wrap.training.output import OutputReader
from tests.engine.conftest import RealEngine

SIZES = ((64, 64), (128, 64), (64, 64), (64, 128), (128, 64))


@dataclass(frozen=True)
class Outcome:
    """All that the wrapper sees of a run but times and losses."""

    code: int
    plan: tuple[PlanSeen, ...]
    epochs: tuple[EpochStarted, ...]
    last_bar: tuple[int, int] | None
    files: tuple[str, ...]
    no_data: bool
    cause: str


def run(engine: Engine, real: RealEngine, root: Path, **changes: Any) -> Outcome:
    out = root / engine.kind
    options: dict[str, Any] = {
        "pretrained_model_name_or_path": str(real.base), "tokenizer_cache_dir": str(real.engine.tokenizers),
        "train_data_dir": str(root / "data"), "output_dir": str(out), "output_name": "lo",
        "resolution": "64,64", "enable_bucket": True, "min_bucket_reso": 64, "max_bucket_reso": 128,
        "network_module": "networks.lora", "network_dim": 2, "network_alpha": 1.0, "learning_rate": 1e-4,
        "caption_extension": ".txt", "train_batch_size": 2, "seed": 7, "sdpa": True, "cache_latents": True,
        "max_data_loader_n_workers": 0, "network_train_unet_only": True, "save_model_as": "safetensors",
    }  # fmt: skip
    given = {name: value for name, value in (options | changes).items() if value is not None}
    if "resume" in given:
        given["resume"] = str(out / given["resume"])
    config = root / f"{engine.kind}.toml"
    config.write_text(toml.dumps(given), encoding="utf-8")
    launcher_config = root / "accelerate.json"
    launcher_config.write_text(command.launcher_config(1))
    argv = command.argv(
        engine.launch, engine.source, "train_network.py", config, launcher_config, cpu=True, threads=2
    )
    env = command.environment(os.environ, threads=2, gpus=()) | {"KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0"}
    done = subprocess.run(
        argv,
        env=env,
        cwd=engine.source,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    reader = OutputReader(out, "lo")
    events: list[Event] = [
        event for line in done.stdout.replace("\r", "\n").splitlines() for event in reader.feed(line)
    ]
    bars = [(event.step, event.total) for event in events if isinstance(event, Progress)]
    return Outcome(
        done.returncode,
        tuple(event for event in events if isinstance(event, PlanSeen)),
        tuple(event for event in events if isinstance(event, EpochStarted)),
        bars[-1] if bars else None,
        tuple(sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()))
        if out.exists()
        else (),
        any(isinstance(event, NoData) for event in events),
        next((event.cause for event in events if isinstance(event, Crash)), ""),
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "2_thing"
    folder.mkdir(parents=True)
    for number, size in enumerate(SIZES):
        Image.new("RGB", size, (number * 40, 90, 200 - number * 30)).save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text(f"thing, tag {number}\n")
    return tmp_path


def both(real: RealEngine, root: Path, **options: Any) -> tuple[Outcome, Outcome]:
    return run(real.engine, real, root, **options), run(locate.rehearsal(), real, root, **options)


def test_epochs_buckets_states_and_a_resume(real_engine: RealEngine, root: Path) -> None:
    options = {
        "max_train_epochs": 3,
        "save_every_n_epochs": 1,
        "save_state": True,
        "save_last_n_epochs_state": 1,
    }
    real, rehearsed = both(real_engine, root, **options)
    assert real.code == 0 and real.last_bar == (15, 15)
    assert rehearsed == real

    # From the state of epoch 2, the one continuation that is right (engine contract, section 4).
    again = {"resume": "lo-000002-state", "initial_step": 10, **options}
    real, rehearsed = both(real_engine, root, **again)
    assert real.code == 0 and real.last_bar == (5, 15)
    assert rehearsed == real


def test_steps_accumulation_and_step_saves(real_engine: RealEngine, root: Path) -> None:
    options = {
        "max_train_steps": 5,
        "gradient_accumulation_steps": 2,
        "save_every_n_steps": 2,
        "save_state": True,
    }
    real, rehearsed = both(real_engine, root, **options)
    assert real.code == 0 and "lo-step00000002.safetensors" in real.files
    assert rehearsed == real


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"resolution": 64}, "has no attribute 'split'"),
        ({"network_module": None}, "'NoneType' object has no attribute 'startswith'"),
    ],
)
def test_failures(real_engine: RealEngine, root: Path, changes: dict[str, Any], cause: str) -> None:
    real, rehearsed = both(real_engine, root, max_train_epochs=1, **changes)
    assert real.code == 1 and cause in real.cause and not real.files
    assert (rehearsed.code, rehearsed.cause, rehearsed.files) == (1, real.cause, ())


def test_no_image_is_exit_code_0_and_nothing_written(real_engine: RealEngine, root: Path) -> None:
    (root / "data" / "2_thing").rename(root / "data" / "thing")
    real, rehearsed = both(real_engine, root, max_train_epochs=1)
    assert real.code == 0 and real.no_data and not real.files
    assert rehearsed == real
