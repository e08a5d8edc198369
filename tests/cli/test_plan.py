"""`kohya-wrap plan` as it is typed, on a laptop: no GPU, no torch, no network."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

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


def test_steps_that_differ_by_card_stand_in_their_rows(shell: Shell, guide: Path) -> None:
    config = guide.read_text(encoding="utf-8").replace("batch_size = 2\n", "")
    guide.write_text(config, encoding="utf-8")
    cards = ("--gpu", "RTX 4090", "--gpu", "RTX 3090", "--set", "gradient_accumulation_steps=1")
    lines = shell("plan", guide, *cards).out.splitlines()
    assert lines[0] == "SD 1.5, 8 images: the steps differ by card, see below"


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
        (
            ("--gpu", "A", "--gpu", "B", "--vram", "24", "--tflops", "165"),
            2,
            "those of one card",
            '--gpu "A"',
        ),
        (("--own", "RTX 3061"), 2, "No GPU preset is called 'RTX 3061'", "--own"),
        (("--budget", "0.001"), 2, "holds none of them", "--budget 0.0"),
        (("--base", "sd51"), 2, "no base model", "sd15"),
        (("--base", "sdxl", "--vram", "4", "--tflops", "20"), 8, "GiB are needed", "A card with more memory"),
        (
            ("--set", "network_dim=4096", "--gpu", "T4"),
            8,
            "GiB are needed",
            "It would with --set network_dim=16",
        ),
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


def test_the_arithmetic_is_of_the_card_that_explain_names(shell: Shell, guide: Path) -> None:
    """However cheap another is that is named beside it."""
    answer = shell("plan", guide, "--gpu", "RTX A4000", "--explain", "rtx 4090")
    assert "\nRTX 4090: 24 GB, of which" in answer.out
    assert "\nRTX A4000: " not in answer.out


def test_a_card_in_two_spellings_has_one_line(shell: Shell, guide: Path) -> None:
    answer = shell("plan", guide, "--gpu", "RTX 4090", "--gpu", "rtx4090", "--json")
    assert [card["gpu"] for card in answer.envelope["data"]["cards"]] == ["RTX 4090"]


@pytest.mark.parametrize("words", [("gradient_accumulation_steps=1000",), ("max_train_epochs=3",)])
def test_steps_times_seconds_are_the_training(shell: Shell, guide: Path, words: tuple[str, ...]) -> None:
    given = (part for word in words for part in ("--set", word))
    (card,) = shell("plan", guide, "--gpu", "RTX 4090", *given, "--json").envelope["data"]["cards"]
    assert card["steps"] * card["seconds_per_step"] == pytest.approx(card["training_seconds"])


def test_a_limit_within_the_first_epoch_is_what_is_paid_for(shell: Shell, guide: Path) -> None:
    guide.write_text(
        guide.read_text("utf-8").replace("max_train_epochs = 10", "max_train_steps = 1"), "utf-8"
    )
    (card,) = shell("plan", guide, "--gpu", "RTX 4090", "--json").envelope["data"]["cards"]
    assert (card["steps"], card["training_seconds"]) == (1, card["seconds_per_step"])


def test_of_one_card_that_is_too_small_it_is_said_that_it_does_not_fit(shell: Shell, guide: Path) -> None:
    answer = shell("plan", guide, "--gpu", "L40S", "--set", "network_dim=1000000")
    assert answer.code == 8
    assert "It does not fit on L40S: " in answer.err


def test_no_fewer_steps_are_promised_where_the_steps_are_what_is_aimed_at(shell: Shell, guide: Path) -> None:
    """Of a folder the epochs are solved for the recipe's steps: a larger batch only takes longer."""
    answer = shell("plan", guide.parent / "training_data", "--gpu", "RTX 4090")
    assert answer.code == 0, answer.err
    assert "fewer steps" not in answer.out


def test_a_base_elsewhere_is_said_to_be_assumed_beside_images_too(shell: Shell, guide: Path) -> None:
    answer = shell("plan", guide.parent / "training_data", "--gpu", "RTX 4090", "--base", "civitai:1")
    assert "checked as SD 1.5" in answer.out


def test_a_card_without_a_rate_is_not_what_is_named_instead(shell: Shell, guide: Path) -> None:
    answer = shell("plan", guide, "--gpu", "8 GB card")
    assert answer.code == 2
    assert '--gpu "8 GB card"' not in answer.err


def test_one_session_is_first_where_all_fit_however_cheap_a_tight_card_is(
    shell: Shell, tmp_path: Path
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(2):
        Image.new("RGB", (512, 512), (number, 0, 0)).save(photos / f"{number}.png")
    given = (
        "--set",
        "train_batch_size=6",
        "--set",
        "max_train_epochs=10",
        "--gpu",
        "RTX 3060 12GB",
        "--gpu",
        "H100 PCIe",
    )
    alone = shell("plan", photos, *given, "--json").envelope["data"]["cards"]
    both = shell("plan", photos, photos, *given, "--json").envelope["data"]["sessions"]
    assert [card["verdict"] for card in alone] == ["fits", "tight"]
    assert [one["gpu"] for one in both] == ["H100 PCIe", "RTX 3060 12GB"]


@pytest.mark.parametrize(
    "words", [("--own", "RTX 3090"), ("--explain", "RTX 3090"), ("--own", "RTX 3090", "--kwh", "1")]
)
def test_what_is_of_one_config_is_refused_for_several(
    shell: Shell, guide: Path, words: tuple[str, ...]
) -> None:
    answer = shell("plan", guide, guide, *words)
    assert answer.code == 2 and "are of one config" in answer.three_lines[0]


def test_a_dataset_configs_batches_are_its_own(shell: Shell, guide: Path) -> None:
    own = guide.parent / "dataset.toml"
    folder = guide.parent / "training_data" / "1_concept"
    own.write_text(
        f'[[datasets]]\nresolution = 512\nbatch_size = 3\n[[datasets.subsets]]\nimage_dir = "{folder}"\n',
        encoding="utf-8",
    )
    config = guide.parent / "other.toml"
    config.write_text(
        f'dataset_config = "{own}"\nmax_train_epochs = 2\n[kohya_wrap]\nbase = "sd15"\n', encoding="utf-8"
    )
    answer = shell("plan", config, "--gpu", "RTX 4090")
    assert answer.code == 0, answer.err
    assert "dataset_config" in next(line for line in answer.out.splitlines() if line.startswith("RTX 4090"))
    (card,) = shell("plan", config, "--gpu", "RTX 4090", "--json").envelope["data"]["cards"]
    assert card["train_batch_size"] is None and card["steps"] == 2 * 3


@pytest.mark.parametrize("mbits", ["0", "0.5", "nan", "inf"])
def test_a_line_that_brings_nothing_is_none(shell: Shell, guide: Path, mbits: str) -> None:
    assert shell("plan", guide, "--mbits", mbits).code == 2
