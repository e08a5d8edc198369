"""A run from other shells than its own: detached, looked at, stopped, its log read."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner

from kohya_wrap.cli import logs
from tests.fixtures.shell import Answer, Shell, until

SLOW = {"KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.1"}
REHEARSAL = ("--engine", "rehearsal")


def now(shell: Shell, where: Path) -> dict[str, Any]:
    (found,) = shell("status", where, "--json").envelope["data"]["runs"]
    return dict(found)


def wait_until(shell: Shell, where: Path, state: str) -> dict[str, Any]:
    end = time.monotonic() + 30
    while (found := now(shell, where))["state"] != state:
        assert time.monotonic() < end, found
    return found


def test_detached_looked_at_and_stopped_when_its_epoch_is_done(shell: Shell, guide: Path) -> None:
    began = shell("run", guide, *REHEARSAL, "--detach", **SLOW)
    assert (began.code, began.err) == (0, "")
    assert "engine started (pid " in began.out and "It goes on by itself" in began.out
    assert now(shell, guide)["step"] > 0
    assert "Rehearsed" not in began.out
    found = now(shell, guide.parent)
    assert (found["state"], found["name"], found["steps"], found["engine"]) == (
        "training", "my_lora", 50, "rehearsal",
    )  # fmt: skip
    asked = shell("stop", guide.parent)
    assert (asked.code, asked.err) == (0, "")
    stopped = wait_until(shell, guide, "stopped")
    assert stopped["step"] == stopped["epochs_kept"] * 5 > 0
    words = shell("status", guide.parent).out
    assert (
        "my_lora: stopped (rehearsal: no training)" in words and f"can go on: kohya-wrap run {guide}" in words
    )
    again = shell("run", guide, *REHEARSAL)
    assert (again.code, again.err) == (0, "")
    assert f"going on after epoch {stopped['epochs_kept']}" in again.out
    assert now(shell, guide)["state"] == "done"


def typed(shell: Shell, text: str, before: str) -> Answer:
    """What is said to be typed after `before`, typed where it was said."""
    words = re.split(r", |   |[.]?\n|$", text.partition(before)[2], maxsplit=1)[0]
    return shell(*shlex.split(words)[1:])


def test_what_is_printed_works_where_it_is_printed(shell: Shell, guide: Path) -> None:
    more = '\n[kohya_wrap]\nengine = "rehearsal"\n'
    guide.write_text(guide.read_text(encoding="utf-8") + more, encoding="utf-8")
    began = shell("run", guide.parent.name, "--detach", KOHYA_WRAP_REHEARSAL_STEP_SECONDS="1.5")
    assert typed(shell, began.out, "It goes on by itself: ").out.startswith("my_lora: training")
    assert typed(shell, began.out.replace(" -f", ""), "/training_config.toml, ").code == 0
    asked = typed(shell, began.out, "logs -f my-lora/training_config.toml, ")
    assert asked.out.startswith("my_lora stops when epoch ")
    stopped = typed(shell, asked.out, "At once: ")
    assert "has stopped" in stopped.out
    assert typed(shell, shell("stop", "my-lora").err, "try: ").out.startswith("my_lora: stopped")
    assert typed(shell, stopped.out, "To begin anew: ").code == 0


@pytest.mark.parametrize("fault", ["nan@3", "oom@3,oom@1,oom@1,oom@1,oom@1"])
def test_what_is_to_be_typed_after_a_failure_names_the_config(shell: Shell, guide: Path, fault: str) -> None:
    answer = shell("run", guide.parent.name, *REHEARSAL, KOHYA_WRAP_REHEARSAL_FAULT=fault)
    assert answer.code == 6
    assert "kohya-wrap run my-lora/training_config.toml --restart" in answer.three_lines[2]


def test_of_several_in_one_folder_the_one_that_was_last_at_work_is_shown(shell: Shell, guide: Path) -> None:
    other = guide.with_name("other.toml")
    other.write_text(guide.read_text(encoding="utf-8").replace("my_lora", "other"), encoding="utf-8")
    assert shell("run", guide, *REHEARSAL, "--until-epoch", "2", **SLOW).code == 0
    assert shell("run", other, *REHEARSAL).code == 0
    assert shell("run", guide, *REHEARSAL).code == 0
    assert now(shell, guide.parent)["name"] == "my_lora"
    assert now(shell, other)["name"] == "other", "its own run, where a config is named"


def test_a_detached_run_that_cannot_start_says_so(shell: Shell, guide: Path) -> None:
    answer = shell("run", guide, *REHEARSAL, "--detach", "--set", "network_dimm=4")
    assert answer.code == 3
    assert "--set: `network_dimm` is no option" in answer.out


def test_a_detached_run_that_fails_before_its_first_step_says_so(shell: Shell, guide: Path) -> None:
    answer = shell("run", guide, *REHEARSAL, "--detach", KOHYA_WRAP_REHEARSAL_FAULT="oom@1")
    assert (answer.code, "It goes on by itself" in answer.out) == (6, False)
    assert "ran out of memory before the first step" in answer.out


def test_a_detached_run_in_json(shell: Shell, guide: Path) -> None:
    answer = shell("run", guide, *REHEARSAL, "--detach", "--json", **SLOW)
    assert answer.code == 0
    data = answer.envelope["data"]
    assert data["detached"] and Path(data["run"], "events.jsonl").is_file()
    assert shell("stop", guide.parent, "--now").code == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--set", "network_dimm=4"), 3, "network_dimm"),
        (("--gpus", "x"), 2, "--gpus"),
        (("--then", "no-such-program"), 2, "no-such-program"),
    ],
)
def test_a_detached_run_that_cannot_start_says_so_in_json(
    shell: Shell, guide: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    answer = shell("run", guide, *REHEARSAL, "--detach", "--json", *words)
    error = answer.envelope["error"]
    assert (answer.code, error["code"], said in error["message"]) == (code, code, True)
    assert error["message"] in answer.err and '"schema"' not in answer.err


def test_a_detached_queue_of_which_all_is_done_gives_what_it_gave(shell: Shell, guide: Path) -> None:
    second = guide.with_name("second.toml")
    second.write_text(guide.read_text(encoding="utf-8").replace("my_lora", "second"), encoding="utf-8")
    words = ("run", guide, second, *REHEARSAL)
    assert shell(*words).code == 0
    answer = shell(*words, "--detach", "--json")
    assert [job["outcome"] for job in answer.envelope["data"]["jobs"]] == ["done", "done"]
    assert "by itself" not in answer.err
    assert "by itself" not in shell(*words, "--detach").out


def test_stopped_at_once(shell: Shell, guide: Path) -> None:
    with shell.start("run", guide, *REHEARSAL, **SLOW) as run:
        until(run, "saved my_lora-000002")
        asked = shell("stop", guide, "--now")
        _, err = run.communicate(timeout=30)
    assert (asked.code, asked.err) == (0, "")
    assert "my_lora has stopped; epoch " in asked.out
    assert run.returncode == 7
    assert "kohya-wrap stop" in err


def test_one_that_nobody_watches(shell: Shell, guide: Path) -> None:
    with shell.start("run", guide, *REHEARSAL, **SLOW) as run:
        until(run, "saved my_lora-000002")
        run.kill()
    seen = now(shell, guide)
    assert seen["state"] == "unwatched"
    time.sleep(0.3)
    assert now(shell, guide)["step"] > seen["step"], "it goes on, though nobody writes it down"
    refused = shell("stop", guide)
    assert refused.code == 2 and "stop --now" in refused.three_lines[2]
    assert shell("stop", guide, "--now").code == 0
    assert now(shell, guide)["state"] == "stopped"
    again = shell("run", guide, *REHEARSAL)
    assert (again.code, again.err) == (0, "")
    assert "going on after epoch " in again.out


def test_followed_to_its_end(shell: Shell, guide: Path) -> None:
    with shell.start("run", guide, *REHEARSAL, KOHYA_WRAP_REHEARSAL_STEP_SECONDS="0.05") as run:
        until(run, "epoch 1/10")
        with shell.start("logs", guide, "-f") as logs:
            lines = [json.loads(line) for line in shell("status", guide, "-f", "--json").out.splitlines()]
            said, _ = logs.communicate(timeout=30)
        run.communicate(timeout=30)
    assert [line["step"] for line in lines] == sorted(line["step"] for line in lines)
    assert (lines[-1]["state"], lines[-1]["step"]) == ("done", 50)
    assert "model saved." in said.splitlines()[-1] or "steps: 100%" in said.splitlines()[-1]


def test_a_paused_run_shows_what_is_kept(shell: Shell, guide: Path) -> None:
    assert shell("run", guide, *REHEARSAL, "--until-epoch", "2", **SLOW).code == 0
    found = now(shell, guide)
    assert (found["state"], found["epoch"], found["step"]) == ("paused", 2, 10)


def test_a_killed_machine_shows_where_it_stands(shell: Shell, guide: Path) -> None:
    with shell.start("run", guide, *REHEARSAL, **SLOW) as run:
        until(run, "epoch 3/10")  # so the state of the second is on record
        import psutil

        for process in (*psutil.Process(run.pid).children(recursive=True), run):
            process.kill()
    found = now(shell, guide)
    assert (found["state"], found["epochs_kept"]) == ("interrupted", 2)


def test_what_a_trainer_did_alone_is_shown(shell: Shell, guide: Path) -> None:
    """Still at work, then at its end: what the next `run` takes over."""
    with shell.start("run", guide, *REHEARSAL, **SLOW) as run:
        until(run, "engine started")
        run.kill()
    (log,) = (guide.parent / ".kohya-wrap" / "runs").glob("2*/engine.log")
    while "epoch 4/10" not in log.read_text(encoding="utf-8"):
        time.sleep(0.1)
    found = now(shell, guide)
    assert (found["state"], found["epoch"] >= 4, found["epochs_kept"] >= 3) == ("unwatched", True, True)
    assert found["seconds_per_step"] and found["eta"]
    found = wait_until(shell, guide, "interrupted")
    assert [found[name] for name in ("epoch", "step", "epochs_kept")] == [10, 50, 9]
    assert found["seconds"] > 4


@pytest.mark.parametrize("command", ["status", "stop", "logs"])
def test_where_there_is_no_run(shell: Shell, guide: Path, command: str) -> None:
    answer = shell(command, guide.parent)
    assert answer.code == 2
    assert answer.three_lines[0] == f"No run in {guide.parent}."


def test_what_is_not_at_work_cannot_be_stopped(shell: Shell, guide: Path) -> None:
    assert shell("run", guide, *REHEARSAL).code == 0
    answer = shell("stop", guide)
    assert answer.code == 2 and "my_lora is not at work: done." in answer.three_lines[0]
    assert "steps: 100%" in shell("logs", guide, "-n", "3").out


@pytest.mark.parametrize("text", ["%%%", "", "# nothing"])
@pytest.mark.parametrize(("name", "code"), [("run.toml", 0), ("engine_config.toml", 3)])
def test_a_damaged_record_is_no_bug(shell: Shell, guide: Path, name: str, code: int, text: str) -> None:
    """What an unfinished run was started with must be known to go on with it."""
    assert shell("run", guide, *REHEARSAL, "--until-epoch", "2", **SLOW).code == 0
    (run,) = (guide.parent / ".kohya-wrap" / "runs").glob("2*")
    (run / name).write_text(text, encoding="utf-8")
    for command in (("status",), ("status", "--json"), ("logs",)):
        answer = shell(*command, guide.parent)
        assert (answer.code, "error" in answer.err) == (0, False), command
    assert shell("stop", guide.parent).code == 2
    again = shell("run", guide, *REHEARSAL)
    assert again.code == code, again.err
    if code:
        assert name in again.three_lines[0] and "--restart" in again.three_lines[2]
    else:
        assert "going on after epoch 2" in again.out


def test_what_a_lost_config_of_the_engine_hides_is_said(shell: Shell, guide: Path) -> None:
    assert shell("run", guide, *REHEARSAL, "--until-epoch", "2", **SLOW).code == 0
    (run,) = (guide.parent / ".kohya-wrap" / "runs").glob("2*")
    (run / "engine_config.toml").unlink()
    again = shell("run", guide, *REHEARSAL, "--set", "learning_rate=1e-3")
    said = (
        "is gone, so what has changed since is not known. Learning rates, scheduler and optimizer come back"
    )
    assert again.code == 0 and again.out.index(said) < again.out.index("going on after epoch 2")


def test_a_cache_that_the_room_decided_on_is_no_change(shell: Shell, guide: Path) -> None:
    assert shell("run", guide, *REHEARSAL, "--until-epoch", "2", **SLOW).code == 0
    (run,) = (guide.parent / ".kohya-wrap" / "runs").glob("2*")
    record = run / "engine_config.toml"
    cached = record.read_text(encoding="utf-8")
    assert "cache_latents_to_disk = true" in cached
    in_memory = cached.replace("cache_latents_to_disk = true", "cache_latents_to_disk = false")
    record.write_text(in_memory, encoding="utf-8")
    again = shell("run", guide, *REHEARSAL)
    assert "going on after epoch 2" in again.out and "goes on with" not in again.out


@pytest.mark.parametrize("how", [Path.unlink, lambda path: path.write_text("")], ids=["removed", "emptied"])
def test_a_lost_description_is_found_elsewhere(shell: Shell, guide: Path, how: Callable[[Path], Any]) -> None:
    assert shell("run", guide, *REHEARSAL, "--until-epoch", "2", **SLOW).code == 0
    (run,) = (guide.parent / ".kohya-wrap" / "runs").glob("2*")
    how(run / "run.toml")
    for where in (guide.parent, run):
        found = shell("status", where, "--json").envelope["data"]["runs"][0]
        assert (found["name"], found["config"], found["epochs"]) == ("my_lora", str(guide), 10)
    assert "going on after epoch 2" in shell("run", guide, *REHEARSAL).out


def test_a_description_that_is_lost_twice_is_found_by_its_states(shell: Shell, guide: Path) -> None:
    assert shell("run", guide, *REHEARSAL, "--until-epoch", "2", **SLOW).code == 0
    (run,) = (guide.parent / ".kohya-wrap" / "runs").glob("2*")
    for name in ("run.toml", "engine_config.toml"):
        (run / name).unlink()
    assert "my_lora: paused" in shell("status", guide).out and "It can go on" in shell("status", guide).out
    again = shell("run", guide, *REHEARSAL)
    assert again.code == 0, again.err
    assert again.out.index("is gone, so what has changed") < again.out.index("going on after epoch 2")


def test_one_that_is_moved_while_it_trains_is_found_and_gets_no_second_trainer(
    shell: Shell, guide: Path, tmp_path: Path
) -> None:
    """A copy of the project has no part in the trainer of the other."""
    with shell.start("run", guide, *REHEARSAL, **SLOW) as run:
        until(run, "epoch 3/10")
        run.kill()
    copied, moved = tmp_path / "copied", tmp_path / "moved"
    shutil.copytree(guide.parent, copied, symlinks=True)
    assert now(shell, copied)["state"] == "interrupted"
    guide.parent.rename(moved)
    assert now(shell, moved)["state"] == "unwatched"
    config = moved / guide.name
    for words in ((), ("--restart",)):
        refused = shell("run", config, *REHEARSAL, *words)
        assert refused.code == 2 and "is still at work, and saves to where" in refused.three_lines[0]
    assert "has stopped" in typed(shell, refused.err, "try: ").out
    assert now(shell, moved)["state"] == "stopped"
    again = shell("run", config, *REHEARSAL)
    assert (again.code, again.err) == (0, "") and "going on after epoch " in again.out


@pytest.mark.parametrize("how", [Path.unlink, lambda path: path.write_text("")], ids=["removed", "emptied"])
def test_a_lost_record_is_said_before_it_begins_anew(
    shell: Shell, guide: Path, how: Callable[[Path], Any]
) -> None:
    assert shell("run", guide, *REHEARSAL, "--until-epoch", "2", **SLOW).code == 0
    (run,) = (guide.parent / ".kohya-wrap" / "runs").glob("2*")
    how(run / "events.jsonl")
    status = shell("status", guide).out
    assert (
        "nothing to go on from: its record (events.jsonl)" in status
        and "It begins anew: kohya-wrap run" in status
    )
    again = shell("run", guide, *REHEARSAL)
    assert again.code == 0 and "going on" not in again.out
    said = f"of the unfinished run {run.name} nothing can be used: its record (events.jsonl) is empty or gone"
    assert again.out.index(said) < again.out.index("engine started")
    assert said not in shell("run", guide, *REHEARSAL).out, "the one after it is finished"


@pytest.mark.parametrize("states", [True, False])
def test_a_trainer_whose_record_is_lost_is_waited_for_or_stopped(
    shell: Shell, guide: Path, states: bool
) -> None:
    """`run` starts no second one beside it, and `status` names no command that is refused."""
    with shell.start("run", guide, *REHEARSAL, **SLOW) as run:
        until(run, "epoch 2/10" if states else "engine started")
        (folder,) = (guide.parent / ".kohya-wrap" / "runs").glob("2*")
        (folder / "events.jsonl").unlink()
        run.kill()
    hint = shell("status", guide).out.splitlines()[-1]
    refused = shell("run", guide, *REHEARSAL)
    assert refused.code == 2 and "is still at work" in refused.three_lines[0]
    for said in (f"kohya-wrap status {folder} --follow", f"kohya-wrap stop {folder} --now"):
        assert said in hint and said in refused.three_lines[2]
    assert shell("stop", folder, "--now").code == 0
    assert "kohya-wrap run" in shell("status", guide).out.splitlines()[-1]
    assert shell("run", guide, *REHEARSAL).code == 0


@pytest.mark.parametrize("fault", ["", "nan@23"])
def test_lost_states_are_said_before_it_begins_anew(shell: Shell, guide: Path, fault: str) -> None:
    """Of a run that was stopped, and of one that failed."""
    words = () if fault else ("--until-epoch", "4")
    code = shell("run", guide, *REHEARSAL, *words, **SLOW, KOHYA_WRAP_REHEARSAL_FAULT=fault).code
    assert code == (6 if fault else 0)
    for state in (guide.parent / ".kohya-wrap" / "runs").glob("2*/attempts/1/*-state"):
        shutil.rmtree(state)
    told = "nothing to go on from: it had kept epoch 4, but its states are gone or damaged"
    assert (told in shell("status", guide).out) == bool(fault)
    again = shell("run", guide, *REHEARSAL)
    assert again.code == 0 and "going on" not in again.out
    said = (
        "it had kept epoch 4, but its states are gone" if fault else "the state my_lora-000004-state is gone"
    )
    assert again.out.index(said) < again.out.index("engine started")


def test_following_says_that_nobody_watches_it_and_how_it_ended(shell: Shell, guide: Path) -> None:
    with shell.start("run", guide, *REHEARSAL, KOHYA_WRAP_REHEARSAL_FAULT="hang@3") as run:
        until(run, "engine started")
        with shell.start("status", guide, "--follow") as following:
            until(following, "epoch")
            run.kill()
            until(following, "my_lora: unwatched  It is still at work, and nobody watches it: kohya-wrap run")
            stopped = shell("stop", guide, "--now")
            last = following.communicate(timeout=30)[0].splitlines()[-1]
    assert "my_lora has stopped; no epoch is finished. To begin anew: kohya-wrap run" in stopped.out
    assert last.startswith("my_lora: stopped: kohya-wrap stop --now  It begins anew: kohya-wrap run")


def test_the_log_of_a_folder_that_is_only_to_be_read(
    shell: Shell, guide: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shell("run", guide, *REHEARSAL).code == 0

    def refused(path: Path) -> None:
        raise OSError(30, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "touch", refused)
    answer = CliRunner().invoke(logs.command, [str(guide), "-n", "3"], catch_exceptions=False)
    assert answer.exit_code == 0 and "steps: 100%" in answer.output


def test_a_log_that_is_removed_while_it_trains(shell: Shell, guide: Path) -> None:
    """Nothing more is heard of it, so that it counts as hanging in its time."""
    hang = {"KOHYA_WRAP_HANG_SECONDS": "2", "KOHYA_WRAP_RETRY_SECONDS": "0"}
    with shell.start("run", guide, *REHEARSAL, **SLOW, **hang) as run:
        until(run, "saved my_lora-000002")
        (log,) = (guide.parent / ".kohya-wrap" / "runs").glob("2*/engine.log")
        log.unlink()
        out, err = run.communicate(timeout=60)
    assert "Traceback" not in err
    assert (run.returncode, "going on after epoch" in out) == (0, True)


def test_a_detached_run_that_is_killed_before_it_trains(shell: Shell, guide: Path) -> None:
    with shell.start("run", guide, *REHEARSAL, "--detach", KOHYA_WRAP_REHEARSAL_FAULT="hang@1") as run:
        end = time.monotonic() + 20
        while not (inner := psutil.Process(run.pid).children()):
            assert time.monotonic() < end
        inner[0].kill()
        _, err = run.communicate(timeout=30)
    assert run.returncode == 8
    assert err.splitlines()[0].endswith("was killed by SIGKILL.") and "kohya-wrap status" in err


@pytest.mark.parametrize(
    ("name", "commands"),
    [
        (".my_lora.lock", ["run"]),
        ("{run}/stop", ["run"]),
        ("{run}/engine_config.toml", ["run"]),
        ("{run}/engine.log", ["run", "logs"]),
        ("{run}/events.jsonl", ["run", "logs", "status"]),
    ],
)
def test_a_folder_in_the_place_of_a_file_of_ours(
    shell: Shell, guide: Path, name: str, commands: list[str]
) -> None:
    assert shell("run", guide, *REHEARSAL, "--until-epoch", "2", **SLOW).code == 0
    (run,) = (guide.parent / ".kohya-wrap" / "runs").glob("2*")
    taken = run.parent / name.format(run=run.name)
    taken.unlink(missing_ok=True)
    taken.mkdir()
    for command in commands:
        answer = shell(command, guide, *(REHEARSAL if command == "run" else ()))
        assert (answer.code, answer.three_lines[0].split(" is a folder, ")[0]) == (8, str(taken)), command
        assert answer.three_lines[2].startswith(f"mv {taken} {taken}.old")


@pytest.mark.parametrize("command", [("status", "--follow"), ("logs", "-f")])
def test_who_looks_on_no_longer_ends_nothing(shell: Shell, guide: Path, command: tuple[str, ...]) -> None:
    with shell.start("run", guide, *REHEARSAL, **SLOW) as run:
        until(run, "saved my_lora-000002")
        with shell.start(command[0], guide, *command[1:]) as looking:
            assert looking.stdout is not None and looking.stdout.readline()
            looking.send_signal(signal.SIGINT)
            _, err = looking.communicate(timeout=30)
        assert looking.returncode == 130
        assert "the run goes on" in err and "kohya-wrap stop" in err and "where it was" not in err
        assert now(shell, guide)["state"] == "training"
        run.terminate()
        run.communicate(timeout=30)


def test_who_waits_no_longer_for_a_detached_run_ends_nothing(shell: Shell, guide: Path) -> None:
    with shell.start("run", guide, *REHEARSAL, "--detach", KOHYA_WRAP_REHEARSAL_FAULT="hang@1") as run:
        until(run, "engine started")
        run.send_signal(signal.SIGINT)
        _, err = run.communicate(timeout=30)
    assert (run.returncode, "the run goes on" in err) == (130, True)
    assert now(shell, guide)["state"] == "training"
    assert shell("stop", guide, "--now").code == 0
