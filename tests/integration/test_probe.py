"""`run --probe`: what the hardest batch needs is found out before the first step of the run."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
import toml
from PIL import Image

from kohya_wrap.domain.events import AttemptStarted, Event, Probed, Progress, RunStarted
from kohya_wrap.host import child
from kohya_wrap.training import journal
from tests.fixtures.shell import Shell, until

RUN = ("run", "my-lora/training_config.toml", "--engine", "rehearsal", "--probe")
CONFIG = """
resolution = "128,128"
min_bucket_reso = 64
enable_bucket = true
train_batch_size = 4
max_train_epochs = 2
seed = 3
sample_prompts = "prompts.txt"
sample_every_n_epochs = 1
[kohya_wrap]
base = "sd15"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Six high and narrow pictures, and a square one: its bucket has more pixels, but never a batch of four."""
    folder = tmp_path / "my-lora" / "training_data" / "1_x"
    folder.mkdir(parents=True)
    for number in range(6):
        Image.effect_noise((64, 200), 50 + number).convert("RGB").save(folder / f"{number}.png")
    Image.new("RGB", (128, 128), "red").save(folder / "square.png")
    (tmp_path / "my-lora" / "prompts.txt").write_text("a cat", encoding="utf-8")
    (tmp_path / "my-lora" / "training_config.toml").write_text(CONFIG, encoding="utf-8")
    return tmp_path / "my-lora"


def told(project: Path) -> list[Event]:
    (run,) = project.glob(".kohya-wrap/runs/2*")
    return [event for _, event in journal.read(run / "events.jsonl")]


def test_it_tries_the_fullest_batch_of_the_largest_bucket(shell: Shell, project: Path) -> None:
    answer = shell(*RUN)
    assert (answer.code, answer.err) == (0, "")
    assert "the hardest batch fits: 4 of 64x192" in answer.out
    events = told(project)
    assert [event for event in events if isinstance(event, Probed)] == [Probed((64, 192), 4, {})]
    assert max(event.step for event in events if isinstance(event, Progress)) == 6
    (run,) = project.glob(".kohya-wrap/runs/2*")
    assert not (run / "probe").exists() and sorted(project.glob("output/*.safetensors"))
    views = (project / ".kohya-wrap" / "views").iterdir()
    assert {path.name for path in views} <= {"store", ".store.lock"}, "none is left"


def test_what_it_took_the_run_begins_with(shell: Shell, project: Path) -> None:
    """No step of the run is lost: without a probe it would begin twice."""
    once = {"KOHYA_WRAP_REHEARSAL_FAULT": "oom@2", "KOHYA_WRAP_REHEARSAL_FAULT_ONCE": str(project / "marks")}
    answer = shell(*RUN, **once)
    assert answer.code == 0
    assert (
        "The probe: The GPU ran out of memory after step 1 of 2. With gradient_checkpointing." in answer.out
    )
    events = told(project)
    (attempt,) = [event for event in events if isinstance(event, AttemptStarted)]
    assert attempt.changed == {"gradient_checkpointing": True}
    (run,) = project.glob(".kohya-wrap/runs/2*")
    assert toml.load(run / "engine_config.toml")["gradient_checkpointing"] is True


def test_what_never_fits_starts_no_run(shell: Shell, project: Path) -> None:
    answer = shell(*RUN, KOHYA_WRAP_REHEARSAL_FAULT="oom@1")
    assert answer.code == 6
    assert "ran out of memory" in answer.three_lines[0]
    hint = answer.three_lines[2]
    assert "a smaller resolution" in hint and "gradient_checkpointing" not in hint and "batch" not in hint
    assert not any(isinstance(event, AttemptStarted) for event in told(project))
    assert not list(project.glob("output/*.safetensors"))


def test_a_hang_is_told_as_one_and_may_pass(shell: Shell, project: Path) -> None:
    soon = {"KOHYA_WRAP_HANG_SECONDS": "2", "KOHYA_WRAP_RETRY_SECONDS": "0"}
    once = {"KOHYA_WRAP_REHEARSAL_FAULT_ONCE": str(project / "marks")}
    answer = shell(*RUN, KOHYA_WRAP_REHEARSAL_FAULT="hang@2", **soon, **once)
    assert (answer.code, answer.err) == (0, "")
    assert "The probe: The trainer said nothing any more after step 1 of 2." in answer.out
    assert "Starting it again in 0 s, try 1 of 3" in answer.out and "the hardest batch fits" in answer.out


def test_a_crash_may_pass_as_in_the_run_itself(shell: Shell, project: Path) -> None:
    once = {"KOHYA_WRAP_REHEARSAL_FAULT_ONCE": str(project / "marks"), "KOHYA_WRAP_RETRY_SECONDS": "0"}
    answer = shell(*RUN, KOHYA_WRAP_REHEARSAL_FAULT="crash@1", **once)
    assert (answer.code, answer.err) == (0, "")
    assert "Starting it again in 0 s, try 1 of 3" in answer.out
    again = shell(*RUN, "--restart", KOHYA_WRAP_REHEARSAL_FAULT="crash@1", KOHYA_WRAP_RETRY_SECONDS="0")
    assert again.code == 6 and "was killed by" in again.three_lines[0]


def test_a_signal_while_it_probes(shell: Shell, project: Path) -> None:
    run = shell.start(*RUN, KOHYA_WRAP_REHEARSAL_FAULT="hang@1")
    until(run, "SD 1.5, ")
    (folder,) = _soon(project)
    given = toml.load(folder / "probe" / "engine_config.toml")
    assert (given["max_train_steps"], given["sample_at_first"]) == (2, True)
    assert not {"max_train_epochs", "sample_every_n_epochs"} & set(given)
    os.kill(run.pid, signal.SIGINT)
    _, err = run.communicate(timeout=60)
    assert run.returncode == 130 and "Stopped before the first step" in err
    again = shell(*RUN)
    assert again.code == 0 and "the hardest batch fits" in again.out
    assert any(isinstance(event, RunStarted) for event in told(project)) and folder.exists()


def left_alone(shell: Shell, project: Path) -> Path:
    """A run whose kohya-wrap was killed while it probed."""
    run = shell.start(*RUN, KOHYA_WRAP_REHEARSAL_FAULT="hang@2")
    until(run, "SD 1.5, ")
    (folder,) = _soon(project)
    end = time.monotonic() + 20
    while "1/2" not in (folder / "probe" / "engine.log").read_text(encoding="utf-8"):
        assert time.monotonic() < end
        time.sleep(0.05)
    run.kill()
    run.communicate()
    return folder


def probes() -> list[int]:
    return [process.pid for log, process in child.living() if log.parent.name == "probe"]


def test_a_probe_that_nobody_watches_is_ended_by_the_next_run(shell: Shell, project: Path) -> None:
    folder = left_alone(shell, project)
    assert probes()
    (run,) = shell("status", project, "--json").envelope["data"]["runs"]
    assert run["state"] == "unwatched"
    again = shell(*RUN)
    assert (again.code, again.err) == (0, "")
    assert "the probe of an earlier call was still at work" in again.out
    assert not probes() and not (folder / "probe").exists()


def test_a_probe_that_nobody_watches_is_stopped(shell: Shell, project: Path) -> None:
    left_alone(shell, project)
    assert shell("stop", project, "--now").code == 0
    assert not probes()
    assert shell("stop", project, "--now").code == 2


def _soon(project: Path) -> list[Path]:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if found := [path.parent.parent for path in project.glob(".kohya-wrap/runs/2*/probe/engine.log")]:
            return found
        time.sleep(0.05)
    raise AssertionError("no probe began")


def test_a_probe_is_not_made_again_when_the_run_goes_on(shell: Shell, project: Path) -> None:
    slow = {"KOHYA_WRAP_REHEARSAL_STEP_SECONDS": "0.3"}
    assert shell(*RUN, "--until-epoch", "1", **slow).code == 0
    again = shell(*RUN)
    assert again.code == 0
    assert "the hardest batch" not in again.out and "going on after epoch 1" in again.out


@pytest.mark.parametrize("words", [(), ("--now",)])
def test_a_stop_from_another_shell_ends_the_probe_and_the_run(
    shell: Shell, project: Path, words: tuple[str, ...]
) -> None:
    run = shell.start(*RUN, KOHYA_WRAP_REHEARSAL_FAULT="hang@2")
    until(run, "SD 1.5, ")
    _soon(project)
    assert shell("stop", project, *words).code == 0
    _, err = run.communicate(timeout=30)
    assert run.returncode == 7 and "Stopped before the first step" in err
    assert not probes() and not any(isinstance(event, AttemptStarted) for event in told(project))


def test_a_stop_between_two_probes_starts_no_third(shell: Shell, project: Path) -> None:
    run = shell.start(*RUN, KOHYA_WRAP_REHEARSAL_FAULT="crash@1", KOHYA_WRAP_RETRY_SECONDS="30")
    until(run, "Starting it again")
    assert shell("stop", project).code == 0
    _, err = run.communicate(timeout=20)
    assert run.returncode == 7 and "Stopped before the first step" in err
