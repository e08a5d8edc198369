"""Notices of a whole run on the rehearsal engine: what arrives, and that nothing waits for it."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest

from tests.fixtures.receiver import Receiver
from tests.fixtures.shell import Answer, Shell, until
from tests.integration.test_recovery import SECONDS

REHEARSAL = ("--engine", "rehearsal")
NO_PROXY = {"NO_PROXY": "127.0.0.1"}


def run(shell: Shell, config: Path, *words: str, **variables: str) -> Answer:
    return shell("run", config, *REHEARSAL, *words, **NO_PROXY, **SECONDS, **variables)


def test_the_end_is_told_once_with_its_facts(shell: Shell, guide: Path) -> None:
    with Receiver() as receiver:
        answer = run(shell, guide, "--notify", receiver.url, "--price", "3600")
    assert (answer.code, answer.err) == (0, "")
    (got,) = receiver.got
    lora = guide.parent / "output" / "my_lora.safetensors"
    (folder,) = (guide.parent / ".kohya-wrap" / "runs").glob("2*")
    assert (got["event"], got["name"], got["step"], got["steps"]) == ("finished", "my_lora", 50, 50)
    assert (got["lora"], got["run"]) == (str(lora), str(folder))
    assert f"loss {got['loss']:.3g}" in answer.out
    assert got["text"] == got["content"]
    assert got["text"].startswith("my_lora: rehearsed step 50 of 50, loss ") and ", $" in got["text"]
    assert "s3cret" not in answer.out


def test_every_attempt_and_the_failure(shell: Shell, guide: Path) -> None:
    with Receiver() as receiver:
        answer = run(shell, guide, "--notify", receiver.url, KOHYA_WRAP_REHEARSAL_FAULT="crash@3")
    assert answer.code == 6
    assert receiver.events() == ["warning", "warning", "warning", "failed"]
    assert answer.three_lines[0] in receiver.got[-1]["text"]
    assert receiver.got[-1]["lora"] == ""


def test_an_out_of_memory_is_a_warning_and_the_end_is_good(shell: Shell, guide: Path, tmp_path: Path) -> None:
    once = {
        "KOHYA_WRAP_REHEARSAL_FAULT": "oom@12",
        "KOHYA_WRAP_REHEARSAL_FAULT_ONCE": str(tmp_path / "struck"),
    }
    with Receiver() as receiver:
        answer = run(shell, guide, "--notify", receiver.url, **once)
    assert answer.code == 0
    assert receiver.events() == ["warning", "finished"]
    assert "gradient_checkpointing" in receiver.got[0]["text"]


def test_a_loss_that_is_no_number(shell: Shell, guide: Path) -> None:
    with Receiver() as receiver:
        answer = run(shell, guide, KOHYA_WRAP_NOTIFY=f"{receiver.url}\n", KOHYA_WRAP_REHEARSAL_FAULT="nan@20")
    assert answer.code == 6
    assert receiver.events() == ["warning", "failed"]
    assert "not a number at step 20" in receiver.got[0]["text"]
    assert receiver.got[1]["loss"] is None


def test_a_stop_and_a_pause(shell: Shell, guide: Path) -> None:
    slow = {**NO_PROXY, "KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.1"}
    words = ("run", guide, *REHEARSAL, "--notify")
    with Receiver() as receiver:
        assert shell(*words, receiver.url, "--until-epoch", "3", **slow).code == 0
        with shell.start(*words, receiver.url, **slow) as child:
            until(child, "epoch 4/10, step 1")
            child.send_signal(signal.SIGTERM)
            child.communicate(timeout=30)
    assert child.returncode == 7
    assert receiver.events() == ["finished", "stopped"]
    assert "as far as it should for now, step 15 of 50" in receiver.got[0]["text"]
    assert "is kept, and it goes on from there" in receiver.got[1]["text"]


def test_what_was_asked_for_and_is_there_already_is_finished(shell: Shell, guide: Path) -> None:
    slow = {**NO_PROXY, "KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.1"}
    words = ("run", guide, *REHEARSAL, "--until-epoch", "2", "--then", "true", "--notify")
    with Receiver() as receiver:
        assert shell(*words, receiver.url, **slow).code == 0
        assert shell(*words, receiver.url).code == 0
    assert receiver.events() == ["finished", "afterwards"] * 2
    facts = [[got[name] for name in ("step", "steps", "lora", "run")] for got in receiver.got]
    assert facts == [facts[0]] * 4 and facts[0][:2] == [10, 50]
    assert "as far as it should for now, step 10 of 50, loss " in receiver.got[2]["text"]


def test_who_hangs_holds_up_nothing_but_the_last_seconds(shell: Shell, guide: Path) -> None:
    began = time.monotonic()
    alone = run(shell, guide)
    usual = time.monotonic() - began
    with Receiver(None, None, None, None) as receiver:
        began = time.monotonic()
        answer = run(shell, guide, "--notify", receiver.url, "--restart")
        took = time.monotonic() - began
    assert (alone.code, answer.code, answer.err) == (0, 0, "")
    assert took < usual + 10 + 4
    (warning,) = [line for line in answer.out.splitlines() if line.startswith("warning: a notice")]
    assert receiver.host in warning and "s3cret" not in answer.out


def test_who_cannot_wait_for_the_last_notice_need_not(shell: Shell, guide: Path) -> None:
    with (
        Receiver(None) as receiver,
        shell.start("run", guide, *REHEARSAL, "--notify", receiver.url, **NO_PROXY) as child,
    ):
        end = time.monotonic() + 30
        while not receiver.got and time.monotonic() < end:
            time.sleep(0.05)
        assert receiver.events() == ["finished"]
        time.sleep(1)
        began = time.monotonic()
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=30)
        assert time.monotonic() - began < 3
    assert (child.returncode, err) == (0, "")
    assert "Rehearsed 50 steps" in out


def test_nobody_there_is_one_warning_and_no_failure(shell: Shell, guide: Path, tmp_path: Path) -> None:
    faults = {
        "KOHYA_WRAP_REHEARSAL_FAULT": "oom@1,oom@2",
        "KOHYA_WRAP_REHEARSAL_FAULT_ONCE": str(tmp_path / "struck"),
    }
    with Receiver() as receiver:
        dead = receiver.url
    answer = run(shell, guide, "--notify", dead, **faults)
    assert (answer.code, answer.err) == (0, "")
    warnings = [line for line in answer.out.splitlines() if line.startswith("warning: a notice")]
    assert warnings == [f"warning: a notice did not reach {receiver.host}: Connection refused."]


def test_a_command_beside_an_address(shell: Shell, guide: Path, tmp_path: Path) -> None:
    script = tmp_path / "note.py"
    script.write_text(
        "import os; print(os.environ['KOHYA_WRAP_EVENT'], os.environ['KOHYA_WRAP_STEP'], file=open('told', 'a'))"
    )
    with Receiver() as receiver:
        words = ("--notify", f"{sys.executable} {script}", "--notify", receiver.url)
        assert run(shell, guide, *words).code == 0
    assert (tmp_path / "told").read_text() == "finished 50\n"
    assert receiver.events() == ["finished"]


@pytest.mark.parametrize("word", ["http://host:s3cret/", "no-such-command s3cret", "http://"])
def test_what_cannot_be_told_is_refused_before_the_training(shell: Shell, guide: Path, word: str) -> None:
    answer = run(shell, guide, "--notify", word)
    assert answer.code == 2
    assert "--notify" in answer.three_lines[0] and "s3cret" not in answer.err
    assert not (guide.parent / ".kohya-wrap").exists()


def test_a_run_that_is_refused_has_not_failed(shell: Shell, guide: Path) -> None:
    with (
        Receiver() as receiver,
        shell.start("run", guide, *REHEARSAL, KOHYA_WRAP_REHEARSAL_FAULT="hang@15") as first,
    ):
        until(first, "engine started")
        assert run(shell, guide, "--notify", receiver.url).code == 2
        first.terminate()
        first.communicate(timeout=30)
    assert receiver.got == []


def test_a_queue_tells_of_its_end_and_of_what_was_refused(shell: Shell, guide: Path) -> None:
    broken = guide.with_name("broken.toml")
    broken.write_text("learnin_rate = 1e-4\n", encoding="utf-8")
    with Receiver() as receiver:
        assert run(shell, guide, "my-lora/broken.toml", "--notify", receiver.url).code == 3
        assert run(shell, broken, str(broken), "--notify", receiver.url).code == 3, (
            "told at once, to who typed it"
        )
    assert receiver.events() == ["finished", "queue"]
    end = receiver.got[-1]
    assert end["text"].startswith("all is over: 1 done, 1 failed; my-lora/broken.toml: ")
    assert "`learnin_rate` is no option" in end["text"] and end["name"] == "my_lora"


def test_a_queue_that_is_stopped_tells_how_far_it_is(shell: Shell, guide: Path) -> None:
    other = guide.with_name("other.toml")
    other.write_text(guide.read_text(encoding="utf-8").replace("my_lora", "other"), encoding="utf-8")
    words = ("--max-cost", "0.001", "--price", "3600", "--notify")
    with Receiver() as receiver:
        assert run(shell, guide, str(other), *words, receiver.url).code == 7
    assert receiver.events() == ["stopped", "queue"]
    assert receiver.got[-1]["text"].startswith("all is over: 1 stopped, 1 not begun; ")
