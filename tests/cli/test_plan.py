"""`kohya-wrap plan` as it is typed, on a laptop: no GPU, no torch, no network."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from kohya_wrap import resources
from kohya_wrap.config import presets
from tests.fixtures.shell import Shell

RATED = [preset.name for preset in presets.load(resources.presets()).gpus.values() if preset.tflops]
AWAY = """
import socket, sys
def refused(*_):
    sys.exit("the network was asked")
socket.socket.connect = socket.getaddrinfo = refused
from kohya_wrap.cli import main
try:
    main()
finally:
    heavy = {"torch", "huggingface_hub", "pydantic", "rich", "numpy", "pynvml", "git", "urllib.request", "http.client"}
    print("imported:", *sorted(heavy & sys.modules.keys()), file=sys.stderr)
"""


def test_a_line_for_each_card_the_cheapest_first(shell: Shell, guide: Path) -> None:
    answer = shell("plan", guide)
    assert answer.code == 0, answer.err
    title, _, head, *rest = answer.out.splitlines()
    assert title == "SD 1.5, 8 images: 10 epochs of 5 steps = 50 steps"
    assert head.split("  ")[0] == "GPU"
    lines = rest[1 : rest.index("")]
    assert len(lines) == len(RATED)
    assert all(any(line.startswith(name) for name in RATED) for line in lines)
    assert "uncalibrated" in answer.out
    assert not any(len(line) > 150 for line in lines)


def test_for_scripts(shell: Shell, guide: Path) -> None:
    answer = shell("plan", guide, "--gpu", "RTX 4090", "--gpu", "RTX 3090", "--json")
    said = answer.envelope
    assert (said["ok"], said["command"]) == (True, "plan")
    first, second = said["data"]["cards"]
    assert {first["gpu"], second["gpu"]} == {"RTX 4090", "RTX 3090"}
    assert first["dollars"]["low"] <= second["dollars"]["low"]
    assert (first["steps"], first["epochs"], first["train_batch_size"]) == (50, 10, 2)
    assert first["verdict"] == "fits"
    assert sum(first["parts_bytes"].values()) == pytest.approx(first["likely_bytes"], abs=10)
    assert first["likely_bytes"] < first["shown_bytes"] < first["conservative_bytes"] < first["free_bytes"]
    assert said["data"]["calibrated"] is False
    assert first["offers"][0].keys() == {"provider", "low", "high", "seen", "dollars", "hidden_dollars"}


def test_the_arithmetic_of_one_card_adds_up(shell: Shell, guide: Path) -> None:
    answer = shell("plan", guide, "--explain", "RTX 4090")
    assert answer.code == 0
    lines = answer.out.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("memory, GiB"))
    end = next(number for number, line in enumerate(lines) if line.startswith("  likely"))
    parts = [float(line.split()[-1]) for line in lines[start + 1 : end]]
    assert sum(parts) == pytest.approx(float(lines[end].split()[-1]), abs=0.03)
    assert any("TFLOP/s by the data sheet" in line for line in lines)
    assert not any(line.startswith("RTX 3090 ") for line in lines)


def test_the_commands_of_the_legend_work(shell: Shell, guide: Path) -> None:
    """--set for a larger batch, and --explain for the first card."""
    out = shell("plan", guide).out
    batch = out.partition("--set ")[2].split()[0]
    name = out.partition('--explain "')[2].partition('"')[0]
    assert shell("plan", guide, "--explain", name).code == 0
    (card,) = shell("plan", guide, "--set", batch, "--gpu", name, "--json").envelope["data"]["cards"]
    assert (card["verdict"], f"train_batch_size={card['train_batch_size']}") == ("fits", batch)


def test_several_in_one_session(shell: Shell, guide: Path) -> None:
    words = ("plan", guide, guide, guide, "--gpu", "RTX 4090", "--gpu", "RTX 3090")
    answer = shell(*words)
    assert answer.code == 0, answer.err
    lines = answer.out.splitlines()
    assert [line.endswith("10 epochs of 5 steps = 50 steps") for line in lines[:3]] == [True] * 3
    assert "in one session" in lines[4] and "a machine each" in lines[4]
    said = shell(*words, "--json").envelope["data"]
    first = said["sessions"][0]
    assert first["dollars"]["low"] < first["separately_dollars"]["low"]
    assert first["saved"] == pytest.approx(1 - first["seconds"] / first["separately_seconds"])
    assert [one["config"] for one in said["configs"]] == [str(guide)] * 3
    dear = shell(*words, "--budget", "0.001")
    assert dear.code == 2 and "holds none of them" in dear.three_lines[0]


def test_a_card_of_ones_own(shell: Shell, guide: Path) -> None:
    words = ("plan", guide, "--gpu", "RTX 4090", "--own", "RTX 3060 12GB")
    assert "of electricity (270 W at full load" in shell(*words, "--kwh", "0.30").out
    assert "--kwh says" in shell(*words).out
    said = shell(*words, "--kwh", "0.30", "--json").envelope["data"]
    assert said["own"]["gpu"] == "RTX 3060 12GB" and said["own"]["watts"] == 270
    assert said["own"]["electricity_dollars"] == pytest.approx(0.27 * said["own"]["seconds"] / 3600 * 0.30)
    assert [card["gpu"] for card in said["cards"]] == ["RTX 4090"]


def test_neither_network_nor_torch(shell: Shell, guide: Path) -> None:
    answer = Shell(shell.cwd, shell.variables, (sys.executable, "-c", AWAY))("plan", guide)
    assert answer.code == 0, answer.err
    assert answer.err.splitlines()[-1] == "imported:"


def test_in_a_moment(shell: Shell, guide: Path) -> None:
    """Of the processor's time, since two tests run at once: by the clock it is measured by hand (docs/plan.md)."""

    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*shell.program, "plan", guide], cwd=shell.cwd, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(5)) < 0.45


@pytest.mark.parametrize(
    ("words", "code", "what", "hint"),
    [
        (("--gpu", "RTX 4099"), 2, "No GPU preset is called 'RTX 4099'", "RTX 4090"),
        (("--explain", "RTX 4099"), 2, "No GPU preset is called 'RTX 4099'", "RTX 4090"),
        (("--vram", "24"), 2, "belong together", "--tflops"),
        (("--kwh", "0.30"), 2, "your own electricity", "--own"),
        (("--own", "RTX 3061"), 2, "No GPU preset is called 'RTX 3061'", "--own"),
        (("--budget", "0.001"), 2, "holds none of them", "--budget 0.0"),
        (("--base", "sd51"), 2, "no base model", "sd15"),
        (("--base", "sdxl", "--vram", "4", "--tflops", "20"), 8, "GiB are needed", "resolution"),
        (("--set", "resolutoin=512"), 3, "resolutoin", "resolution"),
    ],
)
def test_what_cannot_be_planned(
    shell: Shell, guide: Path, words: tuple[str, ...], code: int, what: str, hint: str
) -> None:
    answer = shell("plan", guide, *words)
    assert answer.code == code
    said, _, to_type = answer.three_lines
    assert what in said
    assert hint in to_type


def test_a_folder_that_is_not_there(shell: Shell) -> None:
    answer = shell("plan", "nowhere")
    assert answer.code == 3
    assert "nowhere is not there" in answer.three_lines[0]
