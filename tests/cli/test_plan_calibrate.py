"""`kohya-wrap plan` by measured runs, and `plan calibrate`, as they are typed."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from kohya_wrap.domain.calibration import Measured
from kohya_wrap.places import Places
from kohya_wrap.plan import calibration
from kohya_wrap.workflow import plan
from kohya_wrap.workflow.plan import PlanRequest
from tests.fixtures.shell import Shell

CARDS = ("RTX 3090", "RTX 4090")


@pytest.fixture
def theirs(tmp_path: Path, guide: Path, places: Places) -> Path:
    """Two runs of the guide's config on an RTX 3090, half a second a micro-batch, and one of another on an RTX 4090."""
    cards = {card.preset.name: card for card in plan.run(PlanRequest(guide, gpus=CARDS), places, {}).cards}
    load = cards["RTX 3090"].load
    run = Measured(load, "RTX 3090", 0.5, 7 << 30, 900, "2026-12-01T04:27:45+00:00", "0.1.0")
    path = tmp_path / "theirs.jsonl"
    other = replace(run, gpu="RTX 4090", load=replace(load, network_dim=4), peak=3 << 30)
    calibration.append(path, [run, replace(run, seconds=0.52, peak=None), other])
    return path


def test_a_plan_says_what_stands_behind_its_lines(shell: Shell, guide: Path, theirs: Path) -> None:
    merged = shell("plan", "calibrate", theirs)
    assert (
        merged.code,
        merged.out.startswith("3 runs taken, 0 known before, 0 lines refused; 3 measured runs in "),
    ) == (0, True)
    words = [word for card in (*CARDS, "L40S") for word in ("--gpu", card)]
    out = shell("plan", guide, *words, "--set", "max_train_epochs=1000").out  # 5000 steps
    row = {line.split("  ")[0]: line for line in out.splitlines()}
    assert "7.0-7.4 GiB measured, fits" in row["RTX 3090"] and "  37-49 min measured  " in row["RTX 3090"]
    assert "by 1 run " in row["RTX 4090"] and "measured" not in row["RTX 4090"]
    assert "measured" not in row["L40S"] and "by " not in row["L40S"]
    legend = [line for line in out.splitlines() if line.startswith(("memory:", "training:"))]
    assert "on that card, and 5 % more (1 run); else never measured by us" in legend[0]
    assert legend[1] == (
        'training: "measured": within 15 % of 2 runs of this setup on that card; '
        'else "by": within a factor of 1.5, by 1 run of other setups on that card; '
        "else within a factor of two of what people have reported, uncalibrated: no measured run stands behind it."
    )
    assert not any(len(line) > 150 for line in row.values() if line.startswith(("RTX", "L40S")))
    alone = shell("plan", guide, "--gpu", "RTX 3090").out
    assert "uncalibrated" not in alone


def test_the_runs_that_were_used_are_explained(shell: Shell, guide: Path, theirs: Path) -> None:
    before = shell("plan", guide, "--explain", "RTX 3090").out
    assert "no measured run stands behind it: uncalibrated" in before
    shell("plan", "calibrate", theirs)
    alike = shell("plan", guide, "--explain", "RTX 3090").out
    assert "measured: 0.51 s, the median of 2 runs of this setup (fingerprint " in alike
    assert re.search(r"^  likely: the highest peak measured, below +7\.00$", alike, re.MULTILINE)
    assert "2026-12-01  0.5 s over 900 steps, peak 7.0 GiB; 2 images of " in alike
    assert "(training within a factor of 1.15)" in alike
    assert "of other setups on this card" in shell("plan", guide, "--explain", "RTX 4090").out


def test_for_scripts(shell: Shell, guide: Path, theirs: Path) -> None:
    said = shell("plan", "calibrate", theirs, theirs, "--json").envelope
    assert (said["ok"], said["command"]) == (True, "plan calibrate")
    assert {name: said["data"][name] for name in ("taken", "known", "refused", "runs")} == {
        "taken": 3, "known": 3, "refused": 0, "runs": 3,
    }  # fmt: skip
    words = [word for card in (*CARDS, "L40S") for word in ("--gpu", card)]
    data = shell("plan", guide, *words, "--json").envelope["data"]
    assert (data["calibrated"], data["time_within_factor"]) == (False, 2.0)
    cards = {card["gpu"]: card for card in data["cards"]}
    found = {
        name: (
            card["calibrated"],
            card["time_within_factor"],
            card["measured_runs"],
            card["measured_peak_bytes"],
        )
        for name, card in cards.items()
    }
    assert found == {
        "RTX 3090": (True, 1.15, 2, 7 << 30), "RTX 4090": (True, 1.5, 1, None), "L40S": (False, 2.0, 0, None),
    }  # fmt: skip
    assert cards["RTX 3090"]["seconds_per_step"] == pytest.approx(0.51)
    alone = shell("plan", guide, "--gpu", "RTX 3090", "--json").envelope["data"]
    assert (alone["calibrated"], alone["time_within_factor"]) == (True, 1.15)


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ((), "Missing argument"),
        (("nowhere.jsonl",), "nowhere.jsonl"),
        (("my-lora",), "my-lora"),
        (("my-lora/training_config.toml",), "no measured run"),
    ],
)
def test_what_cannot_be_merged_is_2(shell: Shell, guide: Path, words: tuple[str, ...], what: str) -> None:
    answer = shell("plan", "calibrate", *words)
    assert answer.code == 2
    assert what in answer.three_lines[0]
    failed = shell("plan", "calibrate", *words, "--json").envelope
    assert (failed["command"], failed["error"]["code"]) == ("plan calibrate", 2)


def test_a_folder_of_that_name_can_be_planned(shell: Shell, guide: Path) -> None:
    guide.parent.rename(shell.cwd / "calibrate")
    assert shell("plan", "./calibrate").code == 0
    assert "./calibrate" in shell("plan", "--help").out


def test_help_of_both(shell: Shell) -> None:
    both = shell("plan", "--help").out, shell("plan", "calibrate", "-h").out
    assert "plan calibrate FILE..." in both[0] and "[CONFIG|DIR]" in both[0]
    assert both[1].startswith("Usage: kohya-wrap plan calibrate [OPTIONS] FILE...\n")


def test_a_session_is_as_certain_as_the_runs_behind_it(shell: Shell, guide: Path, theirs: Path) -> None:
    words = ("--gpu", "RTX 3090", "--set", "max_train_epochs=1000")
    before = shell("plan", guide, guide, *words).out
    shell("plan", "calibrate", theirs)
    after = shell("plan", guide, guide, *words).out
    assert "within a factor of 2." in before and "within a factor of 1.15." in after
    assert "  1.2-1.6 h and " in after


def test_no_shared_line_makes_a_training_take_no_time(
    shell: Shell, guide: Path, theirs: Path, tmp_path: Path, places: Places
) -> None:
    cards = plan.run(PlanRequest(guide, gpus=("RTX 4090",)), places, {}).cards
    none = Measured(cards[0].load, "RTX 4090", 1e-300, None, 900, "2026-12-01T04:27:45+00:00", "0.1.0")
    calibration.append(tmp_path / "none.jsonl", [none])
    answer = shell("plan", "calibrate", tmp_path / "none.jsonl")
    assert answer.code == 2
    assert "has figures that no training has" in answer.err
