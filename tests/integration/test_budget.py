"""A cap in hours or dollars: kept over all attempts, never overspent by more than an epoch."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from tests.fixtures.shell import Shell, until
from tests.integration.test_killed_run import at_work

REHEARSAL = ("--engine", "rehearsal")
SLOW = {"KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.1"}  # an epoch of the guide's project takes half a second
DOLLAR_A_SECOND = ("--price", "3600")


def kept(said: str) -> int:
    return int(said.partition("; epoch ")[2].partition(" is kept")[0])


@pytest.mark.parametrize("cap", [(*DOLLAR_A_SECOND, "--max-cost", "3"), ("--max-hours", str(3 / 3600))])
def test_stops_before_the_cap_with_the_last_state_kept(
    shell: Shell, guide: Path, cap: tuple[str, ...]
) -> None:
    began = time.monotonic()
    answer = shell("run", guide, *REHEARSAL, *cap, **SLOW)
    took = time.monotonic() - began
    assert answer.code == 7
    what, why, hint = answer.three_lines
    assert "are spent" in what and "cap" in why and "--max-cost" in hint
    assert 1 <= kept(what) <= 6
    assert took < 3 + 2, "started, and one epoch more"
    status = shell("status", guide, "--json").envelope["data"]["runs"][0]
    assert status["state"] == "stopped" and status["seconds"] < 3.6


def test_a_script_hears_what_is_kept(shell: Shell, guide: Path) -> None:
    answer = shell("run", guide, *REHEARSAL, "--max-hours", str(3 / 3600), "--json", **SLOW)
    data = answer.envelope["data"]
    assert (answer.code, data["engine"], data["epochs"]) == (7, "rehearsal", 10)
    assert data["steps"] == data["epoch"] * 5 > 0
    assert (Path(data["run"]) / "run.toml").is_file()
    assert data["lora"] is None or Path(data["lora"]).is_file()


def test_the_cap_is_over_all_attempts(shell: Shell, guide: Path) -> None:
    cap = (*DOLLAR_A_SECOND, "--max-cost", "2.5")
    first = shell("run", guide, *REHEARSAL, *cap, **SLOW)
    second = shell("run", guide, *REHEARSAL, *cap, **SLOW)
    assert (first.code, second.code) == (7, 7)
    assert kept(second.three_lines[0]) <= kept(first.three_lines[0]) + 1
    higher = shell("run", guide, *REHEARSAL, *DOLLAR_A_SECOND, "--max-cost", "60")
    assert (higher.code, higher.err) == (0, "")
    assert f"going on after epoch {kept(second.three_lines[0])}" in higher.out


def test_a_cap_holds_though_the_next_command_does_not_name_it(shell: Shell, guide: Path) -> None:
    """`status` says: kohya-wrap run CONFIG."""
    cap = (*DOLLAR_A_SECOND, "--max-cost", "2.5")
    assert shell("run", guide, *REHEARSAL, *cap, **SLOW).code == 7
    again = shell("run", guide, *REHEARSAL, **SLOW)
    assert again.code == 7 and "max_cost = 2.5" in again.out and "are spent" in again.three_lines[0]
    higher = shell("run", guide, *REHEARSAL, "--max-cost", "60", *DOLLAR_A_SECOND)
    assert (higher.code, "max_cost" in higher.out) == (0, False)
    assert "max_cost" not in shell("run", guide, *REHEARSAL).out, "a run of its own is not capped"


def test_one_cap_that_is_named_drops_neither_the_other_nor_the_price(shell: Shell, guide: Path) -> None:
    cap = (*DOLLAR_A_SECOND, "--max-cost", "2.5")
    assert shell("run", guide, *REHEARSAL, *cap, **SLOW).code == 7
    again = shell("run", guide, *REHEARSAL, "--max-hours", "1", **SLOW)
    assert again.code == 7 and "max_cost = 2.5" in again.out and "price_per_hour = 3600" in again.out
    higher = shell("run", guide, *REHEARSAL, "--max-cost", "60")
    assert higher.code == 0, "what the error says to type"
    assert "max_hours = 1" in higher.out and "max_cost" not in higher.out and "$" in higher.out


def test_a_pause_that_was_not_reached_is_made(shell: Shell, guide: Path) -> None:
    cap = (*DOLLAR_A_SECOND, "--max-cost", "2.5")
    assert shell("run", guide, *REHEARSAL, *cap, "--until-epoch", "8", **SLOW).code == 7
    again = shell("run", guide, *REHEARSAL, "--max-cost", "100", *DOLLAR_A_SECOND, **SLOW)
    assert again.code == 0 and "a pause after epoch 8" in again.out and "Epoch 8 of 10 is done" in again.out
    last = shell("run", guide, *REHEARSAL, "--max-cost", "100", *DOLLAR_A_SECOND)
    assert last.code == 0 and "a pause after" not in last.out and "epoch 10/10" in last.out


def test_a_cap_in_the_config(shell: Shell, guide: Path) -> None:
    text = guide.read_text(encoding="utf-8") + "\n[kohya_wrap]\nprice_per_hour = 3600\nmax_cost = 2.0\n"
    guide.write_text(text, encoding="utf-8")
    assert shell("run", guide, *REHEARSAL, **SLOW).code == 7


def test_a_cap_that_is_never_reached_changes_nothing(shell: Shell, guide: Path) -> None:
    answer = shell("run", guide, *REHEARSAL, "--price", "0.69", "--max-cost", "5")
    assert (answer.code, answer.err) == (0, "")
    assert "$0.00" in answer.out


@pytest.mark.parametrize("option", ["--price", "--max-cost", "--max-hours"])
def test_an_amount_of_0_is_refused(shell: Shell, guide: Path, option: str) -> None:
    answer = shell("run", guide, *REHEARSAL, option, "0")
    assert answer.code == 2 and option in answer.three_lines[0] and "x>0" in answer.three_lines[0]


def test_dollars_without_a_price(shell: Shell, guide: Path) -> None:
    answer = shell("run", guide, *REHEARSAL, "--max-cost", "5")
    assert answer.code == 2
    assert "--price" in answer.three_lines[2]


def test_what_is_spent_starts_nothing(shell: Shell, guide: Path) -> None:
    assert shell("run", guide, *REHEARSAL, *DOLLAR_A_SECOND, "--max-cost", "2", **SLOW).code == 7
    again = shell("run", guide, *REHEARSAL, *DOLLAR_A_SECOND, "--max-cost", "0.5", **SLOW)
    assert again.code == 7
    assert "engine started" not in again.out
    assert "is kept" in again.three_lines[0]


@pytest.mark.parametrize("counted", [True, False])
def test_setting_up_counts_where_that_is_asked_for(shell: Shell, guide: Path, counted: bool) -> None:
    """A cap of 36 ms, which reading the config and the pictures alone takes."""
    words = ("--count-setup",) if counted else ()
    answer = shell("run", guide, *REHEARSAL, "--max-hours", "0.00001", *words, **SLOW)
    assert (answer.code, "engine started" in answer.out) == (7, not counted), answer.err


def killed_alone(shell: Shell, config: Path, *words: str, seconds: float) -> None:
    """Its kohya-wrap is killed once it trains, and the trainer goes on for so long."""
    run = shell.start("run", config, *REHEARSAL, *words, **SLOW)
    until(run, "epoch 1/10, step 2")
    run.kill()
    run.wait()
    time.sleep(seconds)


def test_what_a_trainer_costs_unwatched_counts(shell: Shell, guide: Path) -> None:
    """50 steps of 0.1 s: two seconds watched, then unwatched beyond the cap, and ended at once by who watches it again."""
    cap = (*DOLLAR_A_SECOND, "--max-cost", "3")
    killed_alone(shell, guide, *cap, seconds=3.2)
    assert shell("status", guide, "--json").envelope["data"]["runs"][0]["state"] == "unwatched"
    answer = shell("run", guide, *REHEARSAL, *cap, **SLOW)
    assert answer.code == 7
    run = shell("status", guide, "--json").envelope["data"]["runs"][0]
    assert (run["state"], run["step"] < 50) == ("stopped", True)
    said = re.search(r"\$(\d+\.\d+), are spent", answer.three_lines[0])
    assert said and 3 < run["dollars"] < 6 and abs(float(said[1]) - run["dollars"]) < 0.5


@pytest.mark.parametrize("cost", ["30", "3"])
def test_what_a_trainer_cost_that_ended_unwatched_counts_too(shell: Shell, guide: Path, cost: str) -> None:
    """Beyond the cap, too, what it made is there: to take it costs nothing."""
    cap = (*DOLLAR_A_SECOND, "--max-cost", cost)
    killed_alone(shell, guide, *cap, seconds=6)
    answer = shell("run", guide, *REHEARSAL, *cap, **SLOW)
    assert answer.code == 0 and "Rehearsed 50 steps" in answer.out
    assert 4 < shell("status", guide, "--json").envelope["data"]["runs"][0]["dollars"] < 9


def test_less_than_an_epoch_costs_starts_nothing(shell: Shell, guide: Path) -> None:
    cap = (*DOLLAR_A_SECOND, "--max-cost", "2.6")
    assert shell("run", guide, *REHEARSAL, *cap, **SLOW).code == 7
    spent = shell("status", guide, "--json").envelope["data"]["runs"][0]["dollars"]
    answer = shell("run", guide, *REHEARSAL, *DOLLAR_A_SECOND, "--max-cost", f"{spent + 0.3:.2f}", **SLOW)
    assert answer.code == 7 and "engine started" not in answer.out


def test_a_pause_that_the_cap_does_not_hold_is_not_begun(shell: Shell, guide: Path) -> None:
    crash = {"KOHYA_WRAP_REHEARSAL_FAULT": "crash@12", "KOHYA_WRAP_RETRY_SECONDS": "50"}
    answer = shell("run", guide, *REHEARSAL, *DOLLAR_A_SECOND, "--max-cost", "40", **SLOW, **crash)
    assert answer.code == 7 and "epoch 2 is kept" in answer.three_lines[0]
    assert "Not starting it again: the cap does not hold the pause of 50 s and another epoch." in answer.out
    assert answer.out.count("engine started") == 1
    assert shell("status", guide, "--json").envelope["data"]["runs"][0]["dollars"] < 40
    assert shell("run", guide, *REHEARSAL, *DOLLAR_A_SECOND, "--max-cost", "400").code == 0


def test_a_pause_of_the_probe_that_the_cap_does_not_hold_is_not_begun(shell: Shell, guide: Path) -> None:
    crash = {"KOHYA_WRAP_REHEARSAL_FAULT": "crash@1", "KOHYA_WRAP_RETRY_SECONDS": "50"}
    answer = shell("run", guide, *REHEARSAL, *DOLLAR_A_SECOND, "--max-cost", "40", "--probe", **crash)
    assert answer.code == 7 and "Stopped before the first step" in answer.three_lines[0]
    assert "the cap does not hold the pause of 50 s" in answer.out and "engine started" not in answer.out


def test_what_has_ended_unwatched_is_not_started_again_beyond_the_cap(shell: Shell, guide: Path) -> None:
    cap, crash = (*DOLLAR_A_SECOND, "--max-cost", "3"), {"KOHYA_WRAP_REHEARSAL_FAULT": "crash@40"}
    run = shell.start("run", guide, *REHEARSAL, *cap, **SLOW, **crash)
    until(run, "epoch 1/10, step 2")
    run.kill()
    run.wait()
    while at_work(guide.parent):
        time.sleep(0.1)
    answer = shell("run", guide, *REHEARSAL, *cap, **SLOW)
    assert answer.code == 7 and "engine started" not in answer.out
    assert "is kept" in answer.three_lines[0]


@pytest.mark.parametrize(
    "words", [("--max-cost", "nan", "--price", "1"), ("--max-hours", "nan"), ("--price", "inf")]
)
def test_an_amount_is_a_number(shell: Shell, guide: Path, words: tuple[str, ...]) -> None:
    """NaN is below no cap: there would be none, in silence."""
    answer = shell("run", guide, *REHEARSAL, *words)
    assert answer.code == 2 and "is no amount" in answer.err


def test_dollars_without_a_price_on_a_card_whose_prices_are_known(shell: Shell, guide: Path) -> None:
    """The highest, so that the cap holds whatever the provider takes; a card that has none is refused as before."""
    text = guide.read_text(encoding="utf-8") + '\n[gpu]\npreset = "RTX 4090"\n'
    guide.write_text(text, encoding="utf-8")
    answer = shell("run", guide, *REHEARSAL, "--max-cost", "5")
    assert answer.code == 0
    assert (
        "note: no price was given: $0.74 an hour is taken, the highest seen for the RTX 4090 (from $0.18)"
        in answer.out
    )
    assert ", $0.00" in answer.out


@pytest.mark.parametrize("name", ["KOHYA_WRAP_RETRY_SECONDS", "KOHYA_WRAP_HANG_SECONDS"])
@pytest.mark.parametrize("text", ["abc", "-1", "nan"])
def test_a_wait_that_is_none_is_refused_before_the_training(
    shell: Shell, guide: Path, name: str, text: str
) -> None:
    answer = shell("run", guide, *REHEARSAL, **{name: text})
    assert answer.code == 2 and "engine started" not in answer.out
    assert (
        answer.three_lines[0] == f"{name}={text} is no number of seconds."
        and answer.three_lines[2] == f"unset {name}"
    )
