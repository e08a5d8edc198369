"""The engine's command line and environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kohya_wrap.training.command import argv, environment, launcher_config

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
    assert environment({name: "other"}, threads=3, gpus=["GPU-1b"])[name] == value


def test_saving_to_the_hub_needs_the_hub() -> None:
    assert environment({"HF_HUB_OFFLINE": "1"}, threads=1, gpus=(), online=True)["HF_HUB_OFFLINE"] == "0"


def test_no_card_is_visible_to_a_training_on_the_processor() -> None:
    assert environment({"CUDA_VISIBLE_DEVICES": "0"}, threads=1, gpus=())["CUDA_VISIBLE_DEVICES"] == ""


@pytest.mark.parametrize(
    "name",
    [
        "PYTHONPATH",
        "PYTHONHOME",
        "PYTHONIOENCODING",
        "VIRTUAL_ENV",
        "CONDA_PREFIX",
        "RANK",
        "WORLD_SIZE",
        "ACCELERATE_USE_CPU",
    ],
)
def test_what_would_lead_the_engine_elsewhere_is_left_out(name: str) -> None:
    assert name not in environment({name: "x"}, threads=1, gpus=())


@pytest.mark.parametrize("name", ["HOME", "PATH", "LD_LIBRARY_PATH", "HF_TOKEN"])
def test_the_rest_is_kept(name: str) -> None:
    assert environment({name: "x"}, threads=1, gpus=())[name] == "x"


@pytest.mark.parametrize(("gpus", "seen"), [(["GPU-1b"], "MIG-7"), ([], "")])
def test_a_slice_of_a_card_stays_the_one_that_is_seen(gpus: list[str], seen: str) -> None:
    assert (
        environment({"CUDA_VISIBLE_DEVICES": "MIG-7"}, threads=1, gpus=gpus)["CUDA_VISIBLE_DEVICES"] == seen
    )


def test_several_processes_meet_at_a_port_of_their_own() -> None:
    words = argv(
        LAUNCH, Path("/engine"), "train_network.py", Path("c.toml"), Path("a.json"),
        cpu=False, threads=4, processes=3, port=12345,
    )  # fmt: skip
    flags = words[len(LAUNCH) : words.index("/engine/train_network.py")]
    assert "--multi_gpu" in flags
    assert (flags[flags.index("--num_processes") + 1], flags[flags.index("--main_process_port") + 1]) == (
        "3",
        "12345",
    )
    assert not {"--multi_gpu", "--main_process_port"} & set(command())
    assert [json.loads(launcher_config(n))["distributed_type"] for n in (1, 3)] == ["NO", "MULTI_GPU"]


def test_each_process_has_a_card() -> None:
    assert environment({}, threads=1, gpus=["GPU-1", "GPU-2"])["CUDA_VISIBLE_DEVICES"] == "GPU-1,GPU-2"
