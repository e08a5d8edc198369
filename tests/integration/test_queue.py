"""Several trainings in one command: what fails stops nobody, one budget is over all, the same command goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image
from rich.cells import cell_len
from safetensors import safe_open

from kohya_wrap.cli import run, training
from kohya_wrap.cli.console import Console
from kohya_wrap.cli.queued import _table
from kohya_wrap.cli.training import Session
from kohya_wrap.domain.events import RunEnded, TrainerStarted
from kohya_wrap.errors import ConfigError
from kohya_wrap.places import Places
from kohya_wrap.training import journal
from kohya_wrap.workflow import effective, prepare, same_training
from kohya_wrap.workflow.prepare import Job, JobRequest
from kohya_wrap.workflow.queue_record import Record
from kohya_wrap.workflow.wishes import Wishes
from tests.fixtures import photographs
from tests.fixtures.shell import Answer, Shell, until

REHEARSAL = ("run", "--engine", "rehearsal")
CONFIG = 'resolution = "128,128"\nmin_bucket_reso = 64\nmax_train_epochs = 4\ntrain_batch_size = 2\n[kohya_wrap]\nbase = "sd15"\n'
SLOW = {"KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.1"}  # an epoch takes 0.4 s, a training 1.6 s
DOLLAR_A_SECOND = ("--price", "3600")


@pytest.fixture
def three(tmp_path: Path) -> list[Path]:
    """Projects a, b and c."""
    projects = [tmp_path / name for name in "abc"]
    for project in projects:
        photographs.write(project / "training_data" / "2_x", 4)
        (project / "training_config.toml").write_text(CONFIG, encoding="utf-8")
    return projects


def break_it(project: Path) -> str:
    """The config as it was."""
    config = project / "training_config.toml"
    whole = config.read_text(encoding="utf-8")
    config.write_text("learnin_rate = 1e-4\n" + whole, encoding="utf-8")
    return whole


def jobs(answer: Answer) -> list[dict[str, Any]]:
    envelope = answer.envelope
    found: list[dict[str, Any]] = envelope["data"]["jobs"]
    return found


def outcomes(answer: Answer) -> list[str]:
    return [job["outcome"] for job in jobs(answer)]


def test_one_broken_config_stops_nobody(shell: Shell, three: list[Path]) -> None:
    a, b, c = three
    break_it(b)
    answer = shell(*REHEARSAL, a, b / "training_config.toml", c)
    assert answer.code == 3
    assert [project.joinpath("output", f"{project.name}.safetensors").is_file() for project in three] == [
        True, False, True,
    ]  # fmt: skip
    said = answer.err.splitlines()
    assert [line.partition(":")[0] for line in said] == ["error", "  why", "  try"] * 2
    assert "`learnin_rate`" in said[0] and "1 of 3 could not be trained" in said[3]
    assert answer.out.index("2 of 3: ") < answer.out.index("1 of 3: "), "what is wrong is said before all"
    table = answer.out.splitlines()[-3:]
    assert [line.split()[1] for line in table] == ["done", "failed", "done"]
    assert table[0].split()[2] == "16/16" and table[0].endswith("a/output/a.safetensors")


def test_what_a_script_learns_of_each(shell: Shell, three: list[Path], tmp_path: Path) -> None:
    a, b, _ = three
    break_it(b)
    (a / "broken.toml").write_text("x = [", encoding="utf-8")
    answer = shell(*REHEARSAL, a, b, "a/broken.toml", "--json")
    trained, unknown, no_toml = jobs(answer)
    assert trained["findings"] and not {"reason", "why", "hint"} & set(trained)
    assert unknown["reason"].startswith(f"{b / 'training_config.toml'}:1: `learnin_rate` is no option")
    assert unknown["why"] and unknown["hint"] == "Write `learning_rate`."
    assert [(f["level"], f["where"]) for f in unknown["findings"] if f["level"] == "error"] == [
        ("error", f"{b / 'training_config.toml'}:1")
    ]
    assert no_toml["reason"] == "a/broken.toml:1:1 is not TOML: x = ["
    assert "error: a/broken.toml:1:1 is not TOML" in answer.err


def test_the_gap_between_two_is_short(shell: Shell, three: list[Path]) -> None:
    assert shell(*REHEARSAL, *three).code == 0
    ended: list[float] = []
    begun: list[float] = []
    for project in three:
        (record,) = project.glob(".kohya-wrap/runs/*/events.jsonl")
        told = list(journal.read(record))
        begun += [when for when, event in told if isinstance(event, TrainerStarted)]
        ended += [when for when, event in told if isinstance(event, RunEnded)]
    gaps = [start - end for end, start in zip(ended, begun[1:], strict=False)]
    assert len(gaps) == 2 and all(0 < gap < 2 for gap in gaps)


def test_the_same_command_trains_what_is_missing(shell: Shell, three: list[Path]) -> None:
    a, b, _ = three
    whole = break_it(b)
    assert shell(*REHEARSAL, *three, "--json").code == 3
    first = (a / "output" / "a.safetensors").stat().st_mtime_ns
    (b / "training_config.toml").write_text(whole, encoding="utf-8")
    again = shell(*REHEARSAL, *three, "--json")
    assert (again.code, outcomes(again)) == (0, ["done"] * 3)
    assert [job["before"] for job in jobs(again)] == [True, False, True]
    assert (a / "output" / "a.safetensors").stat().st_mtime_ns == first
    # What is done is not done again, whoever starts it: a machine's own start script does so at every boot.
    again = shell(*REHEARSAL, *three, "--json")
    assert (again.code, [job["before"] for job in jobs(again)]) == (0, [True] * 3)
    (a / "output" / "a.safetensors").unlink()
    assert [job["before"] for job in jobs(shell(*REHEARSAL, *three, "--json"))] == [False, True, True]
    assert [job["before"] for job in jobs(shell(*REHEARSAL, *three, "--restart", "--json"))] == [False] * 3


def test_a_lora_that_is_another_trainings_or_damaged_is_trained_again(
    shell: Shell, three: list[Path], tmp_path: Path
) -> None:
    a, b, _ = three
    lora, away = a / "output" / "a.safetensors", ("--then", "upload:away")
    (tmp_path / "away").mkdir()
    assert shell(*REHEARSAL, a, b).code == 0
    whole = lora.read_bytes()
    assert shell(*REHEARSAL, a, "--set", "max_train_epochs=2").code == 0
    again = shell(*REHEARSAL, a, b, *away, "--json")
    assert (again.code, befores(again)) == (0, [False, True])
    assert "It was trained already, and is trained again: " in again.err
    with safe_open(tmp_path / "away" / "a.safetensors", framework="numpy") as file:
        assert file.metadata()["ss_steps"] == "16"
    lora.write_bytes(whole[:100])
    assert befores(shell(*REHEARSAL, a, b, "--json")) == [False, True]
    assert shell(*REHEARSAL, a, b, "--set", "network_dim=8").code == 0
    assert befores(shell(*REHEARSAL, a, b, "--json")) == [False, False]
    assert befores(shell(*REHEARSAL, a, b, "--json")) == [True, True]


def test_cut_off_with_restart_it_goes_on_without_it(shell: Shell, three: list[Path]) -> None:
    run = shell.start(*REHEARSAL, *three[:2], "--restart", **SLOW)
    until(run, "2 of 2: ")
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=60)
    assert "try: The same command again without --restart: what is done is not done again." in err


def test_what_is_done_is_done_under_other_words(shell: Shell, three: list[Path]) -> None:
    a, b, c = three
    assert shell(*REHEARSAL, a, b, c.with_name("cc")).code == 3
    assert befores(shell(*REHEARSAL, c, b, a, "--json")) == [False, True, True]


def test_a_folder_whose_content_changed_goes_on_and_so_does_its_budget(
    shell: Shell, three: list[Path]
) -> None:
    a = three[0]
    (a / "training_config.toml").rename(a / "one.toml")
    (a / "two.toml").write_text('output_name = "two"\n' + CONFIG, encoding="utf-8")
    (a / "three.toml").write_text("learnin_rate = 1\n", encoding="utf-8")
    cap = (*DOLLAR_A_SECOND, "--max-cost")
    assert shell(*REHEARSAL, a, *cap, "60", **SLOW).code == 3
    (a / "three.toml").unlink()
    again = shell(*REHEARSAL, a, *cap, "60", "--json", **SLOW)
    assert (again.code, befores(again)) == (0, [True, True])
    (a / "four.toml").write_text('output_name = "four"\n' + CONFIG, encoding="utf-8")
    assert shell(*REHEARSAL, a, *cap, "4", **SLOW).code == 7, "two trainings have cost it"


def befores(answer: Answer) -> list[bool]:
    return [job["before"] for job in jobs(answer)]


def test_what_was_rehearsed_is_not_done_for_the_real_engine(shell: Shell, three: list[Path]) -> None:
    assert shell(*REHEARSAL, *three[:2]).code == 0
    real = ("run", "--engine", "real", "--gpu", "cpu", "--engine-dir", "/nowhere")
    answer = shell(*real, *three[:2], "--json")
    assert answer.code != 0 and befores(answer) == [False, False]


def test_what_changes_the_training_is_noticed_and_a_comment_is_not(shell: Shell, three: list[Path]) -> None:
    a, b, _ = three
    assert shell(*REHEARSAL, *three).code == 0
    config = b / "training_config.toml"
    config.write_text(f"# mine\n{CONFIG}max_cost = 5\nprice_per_hour = 1\n", encoding="utf-8")
    assert befores(shell(*REHEARSAL, *three, "--json")) == [True] * 3
    photographs.write(a / "training_data" / "2_x", 5)
    assert befores(shell(*REHEARSAL, *three, "--json")) == [False, True, True]
    (b / "training_data" / "2_x" / "new.txt").write_text("a caption", encoding="utf-8")
    assert befores(shell(*REHEARSAL, *three, "--json")) == [True, False, True]
    set_so = {"KOHYA_WRAP_SET_NETWORK_DIM": "8"}
    assert befores(shell(*REHEARSAL, *three, "--json", **set_so)) == [False] * 3
    assert befores(shell(*REHEARSAL, *three, "--json", **set_so)) == [True] * 3


def test_what_was_spent_before_an_edit_is_spent(shell: Shell, three: list[Path]) -> None:
    asked = (*REHEARSAL, *three[:2], *DOLLAR_A_SECOND)
    first = shell(*asked, "--max-cost", "100", "--json", **SLOW)
    spent = sum(job["dollars"] for job in jobs(first))
    for project in three[:2]:
        (project / "training_config.toml").write_text("network_dim = 4\n" + CONFIG, encoding="utf-8")
    again = shell(*asked, "--max-cost", f"{spent + 1:.2f}", **SLOW)
    assert again.code == 7
    assert "The same command again with a higher --max-cost or --max-hours" in again.three_lines[2]


@pytest.mark.parametrize("by", ["SIGTERM", "SIGINT", "stop"])
def test_asked_near_the_end_of_one_the_next_is_not_begun(shell: Shell, three: list[Path], by: str) -> None:
    """The last state is awaited, and with it the training is done."""
    run = shell.start(*REHEARSAL, *three, KOHYA_WRAP_REHEARSAL_STEP_SECONDS="0.4")
    until(run, "epoch 4/4, step 1")
    if by == "stop":
        assert shell("stop", three[0]).code == 0
    elif by == "SIGTERM":
        run.send_signal(signal.SIGTERM)
    else:
        while not (three[0] / "output" / "a.safetensors").exists():  # a is done, its kohya-wrap not yet
            time.sleep(0.005)
        run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert run.returncode == (130 if by == "SIGINT" else 7)
    first, last = (line.split()[1] for line in out.splitlines()[-2:])
    # Ctrl-C came between two, or on a busy machine when the next had been begun.
    assert last == "not" and (first == "not" or (by == "SIGINT" and first == "stopped"))
    assert "try: The same command again: what is done is not done again." in err
    assert not (three[1] / "output" / "b.safetensors").exists()


def test_what_the_system_refuses_one_of_them_stops_nobody(shell: Shell, three: list[Path]) -> None:
    (three[1] / ".kohya-wrap").mkdir()
    (three[1] / ".kohya-wrap" / "views").write_text("x", encoding="utf-8")
    answer = shell(*REHEARSAL, *three, "--json")
    assert (answer.code, outcomes(answer)) == (8, ["done", "failed", "done"])
    assert ".kohya-wrap/views" in answer.err


def test_a_config_that_was_changed_is_trained_again(shell: Shell, three: list[Path]) -> None:
    a, b, _ = three
    break_it(b)
    shell(*REHEARSAL, *three)
    (a / "training_config.toml").write_text("network_dim = 4\n" + CONFIG, encoding="utf-8")
    assert [job["before"] for job in jobs(shell(*REHEARSAL, *three, "--json"))] == [False, False, True]
    restarted = shell(*REHEARSAL, *three, "--restart", "--json")
    assert [job["before"] for job in jobs(restarted)] == [False] * 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_cut_off_in_the_second_it_goes_on_there(
    shell: Shell, three: list[Path], number: signal.Signals
) -> None:
    run = shell.start(*REHEARSAL, *three, **SLOW)
    until(run, "2 of 3: ")
    until(run, "saved b-000001.safetensors")
    os.kill(run.pid, number)
    out, err = run.communicate(timeout=60)
    assert run.returncode == {signal.SIGTERM: 7, signal.SIGINT: 130, signal.SIGKILL: -9}[number]
    if number != signal.SIGKILL:
        assert "try: The same command again" in err
        assert [line.split()[1] for line in out.splitlines()[-3:]] == ["done", "stopped", "not"]
    again = shell(*REHEARSAL, *three, "--json", **SLOW)
    assert (again.code, outcomes(again)) == (0, ["done"] * 3)
    assert [job["before"] for job in jobs(again)] == [True, False, False]
    assert len(list(three[1].glob(".kohya-wrap/runs/2*"))) == 1, "the run that was cut off went on"
    with safe_open(three[1] / "output" / "b.safetensors", framework="numpy") as file:
        assert file.metadata()["ss_steps"] == "16"


def test_cut_off_before_a_pause_the_same_command_pauses_there(shell: Shell, three: list[Path]) -> None:
    words = (*REHEARSAL, *three[:2], "--until-epoch", "2", "--then", "touch followed")
    slow = {"KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.3"}
    run = shell.start(*words, **slow)
    until(run, "2 of 2: ")
    until(run, "epoch 1/4, step 1")
    assert shell("stop", three[1], "--now").code == 0
    run.communicate(timeout=60)
    assert run.returncode == 7 and not (shell.cwd / "followed").exists()
    again = shell(*words, "--json", **slow)
    assert (again.code, outcomes(again)) == (0, ["paused", "paused"]), again.err
    assert (shell.cwd / "followed").exists()
    assert shell(*words, "--json").code == 0


def test_a_pause_that_a_run_of_its_own_has_made_is_one_of_the_queue_s(
    shell: Shell, three: list[Path]
) -> None:
    until_epoch = ("--until-epoch", "2", "--json")
    run = shell(*REHEARSAL, three[0], *until_epoch, **SLOW).envelope["data"]["run"]
    answer = shell(*REHEARSAL, *three[:2], *until_epoch, **SLOW)
    assert (answer.code, outcomes(answer)) == (0, ["paused", "paused"]), answer.err
    assert jobs(answer)[0]["run"] == run


def test_what_a_run_of_its_own_has_finished_is_done(shell: Shell, three: list[Path]) -> None:
    """The record of the queue was written when the first began; that it has ended, its own run says."""
    run = shell.start(*REHEARSAL, *three[:2], **SLOW)
    until(run, "saved a-000001.safetensors")
    run.kill()
    run.wait()
    assert shell(*REHEARSAL, three[0], **SLOW).code == 0
    again = shell(*REHEARSAL, *three[:2], "--json")
    assert (again.code, [job["before"] for job in jobs(again)]) == (0, [True, False])


def test_a_record_of_something_else(shell: Shell, three: list[Path]) -> None:
    assert shell(*REHEARSAL, *three).code == 0
    record = three[0] / ".kohya-wrap" / "queue.json"
    for content in ("[]", "no json", '{"runs": 3}', '{"runs": {"x": "/nowhere"}, "begun": {"x": 3}}'):
        record.write_text(content, encoding="utf-8")
        assert shell(*REHEARSAL, *three).code == 0, content


def test_only_failures(shell: Shell, three: list[Path]) -> None:
    for project in three:
        break_it(project)
    answer = shell(*REHEARSAL, *three)
    assert answer.code == 3 and answer.err.splitlines()[-2] == "  why: Each has said why above."


def test_one_budget_is_over_all(shell: Shell, three: list[Path]) -> None:
    cap = (*DOLLAR_A_SECOND, "--max-cost", "5")  # two trainings of some 2 seconds each, and no third
    began = time.monotonic()
    answer = shell(*REHEARSAL, *three, *cap, "--json", **SLOW)
    assert time.monotonic() - began < 5 + 2, "started, and one epoch more"
    assert answer.code == 7
    assert outcomes(answer)[0] == "done" and outcomes(answer)[-1] in ("stopped", "not begun")
    assert sum(job.get("dollars") or 0 for job in jobs(answer)) < 5 + 0.8
    again = shell(*REHEARSAL, *three, *cap, "--json", **SLOW)
    assert again.code == 7, "the budget is over all calls"
    assert sum(job.get("dollars") or 0 for job in jobs(again)) < 5 + 0.8
    more = (*DOLLAR_A_SECOND, "--max-cost", "60")
    assert shell(*REHEARSAL, *three, *more, **SLOW).code == 0


def test_a_cap_over_all_holds_though_the_next_command_does_not_name_it(
    shell: Shell, three: list[Path]
) -> None:
    """As the error says: the same command again; the last of them has no run yet that could know of the cap."""
    last = three[2] / "output" / "c.safetensors"
    assert shell(*REHEARSAL, *three, *DOLLAR_A_SECOND, "--max-cost", "4", **SLOW).code == 7
    again = shell(*REHEARSAL, *three, **SLOW)
    assert again.code == 7 and not last.exists() and "a higher --max-cost" in again.err
    assert again.out.count("there holds still") == 1
    assert "asked: price_per_hour = 3600, max_cost = 4." in again.out
    more = shell(*REHEARSAL, *three, "--max-cost", "60", **SLOW)
    assert more.code == 0 and last.exists() and "asked: price_per_hour = 3600." in more.out
    assert "max_cost = 60" in shell(*REHEARSAL, *three).out
    anew = shell(*REHEARSAL, *three, "--restart")
    assert anew.code == 0 and "holds still" not in anew.out and "$" not in anew.out


@pytest.mark.parametrize(("cap", "spent"), [((), 0.0), (("--max-hours", "9"), 99.0)])
def test_a_cap_in_a_config_is_of_its_own_run(
    three: list[Path], monkeypatch: pytest.MonkeyPatch, cap: tuple[str, ...], spent: float
) -> None:
    given = []

    def train(console: Console, job: Job, session: Session, wishes: Wishes, on_run: object) -> None:
        given.append(wishes.spent)
        raise ConfigError("Enough.", why="It is seen.", hint="none")

    monkeypatch.setattr(training, "train", train)
    monkeypatch.setattr(Record, "spent", lambda *_: 99.0)
    words = [*REHEARSAL[1:], *map(str, three[:2]), *cap]
    assert isinstance(CliRunner().invoke(run.command, words).exception, ConfigError)
    assert given == [spent] * 2


@pytest.mark.parametrize("by", ["moved", "copied", "named from elsewhere"])
def test_where_it_lies_and_is_named_from_changes_nothing(
    shell: Shell, three: list[Path], tmp_path: Path, by: str
) -> None:
    """The last is trained from a folder of pictures beside the projects, which goes where they go."""
    here, there, names = tmp_path / "q", tmp_path / "elsewhere", ("a", "b", "c")
    here.mkdir()
    for project in three:
        project.rename(here / project.name)
    (here / "c" / "training_data").rename(here / "pictures")
    with (here / "c" / "training_config.toml").open("a", encoding="utf-8") as config:
        config.write("[dataset]\ntrain_data_dir = '../pictures'\n")
    first = replace(shell, cwd=here)(*REHEARSAL, *names, *DOLLAR_A_SECOND, "--max-cost", "3", **SLOW)
    assert first.code == 7
    if by == "moved":
        here.rename(there)
    elif by == "copied":
        shutil.copytree(here, there, copy_function=shutil.copyfile)
    else:
        there.mkdir()
        names = ("../q/a", str(here / "b"), "../q/c")
    moved = replace(shell, cwd=there)
    again = moved(*REHEARSAL, *names, "--json", **SLOW)
    assert (again.code, outcomes(again)[0], jobs(again)[0]["before"]) == (7, "done", True), again.err
    assert "asked: price_per_hour = 3600, max_cost = 3." in again.err
    last = moved(*REHEARSAL, *names, "--max-cost", "60", "--json")
    assert (last.code, outcomes(last), befores(last)) == (0, ["done"] * 3, [True, False, False])
    assert befores(moved(*REHEARSAL, *names, "--json")) == [True] * 3
    assert len(list(there.glob("b/.kohya-wrap/runs/2*"))) <= 1, "the one that was cut off went on"


STOPPED = {
    "in its preparation": "from kohya_wrap.workflow import images as room; name = 'of'",
    "in its set-up": "from kohya_wrap.workflow import job as room; name = 'provided'",
}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("where", STOPPED)
def test_a_cap_holds_though_the_first_was_stopped_before_it_began(
    shell: Shell, three: list[Path], where: str, number: signal.Signals
) -> None:
    waits = f"""
import time
{STOPPED[where]}
was = getattr(room, name)
def slowly(*given):
    print("at it", flush=True)
    time.sleep(5)
    return was(*given)
setattr(room, name, slowly)
from kohya_wrap.cli import main
main()
"""
    slow = replace(shell, program=(sys.executable, "-c", waits))
    with slow.start(*REHEARSAL, *three, *DOLLAR_A_SECOND, "--max-cost", "3") as run:
        until(run, "at it")
        run.send_signal(number)
        _, err = run.communicate(timeout=30)
    assert "try: The same command again" in err
    again = shell(*REHEARSAL, *three, **SLOW)
    assert again.code == 7 and "asked: price_per_hour = 3600, max_cost = 3." in again.out


def test_a_cap_of_what_is_refused_is_not_kept(shell: Shell, three: list[Path]) -> None:
    for project in three:
        shutil.rmtree(project / "training_data")
    assert shell(*REHEARSAL, *three, *DOLLAR_A_SECOND, "--max-cost", "3").code == 4
    assert not any((project / ".kohya-wrap").exists() for project in three)


def test_what_is_left_is_less_than_the_set_up_of_any(shell: Shell, three: list[Path]) -> None:
    whole = break_it(three[1])
    asked = (*REHEARSAL, *three[:2], *DOLLAR_A_SECOND)
    first = shell(*asked, "--max-cost", "100", "--json", **SLOW)
    assert outcomes(first) == ["done", "failed"]
    (three[1] / "training_config.toml").write_text(whole, encoding="utf-8")
    little = f"{jobs(first)[0]['dollars'] + 0.1:.2f}"
    again = shell(*asked, "--max-cost", little, **SLOW)
    assert again.code == 7 and "engine started" not in again.out
    assert shell(*asked, "--max-cost", "100").code == 0


def test_a_sweep_trains_each_combination_under_a_name_of_its_own(shell: Shell, three: list[Path]) -> None:
    axes = ("--sweep", "network_dim=4,8", "--sweep", "unet_lr=1e-4,2e-4")
    answer = shell(*REHEARSAL, three[0], *axes, "--json")
    assert answer.code == 0
    seen = {}
    for job in jobs(answer):
        with safe_open(job["lora"], framework="numpy") as file:
            said = file.metadata()
        seen[Path(job["lora"]).stem] = (said["ss_network_dim"], float(said["ss_unet_lr"]))
    assert seen == {
        "a-network_dim4-unet_lr1e-4": ("4", 1e-4), "a-network_dim4-unet_lr2e-4": ("4", 2e-4),
        "a-network_dim8-unet_lr1e-4": ("8", 1e-4), "a-network_dim8-unet_lr2e-4": ("8", 2e-4),
    }  # fmt: skip
    store = three[0] / ".kohya-wrap" / "views" / "store"
    assert len(list(store.rglob("*.npz"))) <= 4, "what is encoded is shared"


def test_a_sweep_in_other_words_is_the_same(shell: Shell, three: list[Path]) -> None:
    a = three[0]
    assert shell(*REHEARSAL, a, "--sweep", "network_dim=4,8", "--sweep", "unet_lr=1e-4,2e-4").code == 0
    for words in (
        ("--sweep", "unet_lr=1e-4,2e-4", "--sweep", "network_dim=4,8"),
        ("--sweep", "unet_lr=0.0002,0.0001", "--sweep", "network-dim=8,4"),
    ):
        assert befores(shell(*REHEARSAL, a, *words, "--json")) == [True] * 4


@pytest.mark.parametrize(
    "words",
    [
        ("network_dim",),
        ("=4,8",),
        ("network_dim=4,",),
        ("network_dim=4,4",),
        ("a=1,2", "--sweep", "a=3,4"),
        ("batch_size=1,2", "--sweep", "train_batch_size=1,2"),
        ("unet_lr=1e-4,0.0001",),
    ],
)
def test_a_sweep_that_cannot_be_meant(shell: Shell, three: list[Path], words: tuple[str, ...]) -> None:
    answer = shell(*REHEARSAL, three[0], "--sweep", *words)
    assert answer.code == 2
    assert "--sweep network_dim=16,32" in answer.three_lines[2]


def test_a_value_of_a_sweep_that_is_refused_says_so(shell: Shell, three: list[Path]) -> None:
    answer = shell(*REHEARSAL, three[0], "--set", "seed=1", "--sweep", "network-dim=much,4")
    assert answer.code == 3
    assert "error: --sweep: " in answer.err and "--set: " not in answer.err + answer.out
    unknown = shell(*REHEARSAL, three[0], "--sweep", "nope=1,2")
    assert "try: Leave out `--sweep nope=…`" in unknown.err


def test_one_that_fails_in_its_turn_has_one_head(shell: Shell, three: list[Path]) -> None:
    answer = shell(*REHEARSAL, *three[:2], KOHYA_WRAP_REHEARSAL_FAULT="nan@2")
    assert answer.code == 6
    assert [answer.out.count(f"{number} of 2: {three[number - 1]}") for number in (1, 2)] == [1, 1]


def test_two_that_would_write_the_same(shell: Shell, three: list[Path]) -> None:
    answer = shell(*REHEARSAL, three[0], three[0] / "training_config.toml")
    assert answer.code == 2
    assert "would both write a" in answer.three_lines[0]
    assert not (three[0] / "output").exists()


def test_one_project_under_two_names(shell: Shell, three: list[Path], tmp_path: Path) -> None:
    (three[0] / "training_config.toml").write_text('output_name = "a"\n' + CONFIG, encoding="utf-8")
    (tmp_path / "link").symlink_to(three[0])
    answer = shell(*REHEARSAL, three[0], tmp_path / "link")
    assert answer.code == 2 and "would both write a" in answer.three_lines[0]


def test_a_sweep_without_a_config_says_so_once(shell: Shell) -> None:
    answer = shell(*REHEARSAL, "--sweep", "network_dim=4,8,16")
    assert answer.code == 3
    assert [line.partition(":")[0] for line in answer.err.splitlines()] == ["error", "  why", "  try"] * 2


def test_a_picture_or_a_base_that_was_changed_is_noticed(shell: Shell, three: list[Path]) -> None:
    a, b, _ = three
    picture, base = a / "training_data" / "2_x" / "drawn.bmp", b / "models" / "mine.safetensors"
    Image.new("RGB", (300, 300)).save(picture)
    base.parent.mkdir()
    base.write_bytes(bytes(100_000))
    (b / "training_config.toml").write_text(
        f'pretrained_model_name_or_path = "models/mine.safetensors"\n{CONFIG}'.replace('base = "sd15"', ""),
        encoding="utf-8",
    )
    keys = [key_of(a), key_of(b)]
    assert [key_of(a), key_of(b)] == keys
    for path in (picture, base):
        content = bytearray(path.read_bytes())
        content[90_000] = 77
        path.write_bytes(content)
    assert key_of(a) != keys[0] and key_of(b) != keys[1]


def key_of(project: Path) -> str:
    return same_training.key(effective.read(project / "training_config.toml", (), {}), "rehearsal")


@pytest.mark.parametrize("where", ["typo", "/proc/nope/x.toml"])
def test_detached_a_mistyped_path_is_said_and_nothing_is_made(
    shell: Shell, tmp_path: Path, where: str
) -> None:
    answer = shell(*REHEARSAL, where, "--detach")
    assert answer.code == 3 and Path(where).name in answer.three_lines[0]
    assert list(tmp_path.glob("typo*")) == [] and list(tmp_path.glob(".kohya-wrap")) == []


def test_wide_letters_shift_no_column() -> None:
    rows = [
        {"config": config, "swept": "", "outcome": "done", "step": 4, "steps": 8, "seconds": 3.0}
        for config in ("猫猫", "dog")
    ]
    first, second = list(_table(rows))[1:]
    assert cell_len(first.partition("done")[0]) == cell_len(second.partition("done")[0])


def test_a_folder_of_configs(shell: Shell, three: list[Path], tmp_path: Path) -> None:
    a = three[0]
    (a / "training_config.toml").rename(a / "one.toml")
    (a / ".one.toml").write_text(CONFIG, encoding="utf-8")
    (a / "empty.toml").touch()
    (a / "pyproject.toml").write_text('[project]\nname = "x"\n', encoding="utf-8")
    (a / "data.toml").write_text("[general]\nresolution = 512\n[[datasets]]\n", encoding="utf-8")
    (a / "two.toml").write_text('output_name = "two"\n' + CONFIG, encoding="utf-8")
    assert shell(*REHEARSAL, a).code == 0
    assert {path.name for path in (a / "output").glob("*.safetensors")} >= {
        "a.safetensors",
        "two.safetensors",
    }
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "pyproject.toml").touch()
    none = shell(*REHEARSAL, tmp_path / "empty")
    assert none.code == 3 and "kohya-wrap init" in none.three_lines[2]


def test_detached_it_trains_all_of_them(shell: Shell, three: list[Path]) -> None:
    a, b, c = three
    break_it(a)
    answer = shell(*REHEARSAL, *three, "--detach", "--json")
    assert answer.code == 0
    assert Path(json.loads(answer.out)["data"]["run"]).is_relative_to(b)
    end = time.monotonic() + 30
    while not (c / "output" / "c.safetensors").exists() and time.monotonic() < end:
        time.sleep(0.2)
    assert (c / "output" / "c.safetensors").exists()


def starts_and_ends(project: Path) -> tuple[float, float]:
    (record,) = project.glob(".kohya-wrap/runs/*/events.jsonl")
    told = list(journal.read(record))
    (start,) = [when for when, event in told if isinstance(event, TrainerStarted)]
    return start, told[-1][0]


def test_side_by_side_on_two_cards(shell: Shell, three: list[Path]) -> None:
    answer = shell(*REHEARSAL, *three, "--gpus", "0,1", **SLOW)
    assert answer.code == 0
    (a, a_end), (b, b_end), (c, _) = map(starts_and_ends, three)
    assert max(a, b) < min(a_end, b_end), "two at once"
    assert c > min(a_end, b_end), "and no third"
    said = answer.out.splitlines()
    assert any(line.startswith("[gpu 0] epoch 1/4, step 1/16, ") for line in said)
    assert any(line.startswith("[gpu 1] epoch 1/4, step 1/16, ") for line in said)
    assert [line.split()[1] for line in said[-3:]] == ["done"] * 3


def test_side_by_side_each_is_given_a_card_of_its_own(
    three: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trainer of the rehearsal is given no card, so it is looked at what is given to each set-up and each training."""
    given: dict[str, list[str]] = {"prepare": [], "train": []}
    both = Barrier(2, timeout=30)

    def prepared(request: JobRequest, places: Places, env: Mapping[str, str]) -> Job:
        given["prepare"].append(env["CUDA_VISIBLE_DEVICES"])
        return real(request, places, env)

    def train(console: Console, job: Job, session: Session, *more: object) -> None:
        given["train"].append(session.env["CUDA_VISIBLE_DEVICES"])
        both.wait()
        raise ConfigError("Enough.", why="It is seen.", hint="none")

    real = prepare.prepare
    monkeypatch.setattr(prepare, "prepare", prepared)
    monkeypatch.setattr(training, "train", train)
    words = [*REHEARSAL[1:], *map(str, three[:2]), "--gpus", "1,0"]
    assert isinstance(CliRunner().invoke(run.command, words).exception, ConfigError)
    assert {name: sorted(cards) for name, cards in given.items()} == {
        "prepare": ["0", "1"],
        "train": ["0", "1"],
    }


def test_side_by_side_one_broken_config_stops_nobody(shell: Shell, three: list[Path]) -> None:
    break_it(three[0])
    answer = shell(*REHEARSAL, *three, "--gpus", "0,1", "--json")
    assert (answer.code, outcomes(answer)) == (3, ["failed", "done", "done"])


def test_side_by_side_one_that_fails_in_its_turn_says_which_it_is(shell: Shell, three: list[Path]) -> None:
    answer = shell(*REHEARSAL, *three[:2], "--gpus", "0,1", KOHYA_WRAP_REHEARSAL_FAULT="nan@2")
    assert answer.code == 6
    for number in (1, 2):
        head = f"{number} of 2: {three[number - 1]}"
        assert answer.out.count(f"] {head}") == 1 == answer.out.count(f"\n{head}")


def test_side_by_side_an_hour_of_the_machine_is_paid_once(shell: Shell, three: list[Path]) -> None:
    cap = (*DOLLAR_A_SECOND, "--max-cost", "4.5")  # one after the other they take six seconds
    answer = shell(*REHEARSAL, *three[:2], "--gpus", "0,1", *cap, "--json", **SLOW)
    assert (answer.code, outcomes(answer)) == (0, ["done", "done"])
    little = (*DOLLAR_A_SECOND, "--max-cost", "1.5")
    assert shell(*REHEARSAL, *three[:2], "--gpus", "0,1", *little, "--restart", **SLOW).code == 7


def test_side_by_side_a_signal_stops_both(shell: Shell, three: list[Path]) -> None:
    run = shell.start(*REHEARSAL, *three, "--gpus", "0,1", **SLOW)
    until(run, "saved ")
    os.kill(run.pid, signal.SIGINT)
    out, _ = run.communicate(timeout=60)
    assert run.returncode == 130
    assert [line.split()[1] for line in out.splitlines()[-3:]] == ["stopped", "stopped", "not"]
    again = shell(*REHEARSAL, *three, "--gpus", "0,1", "--json", **SLOW)
    assert (again.code, outcomes(again)) == (0, ["done"] * 3)


@pytest.mark.parametrize("words", ["0,0", "0,00", "a", "0,", "-1", ""])
def test_cards_that_cannot_be_meant(shell: Shell, three: list[Path], words: str) -> None:
    answer = shell(*REHEARSAL, *three, "--gpus", words)
    assert answer.code == 2 and answer.three_lines[2] == "--gpus 0,1"
    assert shell(*REHEARSAL, three[0], "--gpus", "0,1", "--num-processes", "2").code == 2
