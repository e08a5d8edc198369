"""What follows a training: uploads believed by their hashes, and an instance that is ended after them and never before."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kohya_wrap.training import states
from tests.fixtures import small_ssh
from tests.fixtures.loopback_provider import KEY, LoopbackProvider
from tests.fixtures.receiver import Receiver
from tests.fixtures.shell import Answer, Shell, until
from tests.fixtures.small_ssh import SmallSsh
from tests.fixtures.writable_hub import WritableHub

REHEARSAL = ("--engine", "rehearsal")
SLOW = {"KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.1"}
NAN = {"KOHYA_WRAP_REHEARSAL_FAULT": "nan@20"}
UPLOAD = "upload:me@nas:loras"
TERMINATE_RUNPOD = ("POST", "/v2/pods/abc123/action", {"action": "terminate"})
STOP_RUNPOD = ("POST", "/v2/pods/abc123/action", {"action": "stop"})
TERMINATE_VAST = ("DELETE", "/api/v0/instances/4711/", {})
STOP_VAST = ("PUT", "/api/v0/instances/4711/", {"state": "stopped"})


@pytest.fixture
def provider() -> Iterator[LoopbackProvider]:
    with LoopbackProvider() as provider:
        yield provider


@pytest.fixture
def ssh(tmp_path: Path) -> SmallSsh:
    return small_ssh.make(tmp_path / "other-machine")


@pytest.fixture
def rented(shell: Shell, provider: LoopbackProvider, ssh: SmallSsh) -> Shell:
    """A shell on a pod of RunPod's, from which me@nas can be reached."""
    path = f"{ssh.programs}{os.pathsep}{os.environ['PATH']}"
    more = {"PATH": path, "KOHYA_WRAP_RETRY_SECONDS": "0", **provider.runpod}
    return Shell(shell.cwd, {**shell.variables, **more})


def digests(folder: Path) -> dict[str, str]:
    """Of LoRA files, by name."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.safetensors")}


def then(answer: Answer) -> list[str]:
    return [line for line in answer.out.splitlines() if line.startswith("then: ")]


@pytest.mark.parametrize(
    "variables, end, call",
    [
        ("runpod", "terminate-instance", TERMINATE_RUNPOD),
        ("runpod", "stop-instance", STOP_RUNPOD),
        ("vast", "terminate-instance", TERMINATE_VAST),
        ("vast", "stop-instance", STOP_VAST),
    ],
)
def test_one_call_after_the_upload_was_verified(
    shell: Shell,
    guide: Path,
    provider: LoopbackProvider,
    ssh: SmallSsh,
    variables: str,
    end: str,
    call: object,
) -> None:
    there: list[dict[str, str]] = []
    provider.when_accepted = lambda: there.append(digests(ssh.home / "loras"))
    path = f"{ssh.programs}{os.pathsep}{os.environ['PATH']}"
    answer = shell(
        "run", guide, *REHEARSAL, "--then", UPLOAD, "--then", end, PATH=path, **getattr(provider, variables)
    )
    assert (answer.code, answer.err) == (0, "")
    assert provider.asked == provider.accepted == [call]
    assert provider.keys == [f"Bearer {KEY}"]
    assert there == [digests(guide.parent / "output")] and len(there[0]) == 5
    assert "then: upload:me@nas:loras: uploaded 9 files to me@nas:loras, hashes equal" in then(answer)
    (run,) = (guide.parent / ".kohya-wrap" / "runs").glob("2*")
    assert {path.name for path in (ssh.home / "loras" / run.name).iterdir()} == {
        "run.toml", "events.jsonl", "engine_config.toml", "engine.log",
    }  # fmt: skip
    kept = [path for path in run.rglob("*") if path.is_file()]
    assert KEY not in answer.out and not any(KEY.encode() in path.read_bytes() for path in kept)


def test_never_where_the_upload_could_not_be_verified(
    rented: Shell, guide: Path, provider: LoopbackProvider, ssh: SmallSsh
) -> None:
    ssh.turn("tampers")
    answer = rented("run", guide, *REHEARSAL, "--then", UPLOAD, "--then", "terminate-instance")
    assert answer.code == 8
    assert provider.asked == []
    what, why, hint = answer.three_lines
    assert what.startswith("The training is done and kept; afterwards: 5 of 9 files are not at me@nas:loras")
    assert "hashes" in why and str(guide.parent) in hint
    assert any("terminate-instance was not done: what should be done before" in line for line in then(answer))
    assert (guide.parent / "output" / "my_lora.safetensors").is_file()


def test_the_network_comes_back(rented: Shell, guide: Path, provider: LoopbackProvider) -> None:
    provider.answers = [(500, {}), (500, {"detail": "try later"})]
    answer = rented("run", guide, *REHEARSAL, "--then", UPLOAD, "--then", "terminate-instance")
    assert (answer.code, answer.err) == (0, "")
    assert provider.accepted == [TERMINATE_RUNPOD] and len(provider.asked) == 3
    assert any("answered 500: try later. Again in 0 s." in line for line in then(answer))


def test_a_dead_network_ends_nothing_and_keeps_all(
    rented: Shell, guide: Path, provider: LoopbackProvider, ssh: SmallSsh
) -> None:
    nobody = {"KOHYA_WRAP_RUNPOD_URL": "http://127.0.0.1:9"}
    answer = rented("run", guide, *REHEARSAL, "--then", UPLOAD, "--then", "terminate-instance", **nobody)
    assert answer.code == 8
    what, why, hint = answer.three_lines
    assert "RunPod pod abc123, terminate: no answer" in what and "network is down" in why
    assert "goes on costing money" in hint
    assert sum("no answer" in line for line in then(answer)) == 5, "four pauses, and the last word"
    assert digests(ssh.home / "loras") == digests(guide.parent / "output")


def test_a_machine_that_is_gone_when_it_is_needed(
    rented: Shell, guide: Path, provider: LoopbackProvider, ssh: SmallSsh
) -> None:
    with rented.start(
        "run", guide, *REHEARSAL, "--then", UPLOAD, "--then", "terminate-instance", **SLOW
    ) as run:
        until(run, "epoch 2/10")
        ssh.turn("down")
        _, err = run.communicate(timeout=60)
    assert run.returncode == 8
    assert "Connection timed out" in err
    assert provider.asked == []


def test_a_key_that_may_not_is_said_at_once(rented: Shell, guide: Path, provider: LoopbackProvider) -> None:
    provider.answers = [(403, {"title": "Forbidden", "status": 403, "detail": f"{KEY} may not"})]
    answer = rented("run", guide, *REHEARSAL, "--then", UPLOAD, "--then", "terminate-instance")
    assert answer.code == 8
    what, why, hint = answer.three_lines
    assert "answered 403: *** may not" in what and "key" in why and "by hand" in hint
    assert len(provider.asked) == 1


def test_on_failure_only_what_is_for_every_end(
    rented: Shell, guide: Path, provider: LoopbackProvider, ssh: SmallSsh
) -> None:
    words = (
        "--then",
        UPLOAD,
        "--then",
        "stop-instance",
        "--then-always",
        "sh -c 'echo $KOHYA_WRAP_THEN_OUTCOME'",
    )
    answer = rented("run", guide, *REHEARSAL, *words, **NAN)
    assert answer.code == 6
    assert "loss" in answer.three_lines[0]
    assert "then: failed" in then(answer)
    assert f"then: not done, since the training did not succeed: {UPLOAD}, stop-instance" in then(answer)
    assert provider.asked == []
    assert not digests(ssh.home / "loras")


def test_on_failure_terminated_where_it_is_for_every_end(
    rented: Shell, guide: Path, provider: LoopbackProvider, ssh: SmallSsh
) -> None:
    words = ("--then-always", UPLOAD, "--then-always", "terminate-instance")
    answer = rented("run", guide, *REHEARSAL, *words, **NAN)
    assert answer.code == 6
    assert provider.asked == [TERMINATE_RUNPOD]
    assert digests(ssh.home / "loras") == digests(guide.parent / "output") != {}


@pytest.mark.parametrize("number, code", [(signal.SIGTERM, 7), (signal.SIGINT, 130)])
def test_stopped_by_a_signal_with_what_is_needed_to_go_on(
    rented: Shell, guide: Path, provider: LoopbackProvider, ssh: SmallSsh, number: int, code: int
) -> None:
    words = ("--then-always", UPLOAD, "--then-always", "terminate-instance")
    with rented.start("run", guide, *REHEARSAL, *words, **SLOW) as run:
        until(run, "epoch 3/10")
        run.send_signal(number)
        run.communicate(timeout=60)
    assert run.returncode == code
    assert provider.asked == [TERMINATE_RUNPOD]
    (state,) = ssh.home.glob("loras/2*/attempts/1/*-state")
    here = guide.parent / ".kohya-wrap" / "runs" / state.relative_to(ssh.home / "loras")
    assert sorted(path.name for path in state.iterdir()) == sorted(path.name for path in here.iterdir())


def test_what_was_saved_and_could_not_be_kept_keeps_the_instance(
    rented: Shell, guide: Path, provider: LoopbackProvider, ssh: SmallSsh
) -> None:
    in_the_way = guide.parent / "output" / ".my_lora-000004.safetensors.part"  # for want of a full disk
    in_the_way.mkdir(parents=True)
    words = ("--then-always", UPLOAD, "--then-always", "terminate-instance")
    failed = rented("run", guide, *REHEARSAL, *words)
    assert failed.code == 8 and provider.asked == []
    assert any(line.startswith(f"then: {UPLOAD}: uploaded ") for line in then(failed))
    lost = guide.parent.glob(".kohya-wrap/runs/2*/attempts/1/my_lora-000004.safetensors")
    (saved,) = lost
    not_kept = re.search(r"terminate-instance was not done: (\S+) was saved, and is not kept yet", failed.out)
    first = [saved, saved.with_name("my_lora-000004-state")]  # that one where its trainer came no further
    assert not_kept is not None and Path(not_kept[1]) in first
    brought = [path.name for path in ssh.home.glob("loras/2*/attempts/1/*")]
    # Its trainer was ended, maybe while it wrote one; and nothing goes on from the state of a training's end.
    whole = [path.name for path in saved.parent.glob("*-0*-state") if not states.problem(path)]
    assert saved.name in brought and [name for name in brought if name.endswith("-state")] == [max(whole)]
    in_the_way.rmdir()
    assert rented("run", guide, *REHEARSAL, *words).code == 0 and provider.accepted == [TERMINATE_RUNPOD]


@pytest.mark.parametrize("how", ["moved", "record removed"])
@pytest.mark.parametrize("number", [None, signal.SIGTERM])
def test_what_nobody_knows_of_keeps_the_instance(
    rented: Shell, guide: Path, provider: LoopbackProvider, how: str, number: signal.Signals | None
) -> None:
    words = ("--then-always", UPLOAD, "--then-always", "true", "--then-always", "terminate-instance")
    with rented.start("run", guide, *REHEARSAL, *words, **SLOW) as run:
        until(run, "epoch 3/10")
        if how == "moved":
            guide.parent.rename(guide.parent.with_name("moved"))
        else:
            (journal,) = guide.parent.glob(".kohya-wrap/runs/2*/events.jsonl")
            journal.unlink()
        if number is not None:
            run.send_signal(number)
        out, _ = run.communicate(timeout=60)
    assert provider.asked == [], out
    assert "then: true: done" in out and out.count("has no record any more of what was trained.") == 2
    assert run.returncode == (8 if number is None else 7)


def test_of_a_queue_nobody_knows_what_one_has_made(
    rented: Shell, two: tuple[Path, Path], provider: LoopbackProvider
) -> None:
    words = ("run", *two, *REHEARSAL, "--then-always", UPLOAD, "--then-always", "terminate-instance")
    with rented.start(*words, **SLOW) as run:
        until(run, "epoch 3/10")
        (journal,) = two[0].parent.glob(".kohya-wrap/runs/2*/events.jsonl")
        journal.unlink()
        out, _ = run.communicate(timeout=90)
    assert provider.asked == [] and out.count("has no record any more of what was trained.") == 2, out


def test_what_ended_before_its_trainer_was_started_has_nothing_to_lose(
    rented: Shell, guide: Path, provider: LoopbackProvider
) -> None:
    views = guide.parent / ".kohya-wrap" / "views"
    views.parent.mkdir()
    views.write_text("a file")
    failed = rented("run", guide, *REHEARSAL, "--then-always", UPLOAD, "--then-always", "terminate-instance")
    assert failed.code == 8 and f"then: {UPLOAD}: nothing was made" in failed.out, failed.err
    assert provider.asked == [TERMINATE_RUNPOD]


def test_a_cap_is_an_end(rented: Shell, guide: Path, provider: LoopbackProvider) -> None:
    words = ("--max-hours", str(2 / 3600), "--then-always", UPLOAD, "--then-always", "terminate-instance")
    assert rented("run", guide, *REHEARSAL, *words, **SLOW).code == 7
    assert provider.asked == [TERMINATE_RUNPOD]


def test_what_never_began_ends_nothing(rented: Shell, guide: Path, provider: LoopbackProvider) -> None:
    words = ("--then-always", UPLOAD, "--then-always", "terminate-instance")
    assert rented("run", guide, *REHEARSAL, *words, "--set", "network_dimm=4").code == 3
    assert rented("run", guide, *REHEARSAL, "--until-epoch", "2", **SLOW).code == 0
    (guide.parent / "output" / "my_lora-000002.safetensors").unlink()
    assert rented("run", guide, *REHEARSAL, *words, "--until-epoch", "2").code == 2
    assert provider.asked == []


def test_what_was_asked_for_and_is_there_already_is_followed_all_the_same(
    rented: Shell, guide: Path, provider: LoopbackProvider
) -> None:
    """The start script of an instance that somebody has started again."""
    told = ("--then", "sh -c 'echo it is $KOHYA_WRAP_THEN_OUTCOME, $KOHYA_WRAP_THEN_LORA'")
    words = (*REHEARSAL, "--until-epoch", "2", *told, "--then-always", UPLOAD, "--then", "terminate-instance")
    assert rented("run", guide, *words, **SLOW).code == 0
    again = rented("run", guide, *words)
    assert (again.code, "engine started" in again.out) == (0, False), again.err
    assert f"then: it is paused, {guide.parent}/output/my_lora-000002.safetensors" in again.out
    assert provider.asked == [TERMINATE_RUNPOD] * 2


@pytest.mark.parametrize("finished", [False, True])
def test_what_was_saved_while_nobody_watched_is_taken_before_it_is_followed(
    rented: Shell, guide: Path, provider: LoopbackProvider, ssh: SmallSsh, finished: bool
) -> None:
    """The epoch asked for was done before; its trainer is past it, at work still or at its end."""
    pace = {"KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.05" if finished else "0.3"}
    pause = ("run", guide, *REHEARSAL, "--until-epoch", "2")
    assert rented(*pause, **SLOW).code == 0
    with rented.start("run", guide, *REHEARSAL, **pace) as run:
        until(run, "epoch 4/10")
        run.kill()
    (folder,) = (guide.parent / ".kohya-wrap" / "runs").glob("2*")
    last = "model saved." if finished else "epoch 7/10"
    while last not in (folder / "engine.log").read_text(encoding="utf-8"):
        time.sleep(0.1)
    answer = rented(*pause, "--then", UPLOAD, "--then", "terminate-instance")
    assert (answer.code, answer.err) == (0, "")
    assert provider.accepted == [TERMINATE_RUNPOD]
    assert digests(ssh.home / "loras") == digests(guide.parent / "output")
    (there,) = [path.name for path in (ssh.home / "loras").glob("2*/attempts/2/*-state")] or [""]
    if finished:
        assert (guide.parent / "output" / "my_lora.safetensors").is_file() and there == ""
    else:
        assert there >= "my_lora-000006-state"
        assert "so the trainer that was at work was ended" in answer.out
        assert "Nothing to train: the epoch to stop at is done already." in answer.out
        assert "my_lora-000006.safetensors" in digests(ssh.home / "loras")
        assert rented("run", guide, *REHEARSAL).code == 0
        assert (guide.parent / "output" / "my_lora.safetensors").is_file()


def test_commands_have_their_words_and_no_shell(rented: Shell, guide: Path, tmp_path: Path) -> None:
    program = tmp_path / "notify"
    program.write_text('#!/bin/sh\nfor word in "$@"; do echo "[$word]"; done; exit 3\n', encoding="utf-8")
    program.chmod(0o755)
    command = f"{program} 'two words' $HOME *"
    answer = rented("run", guide, *REHEARSAL, "--then", command, "--then", "touch after")
    assert then(answer)[:3] == ["then: [two words]", "then: [$HOME]", "then: [*]"]
    assert answer.code == 8
    assert f"`{command}` ended with 3" in answer.three_lines[0]
    assert (tmp_path / "after").exists(), "what does not depend on it is done all the same"


def test_a_command_that_failed_keeps_the_instance(
    rented: Shell, guide: Path, provider: LoopbackProvider
) -> None:
    answer = rented("run", guide, *REHEARSAL, "--then", "false", "--then", "terminate-instance")
    assert answer.code == 8
    assert provider.asked == []


def test_a_damaged_lora_keeps_the_instance(rented: Shell, guide: Path, provider: LoopbackProvider) -> None:
    lora = guide.parent / "output" / "my_lora.safetensors"
    damage = f"truncate -s -5 {lora}"
    answer = rented("run", guide, *REHEARSAL, "--then", damage, "--then", "terminate-instance")
    assert answer.code == 8
    assert "my_lora.safetensors is no whole .safetensors file" in answer.three_lines[0]
    assert provider.asked == []


def test_another_training_keeps_the_instance(rented: Shell, guide: Path, provider: LoopbackProvider) -> None:
    other = ("--set", "output_name=other")
    with rented.start("run", guide, *REHEARSAL, *other, KOHYA_WRAP_REHEARSAL_STEP_SECONDS="1") as run:
        until(run, "engine started")
        answer = rented("run", guide, *REHEARSAL, "--then", UPLOAD, "--then", "terminate-instance")
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=60)
    assert answer.code == 8
    assert "a training is at work here" in answer.three_lines[0]
    assert provider.asked == []


def test_another_that_brings_its_results_away_keeps_the_instance(
    rented: Shell, guide: Path, provider: LoopbackProvider
) -> None:
    other = ("--set", "output_name=other", "--then-always", "sleep 120")
    with rented.start("run", guide, *REHEARSAL, *other) as run:
        until(run, "what happened")
        answer = rented("run", guide, *REHEARSAL, "--then", UPLOAD, "--then", "terminate-instance")
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=60)
    assert answer.code == 8
    assert f"brings results away (pid {run.pid})" in answer.three_lines[0]
    assert provider.asked == []
    again = rented("run", guide, *REHEARSAL, "--then", UPLOAD, "--then", "terminate-instance")
    assert again.code == 0 and provider.accepted == [TERMINATE_RUNPOD], "it is gone"


def test_a_step_may_end_the_instance_that_waits_for_it(
    rented: Shell, guide: Path, provider: LoopbackProvider
) -> None:
    more = (
        f"{sys.executable} -m kohya_wrap run {guide} --engine rehearsal --set output_name=b --then {UPLOAD}"
    )
    answer = rented("run", guide, *REHEARSAL, "--then", UPLOAD, "--then", f"{more} --then terminate-instance")
    assert (answer.code, answer.err) == (0, "")
    assert provider.accepted == [TERMINATE_RUNPOD]


def test_a_damaged_lora_takes_the_place_of_no_whole_one(rented: Shell, guide: Path, ssh: SmallSsh) -> None:
    lora = guide.parent / "output" / "my_lora.safetensors"
    assert rented("run", guide, *REHEARSAL, "--then", UPLOAD).code == 0
    whole = digests(ssh.home / "loras")["my_lora.safetensors"]
    damage = f"truncate -s -5 {lora}"
    answer = rented("run", guide, *REHEARSAL, "--then", damage, "--then", UPLOAD)
    assert answer.code == 8
    assert "my_lora.safetensors is no whole .safetensors file" in answer.three_lines[0]
    assert digests(ssh.home / "loras")["my_lora.safetensors"] == whole


def test_in_the_order_typed_over_both_options(rented: Shell, guide: Path) -> None:
    words = ("--then-always", "echo 1", "--then", "echo 2", "--then-always", "echo 3", "--then", "echo 4")
    answer = rented("run", guide, *REHEARSAL, *words)
    assert [line for line in then(answer) if line.split()[1].isdecimal()] == [f"then: {n}" for n in "1234"]


def test_recorded_and_in_json(rented: Shell, guide: Path) -> None:
    answer = rented("run", guide, *REHEARSAL, "--then", "echo hello", "--json")
    assert answer.envelope["data"]["then"] == [
        {"step": "echo hello", "ok": True, "text": "done, exit code 0"}
    ]
    (run,) = (guide.parent / ".kohya-wrap" / "runs").glob("2*")
    last = json.loads((run / "events.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert (last["event"], last["step"], last["ok"]) == ("Afterwards", "echo hello", True)
    assert rented("status", guide, "--json").envelope["data"]["runs"][0]["state"] == "done"


def test_what_followed_a_failure_is_in_json(rented: Shell, guide: Path) -> None:
    words = ("--then-always", "echo hello", "--then", "echo well", "--json")
    answer = rented("run", guide, *REHEARSAL, *words, **NAN)
    assert (answer.code, answer.envelope["error"]["code"]) == (6, 6)
    assert answer.envelope["data"]["then"] == [
        {"step": "echo hello", "ok": True, "text": "done, exit code 0"}
    ]


def test_what_followed_a_disk_that_refused_is_in_json(rented: Shell, guide: Path) -> None:
    views = guide.parent / ".kohya-wrap" / "views"
    views.parent.mkdir()
    views.write_text("x", encoding="utf-8")
    answer = rented("run", guide, *REHEARSAL, "--then-always", "echo hello", "--json")
    assert (answer.code, len(answer.envelope["data"]["then"])) == (8, 1)


def test_detached_it_is_done_by_the_process_that_goes_on(
    rented: Shell, guide: Path, provider: LoopbackProvider
) -> None:
    words = ("--then", UPLOAD, "--then", "terminate-instance", "--detach")
    began = rented("run", guide, *REHEARSAL, *words, **SLOW)
    assert began.code == 0 and "terminate-instance (RunPod pod abc123), on success" in began.out
    assert provider.asked == []
    rented("status", guide, "--follow")
    (log,) = (guide.parent / ".kohya-wrap" / "runs").glob("detached-*.log")
    end = time.monotonic() + 30
    while not provider.accepted:
        assert time.monotonic() < end, log.read_text(encoding="utf-8")
        time.sleep(0.1)
    assert provider.asked == [TERMINATE_RUNPOD]


def test_whoever_is_away_learns_which_step_failed(rented: Shell, guide: Path) -> None:
    words = ("--then", "false", "--then", "touch after", "--detach")
    with Receiver() as receiver:
        slow = {"NO_PROXY": "127.0.0.1", **SLOW}  # the shell is back before the steps are done
        assert rented("run", guide, *REHEARSAL, *words, "--notify", receiver.url, **slow).code == 0
        end = time.monotonic() + 30
        while len(receiver.got) < 2 and time.monotonic() < end:
            time.sleep(0.1)
    (log,) = (guide.parent / ".kohya-wrap" / "runs").glob("detached-*.log")
    assert receiver.events() == ["finished", "failed"]
    told = receiver.got[-1]
    assert told["text"] == (
        f"my_lora: afterwards: false: failed: `false` ended with 1.; touch after: done, exit code 0 (more of it: {log})"
    )
    assert told["lora"] == str(guide.parent / "output" / "my_lora.safetensors")
    status = rented("status", guide)
    assert "  then          false: failed: `false` ended with 1.\n" in status.out
    assert "  then          touch after: done, exit code 0\n" in status.out
    assert f"  more of it    {log}\n" in status.out
    (run,) = rented("status", guide, "--json").envelope["data"]["runs"]
    assert [(step["step"], step["state"]) for step in run["then"]] == [
        ("false", "failed"),
        ("touch after", "done"),
    ]
    assert run["then_log"] == str(log)


def test_steps_under_way_are_stopped_and_not_trained_over(rented: Shell, guide: Path) -> None:
    sleep = "sh -c 'echo asleep; sleep 60'"
    with rented.start("run", guide, *REHEARSAL, "--then", sleep) as run:
        until(run, "then: asleep")
        again = rented("run", guide, *REHEARSAL)
        assert again.code == 2 and "is under way: sh -c" in again.three_lines[0]
        softly = rented("stop", guide)
        assert softly.code == 2 and "kohya-wrap stop --now" in softly.three_lines[2]
        now = rented("stop", guide, "--now")
        assert now.code == 0 and "cut short; the training is done, and kept" in now.out
        run.communicate(timeout=20)
    assert run.returncode == 7
    assert rented("stop", guide, "--now").code == 2
    assert rented("run", guide, *REHEARSAL).code == 0


def test_a_step_may_train_on(rented: Shell, guide: Path) -> None:
    """It is of the process that does the steps, and knows what it does."""
    again = f"{sys.executable} -m kohya_wrap run {guide} --engine rehearsal"
    answer = rented("run", guide, *REHEARSAL, "--until-epoch", "2", "--then", again)
    assert (answer.code, answer.err) == (0, "")
    assert any("epoch 10/10" in line for line in then(answer)), then(answer)


def test_steps_as_far_as_they_are(rented: Shell, guide: Path) -> None:
    sleep = "sh -c 'echo asleep; sleep 60'"

    def states() -> list[str]:
        (run,) = rented("status", guide, "--json").envelope["data"]["runs"]
        return [step["state"] for step in run["then"]]

    with rented.start("run", guide, *REHEARSAL, "--then", "true", "--then", sleep, "--then", "echo") as run:
        until(run, "then: asleep")
        assert states() == ["done", "under way", "waits"]
        run.kill()
    assert states() == ["done", "not done", "not done"]
    assert rented("run", guide, *REHEARSAL).code == 0
    assert states() == []


@pytest.mark.parametrize(
    "words, code, said",
    [
        (("--then", "terminate-instance"), 2, "nothing brings it away before"),
        (("--then", UPLOAD, "--then-always", "terminate-instance"), 2, "nothing brings it away before"),
        (("--then", "upload:here", "--then", "terminate-instance"), 2, "upload:here lies on it too"),
        (("--then", "stop-instance"), 2, "RunPod pod abc123 loses"),
        (("--then", "terminate-instnce"), 2, "`terminate-instnce` is no program here"),
        (("--then", "upload:@host:path"), 2, "upload:ssh://user@host:port/path"),
        (("--then", "upload:s3://bucket"), 2, "s3:// is none that can be verified"),
        (("--then", "upload:my-lora/output"), 2, "is the folder that the training writes to"),
        (("--then", "upload:my-lora/training_config.toml"), 8, "cannot be written to"),
    ],
)
def test_refused_before_it_costs_anything(
    rented: Shell, guide: Path, provider: LoopbackProvider, words: tuple[str, ...], code: int, said: str
) -> None:
    answer = rented("run", guide, *REHEARSAL, *words)
    assert answer.code == code
    assert said in " ".join(answer.three_lines)
    assert "engine started" not in answer.out and provider.asked == []


def test_a_machine_that_lets_nobody_in_is_said_before(rented: Shell, guide: Path, ssh: SmallSsh) -> None:
    ssh.turn("closed")
    answer = rented("run", guide, *REHEARSAL, "--then", UPLOAD)
    assert answer.code == 8
    assert "Permission denied" in answer.three_lines[0] and "ssh me@nas" in answer.three_lines[2]
    assert "engine started" not in answer.out


def test_no_key_is_said_before(rented: Shell, guide: Path) -> None:
    answer = rented("run", guide, *REHEARSAL, "--then", UPLOAD, "--then", "stop-instance", RUNPOD_API_KEY="")
    assert answer.code == 8
    assert "RUNPOD_API_KEY" in answer.three_lines[1]
    assert "export RUNPOD_API_KEY=..." in answer.three_lines[2]
    assert "engine started" not in answer.out


def test_one_end_is_enough(rented: Shell, guide: Path, provider: LoopbackProvider) -> None:
    words = ("--then-always", UPLOAD, "--then", "terminate-instance", "--then-always", "stop-instance")
    assert rented("run", guide, *REHEARSAL, *words).code == 0
    assert provider.asked == [TERMINATE_RUNPOD]
    assert rented("run", guide, *REHEARSAL, "--restart", *words, **NAN).code == 6
    assert provider.asked == [TERMINATE_RUNPOD, STOP_RUNPOD]


def test_a_set_up_that_fails_is_an_end(rented: Shell, guide: Path, provider: LoopbackProvider) -> None:
    nowhere = {
        "HF_ENDPOINT": "http://127.0.0.1:9",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "url.file:///nowhere/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://",
    }
    words = ("--then", "echo well", "--then-always", UPLOAD, "--then-always", "stop-instance")
    answer = rented("run", guide, "--gpu", "cpu", *words, **nowhere)
    assert answer.code == 5
    assert f"then: {UPLOAD}: nothing was made, so there is nothing to upload" in then(answer)
    assert "then: well" not in then(answer)
    assert provider.asked == [STOP_RUNPOD]


@pytest.mark.parametrize("words, code", [(("--engine-dir", "/nonexistent", "--gpu", "cpu"), 5), ((), 8)])
def test_a_set_up_that_fails_before_anything_is_fetched(
    rented: Shell, guide: Path, provider: LoopbackProvider, words: tuple[str, ...], code: int
) -> None:
    every = ("--then", "echo well", "--then-always", UPLOAD, "--then-always", "stop-instance")
    answer = rented("run", guide, "--engine", "real", *words, *every)
    assert answer.code == code
    assert f"then: {UPLOAD}: nothing was made, so there is nothing to upload" in then(answer)
    assert "then: well" not in then(answer)
    assert provider.asked == [STOP_RUNPOD]


# Looks at the images for as long as three hundred large ones take.
LOOKS_LONG = """
import time
from kohya_wrap.workflow import images
of = images.of
def slowly(*given):
    print("looking at the images", flush=True)
    time.sleep(3)
    return of(*given)
images.of = slowly
from kohya_wrap.cli import main
main()
"""


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 7)])
def test_an_end_in_the_preparation_is_one(
    rented: Shell, guide: Path, provider: LoopbackProvider, number: int, code: int
) -> None:
    ended = ("--then-always", "sh -c 'echo it is $KOHYA_WRAP_THEN_OUTCOME'")
    words = ("--then", "echo well", *ended, "--then-always", UPLOAD, "--then-always", "terminate-instance")
    with Receiver() as here:
        slow = replace(rented, program=(sys.executable, "-c", LOOKS_LONG))
        with slow.start("run", guide, *REHEARSAL, *words, "--notify", here.url) as run:
            until(run, "looking at the images")
            run.send_signal(number)
            out, _ = run.communicate(timeout=30)
        told = here.events()
    assert run.returncode == code
    assert f"then: {UPLOAD}: nothing was made, so there is nothing to upload" in out
    assert "then: it is stopped" in out
    assert "then: well" not in out and provider.asked == [TERMINATE_RUNPOD]
    assert told == ["stopped", "afterwards"]


@pytest.mark.parametrize("words", [(), ("--then", UPLOAD)], ids=["alone", "followed"])
def test_a_terminal_that_is_lost_in_the_preparation_changes_nothing(
    rented: Shell, guide: Path, words: tuple[str, ...]
) -> None:
    slow = replace(rented, program=(sys.executable, "-c", LOOKS_LONG))
    with slow.start("run", guide, *REHEARSAL, *words) as run:
        until(run, "looking at the images")
        run.send_signal(signal.SIGHUP)
        out, err = run.communicate(timeout=60)
    assert (run.returncode, err) == (0, "")
    assert "Rehearsed 50 steps" in out


def test_what_the_dataset_has_wrong_is_told_and_nothing_follows(
    rented: Shell, guide: Path, provider: LoopbackProvider
) -> None:
    picture = next(p for p in (guide.parent / "training_data").rglob("*") if p.suffix in (".jpg", ".png"))
    picture.write_bytes(picture.read_bytes()[:100])
    words = ("--then-always", UPLOAD, "--then-always", "terminate-instance")
    answer = rented("run", guide, *REHEARSAL, *words)
    assert answer.code == 4, answer.err
    assert then(answer) == [] and provider.asked == []


def test_a_lost_terminal_changes_nothing(rented: Shell, guide: Path, provider: LoopbackProvider) -> None:
    words = ("--then", "sleep 2", "--then", UPLOAD, "--then", "terminate-instance")
    with rented.start("run", guide, *REHEARSAL, *words) as run:
        until(run, "Rehearsed 50 steps")
        run.send_signal(signal.SIGHUP)
        _, err = run.communicate(timeout=60)
    assert (run.returncode, err) == (0, "")
    assert provider.asked == [TERMINATE_RUNPOD]


def test_a_screen_that_is_gone_changes_nothing(
    rented: Shell, guide: Path, provider: LoopbackProvider
) -> None:
    words = (*REHEARSAL, "--then", UPLOAD, "--then", "terminate-instance")
    ours, theirs = pty.openpty()
    run = subprocess.Popen(
        [*rented.program, "run", str(guide), *words],
        stdout=theirs, stderr=theirs, cwd=rented.cwd, env={**os.environ, **rented.variables, **SLOW},
    )  # fmt: skip
    os.close(theirs)
    while b"saved " not in os.read(ours, 1 << 16):
        pass
    os.close(ours)
    run.wait(timeout=60)
    assert provider.asked == [TERMINATE_RUNPOD]


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 7)])
def test_cut_short_it_says_that_the_training_is_done(
    rented: Shell, guide: Path, provider: LoopbackProvider, number: int, code: int
) -> None:
    sleep = "sh -c 'echo asleep; sleep 60'"
    words = ("--then", sleep, "--then", UPLOAD, "--then", "terminate-instance")
    with rented.start("run", guide, *REHEARSAL, *words) as run:
        until(run, "then: asleep")
        run.send_signal(number)
        out, err = run.communicate(timeout=30)
    assert run.returncode == code
    assert "error: The training is done and kept; what should follow was cut short." in err
    assert "would train anew" in err
    assert f"then: {sleep}: failed: cut short. Stopped by " in out
    assert f"then: not done, since it was cut short: {UPLOAD}, terminate-instance" in out
    assert provider.asked == []


def test_a_signal_is_heard_while_the_hub_hangs(
    rented: Shell, guide: Path, provider: LoopbackProvider
) -> None:
    words = ("--then", "upload:hf://me/loras", "--then", "terminate-instance")
    with WritableHub() as hub:
        hub.hangs = True
        with rented.start("run", guide, *REHEARSAL, *words, **hub.env, NO_PROXY="127.0.0.1") as run:
            until(run, "then: uploading 9 files")
            time.sleep(3)
            run.send_signal(signal.SIGTERM)
            out, _ = run.communicate(timeout=20)
    assert run.returncode == 7
    assert "then: upload:hf://me/loras: failed: cut short." in out
    assert provider.asked == []


def test_cut_short_after_a_failure_ends_nothing_and_the_failure_comes_first(
    rented: Shell, guide: Path, provider: LoopbackProvider
) -> None:
    words = ("--then-always", UPLOAD, "--then-always", "sh -c 'echo asleep; sleep 60'")
    words = (*words, "--then-always", "terminate-instance")
    with rented.start("run", guide, *REHEARSAL, *words, **NAN) as run:
        until(run, "then: asleep")
        run.send_signal(signal.SIGTERM)
        out, _ = run.communicate(timeout=30)
    assert run.returncode == 6
    assert "then: not done, since it was cut short: terminate-instance" in out
    assert provider.asked == []


def test_what_was_uploaded_of_a_stopped_run_goes_on(rented: Shell, guide: Path, ssh: SmallSsh) -> None:
    with rented.start("run", guide, *REHEARSAL, "--then-always", UPLOAD, **SLOW) as run:
        until(run, "epoch 3/10")
        run.send_signal(signal.SIGTERM)
        run.communicate(timeout=60)
    (here,) = (guide.parent / ".kohya-wrap" / "runs").glob("2*")
    shutil.rmtree(here)
    shutil.copytree(ssh.home / "loras" / here.name, here)
    again = rented("run", guide, *REHEARSAL)
    assert (again.code, again.err) == (0, "")
    assert "going on after epoch " in again.out


def test_said_by_variables(rented: Shell, guide: Path) -> None:
    steps = "echo 'one step'\r\n\necho another\n"
    answer = rented("run", guide, *REHEARSAL, "--then", "echo typed", KOHYA_WRAP_RUN_THEN_ALWAYS=steps)
    said = [line for line in then(answer) if ":" not in line.removeprefix("then: ")]
    assert said == ["then: typed", "then: one step", "then: another"]


def test_a_token_in_a_command_is_written_nowhere(rented: Shell, guide: Path, ssh: SmallSsh) -> None:
    command = "echo https://me:secret-word@example.org/hook"
    answer = rented("run", guide, *REHEARSAL, "--then", command, "--then", UPLOAD)
    assert answer.code == 0 and "secret-word" not in answer.out
    written = [*guide.parent.rglob("*"), *ssh.home.rglob("*")]
    assert not any(b"secret-word" in path.read_bytes() for path in written if path.is_file())


@pytest.fixture
def two(guide: Path, tmp_path: Path) -> tuple[Path, Path]:
    """The guide's project, and another beside it whose config is broken."""
    shutil.copytree(guide.parent, tmp_path / "other")
    other = tmp_path / "other" / "training_config.toml"
    text = other.read_text(encoding="utf-8").replace("my_lora", "other")
    other.write_text(f"learnin_rate = 1e-4\n{text}", encoding="utf-8")
    return guide, other


def test_a_queue_is_followed_once_and_by_all_of_it(
    rented: Shell, two: tuple[Path, Path], provider: LoopbackProvider, ssh: SmallSsh
) -> None:
    """Nothing while one of it has failed; then what an earlier call has trained is brought away too."""
    guide, other = two
    words = ("run", guide, other, *REHEARSAL, "--then", UPLOAD, "--then", "terminate-instance")
    failed = rented(*words)
    assert failed.code == 3
    assert provider.asked == [] and not digests(ssh.home / "loras")
    assert any("not done, since the training did not succeed" in line for line in then(failed))
    mended = other.read_text(encoding="utf-8").partition("\n")[2]
    other.write_text(mended, encoding="utf-8")
    answer = rented(*words)
    assert (answer.code, answer.err) == (0, "")
    made = digests(guide.parent / "output") | digests(other.parent / "output")
    assert len(made) == 10 and digests(ssh.home / "loras") == made
    assert provider.accepted == [TERMINATE_RUNPOD]
    assert [line.split()[1] for line in answer.out.splitlines() if line.startswith(f"{guide} ")] == ["done"]


def test_a_queue_that_failed_in_part_is_followed_by_what_is_for_every_end(
    rented: Shell, two: tuple[Path, Path], provider: LoopbackProvider, ssh: SmallSsh
) -> None:
    guide, other = two
    every = ("--then-always", UPLOAD, "--then-always", "terminate-instance")
    answer = rented("run", guide, other, *REHEARSAL, *every, "--json")
    assert answer.code == 3
    assert [step["ok"] for step in answer.envelope["data"]["then"]] == [True, True]
    assert digests(ssh.home / "loras") == digests(guide.parent / "output")
    assert provider.accepted == [TERMINATE_RUNPOD]


def test_a_copied_project_takes_the_place_of_nothing_that_the_other_sent(
    rented: Shell, guide: Path, tmp_path: Path
) -> None:
    away = tmp_path / "away"
    words = (*REHEARSAL, "--then", f"upload:{away}")
    assert rented("run", guide, *words).code == 0
    first = (away / "my_lora.safetensors").read_bytes()
    copy = shutil.copytree(guide.parent, tmp_path / "copy") / guide.name
    answer = rented("run", copy, *words, "--set", "unet_lr=3e-4")
    assert answer.code == 0 and "it is kept as my_lora." in answer.out
    (kept,) = away.glob("my_lora.*.safetensors")
    assert kept.read_bytes() == first != (away / "my_lora.safetensors").read_bytes()
    again = rented(
        "run", copy.parent.rename(tmp_path / "moved") / guide.name, *words, "--set", "unet_lr=4e-4"
    )
    assert again.code == 0 and "it is kept as" not in again.out, "its own is replaced"


def test_of_two_projects_with_one_name_none_takes_the_other_s_place(
    rented: Shell, guide: Path, tmp_path: Path
) -> None:
    shutil.copytree(guide.parent, tmp_path / "other")
    other, words = tmp_path / "other" / guide.name, (*REHEARSAL, "--then", "upload:nas")
    assert rented("run", guide, *words, "--until-epoch", "2").code == 0
    assert rented("run", guide, *words).code == 0, "its own files are replaced"
    first = digests(guide.parent / "output")
    assert digests(tmp_path / "nas") == first
    answer = rented("run", other, *words, "--set", "seed=7")
    second = digests(other.parent / "output")
    there = digests(tmp_path / "nas")
    assert {name: there[name] for name in second} == second
    assert set(there.values()) == {*first.values(), *second.values()}
    beside = f"my_lora.{first['my_lora.safetensors'][:12]}.safetensors"
    assert any(beside in line for line in then(answer)) and beside in rented("status", other).out


@pytest.fixture
def three(two: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path, Path]:
    """A third project behind the broken one."""
    guide, other = two
    shutil.copytree(guide.parent, tmp_path / "third")
    third = tmp_path / "third" / "training_config.toml"
    third.write_text(third.read_text(encoding="utf-8").replace("my_lora", "third"), encoding="utf-8")
    return guide, other, third


@pytest.mark.parametrize("by", ["cap", "stop", "interrupt", "disk"])
def test_what_an_earlier_call_has_done_is_brought_away_though_its_turn_did_not_come(
    rented: Shell, three: tuple[Path, Path, Path], provider: LoopbackProvider, ssh: SmallSsh, by: str
) -> None:
    guide, other, third = three
    assert rented("run", *three, *REHEARSAL).code == 3
    other.write_text(other.read_text(encoding="utf-8").partition("\n")[2], encoding="utf-8")
    words = ("run", *three, *REHEARSAL, "--then-always", UPLOAD, "--then-always", "terminate-instance")
    if by == "cap":
        answer = rented(*words, "--max-hours", "0.0001", "--json")
        assert answer.code == 7
        assert [job["outcome"] for job in answer.envelope["data"]["jobs"]] == ["done", "stopped", "done"]
    elif by == "disk":
        views = other.parent / ".kohya-wrap" / "views"
        views.parent.mkdir(exist_ok=True)
        views.write_text("x", encoding="utf-8")
        assert rented(*words).code == 8
    else:
        with rented.start(*words, **SLOW) as run:
            until(run, "2 of 3: " if by == "interrupt" else "epoch 1/10")
            run.send_signal(signal.SIGINT if by == "interrupt" else signal.SIGTERM)
            run.communicate(timeout=60)
    made = digests(guide.parent / "output") | digests(third.parent / "output")
    assert made and made.items() <= digests(ssh.home / "loras").items()
    assert provider.accepted == [TERMINATE_RUNPOD]


def test_a_queue_that_trained_nothing_is_followed_by_nothing(
    rented: Shell, two: tuple[Path, Path], provider: LoopbackProvider
) -> None:
    guide, other = two
    assert rented("run", guide, other, *REHEARSAL).code == 3
    every = ("--then-always", UPLOAD, "--then-always", "terminate-instance")
    answer = rented("run", guide, other, *REHEARSAL, *every)
    assert answer.code == 3 and then(answer) == []
    assert provider.asked == []


def test_a_step_is_told_how_the_command_ended_and_not_its_last_run(
    rented: Shell, two: tuple[Path, Path]
) -> None:
    guide, other = two
    told = ("--then-always", "sh -c 'echo $KOHYA_WRAP_THEN_OUTCOME'")
    assert "then: failed" in then(rented("run", other, guide, *REHEARSAL, *told))
    with rented.start("run", guide, *REHEARSAL, "--restart", *told, **SLOW) as run:
        until(run, "epoch 1/10")
        run.send_signal(signal.SIGTERM)
        assert "then: stopped" in run.communicate(timeout=60)[0].splitlines()
    paused = rented("run", guide, *REHEARSAL, *told, "--until-epoch", "5", **SLOW)
    assert "then: paused" in then(paused)
