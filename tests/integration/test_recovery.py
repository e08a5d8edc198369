"""Every fault that can be rehearsed, and what is done about it: the rows of docs/recovery.md."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import toml
from safetensors import safe_open

from kohya_wrap.domain.events import AttemptStarted, Event, StateDamaged
from kohya_wrap.host.file_hash import sha256
from kohya_wrap.training import journal
from kohya_wrap.training.end_now import _NEAR, Patience
from kohya_wrap.training.recover import PAUSES
from kohya_wrap.training.result import weights_problem
from kohya_wrap.workflow import afterwards
from kohya_wrap.workflow.run_folder import RunFolder
from tests.fixtures import projects
from tests.fixtures.shell import Answer, Shell, until
from tests.integration.test_killed_run import at_work

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "recovery.md"
SECONDS = {
    "KOHYA_WRAP_RETRY_SECONDS": "0",
    "KOHYA_WRAP_HANG_SECONDS": "3",
    "KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.005",
}


@dataclass(frozen=True)
class Fault:
    """Attributes:
    happens: in words.
    order: KOHYA_WRAP_REHEARSAL_FAULT; each strikes once, `always` in every attempt.
    reaction: in words.
    starts: epochs done before each attempt.
    changed: what the last attempt has instead of the config's.
    """

    happens: str
    order: str
    reaction: str
    code: int
    starts: tuple[int, ...]
    always: bool = False
    changed: str = ""


FAULTS = (
    Fault("out of memory at the first step", "oom@1", "again with the next rung, from the beginning", 0, (0, 0), changed="gradient_checkpointing = true"),
    Fault("out of memory in epoch 8", "oom@40", "again with the next rung, from the state of epoch 7", 0, (0, 7), changed="gradient_checkpointing = true"),
    Fault("out of memory twice", "oom@1,oom@2", "two rungs down", 0, (0, 0, 0), changed="gradient_checkpointing = true, train_batch_size = 1, gradient_accumulation_steps = 2"),
    Fault("out of memory on every rung", "oom@1", "ends when no rung is left", 6, (0, 0, 0), always=True, changed="gradient_checkpointing = true, train_batch_size = 1, gradient_accumulation_steps = 2"),
    Fault("the loss is NaN", "nan@20", "stops at once; what was saved before is kept, nothing with NaN gets a name", 6, (0,)),
    Fault("the trainer is killed", "crash@30", "again after 5 s, from the state of the last epoch", 0, (0, 5)),
    Fault("the trainer is killed in every attempt, before an epoch is done", "crash@3", "again after 5, 30 and 120 s, then ends", 6, (0, 0, 0, 0), always=True),
    Fault("the trainer says nothing any more", "hang@30", "ended after 5 minutes, or 50 steps' time (30 minutes before the first step); then as if killed", 0, (0, 5)),
    Fault("the disk is full while a checkpoint is saved", "disk-full@save", "ends; the half file is removed, `run` goes on when there is room", 6, (0,)),
    Fault("the disk is full while a state is saved", "disk-full@state", "ends; the half state is never used", 6, (0,)),
)  # fmt: skip

DAMAGED = Fault("the newest state cannot be read", "", "said; goes on from the one before it", 0, (0, 2))


def table() -> str:
    rows = ["| what happens | what is done | exit code |", "|---|---|---|"]
    for fault in (*FAULTS, DAMAGED):
        rows.append(f"| {fault.happens} | {fault.reaction} | {fault.code} |")
    return "\n".join(rows)


def test_the_page_says_what_is_tested() -> None:
    assert table() in PAGE.read_text(encoding="utf-8")


def test_the_waits_are_those_that_the_pages_promise() -> None:
    """The tests above shorten them."""
    assert PAUSES == (5, 30, 120)
    assert Patience() == Patience(at_start=30 * 60, between_steps=5 * 60, steps=50)
    assert f"waits for a state that is at most {_NEAR:.0f} s away" in PAGE.read_text(encoding="utf-8")
    *first, last = (f"{pause:.0f}" for pause in afterwards.PAUSES)
    after = f"does not answer | again after {', '.join(first)} and {last} s;"
    assert after in (DOCS / "afterwards.md").read_text(encoding="utf-8")


def events(project: Path) -> list[Event]:
    (run,) = (project / ".kohya-wrap" / "runs").glob("2*")
    return [event for _, event in journal.read(run / "events.jsonl")]


def epochs_of(lora: Path) -> str:
    with safe_open(lora, framework="numpy") as file:
        return str(file.metadata()["ss_epoch"])


def run(shell: Shell, config: Path, fault: Fault) -> Answer:
    once = {} if fault.always else {"KOHYA_WRAP_REHEARSAL_FAULT_ONCE": str(config.parent / "struck")}
    return shell(
        "run", config, "--engine", "rehearsal", KOHYA_WRAP_REHEARSAL_FAULT=fault.order, **SECONDS, **once
    )


@pytest.mark.parametrize("order", ["foo@1", "oom@1,oom"])
def test_a_fault_that_is_none_is_refused(shell: Shell, guide: Path, order: str) -> None:
    answer = shell("run", guide, "--engine", "rehearsal", KOHYA_WRAP_REHEARSAL_FAULT=order)
    wrong = order.rpartition(",")[2]
    assert answer.code == 2 and "engine started" not in answer.out
    assert f"{wrong!r} is none of oom@STEP, nan@STEP" in answer.three_lines[0]


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.happens for fault in FAULTS])
def test_what_is_done_about(shell: Shell, tmp_path: Path, photographs: Path, fault: Fault) -> None:
    config = projects.guide(tmp_path / "my-lora", photographs)
    answer = run(shell, config, fault)
    assert answer.code == fault.code, answer.err
    starts = [event for event in events(config.parent) if isinstance(event, AttemptStarted)]
    assert tuple(event.epochs_done for event in starts) == fault.starts
    assert starts[-1].changed == toml.loads(fault.changed.replace(", ", "\n"))
    output = config.parent / "output"
    assert (output / "my_lora.safetensors").exists() == (fault.code == 0)
    assert all(not weights_problem(path) for path in output.glob("*.safetensors"))
    if fault.code:
        again = shell("run", config, "--engine", "rehearsal")
        assert (again.code, again.err) == (0, "")
    assert epochs_of(output / "my_lora.safetensors") == "10"


def test_a_damaged_state_is_not_gone_on_from(shell: Shell, tmp_path: Path, photographs: Path) -> None:
    config = projects.guide(tmp_path / "my-lora", photographs)
    slow = {"KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.1"}
    assert shell("run", config, "--engine", "rehearsal", "--until-epoch", "3", **slow).code == 0
    newest = max((config.parent / ".kohya-wrap").glob("runs/*/attempts/1/*-state"))
    assert newest.name == "my_lora-000003-state"
    optimizer = newest / "optimizer.bin"
    optimizer.write_bytes(optimizer.read_bytes()[:-100])
    answer = shell("run", config, "--engine", "rehearsal")
    assert (answer.code, answer.err) == (DAMAGED.code, "")
    assert "going on after epoch 2" in answer.out
    assert "my_lora-000003-state cannot be read" in answer.out
    (damaged,) = [event for event in events(config.parent) if isinstance(event, StateDamaged)]
    assert Path(damaged.path) == newest
    starts = [event.epochs_done for event in events(config.parent) if isinstance(event, AttemptStarted)]
    assert tuple(starts) == DAMAGED.starts
    assert epochs_of(config.parent / "output" / "my_lora.safetensors") == "10"


def test_a_machine_that_is_lost_again_and_again_is_no_failure(
    shell: Shell, tmp_path: Path, photographs: Path
) -> None:
    """Five times before the first epoch is done: nothing is gained, and nothing is given up."""
    config = projects.guide(tmp_path / "my-lora", photographs)
    for _ in range(5):
        with shell.start("run", config, "--engine", "rehearsal", KOHYA_WRAP_REHEARSAL_FAULT="hang@2") as run:
            until(run, "engine started")
            run.kill()
            looks = (
                0  # without anybody: while a launcher starts its trainer, the kernel tells nobody whose it is
            )
            while looks < 5:
                left = at_work(config.parent)
                for process in left:
                    with suppress(psutil.NoSuchProcess):
                        process.kill()
                looks = 0 if left else looks + 1
                time.sleep(0.05)
    answer = shell("run", config, "--engine", "rehearsal")
    assert (answer.code, answer.err) == (0, "")
    assert "Rehearsed 50 steps" in answer.out


def test_a_disk_that_was_full_while_nobody_watched(shell: Shell, tmp_path: Path, photographs: Path) -> None:
    """The trainer died of it; there may be room by now, and only another attempt can tell."""
    config = projects.guide(tmp_path / "my-lora", photographs)
    fault = {
        "KOHYA_WRAP_REHEARSAL_FAULT": "disk-full@save",
        "KOHYA_WRAP_REHEARSAL_FAULT_ONCE": str(tmp_path / "marks"),
        "KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.3",
    }
    run = shell.start("run", config, "--engine", "rehearsal", **fault)
    until(run, "epoch 1/10, step 2")
    run.kill()
    run.wait()
    while at_work(config.parent):
        time.sleep(0.1)
    answer = shell(
        "run", config, "--engine", "rehearsal", **fault | {"KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0"}
    )
    assert (answer.code, answer.err) == (0, "")
    assert "Rehearsed 50 steps" in answer.out and (tmp_path / "marks").is_dir()


@pytest.mark.parametrize("alive", [True, False])
def test_a_loss_that_is_no_number_while_nobody_watched(
    shell: Shell, tmp_path: Path, photographs: Path, alive: bool
) -> None:
    """It ends the run as if somebody had watched, whether the trainer trains on or has ended by itself."""
    config = projects.guide(tmp_path / "my-lora", photographs)
    slow = {"KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.1"}
    run = shell.start("run", config, "--engine", "rehearsal", KOHYA_WRAP_REHEARSAL_FAULT="nan@23", **slow)
    until(run, "saved my_lora-000002")
    run.kill()
    run.wait()
    log = next((config.parent / ".kohya-wrap" / "runs").glob("2*/engine.log"))
    while "avr_loss=nan" not in log.read_text(encoding="utf-8") if alive else at_work(config.parent):
        time.sleep(0.1)
    answer = shell("run", config, "--engine", "rehearsal")
    assert answer.code == 6 and "engine started" not in answer.out
    assert answer.three_lines[0] == "The loss is not a number since step 23."
    assert at_work(config.parent) == []
    assert sorted(path.name for path in (config.parent / "output").glob("*.safetensors")) == [
        "my_lora-000002.safetensors", "my_lora-000004.safetensors",
    ]  # fmt: skip


def test_a_new_command_begins_with_new_tries(shell: Shell, tmp_path: Path, photographs: Path) -> None:
    config, marks = projects.guide(tmp_path / "my-lora", photographs), str(tmp_path / "marks")
    slow = {"KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.1"}
    crash = {"KOHYA_WRAP_REHEARSAL_FAULT": "crash@3", **SECONDS}
    assert shell("run", config, "--engine", "rehearsal", "--until-epoch", "2", **slow).code == 0
    failed = shell("run", config, "--engine", "rehearsal", **crash)
    what, _, hint = failed.three_lines
    assert failed.code == 6 and what.endswith("; epoch 2 is kept, and it goes on from there.")
    assert "engine.log" in hint and hint.endswith(f"then: kohya-wrap run {config}")
    again = shell("run", config, "--engine", "rehearsal", KOHYA_WRAP_REHEARSAL_FAULT_ONCE=marks, **crash)
    assert (again.code, again.err) == (0, "")
    assert "Starting it again in 0 s, try 1 of 3 before giving up." in again.out


def starts(config: Path) -> int:
    return sum(isinstance(event, AttemptStarted) for event in events(config.parent))


@pytest.mark.parametrize(
    ("how", "code"),
    [(signal.SIGTERM, 7), (signal.SIGINT, 130), ("stop", 7), ("stop --now", 7)],
    ids=["SIGTERM", "SIGINT", "stop", "stop --now"],
)
def test_a_stop_before_another_attempt_starts_none(
    shell: Shell, tmp_path: Path, photographs: Path, how: signal.Signals | str, code: int
) -> None:
    config = projects.guide(tmp_path / "my-lora", photographs)
    crash = {"KOHYA_WRAP_REHEARSAL_FAULT": "crash@30", "KOHYA_WRAP_RETRY_SECONDS": "30"}
    running = shell.start("run", config, "--engine", "rehearsal", **crash)
    until(running, "Starting it again")
    if isinstance(how, str):
        asked = shell(*how.split(), config)
        assert asked.code == 0 and "epoch 5 is kept" in asked.out and "when epoch" not in asked.out
    else:
        running.send_signal(how)
    _, err = running.communicate(timeout=20)
    assert running.returncode == code and "epoch 5 is kept" in err
    assert starts(config) == 1
    again = shell("run", config, "--engine", "rehearsal")
    assert again.code == 0 and "going on after epoch 5" in again.out


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 7), (signal.SIGINT, 130)])
def test_a_signal_to_all_of_them_is_a_stop(
    shell: Shell, tmp_path: Path, photographs: Path, number: signal.Signals, code: int
) -> None:
    config = projects.guide(tmp_path / "my-lora", photographs)
    slow = {"KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.2"}
    running = shell.start("run", config, "--engine", "rehearsal", **slow)
    until(running, "epoch 2/10")
    for process in [psutil.Process(running.pid), *psutil.Process(running.pid).children(recursive=True)]:
        process.send_signal(number)
    _, err = running.communicate(timeout=20)
    assert running.returncode == code, err
    assert starts(config) == 1 and "Stopped after step" in err


def test_a_trainer_that_is_interrupted_alone_is_started_again(
    shell: Shell, tmp_path: Path, photographs: Path
) -> None:
    config = projects.guide(tmp_path / "my-lora", photographs)
    slow = {"KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.1", "KOHYA_WRAP_RETRY_SECONDS": "0"}
    running = shell.start("run", config, "--engine", "rehearsal", **slow)
    until(running, "epoch 2/10")
    for process in psutil.Process(running.pid).children(recursive=True):
        process.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, err) == (0, "")
    assert "was killed by SIGINT" in out and starts(config) == 2


def test_a_full_disk_while_it_keeps_a_file_loses_no_state(shell: Shell, guide: Path) -> None:
    """Epochs pass between two looks: what the trainer has saved after the last one, no record has."""
    in_the_way = (
        guide.parent / "output" / ".my_lora-000002.safetensors.part"
    )  # for want of a disk that is full
    in_the_way.mkdir(parents=True)
    at_once = {"KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0"}
    for _ in range(2):
        failed = shell("run", guide, "--engine", "rehearsal", "--json", **at_once)
        assert failed.code == 8
        (now,) = shell("status", guide, "--json").envelope["data"]["runs"]
        assert (now["state"], now["reason"]) == ("failed", f"{in_the_way}: Is a directory"), "each time"
        kept = {name: failed.envelope["data"][name] for name in ("lora", "epochs", "run")}
        assert kept == {"lora": None, "epochs": 10, "run": now["run"]}
    in_the_way.rmdir()
    answer = shell("run", guide, "--engine", "rehearsal", "--json", **at_once)
    assert (answer.code, "begins anew" in answer.err) == (0, False), answer.err
    assert any(isinstance(event, AttemptStarted) for event in events(guide.parent)), "one run, gone on with"
    assert [Path(path).name for path in answer.envelope["data"]["checkpoints"]] == [
        *(f"my_lora-{epoch:06d}.safetensors" for epoch in (2, 4, 6, 8)), "my_lora.safetensors",
    ]  # fmt: skip


@pytest.mark.parametrize("epochs", [1, 10])
def test_a_last_file_that_found_no_room_is_kept_and_not_trained_again(
    shell: Shell, guide: Path, epochs: int
) -> None:
    in_the_way = guide.parent / "output" / ".my_lora.safetensors.part"  # for want of a disk that is full
    in_the_way.mkdir(parents=True)
    words = ("run", guide, "--engine", "rehearsal", "--set", f"max_train_epochs={epochs}")
    at_once = {"KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0"}
    for _ in range(2):
        assert shell(*words, **at_once).code == 8
    in_the_way.rmdir()
    answer = shell(*words, **at_once)
    assert (answer.code, "engine started" in answer.out) == (0, False), answer.err
    assert sum(isinstance(event, AttemptStarted) for event in events(guide.parent)) == 1
    assert (guide.parent / "output" / "my_lora.safetensors").is_file()


def test_a_log_that_is_emptied_meanwhile_costs_no_checkpoint(shell: Shell, guide: Path) -> None:
    with shell.start(
        "run", guide, "--engine", "rehearsal", "--json", KOHYA_WRAP_REHEARSAL_STEP_SECONDS="0.1"
    ) as run:
        log = guide.parent / ".kohya-wrap" / "runs"
        while not any("saving checkpoint" in path.read_text() for path in log.glob("2*/engine.log")):
            time.sleep(0.05)
        (path,) = log.glob("2*/engine.log")
        os.truncate(path, 0)
        out, err = run.communicate(timeout=60)
    answer = Answer(run.returncode, out, err)
    assert answer.code == 0, err
    assert "log has become shorter" in err and "epoch 10/10" in err
    names = [Path(path).name for path in answer.envelope["data"]["checkpoints"]]
    assert names == [*(f"my_lora-{epoch:06d}.safetensors" for epoch in (2, 4, 6, 8)), "my_lora.safetensors"]


@pytest.mark.parametrize("gone", [False, True])
def test_a_pause_whose_file_is_not_on_record_any_more(shell: Shell, guide: Path, gone: bool) -> None:
    """The machine was lost before the record's last lines were written, and maybe the file with it."""
    words = ("run", guide, "--engine", "rehearsal", "--until-epoch", "1", "--json")
    assert shell(*words, KOHYA_WRAP_REHEARSAL_STEP_SECONDS="0.05").code == 0
    (record,) = guide.parent.glob(".kohya-wrap/runs/2*/events.jsonl")
    lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
    begun = next(number for number, line in enumerate(lines) if "TrainerStarted" in line)
    record.write_text("".join(lines[: begun + 1]), encoding="utf-8")
    first = guide.parent / "output" / "my_lora-000001.safetensors"
    if gone:
        for path in first.parent.glob("*.safetensors"):
            path.unlink()
    answer = shell(*words)
    assert answer.code == 0, answer.err
    data = answer.envelope["data"]
    assert data["paused"] and (str(first) in data["checkpoints"]) == (not gone)
    assert (data["lora"] is None) == gone
    assert "which no run on record here has made" not in answer.err


def test_what_is_on_record_is_believed_whatever_has_taken_its_place(shell: Shell, guide: Path) -> None:
    """Nobody watched when somebody wrote over a checkpoint: it is not what this run has saved."""
    run = shell.start("run", guide, "--engine", "rehearsal", KOHYA_WRAP_REHEARSAL_STEP_SECONDS="0.1")
    until(run, "epoch 4/10")
    run.kill()
    run.wait()
    kept = guide.parent / "output" / "my_lora-000002.safetensors"
    kept.write_bytes(b"another")
    assert shell("run", guide, "--engine", "rehearsal").code == 0
    (folder,) = guide.parent.glob(".kohya-wrap/runs/2*")
    assert RunFolder(folder).ledger.hashes[str(kept)] != sha256(kept)


def test_one_that_was_moved_at_work_is_stopped_from_where_it_lies_now(shell: Shell, guide: Path) -> None:
    with shell.start("run", guide, "--engine", "rehearsal", KOHYA_WRAP_REHEARSAL_STEP_SECONDS="0.2") as run:
        until(run, "epoch 2/10")
        moved = guide.parent.rename(guide.parent.with_name("moved"))
        stopped = shell("stop", moved, "--now")
        assert stopped.code == 0, stopped.err
        run.communicate(timeout=30)
    assert run.returncode == 7
