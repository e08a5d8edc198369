"""The engine's command line and environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from kohya_wrap.training.command import argv, environment

LAUNCH = ("python", "-m", "accelerate.commands.launch")


def command(cpu: bool = False, threads: int = 2) -> tuple[str, ...]:
    run = Path("/run")
    return argv(
        LAUNCH, Path("/engine"), "train_network.py", run / "c.toml", run / "a.json", cpu=cpu, threads=threads
    )


def test_launcher_flags_script_config_in_this_order() -> None:
    words = command()
    assert words[:3] == LAUNCH
    assert words[-3:] == ("/engine/train_network.py", "--config_file", "/run/c.toml")


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--config_file", "/run/a.json"),
        ("--num_cpu_threads_per_process", "2"),
        ("--num_processes", "1"),
        ("--num_machines", "1"),
        ("--mixed_precision", "no"),
        ("--dynamo_backend", "no"),
    ],
)
def test_no_flag_is_left_to_a_user_s_default_config(flag: str, value: str) -> None:
    words = command()
    assert words[words.index(flag) + 1] == value
    assert words.index(flag) < words.index("/engine/train_network.py"), "the launcher's, not the script's"


@pytest.mark.parametrize("cpu", [True, False])
def test_cpu_is_said_to_the_launcher(cpu: bool) -> None:
    words = command(cpu=cpu)
    assert ("--cpu" in words[: words.index("/engine/train_network.py")]) is cpu


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HF_HUB_OFFLINE", "1"),
        ("COLUMNS", "200"),
        ("PYTHONUNBUFFERED", "1"),
        ("PYTHONUTF8", "1"),
        ("TOKENIZERS_PARALLELISM", "false"),
        ("OMP_NUM_THREADS", "3"),
        ("CUDA_VISIBLE_DEVICES", "GPU-1b"),
    ],
)
def test_set_whatever_the_user_s_environment_says(name: str, value: str) -> None:
    assert environment({name: "other"}, threads=3, gpu="GPU-1b")[name] == value


def test_saving_to_the_hub_needs_the_hub() -> None:
    assert environment({"HF_HUB_OFFLINE": "1"}, threads=1, gpu="", online=True)["HF_HUB_OFFLINE"] == "0"


def test_no_card_is_visible_to_a_training_on_the_processor() -> None:
    assert environment({"CUDA_VISIBLE_DEVICES": "0"}, threads=1, gpu="")["CUDA_VISIBLE_DEVICES"] == ""


@pytest.mark.parametrize(
    "name",
    ["PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX", "RANK", "WORLD_SIZE", "ACCELERATE_USE_CPU"],
)
def test_what_would_lead_the_engine_elsewhere_is_left_out(name: str) -> None:
    assert name not in environment({name: "x"}, threads=1, gpu="")


@pytest.mark.parametrize("name", ["HOME", "PATH", "LD_LIBRARY_PATH", "HF_TOKEN"])
def test_the_rest_is_kept(name: str) -> None:
    assert environment({name: "x"}, threads=1, gpu="")[name] == "x"


@pytest.mark.parametrize(("gpu", "seen"), [("GPU-1b", "MIG-7"), ("", "")])
def test_a_slice_of_a_card_stays_the_one_that_is_seen(gpu: str, seen: str) -> None:
    assert environment({"CUDA_VISIBLE_DEVICES": "MIG-7"}, threads=1, gpu=gpu)["CUDA_VISIBLE_DEVICES"] == seen
